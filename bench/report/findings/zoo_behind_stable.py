"""A pretrained model that loses to a stable one."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.comparison import paired

CODE = "zoo-behind-stable"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every pretrained model that surely scores below the best stable one."""
    stable = [row.scores for row in content.rows if row.scores.role == "stable" and row.scores.replicated]
    if not stable:
        return
    best = max(stable, key=lambda model: model.mean)
    for row in content.rows:
        if not row.scores.pretrained or not row.scores.replicated:
            continue
        gap = paired(best, row.scores, content.test_train_ratio)
        if gap.probability_above(0) >= 0.95:
            unit = content.unit
            low, high = (unit.size(end) for end in gap.interval())
            behind = f"scores {unit.amount(gap.mean)} below {best.name}"
            if unit.sign < 0:
                behind = f"has {unit.article} {unit.label} {unit.size(gap.mean)} above that of {best.name}"
            yield f"{row.scores.name} {behind}, which needs no pretrained weights (95 % CI {low} to {high})."
