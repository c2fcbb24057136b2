"""TiRex: a recurrent network (xLSTM) over patches of 32 steps.

The checkpoint is a pickle on a hub. It is converted once, by hand, and locked; what is loaded here is safetensors and
JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.models.corpora import CHRONOS, trained_on
from bench.models.zero_shot import History, Pretrained, ZeroShot, device, left_padded
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``tirex``."""

    weights: str = "dir:~/models/tirex"
    """Zoo address of a folder as ``zoo convert`` writes it."""
    batch_size: int = 256
    """Series that are read at once."""
    context: int = 2048
    """Steps of a series that are read at most."""

    def __post_init__(self) -> None:
        if min(self.batch_size, self.context) < 1:
            raise ValueError("batch_size and context must be at least 1")


def lacks(params: Params) -> str:
    """Say how to get the weights, which no run can fetch."""
    scheme, _, place = params.weights.partition(":")
    if scheme != "dir" or Path(place).expanduser().exists():
        return ""
    return (
        f"There are no weights in {place}. Get them by: hf download NX-AI/TiRex model.ckpt --local-dir . && "
        f"python -m bench zoo convert model.ckpt {place} && python -m bench zoo lock '{params.weights}'"
    )


def load(folder: Path) -> Pretrained:
    """Build the network of the configuration, and put the weights into it."""
    import torch
    from safetensors.torch import load_file
    from tirex import TiRexZero

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    checkpoint = {"state_dict": load_file(folder / "model.safetensors")}
    model = TiRexZero(backend="torch", **config)
    # Older checkpoints have other names, which the package knows.
    model.on_load_checkpoint(checkpoint)
    model.load_state_dict(checkpoint["state_dict"], strict=True)
    model = model.to(device()).eval()

    def quantiles(asked: Sequence[History], horizon: int) -> NDArray[np.floating]:
        series = torch.from_numpy(left_padded(asked))
        found, _ = model.forecast(series, output_type="numpy", batch_size=len(asked), prediction_length=horizon)
        values: NDArray[np.floating] = found
        return values

    return Pretrained(levels=tuple(model.config.quantiles), quantiles=quantiles)


@register_model(
    "tirex",
    task_types=["forecasting"],
    params=Params,
    role="zoo",
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    lacks=lacks,
    libraries=("numpy", "pandas", "torch", "safetensors", "tirex-ts"),
    # Its model card and arXiv:2505.23719: sets of Chronos, parts of GiftEvalPretrain and synthetic series, without the
    # test sets of Chronos' zero-shot benchmark, among which are M1, M3 and Tourism.
    trained_on=trained_on(CHRONOS, "gift_eval_pretrain_part"),
    # Of code and weights: attribution, and a commercial licence for companies of more than 100 million euros a year.
    licence="LicenseRef-NXAI-Community",
)
def build(params: Params, context: Context) -> Model:
    """TiRex, a pretrained recurrent forecaster of 35 million parameters, zero-shot."""
    assert context.forecasting is not None
    return ZeroShot(
        load=partial(load, context.zoo(params.weights)),
        asked=context.forecasting,
        batch_size=params.batch_size,
        context=params.context,
    )
