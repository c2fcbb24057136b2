"""LightGBM with its own defaults."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``lightgbm``; the defaults are the library's."""

    n_estimators: int = 100
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_child_samples: int = 20
    reg_lambda: float = 0.0
    subsample: float = 1.0
    """Share of the rows that each tree sees."""
    colsample_bytree: float = 1.0
    """Share of the columns that each tree sees."""


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try: many small steps or few large ones, and how much each tree may see."""
    rate = trial.suggest_float("learning_rate", 0.01, 0.2, log=True)
    # Small steps need more of them: their product stays within a factor of four.
    travel = trial.suggest_float("travel", 4.0, 40.0, log=True)
    return {
        "learning_rate": rate,
        "n_estimators": max(20, round(travel / rate)),
        "num_leaves": trial.suggest_int("num_leaves", 4, 128, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
    }


@register_model(
    "lightgbm",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "lightgbm", "skrub"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """Gradient-boosted trees, with categories as sets of levels."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    regression = context.prediction == "value"
    trees = (LGBMRegressor if regression else LGBMClassifier)(
        n_estimators=params.n_estimators,
        learning_rate=params.learning_rate,
        num_leaves=params.num_leaves,
        min_child_samples=params.min_child_samples,
        reg_lambda=params.reg_lambda,
        subsample=params.subsample,
        subsample_freq=int(params.subsample < 1),
        colsample_bytree=params.colsample_bytree,
        random_state=context.seed,
        n_jobs=context.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    return OnColumns(Split(seed=0, as_category=True), trees, least_classes=1 if regression else 2)
