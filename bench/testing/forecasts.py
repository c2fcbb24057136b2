"""What every model of forecasts must do; see `bench.testing.models`.

The bench holds a panel: training rows of several series, and the rows of the steps right behind them. One of the series
is a constant, one has a handful of values, one is negative.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.panel import SERIES, TIME, Forecasting
from bench.testing import models
from bench.testing.models import ModelBench, Outcome

TOLERANCE = 1e-3
"""Of the spread of the training values: as far as forecasts of a series may differ with the company it is in, in
batches of single-precision numbers."""
LATER = 3
"""Steps of each series that are observed after the fit."""


def forecasts_are_sound(bench: ModelBench) -> Outcome:
    """One finite point, and a finite quantile for each level, for every step of every series."""
    bench.sound(bench.usual(), bench.X_new)
    return "passed"


def quantiles_rise_with_their_level(bench: ModelBench) -> Outcome:
    """They do not repeat the point, and lie on both sides of it, for series that are neither constant nor short."""
    found = bench.sound(bench.usual(), bench.X_new)
    long = bench.X_new[SERIES].isin(_ordinary(bench)).to_numpy()
    width = found[long, -1] - found[long, 1]
    assert (width > 0).all(), f"{bench.spec.name}: quantiles of {int((width <= 0).sum())} steps repeat each other"
    return "passed"


def any_levels_are_answered(bench: ModelBench) -> Outcome:
    """One level that is the median, or two in the tails."""
    for levels in ((0.5,), (0.025, 0.975)):
        context = replace(bench.context, forecasting=replace(_asked(bench), levels=levels))
        other = replace(bench, context=context, made={})
        other.sound(other.fitted(), bench.X_new)
    return "passed"


def the_same_seed_gives_the_same_forecasts(bench: ModelBench) -> Outcome:
    """Bit for bit, on one machine."""
    one, two = (bench.sound(model, bench.X_new) for model in (bench.usual(), bench.fitted()))
    assert np.array_equal(one, two), (
        f"{bench.spec.name}: two fits with one seed differ by {np.abs(one - two).max():.3g}"
    )
    return "passed"


def a_deterministic_forecaster_ignores_the_seed(bench: ModelBench) -> Outcome:
    """Where the model declares itself deterministic."""
    if not bench.spec.deterministic:
        return "declared"
    one, two = (bench.sound(model, bench.X_new) for model in (bench.usual(), bench.fitted(bench.other_seed)))
    assert np.array_equal(one, two), (
        f"{bench.spec.name} declares itself deterministic, and its forecasts depend on the seed"
    )
    return "passed"


def neither_order_nor_company_of_series_matters(bench: ModelBench) -> Outcome:
    """Asked backwards, or one series at a time, a fitted model says the same."""
    model, X = bench.usual(), bench.X_new
    together = bench.sound(model, X)
    backwards = bench.sound(model, X.iloc[::-1].reset_index(drop=True))[::-1]
    alone = np.empty_like(together)
    for own in _rows_by_series(X):
        alone[own] = bench.sound(model, X.iloc[own].reset_index(drop=True))
    for other in (backwards, alone):
        apart = np.abs(together - other).max() / float(bench.y.std())
        assert apart < TOLERANCE, f"{bench.spec.name}: forecasts of a series depend on what else is asked"
    return "passed"


def a_series_without_history_is_an_error(bench: ModelBench) -> Outcome:
    """Nothing is made up for a series that was never seen."""
    strange = bench.X_new.iloc[: _asked(bench).horizon].assign(**{SERIES: "a series that was never seen"})
    model = bench.usual()
    try:
        model.predict(strange)  # type: ignore[union-attr]
    except ValueError:
        return "passed"
    raise AssertionError(f"{bench.spec.name} forecasts a series that it has never seen")


def a_constant_is_forecast_as_it_is(bench: ModelBench) -> Outcome:
    """A series of one value, zero among them, goes on."""
    for value in (7.25, 0.0):
        y = bench.y.copy()
        own = (bench.X[SERIES] == _ordinary(bench)[0]).to_numpy()
        y[own] = value
        asked = (bench.X_new[SERIES] == _ordinary(bench)[0]).to_numpy()
        points = bench.sound(bench.fitted(y=y), bench.X_new)[asked, 0]
        spread = float(bench.y.std())
        assert np.abs(points - value).max() < 0.01 * spread, f"{bench.spec.name}: {points[0]:.4g} behind {value} alone"
    return "passed"


def one_series_is_enough(bench: ModelBench) -> Outcome:
    """A panel may hold one series, and may be short."""
    own = np.flatnonzero((bench.X[SERIES] == _ordinary(bench)[0]).to_numpy())
    asked = bench.X_new[(bench.X_new[SERIES] == _ordinary(bench)[0]).to_numpy()].reset_index(drop=True)
    bench.sound(bench.fitted(rows=own), asked)
    # What is left out is not forecast: the first values come before the steps that are asked for.
    late = own[-3:]
    bench.sound(bench.fitted(rows=late), asked)
    return "passed"


def signs_and_sizes_are_no_crash(bench: ModelBench) -> Outcome:
    """Panels that are negative throughout, or very large."""
    for y in (-np.abs(bench.y), bench.y * 1e9):
        bench.sound(bench.fitted(y=y), bench.X_new)
    return "passed"


def later_history_is_gone_on_from(bench: ModelBench) -> Outcome:
    """Where the model can observe: it then forecasts the steps behind what it observed."""
    X = bench.X.reset_index(drop=True)
    later = np.concatenate([own[-LATER:] for own in _rows_by_series(X) if len(own) > 2 * LATER])
    earlier = np.setdiff1d(np.arange(len(X)), later)
    model = bench.fitted(rows=earlier)
    if not hasattr(model, "observe"):
        return "declared"
    model.observe(X, bench.y)
    bench.sound(model, bench.X_new)
    return "passed"


def it_beats_the_last_value(bench: ModelBench) -> Outcome:
    """A model that is no floor has learned something from series that repeat themselves and rise."""
    if bench.spec.role == "floor":
        return "declared"
    X = bench.X.reset_index(drop=True)
    groups = [own for own in _rows_by_series(X) if X[SERIES].iloc[own[0]] in _ordinary(bench)]
    ahead = _asked(bench).horizon
    held_out = np.concatenate([own[-ahead:] for own in groups])
    model = bench.fitted(rows=np.setdiff1d(np.arange(len(X)), held_out))
    tested = X.iloc[held_out].drop(columns=list(_asked(bench).past)).reset_index(drop=True)
    found = np.abs(bench.sound(model, tested)[:, 0] - bench.y[held_out])
    last = np.concatenate([np.abs(bench.y[own[-ahead:]] - bench.y[own[-ahead - 1]]) for own in groups])
    assert found.mean() < last.mean(), (
        f"{bench.spec.name}: MAE {found.mean():.3g}, and that of the last value {last.mean():.3g}"
    )
    return "passed"


def _asked(bench: ModelBench) -> Forecasting:
    assert bench.context.forecasting is not None
    return bench.context.forecasting


def _ordinary(bench: ModelBench) -> list[str]:
    """Return the series of the bench that are long and not constant."""
    groups = pd.Series(bench.y).groupby(bench.X[SERIES].to_numpy(), sort=False)
    kept = (groups.size() > 2 * _asked(bench).season) & (groups.std() > 0)
    return [str(name) for name in kept[kept].index]


def _rows_by_series(X: pd.DataFrame | pd.Series) -> list[NDArray[np.intp]]:
    """Return the row numbers of each series, in the order of time."""
    assert isinstance(X, pd.DataFrame)
    order = X.sort_values(TIME, kind="stable")
    return [order.index.to_numpy()[own] for own in order.groupby(SERIES, sort=False).indices.values()]


FORECAST_CHECKS: tuple[Callable[[ModelBench], Outcome], ...] = (
    forecasts_are_sound,
    quantiles_rise_with_their_level,
    any_levels_are_answered,
    the_same_seed_gives_the_same_forecasts,
    a_deterministic_forecaster_ignores_the_seed,
    neither_order_nor_company_of_series_matters,
    a_series_without_history_is_an_error,
    a_constant_is_forecast_as_it_is,
    one_series_is_enough,
    signs_and_sizes_are_no_crash,
    later_history_is_gone_on_from,
    it_beats_the_last_value,
    models.parameters_survive_yaml,
    models.it_says_what_it_is,
)
