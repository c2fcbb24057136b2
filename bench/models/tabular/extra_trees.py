"""Extremely randomised trees."""

from dataclasses import dataclass

from bench.models.columns import Split
from bench.models.parts import Chain
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``extra_trees``."""

    n_estimators: int = 300
    min_samples_leaf: int = 1
    max_features: float = 0.0
    """Share of the columns that a split looks at; 0 takes the square root of their number."""


@register_model(
    "extra_trees",
    task_types=["tabular_clf"],
    params=Params,
    role="stable",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Extremely randomised trees, with categories by their codes."""
    from sklearn.ensemble import ExtraTreesClassifier

    classifier = ExtraTreesClassifier(
        n_estimators=params.n_estimators,
        min_samples_leaf=params.min_samples_leaf,
        max_features=params.max_features or "sqrt",
        random_state=context.seed,
        n_jobs=context.threads,
    )
    return Chain(Split(seed=0), classifier)
