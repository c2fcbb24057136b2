"""A lead smaller than what one fold differs from the next."""

import math
from collections.abc import Iterator

from bench.report.content import Content

CODE = "gain-within-noise"


def find(content: Content) -> Iterator[str]:
    """Yield a text where the best mean leads the reference by less than the fold-to-fold spread of the reference."""
    rows = [row for row in content.rows if row.scores.role != "floor" and row.scores.replicated]
    if len(rows) < 2:
        return
    best = max(rows, key=lambda row: row.scores.mean)
    reference = next((row for row in rows if row.scores.name == content.task.reference), None)
    if reference is None or best is reference:
        return
    spread = float(reference.scores.by_fold.std(ddof=1))
    if 0 < best.against.difference < spread and not math.isnan(spread):
        lead, noise = content.unit.amount(best.against.difference), content.unit.size(spread)
        yield (
            f"{best.scores.name} leads {reference.scores.name} by {lead}, less than the {noise} by "
            f"which one {content.part} of {reference.scores.name} differs from the next. Only a "
            f"comparison on the same {content.part}s can show such a lead; scores of different splits would hide it."
        )
