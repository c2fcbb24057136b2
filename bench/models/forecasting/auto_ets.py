"""Exponential smoothing in its state-space form, chosen for each series."""

from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import smoothing
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "auto_ets",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    from_budget="toy",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Exponential smoothing with error, trend and season chosen by AICc (Hyndman et al. 2008)."""
    assert context.forecasting is not None
    return SeriesBySeries([smoothing(context.forecasting.season)], context)
