"""EDLAE: EASE that does without a share of each history while it learns, and lets busy users count for less."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.models.interactions import not_negative, positive
from bench.models.item_weights import MOST_ITEMS, ItemWeights, closed_form, too_many_items, within
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``edlae``; the defaults are what inner splits of MovieLens 100K liked best of a dozen."""

    penalty: float = 30.0
    """Strength of the L2 penalty."""
    dropout: float = 0.5
    """Share of the interactions that regressions do without."""
    damping: float = 0.5
    """Power of the length of a history that the weight of its user is divided by; 0 weighs all interactions alike."""
    most_items: int = MOST_ITEMS
    """Items above which the fit is refused: it takes 12 bytes for each two of them."""

    def __post_init__(self) -> None:
        positive(penalty=self.penalty, most_items=self.most_items)
        not_negative(dropout=self.dropout, damping=self.damping)
        if self.dropout >= 1:
            raise ValueError(f"dropout must be below 1, not {self.dropout:g}")


def space(trial: Any) -> dict[str, Any]:
    """Return penalties, shares and powers to try."""
    return {
        "penalty": trial.suggest_float("penalty", 1.0, 1e4, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.8),
        "damping": trial.suggest_float("damping", 0.0, 1.0),
    }


@register_model(
    "edlae",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    from_budget="quick",
    unfit_for=too_many_items,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """EASE with dropout in closed form, in which busy users count for less (EDLAE)."""
    return ItemWeights(within(params.most_items, partial(_learned, params)), context)


def _learned(params: Params, matrix: Any) -> Any:
    return closed_form(_damped(matrix, params.damping), params.penalty, params.dropout)


def _damped(matrix: Any, power: float) -> Any:
    """Return the interactions with the rows of users scaled, so that products over users weigh the busy ones less.

    Weights of interactions are taken by their mean: a penalty must not depend on the unit of ratings.
    """
    from scipy.sparse import diags_array

    lengths = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32)
    return (diags_array(lengths ** (-power / 2) / matrix.data.mean()) @ matrix).tocsr()
