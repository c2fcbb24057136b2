"""Pretraining that is worth nothing on these data."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.comparison import paired

CODE = "zoo-at-the-floor"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every pretrained model and every floor that it does not surely beat."""
    floors = [row.scores for row in content.rows if row.scores.role == "floor" and row.scores.replicated]
    zoo = [row.scores for row in content.rows if row.scores.pretrained and row.scores.replicated]
    for floor in floors:
        for model in zoo:
            if paired(model, floor, content.test_train_ratio).probability_above(0) < 0.95:
                mean, its = (content.unit.score(one.mean) for one in (model, floor))
                yield (
                    f"{model.name} does not surely {_beat(content)} {floor.name} ({mean} against "
                    f"{its}): on these data its pretraining is worth nothing that could be measured."
                )


def _beat(content: Content) -> str:
    return "score above" if content.unit.sign > 0 else "beat"
