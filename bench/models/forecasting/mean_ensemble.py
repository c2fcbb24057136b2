"""The mean of models of single series and of regressions on the whole panel, quantile by quantile."""

from dataclasses import dataclass

from bench.models.averaged import Averaged, Member
from bench.models.regressions import linear, trees
from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import CES, Theta, smoothing
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``mean_ensemble``."""

    regressions: bool = True
    """Whether ridge and LightGBM on lags are among the members, or ETS, Theta and CES alone. They know the whole panel,
    err elsewhere, and lower the MASE on inner windows of M1, M3 and Tourism."""


@register_model(
    "mean_ensemble",
    task_types=["forecasting"],
    params=Params,
    role="ensemble",
    from_budget="quick",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "statsforecast", "mlforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The mean of ETS, Theta, CES, and ridge and LightGBM on lags, for each series, step and quantile."""
    asked = context.forecasting
    assert asked is not None
    single = [smoothing(asked.season), Theta(asked.season), CES(asked.season)]
    members: list[Member] = [SeriesBySeries(single, context, combined="mean")]
    if params.regressions:
        members += [linear(context), trees(context)]
    return Averaged(members, [float(len(single)), 1.0, 1.0][: len(members)], asked)
