"""Random walks from the items that a user had, to users, to items."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.models.interactions import not_negative, positive
from bench.models.item_weights import ItemWeights, walks
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``rp3beta``."""

    alpha: float = 1.0
    """Power of each step's probability."""
    beta: float = 0.4
    """Power of the popularity that a walk's end is divided by; 0 is P3alpha."""
    neighbours: int = 200
    """Ends that are kept of each start."""

    def __post_init__(self) -> None:
        positive(neighbours=self.neighbours)
        not_negative(alpha=self.alpha, beta=self.beta)


def space(trial: Any) -> dict[str, Any]:
    """Return powers and neighbours to try; the ranges are those of Ferrari Dacrema et al. 2021."""
    return {
        "alpha": trial.suggest_float("alpha", 0.0, 2.0),
        "beta": trial.suggest_float("beta", 0.0, 2.0),
        "neighbours": trial.suggest_int("neighbours", 5, 1000, log=True),
    }


@register_model(
    "rp3beta",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """Walks of three steps from a user over items and users to items, popular ends damped."""
    learn = partial(walks, alpha=params.alpha, beta=params.beta, neighbours=params.neighbours, threads=context.threads)
    return ItemWeights(learn, context)
