"""Fracast: a zero-shot forecaster so small that its weights lie in its package."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.models.corpora import CHRONOS, COMPETITIONS, trained_on
from bench.models.zero_shot import History, Pretrained, ZeroShot, left_padded
from bench.registry import register_model
from bench.types import Context, Model

LEAST, CONTEXT = 8, 2048


@dataclass
class Params:
    """Parameters of ``fracast``."""

    weights: str = "pkg:fracast==0.1.0/fracast/weights"
    """Zoo address of a folder with ``config.json`` and ``model.safetensors``; the package's own copy is not read."""
    batch_size: int = 8
    """Series that are read at once; more of them no longer fit into a processor's cache, and are slower."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")


def load(folder: Path) -> Pretrained:
    """Load weights in full precision; the package compares every name with the configuration."""
    from fracast import FracastModel

    model = FracastModel.from_pretrained(folder, weights="fp32", device="cpu")

    def quantiles(asked: Sequence[History], horizon: int) -> NDArray[np.floating]:
        if horizon > model.horizon:
            warnings.warn(
                f"Beyond {model.horizon} steps forecasts go on from medians of the steps before: intervals there are "
                "too narrow.",
                stacklevel=2,
            )
        found: NDArray[np.floating] = model.forecast_batch(left_padded(asked), horizon=horizon)
        return found

    return Pretrained(levels=tuple(model.quantiles), quantiles=quantiles)


@register_model(
    "fracast",
    task_types=["forecasting"],
    params=Params,
    role="zoo",
    # Small as it is, it reads 2,048 steps of every series, filled up where there are fewer: 0.03 s each on one core.
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    libraries=("numpy", "pandas", "torch", "safetensors", "fracast"),
    # Its description names all of LOTSA, chronos_datasets, GiftEvalPretrain, BOOM and fev_datasets: with the test sets.
    trained_on=trained_on(COMPETITIONS, CHRONOS, "lotsa", "gift_eval_pretrain", "boom", "fev_datasets"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Fracast-0, a pretrained convolutional forecaster of 85,001 parameters, zero-shot."""
    assert context.forecasting is not None
    return ZeroShot(
        load=partial(load, context.zoo(params.weights)),
        asked=context.forecasting,
        batch_size=params.batch_size,
        context=CONTEXT,
        least=LEAST,
        side_by_side=context.threads,
    )
