"""Pretrained weights that have seen the data they are tested on."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.pretraining import exposed_models

CODE = "exposed"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model whose training data are said to contain this data set."""
    # A file is known by its name alone.
    other = "" if content.facts["about"].get("data_citation") else " If yours is another, give it another data.name."
    for name in exposed_models(content):
        yield (
            f"{name} was pretrained on {content.data}: its score is that of a memory, not of a model on new data. It "
            "is not recommended; report.exposed=hide takes it out of the tables. Test it on data that it cannot have "
            f"seen.{other}"
        )
