"""What users took up lately."""

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
    """Parameters of ``recent_popularity``."""

    window: float = 0.1
    """Share of the time that the training rows span which counts, up to their last one."""

    def __post_init__(self) -> None:
        positive(window=self.window)


def space(trial: Any) -> dict[str, Any]:
    """Return the windows to try."""
    return {"window": trial.suggest_float("window", 0.005, 1.0, log=True)}


@register_model(
    "recent_popularity",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    unfit_for=without_time,
    libraries=("numpy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """The items with the most interactions in the last part of the time; where that is equal, in all of it."""
    return Counted(context, partial(_recent, params.window))


def _recent(window: float, X: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(elapsed(X) >= 1 - window, dtype=float)
