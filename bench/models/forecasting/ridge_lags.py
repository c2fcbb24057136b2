"""Ridge regression on lags, calendar and covariates, one for the whole panel."""

from dataclasses import dataclass

from bench.models.regressions import linear
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``ridge_lags``."""

    alpha: float = 1.0
    """Strength of the penalty."""


@register_model(
    "ridge_lags",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "pandas", "scikit-learn", "mlforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Ridge regression on lags, calendar and covariates, one model for all series."""
    return linear(context, params.alpha)
