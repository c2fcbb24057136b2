"""Pretraining that is worth nothing on these data."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.comparison import paired

CODE = "zoo-at-the-floor"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every pretrained model and every floor that it does not surely beat."""
    floors = [row.scores for row in content.rows if row.scores.role == "floor" and row.scores.replicated]
    zoo = [row.scores for row in content.rows if row.scores.role in ("zoo", "ensemble") and row.scores.replicated]
    for floor in floors:
        for model in zoo:
            if paired(model, floor, content.test_train_ratio).probability_above(0) < 0.95:
                yield (
                    f"{model.name} does not surely score above {floor.name} ({100 * model.mean:.2f} against "
                    f"{100 * floor.mean:.2f}): on these data its pretraining is worth nothing that could be measured."
                )
