"""What is kept of forecasts beside their scores, against forecasts at hand; and what paired comparisons make of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench import metrics
from bench.forecast_items import ForecastItems
from bench.forecast_metrics import BY_SERIES, sql
from bench.items import measure, read_items, write_items
from bench.panel import held_of
from bench.stats.churn import forecast_churn
from bench.stats.forecast_stability import dispersion
from tests.panels import HORIZON, METRICS, forecasts, panel, windows, written


def ran(tmp_path, count=3, step=HORIZON, seeds=2, data=None, splits=None, **changes):
    data = panel(step=step) if data is None else data
    splits = windows(data, count, step) if splits is None else splits
    made = {
        (fold, seed): forecasts(data, splits[fold], seed, **changes) for fold in range(count) for seed in range(seeds)
    }
    records, predictions, truth = written(tmp_path, data, splits, "toy", made)
    return data, splits, made, records, measure(records, predictions, truth, "toy", 0), (predictions, truth)


def test_the_truth_of_a_panel_comes_back_as_it_was(tmp_path):
    data = replace(panel(), observed=np.arange(480) % 7 != 0)
    splits = windows(data, 2)
    *_, (_, truth) = ran(tmp_path, count=2, data=data, splits=splits)
    assert (truth.panel.season, truth.panel.step, truth.panel.freq) == (4, HORIZON, "")
    assert truth.panel.names == tuple(f"S{code}" for code in range(8))
    assert (truth.panel.observed == data.observed).all()
    for split in splits:
        wanted, found = held_of(data, split.train, split.test), truth.panel.windows[0, split.fold]
        for name in ("y", "series", "step", "scale", "squared_scale", "levels"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name), equal_nan=True)
    assert np.isnan(truth.panel.windows[0, 0].y).any()


def test_errors_of_series_average_to_the_scores_of_their_records(tmp_path):
    *_, records, found, _ = ran(tmp_path)
    assert isinstance(found, ForecastItems)
    assert (found.seeds, found.sizes, found.left_out, found.block) == (2, (8, 8, 8), 0, 1)
    assert found.groups.tolist() == [*range(8)] * 3
    for name in ("mase", "sql"):
        by_cell = {(record.fold, record.seed): record.scores[name] for record in records}
        assert found.by_window(name) == pytest.approx(np.array([[by_cell[w, s] for s in range(2)] for w in range(3)]))
        items = found.parts(name).score_by_item
        assert -items.mean(axis=1) == pytest.approx(found.by_window(name).mean(axis=0))
    assert found.parts("wape") is None


def test_windows_of_different_numbers_of_series_weigh_the_same(tmp_path):
    data = panel()
    splits = windows(data, 3)
    keep = np.isin(data.groups[splits[0].test], (0, 1, 2))
    splits[0] = replace(splits[0], test=splits[0].test[keep])
    *_, found, _ = ran(tmp_path, data=data, splits=splits)
    assert found.sizes == (3, 8, 8)
    items = found.parts("mase").score_by_item
    assert -items.mean(axis=1) == pytest.approx(found.by_window("mase").mean(axis=0))
    assert len(np.bincount(found.groups, items.mean(axis=0))) == 8


@pytest.mark.parametrize("name", [name for name in BY_SERIES if metrics.metric(name).best is None])
def test_every_metric_that_may_decide_is_known_by_series(tmp_path, name):
    data, splits, made, records, _, (predictions, truth) = ran(tmp_path)
    path = tmp_path / "items.json"
    write_items(path, measure(records, predictions, truth, "toy", 0, metric=name))
    parts = read_items(path, records).parts(name)
    held = [held_of(data, split.train, split.test) for split in splits]
    wanted = [[metrics.metric(name).score(held[w], made[w, s]) for s in range(2)] for w in range(3)]
    assert parts.by_window == pytest.approx(np.array(wanted), rel=1e-6)
    assert -parts.score_by_item.mean(axis=1) == pytest.approx(np.mean(wanted, axis=0), rel=1e-6)
    assert parts.groups.tolist() == [*range(8)] * 3
    assert np.isfinite(parts.item_variance)
    # Sizes of the series go from 1 to 1,000, two of each.
    assert parts.worth == pytest.approx(8) if parts.weights is None else 2 < parts.worth < 2.6


def test_series_without_a_scale_have_a_part_in_what_needs_none(tmp_path):
    data = panel()
    data = replace(data, y=np.where(data.groups == 2, 5.0, data.y), observed=(data.groups != 3) | (data.time < 42))
    *_, records, _, (predictions, truth) = ran(tmp_path, data=data, splits=windows(data, 3), error=0.5)
    sizes = {name: measure(records, predictions, truth, "toy", 0, metric=name).parts(name).sizes for name in BY_SERIES}
    assert sizes == {name: (7, 7, 7) if name in ("wape", "wql", "smape") else (6, 6, 6) for name in BY_SERIES}


def test_series_without_a_scale_are_counted_and_stand_nowhere(tmp_path):
    data = panel()
    data = replace(data, y=np.where(data.groups == 2, 5.0, data.y))
    *_, found, _ = ran(tmp_path, data=data, splits=windows(data, 3), error=0.0)
    assert (found.sizes, found.left_out) == ((7, 7, 7), 3)
    assert np.isfinite(found.scores["mase"]).all()


def test_figures_by_step_and_by_level_are_those_of_the_forecasts(tmp_path):
    data, splits, made, records, found, _ = ran(tmp_path)
    held = [held_of(data, split.train, split.test) for split in splits]
    errors, below = np.zeros((HORIZON, 0)), []
    for (fold, _), p in made.items():
        scaled = np.abs(held[fold].y - p[:, 0]) / held[fold].scale[held[fold].series]
        errors = np.hstack([errors, scaled.reshape(-1, HORIZON).T])
        below.append(held[fold].y[:, None] <= p[:, 1:])
    assert found.by_step[0] == pytest.approx(errors.mean(axis=1))
    assert found.by_step[1].mean() == pytest.approx(np.mean([record.scores["sql"] for record in records]))
    assert found.coverage == pytest.approx(np.concatenate(below).mean(axis=0))
    for place, level in enumerate(found.levels):
        # The loss of a level is the SQL of who was asked for no other.
        alone = [sql(replace(held[fold], levels=(level,)), p[:, [0, 1 + place]]) for (fold, _), p in made.items()]
        assert found.pinball[place] == pytest.approx(np.mean(alone))


def test_churn_is_that_of_the_points_of_two_seeds(tmp_path):
    data, splits, made, _, found, _ = ran(tmp_path)
    points = np.stack([np.concatenate([made[fold, seed][:, 0] for fold in range(3)]) for seed in range(2)])
    rows = np.concatenate([split.test for split in splits])
    wanted = np.abs(points[0] - points[1]).sum() / np.abs(data.y[rows]).sum()
    assert found.churn[0] == pytest.approx(wanted)
    assert found.churn[0] == forecast_churn(points, data.y[rows], data.groups[rows]).value
    assert 0 < found.excess_churn[0] < 1
    *_, alone, _ = ran(tmp_path / "one", seeds=1)
    assert np.isnan(alone.churn[0])


def test_a_window_in_which_no_series_has_a_scale_keeps_its_number(tmp_path):
    data = panel()
    splits = windows(data, 3)
    y = data.y.copy()
    y[splits[0].train[data.groups[splits[0].train] == 0]] = 7.0
    splits[0] = replace(splits[0], test=splits[0].test[data.groups[splits[0].test] == 0])
    *_, records, found, _ = ran(tmp_path, data=replace(data, y=y), splits=splits)
    assert (found.sizes, found.left_out) == ((0, 8, 8), 1)
    by_window = found.by_window("mase")
    assert np.isnan(by_window[0]).all()
    assert np.isfinite(by_window[1:]).all()
    assert dispersion(by_window).worst_window == int(np.nanargmax(by_window.mean(axis=1)))
    assert found.parts("mase").score_by_item.shape == (2, 16)
    write_items(tmp_path / "items.json", found)
    assert read_items(tmp_path / "items.json", records).by_window("mase").shape == (3, 2)


def test_a_revision_needs_windows_that_overlap(tmp_path):
    *_, found, _ = ran(tmp_path)
    assert not found.revision.measured
    assert "no step is forecast from two origins in a row" in found.revision.why
    data, splits, made, _, found, _ = ran(tmp_path / "close", step=2)
    assert found.block == 3
    changes = []
    for fold in (1, 2):
        held = held_of(data, splits[fold].train, splits[fold].test)
        now, before = (made[one, 0][:, 0].reshape(8, HORIZON) for one in (fold, fold - 1))
        changes.append(np.abs(now[:, :-2] - before[:, 2:]) / held.scale[:, None])
    assert found.revision.value == pytest.approx(np.mean(changes))
    assert found.revision.low < found.revision.value < found.revision.high


def test_three_examples_show_the_best_the_median_and_the_worst_series(tmp_path):
    data, splits, made, _, found, _ = ran(tmp_path)
    codes, errors = found.over_series("mase")
    order = codes[np.argsort(errors)]
    assert [fan.which for fan in found.fans] == ["best", "median", "worst"]
    assert [fan.series for fan in found.fans] == [f"S{order[at]}" for at in (0, 3, 7)]
    worst = found.fans[-1]
    rows = data.groups[splits[-1].test] == order[-1]
    assert worst.y == pytest.approx(data.y[splits[-1].test][rows])
    assert worst.point == pytest.approx(made[2, 0][rows, 0])
    assert np.array(worst.quantiles) == pytest.approx(made[2, 0][rows, 1:].T)
    mine = data.y[data.groups == order[-1]][:-HORIZON]
    assert worst.history == pytest.approx(mine[-len(worst.history) :])
    assert found.worst["mase"] == worst.series


def test_kinds_of_series_have_their_own_errors(tmp_path):
    *_, found, _ = ran(tmp_path)
    codes, errors = found.over_series("mase")
    seasonal = {one.label: one for one in found.slices if one.character == "strength of the season"}
    assert seasonal["more than 0.64"].series == 4
    assert seasonal["more than 0.64"].error == pytest.approx(errors[codes % 2 == 1].mean())
    assert {one.label for one in found.slices if one.character == "length"} == {"all"}


def test_figures_come_back_from_the_disk_and_are_not_believed_where_damaged(tmp_path):
    *_, records, found, _ = ran(tmp_path, step=2)
    path = tmp_path / "items.json"
    write_items(path, found)
    back = read_items(path, records)
    assert back.scores["mase"] == pytest.approx(found.scores["mase"], rel=1e-7)
    assert (back.groups == found.groups).all()
    assert back.by_step == pytest.approx(found.by_step, rel=1e-5)
    assert (back.slices[0].label, back.worst, back.revision.method) == (
        found.slices[0].label, found.worst, found.revision.method
    )  # fmt: skip
    before = path.read_bytes()
    write_items(path, back)
    assert path.read_bytes() == before
    assert len(before) < 9000
    assert read_items(path, records[:-1]) is None
    content = json.loads(before)
    path.write_text(json.dumps({**content, "deciding": {"wape": {"sizes": [8]}}}))
    assert read_items(path, records) is None
    for name in ("scores", "fans", "revision", "levels", "by_step"):
        path.write_text(json.dumps({one: value for one, value in content.items() if one != name}))
        assert read_items(path, records) is None
    path.write_text(json.dumps({**content, "sizes": [8, 8, 9]}))
    assert read_items(path, records) is None


def test_a_forecast_that_is_missing_or_failed_leaves_no_figures(tmp_path):
    *_, records, _, (predictions, truth) = ran(tmp_path)
    failed = [replace(records[0], status="failed", reason="no"), *records[1:]]
    assert measure(failed, predictions, truth, "toy", 0) is None
    (tmp_path / "toy" / "1-0.npz").unlink(missing_ok=True)
    (tmp_path / "toy" / "0-1-0.npz").unlink()
    assert measure(records, predictions, truth, "toy", 0) is None


def test_an_exploding_interval_is_named(tmp_path):
    data = panel()
    splits = windows(data, 2)
    made = {(fold, 0): forecasts(data, splits[fold]) for fold in range(2)}
    rows = data.groups[splits[1].test] == 5
    made[1, 0][rows, -1] += 1e13
    records, predictions, truth = written(tmp_path, data, splits, "toy", made)
    path = tmp_path / "items.json"
    write_items(path, measure(records, predictions, truth, "toy", 0))
    found = read_items(path, records)
    assert found.worst["sql"] == "S5"
    assert found.scores["sql"].max() > 1e8
    assert found.scores["mase"].max() < 10
    assert METRICS[0] == "mase"


def test_quantiles_that_crossed_and_series_that_a_simpler_model_answered_for_are_shares(tmp_path):
    data = panel()
    splits = windows(data, 3)
    made = {(fold, 0): forecasts(data, splits[fold]) for fold in range(3)}
    records, predictions, truth = written(tmp_path, data, splits, "toy", made, fallbacks=2)
    found = measure(records, predictions, truth, "toy", 0)
    assert found.crossed == pytest.approx((0 + 1 + 2) / (3 * 8 * HORIZON))
    assert found.fallbacks == pytest.approx(2 / 8)
    silent = [replace(one, found={}) for one in records]
    assert np.isnan(measure(silent, predictions, truth, "toy", 0).fallbacks)
