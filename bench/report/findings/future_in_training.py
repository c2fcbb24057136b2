"""Models that are fitted on what happened after they are asked."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

CODE = "future-in-training"


def find(content: Content) -> Iterator[str]:
    """Yield a text where training interactions are later than the median test interaction."""
    later = split_figure(content.facts["about"], "later")
    if later > 0:
        yield (
            f"{share(later)} of the training interactions lie after the median test interaction: a model is told the "
            "future, of other users at least, which no recommender in use is. protocol=global_time does not."
        )
