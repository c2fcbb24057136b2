"""What users alike took up."""

from dataclasses import dataclass
from typing import Any

from bench.models.histories_alike import UserNeighbours
from bench.models.interactions import not_negative, positive
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``user_knn``."""

    neighbours: int = 100
    """Users whose histories count."""
    shrink: float = 10.0
    """Added to the product of lengths: similarity that few items carry is worth less."""

    def __post_init__(self) -> None:
        positive(neighbours=self.neighbours)
        not_negative(shrink=self.shrink)


def space(trial: Any) -> dict[str, Any]:
    """Return neighbours and shrinkage to try; the ranges are those of Ferrari Dacrema et al. 2021."""
    return {
        "neighbours": trial.suggest_int("neighbours", 5, 1000, log=True),
        "shrink": float(trial.suggest_int("shrink", 0, 1000)),
    }


@register_model(
    "user_knn",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """What the users had whose histories are most alike, by their cosine."""
    return UserNeighbours(params.neighbours, params.shrink, context)
