"""Weights that the lock does not hold."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "unpinned"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every single model that ran with unpinned weights; an ensemble has those of its members."""
    for row in content.rows:
        if (addresses := row.about["unpinned"]) and row.scores.ran and row.weights is None:
            yield (
                f"{row.scores.name} loaded weights that zoo.lock does not hold ({', '.join(addresses)}): nobody can "
                "check that another run has the same bytes. Lock them by: python -m bench zoo lock ADDRESS"
            )
