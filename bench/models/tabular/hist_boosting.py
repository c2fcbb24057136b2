"""scikit-learn's histogram gradient boosting."""

from dataclasses import dataclass

from bench.models.columns import Split
from bench.models.parts import Chain
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


@register_model(
    "hist_boosting",
    task_types=["tabular_clf"],
    params=Params,
    role="stable",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Histogram gradient boosting, with categories as sets of levels."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_iter=params.max_iter,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.max_leaf_nodes,
        l2_regularization=params.l2_regularization,
        # Rare classes would end in neither part of an inner split.
        early_stopping=False,
        random_state=context.seed,
    )
    return Chain(Split(seed=0, levels=MOST_LEVELS, as_category=True), classifier, least_classes=2)
