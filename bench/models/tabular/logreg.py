"""Logistic regression on standardised columns."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import Dense, OnColumns
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``logreg``."""

    C: float = 1.0
    """Inverse strength of the L2 penalty."""


def space(trial: Any) -> dict[str, Any]:
    """Return the penalty to try."""
    return {"C": trial.suggest_float("C", 1e-4, 1e3, log=True)}


@register_model(
    "logreg",
    task_types=["tabular_clf"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Logistic regression with an L2 penalty on standardised numbers and indicators of categories."""
    from sklearn.linear_model import LogisticRegression

    # One seed for all fits: the components of rare texts are no part of the model's luck.
    return OnColumns(Dense(seed=0), LogisticRegression(C=params.C, max_iter=2000))
