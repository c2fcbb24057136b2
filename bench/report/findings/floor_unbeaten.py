"""Nothing learns more than the floor does."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.decision import twin_of, unbeaten

CODE = "floor-unbeaten"


def find(content: Content) -> Iterator[str]:
    """Yield a text where no model surely beats the floor."""
    if content.decision.pick or len(content.rows) < 2 or content.task.protocol == "curve":
        return
    # A model that a limit bars, or another floor, may well beat this one.
    behind = unbeaten([content.task.floor]), twin_of(content.task.floor)
    if any(why not in behind for why in content.decision.excluded.values()):
        return
    floor = content.row(content.task.floor)
    if (best := content.best) is not None and floor is not None and floor.scores.cells.size:
        yield (
            f"No model surely beats {content.task.floor} by the margin; the best mean is that of {best.scores.name}. "
            f"Look at the data first: {_question(content)}"
        )


def _question(content: Content) -> str:
    if content.task.prediction == "quantiles":
        return "is there more to foresee in these series than that they go on?"
    if content.task.prediction == "ranking":
        return "is there more to tell of these users than chance?"
    targets = "labels" if content.task.prediction == "probability" else "targets"
    return f"do the {targets} follow from the inputs at all?"
