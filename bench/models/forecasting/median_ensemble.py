"""The median of several statistical models, quantile by quantile."""

from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import CES, Theta, smoothing
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "median_ensemble",
    task_types=["forecasting"],
    params=Params,
    role="ensemble",
    from_budget="standard",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The median of ETS, Theta and CES, for each series, step and quantile."""
    assert context.forecasting is not None
    season = context.forecasting.season
    return SeriesBySeries([smoothing(season), Theta(season), CES(season)], context, combined="median")
