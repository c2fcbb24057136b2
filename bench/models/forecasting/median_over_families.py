"""The median of models of single series and of regressions on the whole panel, quantile by quantile."""

from dataclasses import dataclass

from bench.models.averaged import Member
from bench.models.medians import Medians
from bench.models.regressions import linear, trees
from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import CES, Theta, smoothing
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "median_over_families",
    task_types=["forecasting"],
    params=Params,
    role="ensemble",
    from_budget="standard",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "statsforecast", "mlforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The median of ETS, Theta, CES, and ridge and LightGBM on lags, for each series, step and quantile."""
    asked = context.forecasting
    assert asked is not None
    # One by one: a median within a median would be another one.
    single: list[Member] = [
        SeriesBySeries([one], context) for one in (smoothing(asked.season), Theta(asked.season), CES(asked.season))
    ]
    return Medians([*single, linear(context), trees(context)], asked)
