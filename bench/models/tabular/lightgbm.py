"""LightGBM with its own defaults."""

from dataclasses import dataclass
from typing import Any

from bench.models.boosted import EarlyStopped, boosted
from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model

FEWEST = 20
"""Rounds of a fit, and rounds without gain that end one."""
CLASS_WEIGHTS = ("none", "balanced")


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
    early_stopping: int = 0
    """Rounds without gain on a part of the training rows that end a fit, before one with all rows; 0 for no such part.
    Of no effect below 1,000 rows."""
    max_cat_threshold: int = 32
    """Levels of a category that may stand on the smaller side of a split."""
    cat_smooth: float = 10.0
    """Weight of what is usual against what a level's own rows say."""
    min_data_per_group: int = 100
    """Rows that a group of levels must have."""
    class_weight: str = "none"
    """none, or balanced: rows of rare classes count for more. Of no effect for quantities."""

    def __post_init__(self) -> None:
        if self.class_weight not in CLASS_WEIGHTS:
            raise ValueError(f"class_weight must be one of {', '.join(CLASS_WEIGHTS)}, not {self.class_weight!r}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try: steps and their number, how much each tree may see, categories, rare classes."""
    rate = trial.suggest_float("learning_rate", 0.01, 0.2, log=True)
    # Small steps need more of them: their product stays within a factor of ten, which stopping early can only lower.
    travel = trial.suggest_float("travel", 4.0, 40.0, log=True)
    return {
        "learning_rate": rate,
        "n_estimators": max(FEWEST, round(travel / rate)),
        "early_stopping": max(FEWEST, round(1 / rate)) if trial.suggest_categorical("stops", [False, True]) else 0,
        "num_leaves": trial.suggest_int("num_leaves", 4, 128, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "max_cat_threshold": trial.suggest_int("max_cat_threshold", 4, 256, log=True),
        "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 100.0, log=True),
        "min_data_per_group": trial.suggest_int("min_data_per_group", 5, 200, log=True),
        "class_weight": trial.suggest_categorical("class_weight", list(CLASS_WEIGHTS)),
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
    regression = context.prediction == "value"
    trees = boosted(
        context,
        n_estimators=params.n_estimators,
        learning_rate=params.learning_rate,
        num_leaves=params.num_leaves,
        min_child_samples=params.min_child_samples,
        reg_lambda=params.reg_lambda,
        subsample=params.subsample,
        subsample_freq=int(params.subsample < 1),
        colsample_bytree=params.colsample_bytree,
        max_cat_threshold=params.max_cat_threshold,
        cat_smooth=params.cat_smooth,
        min_data_per_group=params.min_data_per_group,
        class_weight=None if regression or params.class_weight == "none" else params.class_weight,
    )
    estimator = EarlyStopped(trees, params.early_stopping, context.seed) if params.early_stopping else trees
    return OnColumns(Split(seed=0, as_category=True), estimator, least_classes=1 if regression else 2)
