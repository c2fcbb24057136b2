"""Scores that stand for cells that failed."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.wording import count
from bench.stats.stability import kinds_of_failure

CODE = "imputed-failures"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model with failed cells."""
    for row in content.rows:
        if row.scores.failed and row.scores.cells.size:
            total = row.scores.ran + row.scores.not_run
            kinds = f" ({kinds_of_failure(row.scores)})" if row.scores.failed_by else ""
            verb = "counts" if row.scores.failed == 1 else "count"
            cells = f"{row.scores.failed} of {count(total, 'cell')} of {row.scores.name}"
            yield (
                f"{cells} failed{kinds} and {verb} as the score of {content.task.floor} in every average. "
                f"First reason: {row.scores.reason}"
            )
