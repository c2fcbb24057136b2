"""Extremely randomised trees."""

from dataclasses import dataclass

from bench.models.columns import OnColumns, Split
from bench.models.forests import forest, space
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``extra_trees``."""

    n_estimators: int = 300
    """Trees of up to 15,000 training rows; of more rows fewer, half of them at least."""
    min_samples_leaf: int = 1
    max_features: float = 0.0
    """Share of the columns that a split looks at; 0 takes the square root of their number, or all for a quantity."""


@register_model(
    "extra_trees",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Extremely randomised trees, with categories by their codes."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    return OnColumns(Split(seed=0), forest(ExtraTreesClassifier, ExtraTreesRegressor, params, context))
