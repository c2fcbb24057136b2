"""A model that declares itself deterministic and is not."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "not-deterministic"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model whose first two seeds differ against its declaration."""
    for row in content.rows:
        # Cells are ordered by fold, then seed: the first two are the two seeds of the first fold.
        first = row.scores.digests[:2] if row.scores.cells.shape[1:] > (1,) else ()
        if row.about["deterministic"] and len(first) == 2 and all(first) and first[0] != first[1]:
            yield (
                f"{row.scores.name} declares itself deterministic, and two seeds gave different predictions on the "
                "first fold. It was run with every seed; take the declaration out of its model file."
            )
