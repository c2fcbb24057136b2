"""LightGBM with its own defaults."""

from dataclasses import dataclass

from bench.models.columns import Split
from bench.models.parts import Chain
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


@register_model(
    "lightgbm",
    task_types=["tabular_clf"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "lightgbm", "skrub"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """Gradient-boosted trees, with categories as sets of levels."""
    from lightgbm import LGBMClassifier

    classifier = LGBMClassifier(
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
    return Chain(Split(seed=0, as_category=True), classifier, least_classes=2)
