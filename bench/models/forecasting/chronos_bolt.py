"""Chronos-Bolt: an encoder-decoder that reads patches of a series and answers with quantiles of 64 steps at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.models.chronos_weights import before_import, known_number_format, open_checkpoint
from bench.models.corpora import CHRONOS, trained_on
from bench.models.zero_shot import History, Pretrained, ZeroShot, how_to_get, left_padded
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``chronos_bolt``."""

    weights: str = "dir:~/models/chronos-bolt-small"
    """Zoo address of a folder with ``config.json`` and ``model.safetensors``; tiny, mini and base load as well."""
    batch_size: int = 256
    """Series that are read at once."""
    context: int = 2048
    """Steps of a series that are read at most."""
    dtype: str = "float32"
    """Number format: float32 or bfloat16."""

    def __post_init__(self) -> None:
        known_number_format(self.dtype)
        if min(self.batch_size, self.context) < 1:
            raise ValueError("batch_size and context must be at least 1")


def lacks(params: Params) -> str:
    """Say how to get the weights; a folder of the name of a size gets that size."""
    name = Path(params.weights).name
    return how_to_get(params.weights, f"amazon/{name if name.startswith('chronos-bolt-') else 'chronos-bolt-small'}")


def load(folder: Path, dtype: str) -> Pretrained:
    """Load a checkpoint."""
    before_import()
    import torch
    from chronos import ChronosBoltPipeline
    from chronos.chronos_bolt import ChronosBoltModelForForecasting

    pipeline = ChronosBoltPipeline(open_checkpoint(ChronosBoltModelForForecasting, folder, dtype))

    def quantiles(asked: Sequence[History], horizon: int) -> NDArray[np.floating]:
        found = pipeline.predict(torch.from_numpy(left_padded(asked)), prediction_length=horizon)
        values: NDArray[np.floating] = found.numpy().swapaxes(1, 2)
        return values

    return Pretrained(levels=tuple(pipeline.quantiles), quantiles=quantiles)


@register_model(
    "chronos_bolt",
    task_types=["forecasting"],
    params=Params,
    role="zoo",
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    lacks=lacks,
    libraries=("numpy", "pandas", "torch", "transformers", "safetensors", "chronos-forecasting"),
    # M1, M3 and Tourism are in the zero-shot benchmark that its authors publish, with none of its sets trained on.
    trained_on=trained_on(CHRONOS),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Chronos-Bolt (small unless another is named), a pretrained patch transformer, zero-shot."""
    assert context.forecasting is not None
    return ZeroShot(
        load=partial(load, context.zoo(params.weights), params.dtype),
        asked=context.forecasting,
        batch_size=params.batch_size,
        context=params.context,
    )
