"""The highest mean, within the margin of a simpler model."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.comparison import paired
from bench.stats.decision import NOT_WORSE
from bench.types import ROLES

CODE = "tied-with-simpler"


def find(content: Content) -> Iterator[str]:
    """Yield a text where a model of a simpler family is surely within the margin of the best."""
    models = [row.scores for row in content.rows if row.scores.role != "floor" and row.scores.replicated]
    if not models:
        return
    best = max(models, key=lambda model: model.mean)
    simpler = [model for model in models if ROLES.index(model.role) < ROLES.index(best.role)]
    within = {
        model.name: 1 - paired(best, model, content.test_train_ratio).probability_above(content.margin)
        for model in simpler
    }
    names = [name for name, p in within.items() if p >= NOT_WORSE]
    margin = content.unit.margin(content.margin)
    if names:
        yield (
            f"{best.name} has the {content.unit.best} mean, and {', '.join(names)} lie within the margin of "
            f"{margin} with probability {min(within[name] for name in names):.2f} or more: the "
            "simpler model does as well."
            if len(names) > 1
            else f"{best.name} has the {content.unit.best} mean, and {names[0]} lies within the margin of "
            f"{margin} with probability {within[names[0]]:.2f}: the simpler model does as well."
        )
