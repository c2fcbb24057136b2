"""Seasonal ARIMA, found step by step for each series, within limits: its cost explodes with the season."""

import math
from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import ARIMA, STL
from bench.registry import register_model
from bench.types import Context, Model

APPROXIMATE_FROM = 12
"""Steps of the shortest season whose models are compared by conditional sums of squares."""


@dataclass
class Params:
    """Parameters of ``auto_arima``: limits of the search, which count models before seconds."""

    max_p: int = 5
    """Largest order of the autoregression; as ``max_q`` of the moving average, and both of a season in capitals."""
    max_q: int = 5
    max_P: int = 2  # noqa: N815
    max_Q: int = 2  # noqa: N815
    nmodels: int = 94
    """Models that are tried for one series."""
    exact: bool = False
    """Compare models by likelihood whatever it takes; else, where the history is longer than 150 steps or the season
    12 or more, by conditional sums of squares, and only the best is fitted by likelihood."""
    longest_season: int = 24
    """A longer season is taken out by LOESS, and repeated: models with such lags take minutes a series."""
    seconds: float = 900.0
    """For the whole panel, after which the last season answers for the series that are left; 0 sets no such limit.
    What it cuts does not repeat exactly, and a warning says so."""


@register_model(
    "auto_arima",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    from_budget="standard",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast", "statsmodels"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Seasonal ARIMA with orders found stepwise by AICc (Hyndman & Khandakar 2008)."""
    assert context.forecasting is not None
    season = context.forecasting.season
    orders = {name: getattr(params, name) for name in ("max_p", "max_q", "max_P", "max_Q")}
    # The library's own rule begins at seasons of 13 steps: months take more than twice as long by likelihood.
    approximation = False if params.exact else (season >= APPROXIMATE_FROM or None)
    settings = {**orders, "nmodels": params.nmodels, "approximation": approximation}
    long = season > params.longest_season
    member = STL(season, ARIMA(1, settings)) if long else ARIMA(season, settings)
    return SeriesBySeries([member], context, seconds=params.seconds or math.inf)
