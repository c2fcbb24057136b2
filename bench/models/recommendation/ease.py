"""EASE: a ridge regression of each item on all others, in closed form."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.models.interactions import positive
from bench.models.item_weights import MOST_ITEMS, ItemWeights, closed_form, too_many_items, within
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``ease``."""

    penalty: float = 500.0
    """Strength of the L2 penalty."""
    most_items: int = MOST_ITEMS
    """Items above which the fit is refused: it takes 12 bytes for each two of them."""

    def __post_init__(self) -> None:
        positive(penalty=self.penalty, most_items=self.most_items)


def space(trial: Any) -> dict[str, Any]:
    """Return penalties to try: within the range of Ferrari Dacrema et al. 2021, without its far ends."""
    return {"penalty": trial.suggest_float("penalty", 1.0, 1e5, log=True)}


@register_model(
    "ease",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    unfit_for=too_many_items,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """A ridge regression of each item on all others, in closed form (EASE)."""
    return ItemWeights(within(params.most_items, partial(closed_form, penalty=params.penalty)), context)
