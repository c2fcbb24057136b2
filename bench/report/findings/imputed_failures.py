"""Scores that stand for cells that failed."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.stability import kinds_of_failure

CODE = "imputed-failures"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model with failed cells."""
    for row in content.rows:
        if row.scores.failed and row.scores.cells.size:
            total = row.scores.ran + row.scores.not_run
            kinds = f" ({kinds_of_failure(row.scores)})" if row.scores.failed_by else ""
            yield (
                f"{row.scores.failed} of {total} cells of {row.scores.name} failed{kinds} and count as the score of "
                f"{content.task.floor} in every average. First reason: {row.scores.reason}"
            )
