"""Forecasting models against the library, simulations and panels with a known answer."""

import pickle
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.memory import Memory
from bench.models import error_growth, series_by_series
from bench.models.histories import Histories, normal_forecasts
from bench.models.lagged import calendar_of, lags_of, spread_of
from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import ARIMA, CES, ETS, STL, Theta
from bench.panel import Forecasting, known_at_origin
from bench.types import Context
from tests.builders import last_window, panel

ASKED = Forecasting(horizon=6, season=4, freq="QS")


def context(asked=ASKED, **changes):
    values = {"seed": 0, "threads": 1, "zoo": None, "features": None, "prediction": "quantiles", "forecasting": asked}
    return Context(**{**values, **changes})


def rows(*sizes):
    """Return panels of quarters: what is known, its values, and the steps behind it."""
    X, ahead = [], []
    for number, size in enumerate(sizes):
        stamps = pd.date_range("2001-01-01", periods=size + ASKED.horizon, freq="QS")
        X.append(pd.DataFrame({"unique_id": f"s{number}", "ds": stamps[:size]}))
        ahead.append(pd.DataFrame({"unique_id": f"s{number}", "ds": stamps[size:]}))
    step = np.concatenate([np.arange(size) for size in sizes])
    noise = np.random.default_rng(0).normal(0, 3, len(step))
    return pd.concat(X, ignore_index=True), 100 + step + 8.0 * (step % 4) + noise, pd.concat(ahead, ignore_index=True)


def made(name, asked=ASKED, **params):
    spec = registry.model(name)
    return spec.build(spec.params(**params), context(asked))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("naive", "Naive"), ("seasonal_naive", "SeasonalNaive"), ("historic_mean", "HistoricAverage")],
)
def test_closed_forms_are_those_of_the_library(name, theirs):
    import statsforecast.models

    X, y, ahead = rows(30, 11)
    found = made(name).fit(X, y).predict(ahead)
    other = getattr(statsforecast.models, theirs)(**({"season_length": 4} if name == "seasonal_naive" else {}))
    said = other.forecast(y=y[:30], h=6, level=[80])
    assert found["point"][:6].to_numpy() == pytest.approx(said["mean"])
    assert found["q0.1"][:6].to_numpy() == pytest.approx(said["lo-80"])


def test_the_drift_is_the_line_through_both_ends():
    X, y, ahead = rows(30)
    found = made("drift").fit(X, y).predict(ahead)["point"]
    assert found.to_numpy() == pytest.approx(y[-1] + np.arange(1, 7) * (y[-1] - y[0]) / 29)


def test_a_series_shorter_than_a_season_repeats_its_last_value_and_is_counted():
    X, y, ahead = rows(30, 3, 4, 1)
    model = made("seasonal_naive").fit(X, y)
    found = model.predict(ahead)
    assert model.fallbacks_ == 2
    assert (found["point"][6:12] == y[32]).all()
    assert found["point"][12:18].to_numpy() == pytest.approx(y[[33, 34, 35, 36, 33, 34]])


def test_any_steps_of_any_series_are_answered_in_the_order_in_which_they_are_asked():
    X, y, ahead = rows(30, 20, 25)
    model = made("drift").fit(X, y)
    whole = model.predict(ahead)
    for chosen in ([17, 0, 8], [5], list(range(17, -1, -1))):
        pd.testing.assert_frame_equal(
            model.predict(ahead.iloc[chosen]).reset_index(drop=True), whole.iloc[chosen].reset_index(drop=True)
        )


def test_whole_numbers_are_time_stamps_too():
    X, y, ahead = rows(30, 20)
    X["ds"], ahead["ds"] = X.groupby("unique_id").cumcount(), np.r_[30:36, 20:26]
    asked = replace(ASKED, freq="")
    found = made("naive", asked).fit(X, y).predict(ahead.iloc[[7, 1]])
    assert found["point"].tolist() == [y[-1], y[29]]


@pytest.mark.parametrize("steps", [0, 40])
def test_steps_that_were_not_to_be_forecast_are_an_error(steps):
    X, y, ahead = rows(30)
    model = made("naive").fit(X, y)
    ahead["ds"] = ahead["ds"] + pd.offsets.QuarterBegin(startingMonth=1) * (steps - 3)
    with pytest.raises(ValueError, match="not one of the 6 steps behind 2008-04-01"):
        model.predict(ahead)


def test_histories_are_extended_by_later_values_only():
    X, y, _ = rows(8, 5)
    whole = Histories.of(X, y)
    own = X.groupby("unique_id").cumcount() < 4
    before = Histories.of(X[own], y[own])
    # A sliding window has dropped the first values.
    slid = (X.groupby("unique_id").cumcount() >= 2).to_numpy()
    after = before.extended(Histories.of(X[slid], y[slid]))
    assert after.values.tolist() == whole.values.tolist()
    assert (after.starts == whole.starts).all()
    assert (after.origins == whole.origins).all()


@pytest.mark.parametrize(
    ("member", "theirs"),
    [
        (ETS(4), lambda models: models.AutoETS(season_length=4)),
        (Theta(4), lambda models: models.AutoTheta(season_length=4)),
        (CES(4), lambda models: models.AutoCES(season_length=4)),
        (ARIMA(4), lambda models: models.AutoARIMA(season_length=4)),
        (STL(4, ETS(1, "ZZN")), lambda models: models.MSTL(season_length=4)),
    ],
    ids=["ets", "theta", "ces", "arima", "mstl"],
)
def test_points_are_the_librarys_own_before_and_after_later_history(member, theirs):
    import statsforecast.models

    X, y, ahead = rows(30)
    other = theirs(statsforecast.models)
    first = slice(0, 26)
    model = SeriesBySeries([member], context()).fit(X[first], y[first])
    assert model.predict(X[26:])["point"][:4].to_numpy() == pytest.approx(other.forecast(y=y[first], h=6)["mean"][:4])
    model.observe(X, y)
    gone_on = other.fit(y[first]).forward(y=y, h=6)["mean"]
    assert model.predict(ahead)["point"].to_numpy() == pytest.approx(gone_on)
    assert model.fallbacks_ == 0


@dataclass(frozen=True)
class Picky:
    """Knows nothing of series that start above a value."""

    limit: float
    shift: float = 0.0
    name: str = "picky"

    def fit(self, y):
        if y[0] > self.limit:
            raise RuntimeError("too high for me")
        return {"last": y[-1]}

    def kept(self, model):
        return model

    def resumed(self, kept, y):
        return kept

    def forecast(self, model, asked):
        mean = np.full(asked.horizon, model["last"] + self.shift)
        return normal_forecasts(mean, np.ones(asked.horizon), asked)


def test_a_series_that_fails_costs_the_others_nothing_and_is_counted():
    X, y, ahead = rows(12, 12, 12)
    y[12:24] += 1000
    with pytest.warns(UserWarning, match="answers for 1 of 3 series.*picky, too high for me: 1"):
        model = SeriesBySeries([Picky(500)], context()).fit(X, y)
    found = model.predict(ahead)
    assert model.fallbacks_ == 1
    assert found["point"].tolist() == [y[11]] * 6 + [*y[20:24], *y[20:22]] + [y[35]] * 6


@pytest.mark.parametrize(("combined", "expected"), [("mean", 3.0), ("median", 1.0)])
def test_an_ensemble_is_made_of_the_members_that_answer(combined, expected):
    X, y, ahead = rows(12, 12)
    members = [Picky(500), Picky(500, 1.0), Picky(500, 8.0), Picky(0)]
    with pytest.warns(UserWarning, match="answers for 0 of 2 series"):
        model = SeriesBySeries(members, context(), combined).fit(X, y)
    found = model.predict(ahead)
    for column in ASKED.columns:
        deviation = 0.0 if column == "point" else float(normal_forecasts(np.zeros(1), np.ones(1), ASKED)[0, 1:][
            ASKED.columns.index(column) - 1
        ])  # fmt: skip
        assert found[column][:6].to_numpy() == pytest.approx(y[11] + expected + deviation)
    assert model.fallbacks_ == 0


def test_the_mean_over_families_is_of_those_that_have_an_answer_of_their_own():
    # Five quarters: too short for seasonal differences with a lag, for ETS, not for Theta and CES.
    X, y, ahead = rows(40, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = made("mean_ensemble").fit(X, y)
        parts = {
            name: made(name).fit(X, y) for name in ("auto_ets", "auto_theta", "auto_ces", "ridge_lags", "lightgbm_lags")
        }
        alone = made("mean_ensemble", regressions=False).fit(X, y).predict(ahead)
    found, points = whole.predict(ahead), {name: part.predict(ahead)["point"] for name, part in parts.items()}
    assert found["point"][:6].to_numpy() == pytest.approx(np.mean([one[:6] for one in points.values()], axis=0))
    both = [points[name][6:] for name in ("auto_theta", "auto_ces")]
    assert found["point"][6:].to_numpy() == pytest.approx(np.mean(both, axis=0))
    assert alone["point"][6:].to_numpy() == pytest.approx(np.mean(both, axis=0))
    assert [part.fallbacks_ for part in parts.values()] == [1, 0, 0, 1, 1]
    assert whole.fallbacks_ == 0


def test_the_median_over_families_is_of_those_that_have_an_answer_of_their_own():
    # Five quarters as above; of one nobody has an answer, and the last season speaks for all.
    X, y, ahead = rows(40, 5, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = made("median_over_families").fit(X, y)
        parts = {
            name: made(name).fit(X, y) for name in ("auto_ets", "auto_theta", "auto_ces", "ridge_lags", "lightgbm_lags")
        }
    found, columns = whole.predict(ahead), list(ASKED.columns)
    said = {name: part.predict(ahead)[columns].to_numpy() for name, part in parts.items()}
    first = found[columns][:6].to_numpy()
    assert first == pytest.approx(np.median([one[:6] for one in said.values()], axis=0))
    # No single member, and not their mean.
    assert not any(np.allclose(first, one[:6]) for one in said.values())
    assert (np.diff(first[:, 1:], axis=1) >= 0).all()
    both = [said[name][6:12] for name in ("auto_theta", "auto_ces")]
    assert found[columns][6:12].to_numpy() == pytest.approx(np.median(both, axis=0))
    owners = [set(ahead["unique_id"]) - set(part.left_out) for part in parts.values()]
    assert whole.fallbacks_ == 3 - len(set.union(*owners))
    assert np.isfinite(found[columns].to_numpy()).all()
    late = whole.predict(ahead[::-1].reset_index(drop=True))
    pd.testing.assert_frame_equal(late[::-1].reset_index(drop=True), found)


def test_a_clock_that_stopped_a_model_is_told_and_counted():
    X, y, ahead = rows(12, 12)
    with pytest.warns(UserWarning, match=r"time was up: 2\. Which ones hangs on the clock"):
        model = made("auto_arima", seconds=1e-9).fit(X, y)
    assert model.fallbacks_ == 2
    reference = made("seasonal_naive").fit(X, y).predict(ahead)
    pd.testing.assert_frame_equal(model.predict(ahead), reference)


def test_other_processes_say_the_same(monkeypatch):
    X, y, ahead = rows(*[20] * 5)
    one = SeriesBySeries([Theta(4)], context()).fit(X, y).predict(ahead)
    monkeypatch.setattr(series_by_series, "FIRST", 1)
    monkeypatch.setattr(series_by_series, "CHUNK", 2)
    monkeypatch.setattr(series_by_series, "WORTH_SECONDS", 0.0)
    two = SeriesBySeries([Theta(4)], context(threads=2)).fit(X, y).predict(ahead)
    pd.testing.assert_frame_equal(one, two)


def test_a_season_too_long_for_arima_is_taken_out_before():
    model = registry.model("auto_arima").build(
        registry.model("auto_arima").params(), context(replace(ASKED, season=52))
    )
    assert isinstance(model.members[0], STL)
    assert model.members[0].rest.season == 1


def test_mstl_is_in_no_line_up_without_a_season():
    spec = registry.model("mstl")
    data = panel()
    assert spec.unfit_for(data) == ""
    assert "no season" in spec.unfit_for(replace(data, forecasting=replace(data.forecasting, season=1)))


@pytest.mark.parametrize("kind", ["N", "S", "P", "F"])
def test_weights_of_ces_are_what_an_error_leaves_behind(kind):
    from statsforecast.ces import cescalc, cesforecast, switch_ces
    from statsforecast.models import AutoCES

    _, y, _ = rows(60)
    fitted = AutoCES(season_length=4, model=kind).fit(y).model_
    season, params, horizon = fitted["m"], fitted["par"], 12

    def forecast_after(error):
        """Return forecasts after one more value, which misses its forecast by the error."""
        ahead = np.zeros(1)
        cesforecast(fitted["states"], len(y), season, switch_ces(kind), ahead, 1, **params)
        states = np.zeros((len(y) + 1 + 2 * season, fitted["states"].shape[1]))
        states[:season] = fitted["states"][:season]
        longer, left, said = np.r_[y, ahead + error], np.zeros(30), np.zeros(horizon)
        numbers = (params["alpha_0"], params["alpha_1"], params["beta_0"], params["beta_1"])
        cescalc(longer, states, season, switch_ces(kind), *numbers, np.zeros(len(longer)), left, 3, 0)
        cesforecast(states, len(longer), season, switch_ces(kind), said, horizon, **params)
        return said

    found = error_growth.ces_weights(kind, season, params, horizon)
    assert forecast_after(1.0) - forecast_after(0.0) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("components", ["ANN", "AAN", "AAA", "MNN", "MAN", "MNA", "MAA", "MNM", "MAM"])
@pytest.mark.parametrize("damped", [False, True])
def test_errors_of_ets_grow_as_in_simulated_futures(components, damped):
    from statsforecast.models import AutoETS

    if damped and components[1] == "N":
        components = components[0] + "A" + components[2]
    step = np.arange(60)
    noise = np.random.default_rng(1).normal(1, 0.04, 60)
    y = (100 + 0.5 * step) * (1 + 0.3 * np.sin(step * np.pi / 2)) * noise
    model = AutoETS(season_length=4, model=components, damped=damped).fit(y)
    points = model.predict(10)["mean"]
    simulated = _paths(model.model_, 10, 40000).std(axis=0)
    # The formula of multiplicative seasons is an approximation.
    assert error_growth.ets_deviation(model.model_, points) == pytest.approx(simulated, rel=0.03)


def _paths(fitted, horizon, count):
    """Return futures of an ETS model, shape (count, horizon), by its equations."""
    error, trend, season, damped = fitted["components"]
    alpha, beta, gamma, phi = fitted["par"][:4]
    phi = phi if damped == "D" else 1.0
    state, m = fitted["states"][-1], fitted["m"]
    level, slope = np.full(count, state[0]), np.full(count, state[1] if trend == "A" else 0.0)
    seasons = [np.full(count, value) for value in state[-m:][::-1]] if season != "N" else []
    draws = np.random.default_rng(0).normal(0, np.sqrt(fitted["sigma2"]), (horizon, count))
    found = np.empty((count, horizon))
    for step, shock in enumerate(draws):
        base = level + phi * slope
        factor = seasons[step % m] if seasons else (1.0 if season == "M" else 0.0)
        mean = base * factor if season == "M" else base + factor
        found[:, step] = mean + shock * (mean if error == "M" else 1.0)
        # How far level, trend and season are off, on their own scales.
        off = found[:, step] - mean
        level_off = off / factor if season == "M" else off
        level, slope = base + alpha * level_off, phi * slope + (beta * level_off if trend == "A" else 0.0)
        if seasons:
            seasons[step % m] = factor + gamma * (off / base if season == "M" else off)
    return found


def test_ridge_follows_a_column_that_is_known_ahead():
    generator = np.random.default_rng(0)
    X, y, ahead = rows(*[40] * 8)
    X["price"], ahead["price"] = generator.integers(0, 2, len(X)), np.tile([0, 1, 0, 1, 1, 0], 8)
    asked = replace(ASKED, known=("price",))
    with_it = made("ridge_lags", asked).fit(X, y + 50 * X["price"]).predict(ahead)["point"].to_numpy()
    without = made("ridge_lags").fit(X.drop(columns="price"), y).predict(ahead)["point"].to_numpy()
    assert np.abs(with_it - 50 * ahead["price"] - without).mean() < 5


@pytest.mark.parametrize("name", ["ridge_lags", "lightgbm_lags"])
def test_what_is_known_up_to_the_origin_only_changes_no_forecast(name):
    data = panel((40, 40, 40))
    window = last_window(data)
    X, y = data.X.iloc[window.train].reset_index(drop=True), data.y[window.train]
    ahead = known_at_origin(data, window.test)
    one = made(name, data.forecasting).fit(X, y).predict(ahead)
    two = made(name, data.forecasting).fit(X.assign(stock=0.0), y).predict(ahead)
    pd.testing.assert_frame_equal(one, two)


def test_intervals_from_inner_windows_hold_what_they_promise():
    generator = np.random.default_rng(0)
    X, _, ahead = rows(*[30] * 200)
    walks = np.cumsum(generator.normal(0, 1, (200, 36)), axis=1) * np.geomspace(1, 1000, 200)[:, None]
    found = made("ridge_lags").fit(X, walks[:, :30].ravel()).predict(ahead)
    truth = walks[:, 30:].ravel()
    inside = (found["q0.1"] <= truth) & (truth <= found["q0.9"])
    # 200 independent walks: five standard errors.
    assert abs(inside.mean() - 0.8) < 5 * np.sqrt(0.16 / 200)


def test_later_history_moves_a_regression_on_without_a_fit():
    X, y, ahead = rows(*[40] * 6)
    own = (X.groupby("unique_id").cumcount() < 36).to_numpy()
    model = made("ridge_lags").fit(X[own], y[own])
    before = model.regression.models_["model"][-1].coef_.copy()
    found = model.observe(X, y).predict(ahead)["point"].to_numpy()
    assert (model.regression.models_["model"][-1].coef_ == before).all()
    refitted = made("ridge_lags").fit(X, y).predict(ahead)["point"].to_numpy()
    assert np.abs(found - refitted).mean() < 3


def test_texts_and_holes_in_columns_are_no_crash():
    X, y, ahead = rows(*[30] * 3)
    X["kind"] = np.where(np.arange(len(X)) % 3, 'a [1], "b"', None)
    X["price"], ahead["price"], ahead["kind"] = np.nan, 1.0, "never seen"
    asked = replace(ASKED, known=("kind", "price"))
    for name in ("ridge_lags", "lightgbm_lags"):
        assert np.isfinite(made(name, asked).fit(X, y).predict(ahead)["point"]).all()


def test_quantiles_of_few_errors_grow_with_the_steps_and_of_fewer_there_are_none():
    errors = np.random.default_rng(0).normal(0, 1, (6, 9)) * np.sqrt(np.arange(1, 10))
    found = spread_of(errors, (0.1, 0.5, 0.9))
    assert found[:, 2] / found[0, 2] == pytest.approx(np.sqrt(np.arange(1, 10)))
    assert (found[:, 1] == 0).all()
    assert spread_of(errors[:2], (0.1,)) is None


def test_lags_and_calendar_follow_season_and_frequency():
    assert lags_of(1) == (1, 2, 3, 4)
    assert lags_of(4) == (1, 2, 3, 4, 5, 8)
    assert lags_of(168)[-3:] == (24, 168, 336)
    assert calendar_of("MS") == calendar_of("ME") == ("month",)
    assert calendar_of("YS-JAN") == calendar_of("") == ()
    assert calendar_of("15min") == ("hour", "dayofweek")


def test_no_fallback_is_warned_of_where_there_is_none():
    X, y, _ = rows(30, 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made("auto_theta").fit(X, y)


def test_what_members_forecast_is_remembered_and_charged_and_shared_by_ensembles(tmp_path, monkeypatch):
    X, y, ahead = rows(30, 1, 24)
    plain = SeriesBySeries([Theta(4), ETS(4)], context()).fit(X, y)
    memory = Memory(tmp_path)
    SeriesBySeries([ETS(4)], context(remember=memory)).fit(X, y)
    SeriesBySeries([Theta(4)], context(remember=memory)).fit(X, y)
    assert memory.charged_seconds == 0
    # Nothing is fitted from here on.
    monkeypatch.setattr(series_by_series, "part_of", None)
    both = SeriesBySeries([Theta(4), ETS(4)], context(remember=memory)).fit(X, y)
    pd.testing.assert_frame_equal(both.predict(ahead), plain.predict(ahead))
    assert (both.fallbacks_, len(list(tmp_path.rglob("*.npz")))) == (plain.fallbacks_, 2)
    assert memory.charged_seconds > 0


@pytest.mark.parametrize("change", [{"horizon": 5}, {"levels": (0.5,)}, {"values": 1e-9}, {"season": 5}])
def test_whatever_moves_a_forecast_is_forecast_anew(tmp_path, change):
    X, y, _ = rows(30)
    memory = Memory(tmp_path)
    SeriesBySeries([ETS(4)], context(remember=memory)).fit(X, y)
    asked = replace(ASKED, **{name: value for name, value in change.items() if name in ("horizon", "levels")})
    SeriesBySeries([ETS(change.get("season", 4))], context(asked, remember=memory)).fit(X, y + change.get("values", 0))
    assert (len(list(tmp_path.rglob("*.npz"))), memory.charged_seconds) == (2, 0)


def test_a_model_whose_forecasts_were_remembered_goes_on_as_one_that_was_fitted(tmp_path):
    X, y, ahead = rows(36)
    begun, memory = slice(30), Memory(tmp_path)
    plain = SeriesBySeries([Theta(4), ETS(4)], context()).fit(X[begun], y[begun]).observe(X, y)
    for _ in range(2):
        again = SeriesBySeries([Theta(4), ETS(4)], context(remember=memory)).fit(X[begun], y[begun])
    again.observe(X, y)
    pd.testing.assert_frame_equal(again.predict(ahead), plain.predict(ahead))


def test_what_the_clock_cut_is_not_remembered(tmp_path):
    X, y, _ = rows(12, 12)
    with pytest.warns(UserWarning, match="time was up: 2"):
        SeriesBySeries([Theta(4)], context(remember=Memory(tmp_path)), seconds=-1.0).fit(X, y)
    assert list(tmp_path.rglob("*.npz")) == []


def test_a_file_of_the_memory_that_is_damaged_is_made_anew(tmp_path):
    X, y, ahead = rows(24)
    plain = SeriesBySeries([Theta(4)], context(remember=Memory(tmp_path))).fit(X, y).predict(ahead)
    [path] = tmp_path.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    again = SeriesBySeries([Theta(4)], context(remember=Memory(tmp_path))).fit(X, y).predict(ahead)
    pd.testing.assert_frame_equal(again, plain)


def test_a_series_that_no_member_was_fitted_to_is_told_when_history_goes_on():
    X, y, _ = rows(3, 30)
    model = SeriesBySeries([ETS(4)], context())
    with pytest.warns(UserWarning, match="ETS, tiny datasets: 1"):
        model.fit(X, y)
    with pytest.warns(UserWarning, match="ETS, without a fit to go on with: 1"):
        model.observe(X, y)
    assert model.fallbacks_ == 1


def test_levels_beyond_all_errors_are_told():
    errors = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.warns(UserWarning, match="100 errors hold no quantile as far out as 0.001, 0.999"):
        spread_of(errors, (0.001, 0.01, 0.999))


@pytest.mark.parametrize("name", ["ridge_lags", "lightgbm_lags", "mean_ensemble", "median_over_families"])
def test_a_fitted_regression_on_lags_can_be_kept(name):
    X, y, _ = rows(40, 40)
    assert len(pickle.dumps(made(name).fit(X, y))) > 1000
