"""SLIM: a sparse regression of each item on all others, without negative weights."""

from dataclasses import dataclass
from typing import Any

from bench.models.interactions import not_negative, positive
from bench.models.item_weights import ItemWeights, within
from bench.models.sparse_regressions import ElasticNet
from bench.registry import register_model
from bench.types import Context, Dataset, Model

MOST_ITEMS = 10_000
"""Items up to which a plain run has it: a sweep takes their number to the power of three."""


@dataclass
class Params:
    """Parameters of ``slim``."""

    alpha: float = 0.2
    """Strength of the penalty, for squared errors that are averaged over users."""
    l1_ratio: float = 0.001
    """Share of the L1 penalty in it."""
    sweeps: int = 10
    """Updates of each weight at most; further ones leave the scores as they are to the third decimal."""
    tolerance: float = 1e-3
    """Largest change of a weight in a sweep below which no other sweep follows."""
    most_items: int = MOST_ITEMS
    """Items above which the fit is refused."""

    def __post_init__(self) -> None:
        positive(alpha=self.alpha, sweeps=self.sweeps, most_items=self.most_items)
        not_negative(l1_ratio=self.l1_ratio, tolerance=self.tolerance)
        if self.l1_ratio > 1:
            raise ValueError(f"l1_ratio must be 1 at most, not {self.l1_ratio:g}")


def space(trial: Any) -> dict[str, Any]:
    """Return penalties to try; the ranges are those of Ferrari Dacrema et al. 2021."""
    return {
        "alpha": trial.suggest_float("alpha", 1e-3, 1.0, log=True),
        "l1_ratio": trial.suggest_float("l1_ratio", 1e-5, 1.0, log=True),
    }


def unfit_for(dataset: Dataset) -> str:
    """Say that a catalogue is too large for as many regressions on all others."""
    items = 0 if dataset.recommending is None else len(dataset.recommending.items)
    return f"{items:,} items are too many for as many regressions on all others" if items > MOST_ITEMS else ""


@register_model(
    "slim",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    deterministic=True,
    unfit_for=unfit_for,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """A regression of each item on all others by an elastic net, without negative weights (SLIM)."""
    learn = ElasticNet(alpha=params.alpha, l1_ratio=params.l1_ratio, sweeps=params.sweeps, tolerance=params.tolerance)
    return ItemWeights(within(params.most_items, learn), context)
