"""Logistic regression on standardised columns."""

from dataclasses import dataclass

from bench.models.columns import Dense
from bench.models.parts import Chain
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``logreg``."""

    C: float = 1.0
    """Inverse strength of the L2 penalty."""


@register_model(
    "logreg",
    task_types=["tabular_clf"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Logistic regression with an L2 penalty on standardised numbers and indicators of categories."""
    from sklearn.linear_model import LogisticRegression

    # One seed for all fits: the components of rare texts are no part of the model's luck.
    return Chain(Dense(seed=0), LogisticRegression(C=params.C, max_iter=2000))
