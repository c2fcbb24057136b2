"""Pretrained weights that have seen the data they are tested on."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "exposed"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model whose training data are said to contain this data set."""
    for row in content.rows:
        seen = [name.strip() for name in row.about["trained_on"].split(",")]
        if content.data in seen:
            yield (
                f"The weights of {row.scores.name} were trained on {content.data}: its score is that of a memory, not "
                "of a model on new data. Leave it out of the choice, or test on data that it cannot have seen."
            )
