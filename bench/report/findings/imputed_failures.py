"""Scores that stand for cells that failed."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "imputed-failures"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model with failed cells."""
    for row in content.rows:
        if row.scores.failed and row.scores.cells.size:
            total = row.scores.ran + row.scores.not_run
            yield (
                f"{row.scores.failed} of {total} cells of {row.scores.name} failed and count as the score of "
                f"{content.task.floor} in every average. First reason: {row.scores.reason}"
            )
