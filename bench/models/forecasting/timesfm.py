"""TimesFM 2.5: a decoder that reads patches of 32 steps and writes patches of 128."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.corpora import COMPETITIONS, trained_on
from bench.models.zero_shot import DECILES, History, Pretrained, ZeroShot, how_to_get
from bench.registry import register_model
from bench.types import Context, Model

WEIGHTS = "model.safetensors"


@dataclass
class Params:
    """Parameters of ``timesfm``; the switches of the forecast are those that its authors recommend."""

    weights: str = "dir:~/models/timesfm-2.5-200m-pytorch"
    """Zoo address of a folder with ``model.safetensors``."""
    batch_size: int = 32
    """Series that are read at once; a smaller batch is filled up."""
    context: int = 1024
    """Steps that are read of every series: a shorter one is padded to them, which costs as much and moves its
    normalisation a little."""

    def __post_init__(self) -> None:
        if min(self.batch_size, self.context) < 1:
            raise ValueError("batch_size and context must be at least 1")


def lacks(params: Params) -> str:
    """Say how to get the weights."""
    return how_to_get(params.weights, "google/timesfm-2.5-200m-pytorch", files=(WEIGHTS,))


def load(folder: Path, batch_size: int, context: int, horizon: int) -> Pretrained:
    """Load a checkpoint, and set it up for a horizon."""
    from safetensors import safe_open
    from timesfm import ForecastConfig
    from timesfm.timesfm_2p5.timesfm_2p5_torch import TimesFM_2p5_200M_torch, TimesFM_2p5_200M_torch_module

    with safe_open(folder / WEIGHTS, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    class Network(TimesFM_2p5_200M_torch_module):  # type: ignore[misc]
        config = definition(shapes)

    class Forecaster(TimesFM_2p5_200M_torch):  # type: ignore[misc]
        def __init__(self) -> None:
            # The package's own constructor makes the published architecture, whatever is to be loaded into it.
            self.model = Network()

    model = Forecaster()
    model.model.load_checkpoint(str(folder / WEIGHTS))
    longest = _up_to(horizon, model.model.o)
    model.compile(
        ForecastConfig(
            max_context=_up_to(context, model.model.p),
            max_horizon=longest,
            normalize_inputs=True,
            per_core_batch_size=batch_size,
            use_continuous_quantile_head=longest <= model.model.os,
            force_flip_invariance=True,
            infer_is_positive=True,
            fix_quantile_crossing=True,
        )
    )

    def quantiles(asked: Sequence[History], horizon: int) -> NDArray[np.floating]:
        # The mean stands before the quantiles.
        found: NDArray[np.floating] = model.forecast(horizon=horizon, inputs=[one.target for one in asked])[1]
        return found[..., 1:]

    return Pretrained(levels=DECILES, quantiles=quantiles)


def definition(shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """Return the architecture that tensors of such shapes belong to.

    The package knows one architecture, and so there is no configuration beside its weights.
    """
    from timesfm.timesfm_2p5.timesfm_2p5_base import TimesFM_2p5_200M_Definition

    known = TimesFM_2p5_200M_Definition()
    dims, heads = shapes["tokenizer.hidden_layer.weight"], shapes["stacked_xf.0.attn.query_ln.scale"]
    model_dims = shapes["stacked_xf.0.attn.out.weight"][0]
    layers = {name.split(".")[1] for name in shapes if name.startswith("stacked_xf.")}
    point, quantiles = (_block(shapes, f"output_projection_{part}") for part in ("point", "quantiles"))
    outputs = len(known.quantiles) + 1
    transformer = replace(
        known.stacked_transformers.transformer,
        model_dims=model_dims,
        hidden_dims=shapes["stacked_xf.0.ff0.weight"][0],
        num_heads=model_dims // heads[0],
    )
    return replace(
        known,
        input_patch_len=dims[1] // 2,
        output_patch_len=point["output_dims"] // outputs,
        output_quantile_len=quantiles["output_dims"] // outputs,
        tokenizer=replace(known.tokenizer, **_block(shapes, "tokenizer")),
        stacked_transformers=replace(known.stacked_transformers, num_layers=len(layers), transformer=transformer),
        output_projection_point=replace(known.output_projection_point, **point),
        output_projection_quantiles=replace(known.output_projection_quantiles, **quantiles),
    )


def _block(shapes: Mapping[str, tuple[int, ...]], name: str) -> dict[str, int]:
    hidden, inputs = shapes[f"{name}.hidden_layer.weight"]
    return {"input_dims": inputs, "hidden_dims": hidden, "output_dims": shapes[f"{name}.output_layer.weight"][0]}


def _up_to(steps: int, patch: int) -> int:
    return math.ceil(steps / patch) * patch


@register_model(
    "timesfm",
    task_types=["forecasting"],
    params=Params,
    role="zoo",
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    lacks=lacks,
    libraries=("numpy", "pandas", "torch", "safetensors", "timesfm"),
    # Its model card (quoted by autogluon/fev in October 2025) names GiftEvalPretrain, which holds the competition sets,
    # page views, search trends and synthetic series.
    trained_on=trained_on(COMPETITIONS, "gift_eval_pretrain", "wikimedia_pageviews", "google_trends"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """TimesFM 2.5, a pretrained decoder of 200 million parameters, zero-shot."""
    asked = context.forecasting
    assert asked is not None
    return ZeroShot(
        load=partial(load, context.zoo(params.weights), params.batch_size, params.context, asked.horizon),
        asked=asked,
        batch_size=params.batch_size,
        context=params.context,
    )
