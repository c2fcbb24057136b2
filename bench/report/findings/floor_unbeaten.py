"""Nothing learns more than the floor does."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "floor-unbeaten"


def find(content: Content) -> Iterator[str]:
    """Yield a text where no model surely beats the floor."""
    if content.decision.pick or len(content.rows) < 2 or content.task.protocol == "curve" or content.decision.excluded:
        return
    best = max(
        (row for row in content.rows if row.scores.role != "floor"), key=lambda row: row.scores.mean, default=None
    )
    if best is not None and best.scores.cells.size:
        yield (
            f"No model surely beats {content.task.floor} by the margin; the best mean is that of {best.scores.name}. "
            "Look at the data first: do the labels follow from the inputs at all?"
        )
