"""A random forest."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``random_forest``."""

    n_estimators: int = 300
    min_samples_leaf: int = 1
    max_features: float = 0.0
    """Share of the columns that a split looks at; 0 takes the square root of their number, or all for a quantity."""


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }


@register_model(
    "random_forest",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Random forest, with categories by their codes."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    regression = context.prediction == "value"
    trees = (RandomForestRegressor if regression else RandomForestClassifier)(
        n_estimators=params.n_estimators,
        min_samples_leaf=params.min_samples_leaf,
        max_features=params.max_features or (1.0 if regression else "sqrt"),
        random_state=context.seed,
        n_jobs=context.threads,
    )
    return OnColumns(Split(seed=0), trees)
