"""scikit-learn's histogram gradient boosting."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model

MOST_LEVELS = 254
"""The library takes no more of one category."""


@dataclass
class Params:
    """Parameters of ``hist_boosting``; the defaults are the library's."""

    max_iter: int = 100
    learning_rate: float = 0.1
    max_leaf_nodes: int = 31
    l2_regularization: float = 0.0


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "max_iter": trial.suggest_int("max_iter", 30, 500, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 128, log=True),
        "l2_regularization": trial.suggest_float("l2_regularization", 1e-3, 30.0, log=True),
    }


@register_model(
    "hist_boosting",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Histogram gradient boosting, with categories as sets of levels."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    regression = context.prediction == "value"
    trees = (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(
        max_iter=params.max_iter,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.max_leaf_nodes,
        l2_regularization=params.l2_regularization,
        # Rare classes would end in neither part of an inner split.
        early_stopping=False,
        random_state=context.seed,
    )
    return OnColumns(Split(seed=0, levels=MOST_LEVELS, as_category=True), trees, least_classes=1 if regression else 2)
