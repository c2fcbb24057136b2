"""The leading singular vectors of the matrix of users and items."""

from dataclasses import dataclass
from typing import Any

from bench.models.factors import SingularVectors
from bench.models.interactions import positive
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``pure_svd``."""

    factors: int = 32
    """Singular vectors that are kept; fewer where there are not so many."""

    def __post_init__(self) -> None:
        positive(factors=self.factors)


def space(trial: Any) -> dict[str, Any]:
    """Return numbers of vectors to try; the range is that of Ferrari Dacrema et al. 2021."""
    return {"factors": trial.suggest_int("factors", 1, 350, log=True)}


@register_model(
    "pure_svd",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """What the leading singular vectors of all interactions restore of a user's history."""
    return SingularVectors(params.factors, context)
