"""Implicit alternating least squares."""

from dataclasses import dataclass
from typing import Any

from bench.models.factors import AlternatingLeastSquares
from bench.models.interactions import not_negative, positive
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``ials``; the defaults give what is published for 64 factors and 12 sweeps on MovieLens 100K."""

    factors: int = 64
    sweeps: int = 12
    """Solutions for all users and all items."""
    alpha: float = 5.0
    """What the weight of an interaction is multiplied by; one that is not there weighs 1."""
    regularization: float = 0.8
    """Strength of the L2 penalty, for each interaction that users and items have on average."""

    def __post_init__(self) -> None:
        positive(factors=self.factors, sweeps=self.sweeps, alpha=self.alpha)
        not_negative(regularization=self.regularization)


def space(trial: Any) -> dict[str, Any]:
    """Return sizes, sweeps, weights and penalties to try; sizes and weights as in Ferrari Dacrema et al. 2021."""
    return {
        "factors": trial.suggest_int("factors", 8, 200, log=True),
        "sweeps": trial.suggest_int("sweeps", 5, 30),
        "alpha": trial.suggest_float("alpha", 1.0, 50.0, log=True),
        "regularization": trial.suggest_float("regularization", 1e-3, 5.0, log=True),
    }


@register_model(
    "ials",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    libraries=("numpy", "scipy", "pandas", "implicit"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """Vectors of users and items by alternating least squares, what is not there weighing less (iALS)."""
    return AlternatingLeastSquares(params.factors, params.sweeps, params.alpha, params.regularization, context)
