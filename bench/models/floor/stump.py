"""One split on one column: what a table must beat to be worth a model."""

from dataclasses import dataclass

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "stump",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="floor",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """A decision tree with one split."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if context.prediction == "value" else DecisionTreeClassifier
    return OnColumns(Split(seed=0), kind(max_depth=1, random_state=context.seed))
