"""What users took up, the longer ago the less it counts."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.counted import Counted
from bench.models.interactions import elapsed, positive, without_time
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``decayed_popularity``."""

    half_life: float = 0.25
    """Share of the time that the training rows span after which an interaction counts for half."""

    def __post_init__(self) -> None:
        positive(half_life=self.half_life)


def space(trial: Any) -> dict[str, Any]:
    """Return the half-lives to try."""
    return {"half_life": trial.suggest_float("half_life", 0.005, 2.0, log=True)}


@register_model(
    "decayed_popularity",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    unfit_for=without_time,
    libraries=("numpy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """The items with the most interactions, each counting for half after some time."""
    return Counted(context, partial(_decayed, params.half_life))


def _decayed(half_life: float, X: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(0.5 ** ((1 - elapsed(X)) / half_life))
