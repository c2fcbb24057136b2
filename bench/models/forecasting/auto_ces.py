"""Complex exponential smoothing, chosen for each series."""

from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import CES
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "auto_ces",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    from_budget="quick",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Complex exponential smoothing with a season chosen by AICc (Svetunkov et al. 2022)."""
    assert context.forecasting is not None
    return SeriesBySeries([CES(context.forecasting.season)], context)
