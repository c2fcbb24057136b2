"""Ridge regression on lags, calendar and covariates, one for the whole panel."""

from dataclasses import dataclass
from typing import Any

from bench.models.lagged import Columns, Lagged, calendar_of, lags_of
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
    asked = context.forecasting
    assert asked is not None
    # Of a season, which takes out season and level: on inner windows of M1, M3 and Tourism better than of one step.
    columns = Columns(
        lags=lags_of(asked.season), differences=(asked.season,), calendar=calendar_of(asked.freq), dummies=True
    )

    def make() -> Any:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        # Differences have a mean of about 0 on the scale of their series: what a lag before the first value would be.
        imputer = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
        return make_pipeline(imputer, StandardScaler(), Ridge(alpha=params.alpha))

    return Lagged(make, columns, asked, context.threads)
