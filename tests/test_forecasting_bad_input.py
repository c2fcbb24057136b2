"""Odd files, from reading them to scored forecasts of real models."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.cell import run_cell
from bench.data import Reader
from bench.errors import DataError
from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import ETS
from bench.models.zero_shot import Pretrained, ZeroShot
from bench.panel import known_at_origin
from bench.settings import Budget, DataSpec
from bench.types import Context, ModelChoice, ModelSpec
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting
from tests.builders import cell, panel_inputs

STEP = np.arange(48)


@pytest.fixture
def load(tmp_path):
    def load(frame, **spec):
        path = tmp_path / "sales.csv"
        frame.to_csv(path, index=False)
        made = DataSpec(**{"name": "sales", "path": str(path), "horizon": 4, **spec})
        return forecasting.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def quarters(**series):
    """Return a long frame of quarterly series that end together."""
    stamps = pd.date_range("2010-01-01", periods=48, freq="QS")
    frames = [
        pd.DataFrame({"shop": name, "ds": stamps[-len(values) :], "y": values}) for name, values in series.items()
    ]
    return pd.concat(frames, ignore_index=True)


def swinging(seed=0):
    """Return values whose season grows with their level."""
    noise = np.random.default_rng(seed).normal(0, 0.02, len(STEP))
    return (50 + 3 * STEP) * (1 + 0.4 * np.sin(STEP * np.pi / 2)) * np.exp(noise)


def ran(tmp_path, data, *names, protocol="rolling", folds=2):
    """Return the record of the last window of each model."""
    choices = [
        ModelChoice(name=name, spec=registry.model(name), params=registry.model(name).params()) for name in names
    ]
    splits = forecasting.splits(data, protocol, Budget(folds=folds), 0)[0]
    inputs = panel_inputs(tmp_path, choices, data, *splits)
    return {choice.name: run_cell(cell(choice, fold=splits[-1].fold), inputs) for choice in choices}


def test_negative_values_are_forecast_by_models_that_would_multiply_others(load, tmp_path):
    y = swinging()
    assert "M" in ETS(4).fit(y).model_["components"][2]
    assert "M" not in ETS(4).fit(y - y.mean()).model_["components"]
    data = load(quarters(above=y, around=y - y.mean(), below=-y, touching=y - y.min()), id="shop")
    for name, record in ran(tmp_path, data, "auto_ets", "auto_theta").items():
        assert (record.status, record.reason) == ("ok", ""), name
        assert record.found["forecasts"]["fallbacks"] == 0
        assert record.scores["mase"] < 1.2, name


def test_a_model_that_can_only_multiply_leaves_negative_series_to_the_last_season_and_says_so(load):
    y = swinging()
    data = load(quarters(above=y, around=y - y.mean()), id="shop")
    split = forecasting.splits(data, "rolling", Budget(folds=1), 0)[0][-1]
    X, ahead = data.X.iloc[split.train].reset_index(drop=True), known_at_origin(data, split.test)
    context = Context(seed=0, threads=1, zoo=None, features=None, prediction="quantiles", forecasting=data.forecasting)
    with pytest.warns(UserWarning, match="answers for 1 of 2 series.*negative or zero values: 1"):
        model = SeriesBySeries([ETS(4, "MAM")], context).fit(X, data.y[split.train])
    assert model.fallbacks_ == 1
    found = model.predict(ahead)["point"].to_numpy()[4:]
    assert found == pytest.approx(data.y[split.train][-4:])


def test_values_that_turn_negative_after_the_fit_end_no_model(load, tmp_path):
    y = swinging()
    data = load(quarters(sold=np.where(STEP < 36, y, y - 2 * y.mean())), refit_every=0, windows=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, record in ran(tmp_path, data, "auto_ets", "auto_theta").items():
            assert (record.status, record.reason) == ("ok", ""), name
            assert np.isfinite(record.scores["mase"])


def test_clock_times_without_a_zone_are_refused_where_clocks_change(load):
    def hours(start):
        local = pd.date_range(start, periods=72, freq="h", tz="Europe/Berlin")
        return pd.DataFrame({"time": local.tz_localize(None), "y": np.arange(72) % 7})

    with pytest.raises(DataError, match=r"2 of 72 rows share their time stamp.*data.duplicates"):
        load(hours("2024-10-26"))
    assert len(load(hours("2024-10-26"), duplicates="first").y) == 71
    with pytest.raises(DataError, match=r"lack values for 1 of 73 steps.*data.fill"):
        load(hours("2024-03-30"))
    assert load(hours("2024-03-30"), fill="forward").observed.sum() == 72


def test_series_shorter_than_the_horizon_are_counted_and_cost_the_others_nothing(load, tmp_path):
    data = load(quarters(long=swinging(), short=[1.0, 2.0, 3.0], other=swinging(1)), id="shop", windows=2)
    splits, notes = forecasting.splits(data, "rolling", Budget(folds=2), 0)
    assert [len(split.test) for split in splits] == [8, 8]
    assert any("for their history is too short: 1, 1 of 3 series, by window" in note for note in notes)
    assert any("1 in every one (short)" in note for note in notes)
    for record in ran(tmp_path, data, "seasonal_naive", "auto_theta").values():
        assert (record.status, record.n_test) == ("ok", 8)


def test_constants_and_zeros_beside_one_series_are_forecast_as_they_are(load, tmp_path):
    data = load(quarters(zeros=0 * STEP, sold=swinging(), constant=0 * STEP + 7.5), id="shop")
    for name, record in ran(tmp_path, data, "seasonal_naive", "auto_ets", "auto_theta", "ridge_lags").items():
        assert record.status == "ok", (name, record.reason)
    inputs = panel_inputs(tmp_path, [], data)
    p = inputs.predictions.load(record)
    assert p.shape == (12, 10)
    assert np.abs(p[:4]).max() < 1
    assert np.abs(p[8:] - 7.5).max() < 1


def test_nothing_but_constants_is_refused_before_any_model_runs(load):
    data = load(quarters(zeros=0 * STEP, constant=0 * STEP + 7.5), id="shop")
    with pytest.raises(DataError, match=r"no forecast can be scored.*\(zeros, constant\).*nothing to choose"):
        forecasting.splits(data, "rolling", Budget(), 0)


def test_origins_behind_nothing_but_zeros_are_left_out_and_said(load, tmp_path):
    data = load(quarters(launched=np.where(STEP < 30, 0.0, swinging())), windows=8)
    splits, notes = forecasting.splits(data, "rolling", Budget(), 0)
    assert "Left out: 4 of 8 windows, in which no series has a scaled error." in notes
    assert [split.fold for split in splits] == [0, 1, 2, 3]
    assert all(data.y[split.train].any() for split in splits)
    assert {one.status for one in ran(tmp_path, data, "seasonal_naive", "auto_ets").values()} == {"ok"}


def test_a_hole_in_what_is_known_of_the_published_part_is_refused(load, tmp_path):
    frame = quarters(a=swinging(), b=swinging(1)).assign(price=np.tile(STEP % 3 + 0.5, 2))
    later = frame.groupby("shop").tail(4)
    later.assign(price=later["price"].where(later["shop"] == "a")).to_csv(tmp_path / "later.csv", index=False)
    spec = {"id": "shop", "known": ("price",), "test_path": str(tmp_path / "later.csv")}
    with pytest.raises(DataError, match=r"1 of 2 series have no value for 4 of 96 steps: b \(4\)"):
        load(frame.drop(index=later.index), **spec)
    filled = load(frame.drop(index=later.index), fill="forward", **spec)
    assert filled.X["price"].tail(5).nunique() == 1
    assert ran(tmp_path, filled, "ridge_lags", protocol="published")["ridge_lags"].status == "ok"


@dataclass(frozen=True)
class InBatches:
    """Parameters of a model that reads so many series at once."""

    size: int = 3


SIZES: list[int] = []


def in_batches(params, context):
    """Return a pretrained forecaster whose weights repeat the last value, and note how large batches are."""

    def quantiles(batch, horizon):
        SIZES.append(len(batch))
        last = np.array([one.target[-1] for one in batch])
        return np.repeat(last[:, None, None] + np.array([-1.0, 0.0, 1.0]), horizon, axis=1)

    return ZeroShot(
        load=lambda: Pretrained(levels=(0.1, 0.5, 0.9), quantiles=quantiles),
        asked=context.forecasting,
        batch_size=params.size,
        context=64,
    )


@pytest.mark.parametrize(("size", "sizes"), [(3, [3, 3, 1]), (7, [7]), (8, [7])])
def test_the_last_batch_is_answered_and_scored_where_it_is_not_full(load, tmp_path, size, sizes):
    data = load(quarters(**{f"s{k}": (k + 1) * swinging(k) for k in range(7)}), id="shop")
    spec = ModelSpec(name="batches", task_types=("forecasting",), role="zoo", params=InBatches, build=in_batches)
    choice = ModelChoice(name="batches", spec=spec, params=InBatches(size))
    splits = forecasting.splits(data, "rolling", Budget(folds=2), 0)[0]
    inputs = panel_inputs(tmp_path, [choice], data, *splits)
    SIZES.clear()
    record = run_cell(cell(choice, fold=splits[-1].fold), inputs)
    assert (record.status, record.reason, record.n_test, SIZES) == ("ok", "", 28, sizes)
    last = data.y[splits[-1].train][np.cumsum(np.bincount(data.groups[splits[-1].train])) - 1]
    assert inputs.predictions.load(record)[:, 0] == pytest.approx(np.repeat(last, 4), rel=1e-6)
