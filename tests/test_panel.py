"""Cells on panels of time series: what a model is given, what is asked of it, and how several become one."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bench import registry
from bench.blend import Blend
from bench.building import Rows, context_of, fit_choice
from bench.cell import run_cell
from bench.errors import BenchError, ModelError
from bench.forecast_metrics import mase, undefined
from bench.members import hangs_on_clock
from bench.panel import held_of, inner_windows, known_at_origin, least_history
from bench.plan import greedy, tuned
from bench.predictions import prediction_digest
from bench.tested import items_of
from bench.types import ModelChoice, Split
from tests.builders import cell, dataset, last_window, panel, panel_inputs
from tests.toy_forecasters import Params, toy_forecaster


def outcome(tmp_path, way, **changes):
    data, choice = panel(), toy_forecaster(way=way)
    return run_cell(cell(choice), panel_inputs(tmp_path, [choice], data, last_window(data, **changes)))


def test_a_forecaster_gets_a_scored_record(tmp_path):
    record = outcome(tmp_path, "well")
    assert (record.status, record.reason) == ("ok", "")
    assert record.scores["mase"] > 0
    assert (record.n_train, record.n_test) == (95 - 18, 18)
    assert dict(record.found["forecasts"]) == {"crossed": 0, "fallbacks": 0}


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("forgets a step", "no forecast for 1 of 18 steps"),
        ("repeats a step", "1 forecasts of a step that it had forecast already"),
        ("names another series", "no forecast for 1 of 18 steps, and 1 for others"),
        ("dates another step", "no forecast for 18 of 18 steps, and 18 for others"),
        ("leaves a level out", "no column 'q0.9'"),
        ("returns NaN", "NaN or infinite forecasts for 1 of 18 steps"),
        ("returns infinity", "NaN or infinite forecasts for 1 of 18 steps"),
        ("returns text", "no numbers"),
        ("returns an array", "a ndarray, not a data frame"),
    ],
)
def test_a_forecast_that_breaks_the_contract_is_invalid_with_a_reason(tmp_path, way, said):
    record = outcome(tmp_path, way)
    assert record.status == "invalid"
    assert re.search(said, record.reason)


def test_a_value_from_behind_the_origin_cannot_be_read(tmp_path):
    record = outcome(tmp_path, "peeks")
    assert record.status == "failed"
    assert "KeyError: 'stock'" in record.reason


def test_past_columns_are_known_up_to_the_origin_and_the_others_beyond_it(tmp_path):
    data, choice = panel(), toy_forecaster()
    inputs = panel_inputs(tmp_path, [choice], data)
    context = context_of(choice, cell(choice), inputs, inputs.features)
    made = fit_choice(choice, cell(choice), inputs, context, Rows.of(data, inputs.splits[0].fitted))
    assert made.model.columns == ("unique_id", "ds", "quarter", "stock", "shop")
    assert list(known_at_origin(data, inputs.splits[0].test).columns) == ["unique_id", "ds", "quarter", "shop"]
    assert list(known_at_origin(dataset(), np.arange(3))) == list(dataset().X[:3])


@pytest.mark.parametrize(("seconds", "cut"), [(1e-9, True), (600.0, False)])
def test_a_cell_whose_model_says_that_the_clock_cut_it_is_not_expected_to_repeat(tmp_path, seconds, cut):
    spec = registry.model("auto_arima")
    choice = ModelChoice(name="auto_arima", spec=spec, params=spec.params(seconds=seconds))
    record = run_cell(cell(choice), panel_inputs(tmp_path, [choice], panel(sizes=(20,))))
    assert (record.status, hangs_on_clock(record.found)) == ("ok", cut)


def test_crossed_quantiles_are_sorted_and_counted(tmp_path):
    record = outcome(tmp_path, "crosses")
    assert record.status == "ok"
    assert record.found["forecasts"]["crossed"] == 2
    assert record.digest == outcome(tmp_path, "well").digest


def test_a_model_that_can_go_on_is_not_fitted_anew(tmp_path):
    data = panel()
    early = last_window(data, back=6).train
    record = outcome(tmp_path, "observes", fit=early)
    assert record.warnings == ()
    assert record.found["forecasts"]["fallbacks"] == 1
    assert record.digest == outcome(tmp_path, "well").digest


def test_a_model_that_cannot_go_on_is_fitted_anew_and_that_is_said(tmp_path):
    data = panel()
    record = outcome(tmp_path, "well", fit=last_window(data, back=6).train)
    assert any("cannot go on from later history" in said for said in record.warnings)
    assert record.digest == outcome(tmp_path, "well").digest


def test_scales_are_of_the_windows_own_training_part_and_series_keep_their_order():
    data = panel()
    one = last_window(data)
    held = held_of(data, one.train, one.test)
    for code in range(3):
        y = data.y[one.train][data.groups[one.train] == code]
        gaps = y[4:] - y[:-4]
        assert held.scale[code] == pytest.approx(np.abs(gaps).mean(), rel=1e-12)
        assert held.squared_scale[code] == pytest.approx(np.square(gaps).mean(), rel=1e-12)
    assert held.series.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert held.step.tolist() == [1, 2, 3, 4, 5, 6] * 3
    assert held.y.tolist() == data.y[one.test].tolist()
    # Another window, another scale.
    earlier = last_window(data, back=12)
    assert (held_of(data, earlier.train, earlier.test).scale != held.scale).all()


def test_seasons_that_differ_by_rounding_only_have_a_scale_of_zero():
    data, time = panel(), np.arange(panel().groups.tolist().count(0))
    y = data.y.copy()
    for size in (1.0, 1e-20, 1e20):
        y[data.groups == 0] = size * (10 + np.sin(2 * np.pi * time / 4))
        # What is small beside the level is a season all the same.
        y[data.groups == 1] = 1e6 + data.y[data.groups == 1]
        one = last_window(data)
        held = held_of(replace(data, y=y), one.train, one.test)
        assert (held.scale[0], held.squared_scale[0]) == (0.0, 0.0)
        assert (held.scale[1:] > 0).all()
        assert undefined(held) == 1
        forecasts = np.repeat(held.y[:, None], 1 + len(held.levels), axis=1) + 0.001
        assert mase(held, forecasts) < 1


def test_a_series_that_a_window_leaves_out_and_one_without_a_season_have_no_scale_of_others():
    data = panel(sizes=(40, 5, 30))
    one = last_window(data)
    rows = one.test[data.groups[one.test] != 0]
    held = held_of(data, one.train[data.groups[one.train] != 1], rows)
    assert np.isnan(held.scale[0])
    assert held.scale[1] == held_of(data, one.train, one.test).scale[-1]


def test_steps_that_were_filled_in_are_not_scored():
    data = panel()
    one = last_window(data)
    observed = np.ones(len(data.y), bool)
    observed[one.test[2]] = observed[one.train[-3]] = False
    held = held_of(replace(data, observed=observed), one.train, one.test)
    assert np.flatnonzero(np.isnan(held.y)).tolist() == [2]
    whole = held_of(data, one.train, one.test)
    assert (held.scale[:2] == whole.scale[:2]).all()
    assert held.scale[2] != whole.scale[2]


def test_inner_windows_lie_before_the_origin_and_are_more_where_series_are_few():
    data = panel(sizes=(50, 30, 25))
    train = last_window(data).train
    windows = inner_windows(data, train)
    assert len(windows) == 5
    for fit, held in windows:
        for code in np.unique(data.groups[train][held]):
            mine = data.groups[train] == code
            assert np.isin(held, np.flatnonzero(mine)).sum() == 6
            assert max(fit[mine[fit]]) == min(held[mine[held]]) - 1
            assert mine[fit].sum() >= least_history(4)
    assert windows[-1][1].max() == len(train) - 1
    many = panel(sizes=(20,) * 150)
    assert len(inner_windows(many, last_window(many).train)) == 1


def test_series_too_short_for_an_inner_window_say_how_long_they_would_have_to_be():
    data = panel(sizes=(12, 11))
    with pytest.raises(ModelError, match="No series has the 11 steps before the origin"):
        inner_windows(data, last_window(data).train)
    with pytest.raises(BenchError, match="no panel"):
        inner_windows(dataset(), np.arange(3))


def test_items_of_a_panel_are_its_series():
    data = panel()
    assert [len(item) for item in items_of(data, last_window(data))] == [6, 6, 6]
    two = Split(repeat=0, fold=0, train=np.arange(3), test=np.array([4, 9]))
    assert [item.tolist() for item in items_of(dataset(), two)] == [[0], [1]]


def test_a_blend_is_the_weighted_mean_of_its_members(tmp_path):
    data = panel()
    inputs = panel_inputs(tmp_path, [], data)
    low, high = toy_forecaster("low", shift=-8.0), toy_forecaster("high", shift=4.0)
    context = context_of(low, cell(low), inputs, inputs.features)
    rows = Rows.of(data, inputs.splits[0].train)
    members = [choice.spec.build(choice.params, context).fit(rows.X, rows.y) for choice in (low, high)]
    X = known_at_origin(data, inputs.splits[0].test)
    said = [one.predict(X).sort_index() for one in members]
    found = Blend(members, [0.25, 0.75], data.forecasting).predict(X)
    numbers = list(data.forecasting.columns)
    wanted = 0.25 * said[0][numbers].to_numpy() + 0.75 * said[1][numbers].to_numpy()
    assert found[numbers].to_numpy() == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(TypeError, match="not fitted again"):
        Blend(members, [0.25, 0.75], data.forecasting).fit(X, rows.y)


def test_an_ensemble_takes_its_weights_from_inner_windows_and_leaves_bad_members_out(tmp_path):
    data = panel()
    members = [toy_forecaster("near", shift=12.0), toy_forecaster("far", shift=500.0), toy_forecaster("ill", "raises")]
    members[2] = replace(members[2], params=Params("returns NaN"))
    choice = greedy(members, 5)
    record = run_cell(cell(choice), panel_inputs(tmp_path, [choice], data))
    assert (record.status, record.reason) == ("ok", "")
    assert dict(record.found["weights"]) == {"near": 1.0}
    assert "NaN or infinite" in record.found["left_out"]["ill"]
    alone = run_cell(cell(members[0]), panel_inputs(tmp_path, members[:1], data))
    assert record.digest == alone.digest


def test_a_search_for_parameters_of_a_forecaster_is_on_inner_windows(tmp_path):
    data = panel()
    choice = tuned(toy_forecaster(space=lambda trial: {"shift": trial.suggest_float("shift", -50.0, 50.0)}))
    inputs = replace(panel_inputs(tmp_path, [choice], data), trials=15)
    record = run_cell(cell(choice), inputs)
    assert record.status == "ok"
    scores = record.found["search"]["scores"]
    assert max(score for score in scores if score is not None) > scores[0]


def test_the_digest_of_forecasts_ignores_the_last_bits_at_any_scale():
    for scale in (1e-9, 1.0, 1e12):
        forecasts = scale * np.random.default_rng(0).normal(10, 1, (20, 10))
        assert prediction_digest(forecasts) == prediction_digest(forecasts * (1 + 1e-13))
        changed = forecasts.copy()
        changed[7, 3] *= 1.0001
        assert prediction_digest(forecasts) != prediction_digest(changed)
    assert prediction_digest(np.array([[0.0, 999999.9]])) == prediction_digest(np.array([[-0.0, 1e6]]))
