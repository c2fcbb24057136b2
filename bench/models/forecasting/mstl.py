"""A season taken out by LOESS, and exponential smoothing of what is left."""

from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import ETS, STL
from bench.registry import register_model
from bench.types import Context, Dataset, Model


@dataclass
class Params:
    """No parameters."""


def without_season(dataset: Dataset) -> str:
    """Say why there is nothing to do, where there is nothing to take out."""
    asked = dataset.forecasting
    return "there is no season to take out" if asked is not None and asked.season == 1 else ""


@register_model(
    "mstl",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    from_budget="quick",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast", "statsmodels"),
    licence="Apache-2.0",
    unfit_for=without_season,
)
def build(params: Params, context: Context) -> Model:
    """A season taken out by LOESS and repeated, and ETS of what is left (Bandara et al. 2021)."""
    assert context.forecasting is not None
    rest = ETS(1, "ZZN")
    season = context.forecasting.season
    return SeriesBySeries([STL(season, rest) if season > 1 else rest], context)
