"""The regressions on lags that several models are made of."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bench.models.lagged import Columns, Lagged, calendar_of, lags_of
from bench.types import Context

TREES: Mapping[str, Any] = {
    "n_estimators": 300,
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_child_samples": 20,
    "colsample_bytree": 1.0,
    "reg_lambda": 0.0,
}


def linear(context: Context, alpha: float = 1.0) -> Lagged:
    """Return ridge regression on lags of seasonal differences."""
    asked = context.forecasting
    assert asked is not None
    # Of a season, which takes out season and level: on inner windows of M1, M3 and Tourism better than of one step.
    columns = Columns(
        lags=lags_of(asked.season), differences=(asked.season,), calendar=calendar_of(asked.freq), dummies=True
    )

    return Lagged(partial(_ridge, alpha), columns, asked, context.threads)


def trees(context: Context, lags: int = 0, differences: str = "season", **params: Any) -> Lagged:
    """Return LightGBM on lags.

    Parameters
    ----------
    context : Context
    lags : int
        Steps back that it sees; see `bench.models.lagged.lags_of`.
    differences : str
        What is taken from each value: none, that of the step before, that of the season before, or both.
    **params
        Of LightGBM, where they are not `TREES`.
    """
    asked = context.forecasting
    assert asked is not None
    season = (asked.season,)
    over = {"none": (), "step": (1,), "season": season, "both": (1, *season) if asked.season > 1 else (1,)}
    columns = Columns(lags=lags_of(asked.season, lags), differences=over[differences], calendar=calendar_of(asked.freq))

    made = partial(_lightgbm, random_state=context.seed, n_jobs=context.threads, **{**TREES, **params})
    return Lagged(made, columns, asked, context.threads)


def _ridge(alpha: float) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Differences have a mean of about 0 on the scale of their series: what a lag before the first value would be.
    imputer = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), Ridge(alpha=alpha))


def _lightgbm(**params: Any) -> Any:
    from lightgbm import LGBMRegressor

    # Absolute errors on the scale of each series: what most measures of forecasts count.
    return LGBMRegressor(objective="l1", deterministic=True, force_row_wise=True, verbose=-1, **params)
