"""Ridge regression on standardised columns."""

from dataclasses import dataclass

import numpy as np

from bench.models.columns import Dense, OnColumns
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``ridge``."""

    weakest: float = 1e-2
    """Smallest of the 13 strengths of the L2 penalty that are tried."""
    strongest: float = 1e4
    """Largest one."""


@register_model(
    "ridge",
    task_types=["tabular_reg"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Ridge regression on standardised numbers and indicators of categories; its strength by leave-one-out."""
    from sklearn.linear_model import RidgeCV

    return OnColumns(Dense(seed=0), RidgeCV(np.geomspace(params.weakest, params.strongest, 13)))
