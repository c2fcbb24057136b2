"""Chronos-2: an encoder over patches that also reads covariates, those known for the future among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.chronos_weights import before_import, known_number_format, open_checkpoint
from bench.models.corpora import CHRONOS, trained_on
from bench.models.zero_shot import History, Pretrained, ZeroShot, how_to_get
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``chronos_2``."""

    weights: str = "dir:~/models/chronos-2"
    """Zoo address of a folder with ``config.json`` and ``model.safetensors``; the small and the synthetic one load as
    well."""
    batch_size: int = 128
    """Series that are read at once, each with its covariates."""
    context: int = 8192
    """Steps of a series that are read at most."""
    dtype: str = "float32"
    """Number format: float32 or bfloat16."""
    covariates: bool = True
    """Whether covariates are read; static ones never are."""

    def __post_init__(self) -> None:
        known_number_format(self.dtype)
        if min(self.batch_size, self.context) < 1:
            raise ValueError("batch_size and context must be at least 1")


def lacks(params: Params) -> str:
    """Say how to get the weights; a folder of the name of a variant gets that variant."""
    name = Path(params.weights).name
    return how_to_get(params.weights, f"autogluon/{name}" if name.startswith("chronos-2-") else "amazon/chronos-2")


def load(folder: Path, dtype: str) -> Pretrained:
    """Load a checkpoint."""
    before_import()
    from chronos import Chronos2Model, Chronos2Pipeline

    pipeline = Chronos2Pipeline(open_checkpoint(Chronos2Model, folder, dtype))

    def quantiles(asked: Sequence[History], horizon: int) -> NDArray[np.floating]:
        inputs = [as_read(one, horizon) for one in asked]
        # Series never learn from each other here; a batch is counted in series and covariates.
        rows = sum(1 + len(one["past_covariates"]) for one in inputs)
        found = pipeline.predict(inputs, prediction_length=horizon, batch_size=rows, cross_learning=False)
        return np.stack([one[0].numpy().T for one in found])

    return Pretrained(levels=tuple(pipeline.quantiles), quantiles=quantiles)


def as_read(one: History, horizon: int) -> dict[str, Any]:
    """Return a history in the package's form: numbers as float32, anything else as a category."""
    whole = {name: values for name, values in one.future.items() if len(values) == horizon}
    return {
        "target": one.target.astype(np.float32),
        "past_covariates": _typed(one.past),
        "future_covariates": _typed(whole),
    }


def _typed(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name: values.astype(np.float32) if values.dtype.kind in "fiu" else values.astype(str)
        for name, values in columns.items()
    }


@register_model(
    "chronos_2",
    task_types=["forecasting"],
    params=Params,
    role="zoo",
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    lacks=lacks,
    libraries=("numpy", "pandas", "torch", "transformers", "safetensors", "chronos-forecasting"),
    # Tested zero-shot by its authors on Chronos Benchmark II, which holds M1, M3 and Tourism (arXiv:2510.15821); which
    # parts of GiftEvalPretrain it was trained on was not checked here.
    trained_on=trained_on(CHRONOS, "gift_eval_pretrain_part"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Chronos-2, a pretrained patch transformer that reads covariates, zero-shot."""
    assert context.forecasting is not None
    return ZeroShot(
        load=partial(load, context.zoo(params.weights), params.dtype),
        asked=context.forecasting,
        batch_size=params.batch_size,
        context=params.context,
        covariates=params.covariates,
    )
