from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import binom, norm

from bench.answers import Asked, checked
from bench.cell import run_cell
from bench.config import CONF
from bench.data import Reader
from bench.errors import DataError
from bench.metrics import scores
from bench.panel import Rolling, held_of
from bench.panel_truth import ceiling_of
from bench.provenance import provenance_of
from bench.settings import Budget, DataSpec
from bench.windows import published_window, rolling_windows
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting, synthetic
from tasks.forecasting.task import _usual_windows
from tests.builders import cell, panel, panel_inputs, task
from tests.toy_forecasters import toy_forecaster

# The panel of the tests: 40, 30 and 25 quarters, horizon 6, season 4.


def rolled(data=None, folds=3, **rolling):
    return rolling_windows(replace(data or panel(), rolling=Rolling(**rolling)), folds)


def of_series(data, rows, code):
    """Return the places of rows within one series, from 0."""
    own = rows[data.groups[rows] == code]
    return (own - np.flatnonzero(data.groups == code)[0]).tolist()


def test_windows_are_counted_from_the_end_of_each_series_and_the_last_one_ends_there():
    data = panel()
    splits, notes = rolled(data)
    assert [(split.repeat, split.fold) for split in splits] == [(0, 0), (0, 1), (0, 2)]
    for fold, origin in enumerate((22, 28, 34)):
        assert of_series(data, splits[fold].train, 0) == list(range(origin))
        assert of_series(data, splits[fold].test, 0) == list(range(origin, origin + 6))
        assert of_series(data, splits[fold].test, 2) == list(range(origin - 15, origin - 9))
        assert splits[fold].fit is None
    assert notes == (
        "2 of 3 series end before the others; origins are counted from the end of each, so that a model of all series "
        "has seen others at later dates.",
    )


def test_no_training_row_lies_behind_an_origin_and_no_step_is_left_out():
    data = panel(sizes=(61, 33, 47), horizon=5)
    for split in rolled(data, folds=4)[0]:
        last = data.X.iloc[split.train].groupby("unique_id", sort=False)["ds"].max()
        first = data.X.iloc[split.test].groupby("unique_id")["ds"].min()
        assert (last < first[last.index]).all()
        assert np.bincount(data.groups[split.test]).tolist() == [5, 5, 5]


def test_windows_step_and_context_are_as_asked():
    data = panel()
    splits, _ = rolled(data, windows=4, step=2, context=10)
    for fold, origin in enumerate((28, 30, 32, 34)):
        assert of_series(data, splits[fold].train, 0) == list(range(origin - 10, origin))
        assert of_series(data, splits[fold].test, 0) == list(range(origin, origin + 6))


@pytest.mark.parametrize(
    ("every", "fitted_at"), [(1, [0, 1, 2, 3, 4]), (2, [0, 0, 2, 2, 4]), (3, [0, 0, 0, 3, 3]), (0, [0] * 5)]
)
def test_models_are_fitted_anew_at_every_nth_origin(every, fitted_at):
    data = panel(sizes=(60, 60))
    always, splits = rolled(data, folds=5)[0], rolled(data, folds=5, refit_every=every)[0]
    for split, at in zip(splits, fitted_at, strict=True):
        assert (split.train == always[split.fold].train).all()
        assert (split.test == always[split.fold].test).all()
        if at == split.fold:
            assert split.fit is None
        else:
            assert (split.fit == always[at].train).all()


def test_with_little_context_no_step_since_the_fit_is_missed():
    data = panel(sizes=(60,))
    splits = rolled(data, windows=4, refit_every=0, context=8)[0]
    assert [split.fitted.tolist() for split in splits] == [list(range(28, 36))] * 4
    assert [split.train.tolist() for split in splits[1:]] == [
        list(range(34, 42)), list(range(36, 48)), list(range(36, 54)),
    ]  # fmt: skip
    assert [len(split.train) for split in rolled(data, windows=4, context=8)[0]] == [8] * 4


def test_a_series_that_was_too_short_for_the_fit_is_not_gone_on_with():
    data = panel(sizes=(40, 16))
    always, gone_on = (rolled(data, folds=2, refit_every=every) for every in (1, 0))
    assert [np.unique(data.groups[split.test]).tolist() for split in always[0]] == [[0], [0, 1]]
    assert [np.unique(data.groups[split.test]).tolist() for split in gone_on[0]] == [[0], [0]]
    assert "Left out, for their history is too short: 1, 0 of 2 series, by window from the earliest." in always[1]
    assert any("1, 1 of 2 series, by window from the earliest; 1 in every one (s1)" in note for note in gone_on[1])


def test_a_series_needs_a_season_and_a_step_before_an_origin():
    sizes = (40, 10, 11)
    data = panel(sizes=sizes, observed=None)
    (split,), notes = rolled(data, folds=1)
    assert np.unique(data.groups[split.test]).tolist() == [0, 2]
    assert "Left out, for their history is too short: 1 of 3 series." in notes
    # A step that was filled tells no season.
    filled = np.ones(sum(sizes), bool)
    filled[52] = False
    assert np.unique(data.groups[rolled(replace(data, observed=filled), folds=1)[0][0].test]).tolist() == [0]
    # Where there is no season, three steps.
    short = panel(sizes=(9, 8), season=1)
    assert np.unique(short.groups[rolled(short, folds=1)[0][0].test]).tolist() == [0]


def test_origins_that_no_series_reaches_are_left_out_and_said():
    splits, notes = rolled(folds=9)
    assert [split.fold for split in splits] == list(range(5))
    assert "5 windows instead of 9: no series is long enough for earlier origins." in notes


def windows_of(data, horizon, **rolling):
    asked = replace(data.forecasting, horizon=horizon)
    return len(rolled(replace(data, forecasting=asked), folds=9, **rolling)[0])


@pytest.mark.parametrize(("rolling", "longest"), [({}, 17), ({"step": 4}, 31)])
def test_where_one_window_is_left_the_longest_horizon_that_leaves_two_is_named(rolling, longest):
    data = panel()
    said = f"1 window instead of 9: no series is long enough for earlier origins. data.horizon={longest} or less "
    asked = replace(data, forecasting=replace(data.forecasting, horizon=longest + 1))
    assert any(note == f"{said}leaves two." for note in rolled(asked, folds=9, **rolling)[1])
    assert [windows_of(data, horizon, **rolling) for horizon in (longest, longest + 1)] == [2, 1]


def test_steps_that_were_filled_are_no_history_of_a_second_window():
    data, observed = panel(sizes=(40,)), np.ones(40, bool)
    observed[1:7] = False
    notes = rolled(replace(data, observed=observed, forecasting=replace(data.forecasting, horizon=20)))[1]
    assert any("data.horizon=14 or less leaves two" in note for note in notes)
    assert [windows_of(replace(data, observed=observed), horizon) for horizon in (14, 15)] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "rolling", "said"),
    [
        (
            {"horizon": 36},
            {},
            "a horizon of 36 behind at least 5 observed steps .*longest has 40. Give data.horizon=35 or less, or 17 or "
            "less for two windows",
        ),
        ({"sizes": (5, 4)}, {}, "the longest has 5. Give data.season=1 or longer series"),
        ({}, {"context": 3}, "data.context=3 leaves less than the 5 steps that season 4 takes"),
    ],
)
def test_a_horizon_longer_than_every_history_is_refused_with_what_would_fit(changes, rolling, said):
    with pytest.raises(DataError, match=said):
        rolled(panel(**changes), **rolling)


def test_series_without_a_scale_are_counted_and_named():
    data = panel(sizes=(40, 40, 16))
    y, observed = data.y.copy(), np.ones(len(data.y), bool)
    y[40:80] = np.arange(40) % 4
    # Five observed steps, and no two of them a season apart.
    observed[[84, 85, 86, 87, 89]] = False
    notes = rolling_windows(replace(data, y=y, observed=observed), 1)[1]
    said = "1 of 3 series have no scale for MASE, RMSSE and SQL in some window"
    assert f"{said}: each season repeats the one before (s1)." in notes
    assert f"{said}: no season has one before it (s2)." in notes


def test_the_published_part_is_one_window():
    data = panel()
    to_end = np.concatenate([np.arange(size, 0, -1) for size in (40, 30, 25)])
    whole, notes = published_window(replace(data, test=to_end <= 6))
    assert (whole[0].test == rolled(data, folds=1)[0][0].test).all()
    assert notes == ()
    # Of a longer part its first steps.
    (split,), _ = published_window(replace(data, test=to_end <= 8))
    assert of_series(data, split.train, 0) == list(range(32))
    assert of_series(data, split.test, 0) == list(range(32, 38))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (None, "brings no last part of its own, which protocol=published needs"),
        ((6, 6, 5), "1 of 3 series have fewer than 6 steps in the published part. Give data.horizon=5"),
        ((6, 0, 6), "1 of 3 series have no step in the published part"),
        ((38, 28, 23), "no series has the 5 observed steps before its published part that season 4 takes"),
    ],
)
def test_a_published_part_that_cannot_be_forecast_is_refused(steps, said):
    data = panel()
    to_end = np.concatenate([np.arange(size, 0, -1) for size in (40, 30, 25)])
    test = None if steps is None else to_end <= np.array(steps)[data.groups]
    with pytest.raises(DataError, match=said):
        published_window(replace(data, test=test))


def test_many_short_series_are_all_there():
    series, steps = 20_000, 12
    groups = np.repeat(np.arange(series), steps)
    ids = np.char.add("s", groups.astype(str)).astype(object)
    X = pd.DataFrame(
        {"unique_id": ids, "ds": pd.date_range("2020", periods=steps, freq="QS")[np.arange(len(ids)) % steps]}
    )
    y = np.random.default_rng(0).normal(size=len(ids))
    data = replace(panel(horizon=2), X=X, y=y, groups=groups, time=X["ds"].to_numpy())
    splits, notes = rolled(data, folds=2)
    assert [len(split.test) for split in splits] == [2 * series] * 2
    assert [len(split.train) for split in splits] == [8 * series, 10 * series]
    assert notes == ()


def test_windows_run_as_cells(tmp_path):
    data = panel()
    choice = toy_forecaster(way="observes")
    inputs = panel_inputs(tmp_path, [choice], data, *rolled(data, refit_every=2)[0])
    records = [run_cell(cell(choice, fold=fold), inputs) for fold in range(3)]
    assert [(record.status, record.warnings, record.n_test) for record in records] == [("ok", (), 18)] * 3


@pytest.mark.parametrize(
    ("name", "few", "many"), [("toy", 2, 2), ("quick", 2, 2), ("standard", 5, 2), ("full", 12, 12)]
)
def test_a_preset_has_the_windows_that_the_card_names(name, few, many):
    budget = Budget(**yaml.safe_load((CONF / "budget" / f"{name}.yaml").read_text()))
    assert [_usual_windows(panel(sizes=(5,) * series), budget) for series in (100, 20_001)] == [few, many]
    card = " ".join((CONF.parent / "tasks" / "forecasting" / "README.md").read_text().split())
    said = {2: "two in `toy` and `quick`", 5: "five in `standard`, or two above 20,000 series", 12: "twelve in `full`"}
    assert said[few] in card


def made(name, folds=4):
    path = f"synthetic:{name}"
    spec = DataSpec(
        name=name, path=path, id="unique_id", time="ds", target="y",
        known=(synthetic.KNOWN,) if synthetic.law(path).effect else (), levels=(0.1, 0.25, 0.5, 0.75, 0.9),
    )  # fmt: skip
    data = forecasting.load(spec, Reader(spec=spec, zoo=Zoo.open(Path("unused")), say=print))
    return path, data, forecasting.splits(data, "rolling", Budget(folds=folds), 0)[0]


def rivals(data, split, best):
    """Return forecasts that others make: from the past, or from the optimum made worse a little."""
    held, season = held_of(data, split.train, split.test), data.forecasting.season
    train, tested = data.groups[split.train], data.groups[split.test]
    ends = np.flatnonzero(np.diff(np.r_[train, -1]))[np.unique(tested, return_inverse=True)[1]]
    y, ahead = data.y[split.train], (held.step - 1) % season
    spread = pd.Series(y).groupby(train).std()[tested].to_numpy()
    drift = (y[ends] - y[ends - 40]) / 40
    points = {
        "naive": y[ends],
        "seasonal naive": y[ends + 1 - season + ahead],
        "mean": pd.Series(y).groupby(train).mean()[tested].to_numpy(),
        "drift": y[ends] + drift * held.step,
        "mean of seasons": np.mean([y[ends + 1 - k * season + ahead] for k in (1, 2, 3)], axis=0),
    }
    columns = list(data.forecasting.columns)
    deviations = (best[columns].to_numpy() - best[["point"]].to_numpy()) / (best["q0.9"] - best["point"]).to_numpy()[
        :, None
    ]
    found = {name: point[:, None] + deviations * spread[:, None] for name, point in points.items()}
    middle = best["point"].to_numpy()[:, None]
    shape = best[columns].to_numpy() - middle
    return found | {"too narrow": middle + 0.6 * shape, "too wide": middle + 1.6 * shape, "off": middle + shape + 0.5}


@pytest.mark.parametrize("name", synthetic.LAWS)
def test_nobody_beats_the_optimum_of_a_synthetic_panel(name):
    path, data, splits = made(name, folds=2)
    columns = list(data.forecasting.columns)
    total = {}
    for split in splits:
        held, best = held_of(data, split.train, split.test), synthetic.optimum(path, data, split)
        answers = {"optimum": best[columns].to_numpy(), **rivals(data, split, best)}
        for rival, values in answers.items():
            found = scores(("mase", "wql", "sql"), held, values)
            total[rival] = total.get(rival, 0) + np.array(list(found.values())) / len(splits)
    for rival in total.keys() - {"optimum"}:
        # What has the same point forecasts has the same error of these.
        worse = total[rival] - total["optimum"]
        assert (worse[1:] > 0).all(), rival
        assert worse[0] > 0 or rival in ("too narrow", "too wide"), rival


@pytest.mark.parametrize("name", synthetic.LAWS)
def test_the_optimum_is_calibrated_and_its_error_is_the_expected_one(name):
    path, data, splits = made(name)
    inside, rows, found, expected = 0, 0, [], []
    for split in splits:
        held, best = held_of(data, split.train, split.test), synthetic.optimum(path, data, split)
        spreads = (best["q0.9"] - best["q0.1"]).to_numpy() / (norm.ppf(0.9) - norm.ppf(0.1))
        # Of one step of each series, for steps of one series hang together.
        once = held.step == 5
        inside += int(((best["q0.1"] <= held.y) & (held.y <= best["q0.9"]))[once].sum())
        rows += int(once.sum())
        found.append(scores(("mase",), held, best[list(data.forecasting.columns)].to_numpy())["mase"])
        # The mean absolute value of what is normal.
        expected.append((spreads * np.sqrt(2 / np.pi) / held.scale[held.series]).mean())
    assert binom.ppf(0.0005, rows, 0.8) <= inside <= binom.ppf(0.9995, rows, 0.8)
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.05)


def test_what_the_optimum_scores_is_kept_of_a_run_on_a_panel_whose_law_is_known():
    path, data, splits = made("campaigns", folds=2)
    found = ceiling_of(data, splits)
    columns = list(data.forecasting.columns)
    for name in ("mase", "sql"):
        wanted = [
            scores((name,), held_of(data, one.train, one.test), synthetic.optimum(path, data, one)[columns].to_numpy())
            for one in splits
        ]
        assert found[name] == pytest.approx(np.mean([one[name] for one in wanted]), rel=1e-7)
    asked = (Budget(), splits, 0, Zoo.open(Path("unused")))
    told = provenance_of(toy_forecaster(), task(), replace(data, ceiling=found), *asked)
    assert told["about"]["ceiling"] == found
    plain = provenance_of(toy_forecaster(), task(), data, *asked)
    assert "ceiling" not in plain["about"]
    assert plain["key"] == told["key"]


def test_a_law_that_does_not_say_what_is_forecast_or_known_ahead_is_no_ceiling():
    path = "synthetic:campaigns"
    assert synthetic.best_of(path, "y", ("campaign",)) is not None
    assert synthetic.best_of(path, "y", ()) is None
    assert synthetic.best_of(path, "campaign", ()) is None
    assert synthetic.best_of("mine.csv", "y", ()) is None
    _, data, splits = made("walk", folds=2)
    assert ceiling_of(replace(data, law=None), splits) == {}


def test_the_optimum_is_a_sound_forecast_and_the_walk_has_nothing_but_its_drift():
    path, data, splits = made("walk")
    split = splits[-1]
    best = synthetic.optimum(path, data, split)
    asked = data.X.iloc[split.test].reset_index(drop=True)
    kept = checked(best, toy_forecaster().spec, asked, Asked.of(data, "quantiles"))
    assert kept.shape == (len(split.test), 6)
    steps = held_of(data, split.train, split.test).step
    moved = best["point"].to_numpy() - data.y[split.test - steps]
    assert (np.abs(moved) <= 0.15 * steps + 1e-9).all()
    assert (best["q0.9"] - best["point"]).to_numpy() == pytest.approx(1.2815515655446004 * np.sqrt(steps))


def test_an_unknown_law_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match=r"Unknown synthetic data set 'seasnal'. Did you mean 'seasonal'\?"):
        synthetic.law("synthetic:seasnal")
