"""Items like those that a user had, by who took them up."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.models.interactions import not_negative, positive
from bench.models.item_weights import ItemWeights, cosine
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``item_knn``."""

    neighbours: int = 100
    """Kept of each item."""
    shrink: float = 10.0
    """Added to the product of lengths: similarity that few users carry is worth less."""

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
    "item_knn",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """Nearest neighbours of the items that a user had, by the cosine of who took them up."""
    learn = partial(cosine, neighbours=params.neighbours, shrink=params.shrink, threads=context.threads)
    return ItemWeights(learn, context)
