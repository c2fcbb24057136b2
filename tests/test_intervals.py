"""Prediction intervals of values: by hand, against simulation with known truth, in files and in reports."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from rich.console import Console

from bench import app
from bench.cell import run_cell
from bench.config import CONF, register_schemas, run_config
from bench.errors import ConfigError
from bench.item_errors import intervals_of
from bench.items import measure, read_items, write_items
from bench.publish import html_path
from bench.report.findings import find_all
from bench.report.intervals import interval_cells, interval_headers, interval_sentence
from bench.report.read import read_content
from bench.report.terminal import print_report
from bench.settings import Budget, DataSpec, ReportSettings
from bench.stats.intervals import LEAST, Kept, half_widths, prediction_intervals, typical_error
from bench.types import Split
from bench.verbs import report as report_verb
from bench.verbs.validate import validate
from benchmarks.intervals import simulated
from tests import toy_task
from tests.builders import cell, inputs, values
from tests.toy_models import toy_values


def drawn(n, seed=0, folds=5):
    """Return values, predictions and folds; errors grow with the prediction."""
    generator = np.random.default_rng(seed)
    predicted = 10 * generator.random(n)
    y = predicted + (0.5 + 0.2 * predicted) * generator.standard_normal(n)
    return y, predicted, np.arange(n) % folds


@pytest.mark.parametrize(("level", "half"), [(0.9, 10.0), (0.8, 10.0), (0.7, 4.0), (0.5, 3.0)])
def test_widths_are_the_errors_that_leave_the_level_below_them(level, half):
    # Every part holds the same errors, so that all sizes are equal and 15 items calibrate: the 16 (1 - level)-th
    # largest of 10 10 10 4 4 4 3 3 3 2 2 2 1 1 1, whole ones alone.
    errors, parts = np.tile([1.0, 2.0, 3.0, 4.0, 10.0], 4), np.repeat(np.arange(4), 5)
    assert half_widths(errors, np.zeros(20), parts, level) == pytest.approx(np.full(20, half))


def test_too_few_items_for_a_level_give_no_width_rather_than_a_wrong_one():
    errors, parts = np.tile([1.0, 2.0, 3.0, 4.0, 10.0], 4), np.repeat(np.arange(4), 5)
    assert np.isinf(half_widths(errors, np.zeros(20), parts, 0.95)).all()
    found = prediction_intervals(errors, np.zeros(20), parts, 0.95, 0)
    assert (found.why, found.kept) == ("too few items for 95 %", None)


@pytest.mark.parametrize("n", [0, 1, LEAST - 1])
def test_fewer_than_twenty_items_have_no_intervals(n):
    y, predicted, folds = drawn(n)
    assert prediction_intervals(y, predicted, folds, 0.9, 0).why == "fewer than 20 items"
    many, said, of = drawn(200)
    groups = np.arange(200) // 20
    assert prediction_intervals(many, said, groups % 5, 0.9, 0, groups).why == "fewer than 20 groups"
    assert prediction_intervals(many, said, of, 0.9, 0).why == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_leaves_intervals_out(bad):
    y, predicted, folds = drawn(100)
    y[3] = bad
    assert prediction_intervals(y, predicted, folds, 0.9, 0).why == "a value is no finite number"


def test_the_typical_error_is_the_mean_over_similar_predictions():
    generator = np.random.default_rng(0)
    predicted, errors = generator.permutation(1000.0 * np.arange(400)), generator.random(400)
    found = typical_error(predicted, errors, np.array([200_000.0]))
    near = np.sort(np.argsort(np.abs(predicted - 199_999.0), kind="stable")[:40])
    assert found[0] == pytest.approx(errors[near].mean() + 0.01 * errors.mean())


def test_the_typical_error_of_equal_predictions_is_that_of_all_of_them():
    predicted, errors = np.repeat([1.0, 2.0], 200), np.concatenate([np.arange(200.0), 500 + np.arange(200.0)])
    found = typical_error(predicted, errors, np.array([1.0, 2.0])) - 0.01 * errors.mean()
    assert found.tolist() == pytest.approx([99.5, 599.5])


def test_equal_predictions_have_equal_widths():
    y, _, folds = drawn(300)
    half = half_widths(np.abs(y), np.zeros(300), folds, 0.9)
    assert all(len(np.unique(half[folds == fold])) == 1 for fold in range(5))
    found = prediction_intervals(y, np.zeros(300), np.arange(300) % 2, 0.9, 0)
    assert 0.88 <= found.coverage[0] <= 0.93
    assert found.kept.rmse[-1] == pytest.approx(np.sqrt((y**2).mean()))


def test_errors_that_are_all_alike_lie_inside():
    y, folds = np.tile([-1.0, 1.0], 50), np.arange(100) % 5
    found = prediction_intervals(y, np.zeros(100), folds, 0.9, 0)
    assert found.coverage[0] == 1.0
    assert found.mean_width == pytest.approx(2.0)
    exact = prediction_intervals(y, y, folds, 0.9, 0)
    assert (exact.coverage[0], exact.mean_width, exact.pinball, exact.kept.rmse[-1]) == (1.0, 0.0, 0.0, 0.0)


def test_the_scale_and_the_place_of_the_target_move_widths_and_nothing_else():
    y, predicted, folds = drawn(400)
    one = prediction_intervals(y, predicted, folds, 0.9, 0)
    for scale, shift in ((1e6, 0.0), (1e-6, 0.0), (2.0, 1e4)):
        other = prediction_intervals(scale * y + shift, scale * predicted + shift, folds, 0.9, 0)
        assert other.coverage == one.coverage
        assert other.mean_width == pytest.approx(scale * one.mean_width, rel=1e-4)
        assert other.kept.share.tolist() == pytest.approx(one.kept.share.tolist())


def test_wider_intervals_are_those_of_larger_errors():
    y, predicted, folds = drawn(2000)
    kept = prediction_intervals(y, predicted, folds, 0.9, 0).kept
    assert (np.diff(kept.width) > 0).all()
    assert kept.share[-1] == 1.0
    assert kept.rmse[kept.at(0.5)] < 0.75 * kept.rmse[-1]
    assert kept.mae[kept.at(0.5)] < 0.75 * kept.mae[-1]
    assert kept.rmse[-1] == pytest.approx(np.sqrt(((y - predicted) ** 2).mean()))
    assert kept.within[-1] == pytest.approx(np.quantile(np.abs(y - predicted), 0.9), rel=0.01)
    assert kept.share_within(kept.within[-1]) == 1.0
    assert kept.share_within(kept.within[4]) == kept.share[4]
    assert kept.share_within(0.01) == 0.0


def test_the_interval_of_what_is_left_is_that_of_resampled_items():
    y, predicted, folds = drawn(1000)
    kept = prediction_intervals(y, predicted, folds, 0.9, 0).kept
    squares = (y - predicted) ** 2
    boot = np.sqrt(squares[np.random.default_rng(0).integers(0, 1000, (3000, 1000))].mean(axis=1))
    assert kept.rmse_half[-1] == pytest.approx(1.96 * boot.std(), rel=0.06)


def test_the_pinball_loss_is_the_interval_score_by_parts():
    y, predicted, folds = drawn(500)
    found = prediction_intervals(y, predicted, folds, 0.9, 0)
    half, errors = half_widths(np.abs(y - predicted), predicted, folds, 0.9), np.abs(y - predicted)
    # Gneiting & Raftery 2007, equation 43, over the level that is left.
    score = 2 * half + 2 / 0.1 * np.maximum(0, errors - half)
    assert found.pinball == pytest.approx(0.1 / 4 * score.mean())


@pytest.mark.parametrize(("items", "folds"), [(50, 5), (200, 5), (200, 1), (2000, 5)])
def test_fresh_items_lie_inside_as_often_as_the_level_says(items, folds):
    inside, fresh, held, alarms, easy, hard, width = simulated(60 if items < 2000 else 20, items, folds)
    # Ranks of so few are cut, which makes intervals too wide and never too narrow.
    assert 0.89 < inside < 0.94
    assert 0.89 < fresh < 0.93
    assert held > 0.85
    assert alarms < 0.15
    assert width < 1.1
    if items > 50:
        assert 0.87 < easy < 0.93
        assert 0.87 < hard < 0.93


def test_groups_leave_the_level_as_it_is_and_widen_its_interval():
    inside, fresh, held, *_ = simulated(60, 600, 5, groups=60)
    assert 0.885 < inside < 0.92
    assert 0.885 < fresh < 0.92
    assert held > 0.85
    generator = np.random.default_rng(0)
    groups = np.arange(180) // 6
    y, folds = np.repeat(generator.standard_normal(30), 6), groups % 5
    apart, together = (prediction_intervals(y, np.zeros(180), folds, 0.9, 0, one) for one in (None, groups))
    assert apart.coverage[0] == together.coverage[0]
    assert np.ptp(together.coverage[1:]) > 2 * np.ptp(apart.coverage[1:])


def test_random_parts_keep_groups_together(monkeypatch):
    y, predicted, _ = drawn(300)
    groups = np.arange(300) // 5
    seen = []

    def noted(errors, predicted, parts, level, groups=None):
        seen.append((parts, groups))
        return half_widths(errors, predicted, parts, level, groups)

    monkeypatch.setattr("bench.stats.intervals.half_widths", noted)
    prediction_intervals(y, predicted, np.zeros(300, int), 0.9, 7, groups)
    prediction_intervals(y, predicted, np.zeros(300, int), 0.9, 7, groups)
    prediction_intervals(y, predicted, np.zeros(300, int), 0.9, 8, groups)
    (parts, codes), (again, _), (other, _) = seen
    assert all(len(np.unique(parts[codes == group])) == 1 for group in range(60))
    assert len(np.unique(parts)) == 5
    assert (parts == again).all()
    assert (parts != other).any()


@pytest.mark.parametrize("grouped", [False, True])
def test_the_order_of_the_items_moves_no_figure(grouped):
    y, predicted, folds = drawn(300)
    groups = np.arange(300) // 5
    folds = groups % 5 if grouped else folds
    order = np.random.default_rng(0).permutation(300)
    one, other = (
        prediction_intervals(y[rows], predicted[rows], folds[rows], 0.9, 0, groups[rows] if grouped else None)
        for rows in (np.arange(300), order)
    )
    assert (one.coverage, one.lowest, one.pinball) == (other.coverage, other.lowest, other.pinball)
    for name, points in vars(one.kept).items():
        assert getattr(other.kept, name) == pytest.approx(points, rel=1e-12, nan_ok=True)


def test_the_fold_that_intervals_hold_least_is_told_with_what_chance_would_do():
    y, predicted, folds = drawn(1000)
    fair = prediction_intervals(y, predicted, folds, 0.9, 0)
    assert fair.lowest[1] < 0.9 < fair.lowest[2]
    worse = np.where(folds == 3, predicted + 3 * (y - predicted), y)
    found = prediction_intervals(worse, predicted, folds, 0.9, 0)
    inside = np.abs(worse - predicted) <= half_widths(np.abs(worse - predicted), predicted, folds, 0.9)
    assert found.lowest[0] == inside[folds == 3].mean()
    assert found.lowest[2] < 0.9
    assert np.isnan(prediction_intervals(y, predicted, folds % 2, 0.9, 0).lowest).all()


def ran(tmp_path, rows=90, splits=None, **changes):
    choice = toy_values(way="depends on the seed")
    shared = inputs(tmp_path, [choice], values(rows, **changes))
    shared = replace(shared, splits=tuple(splits)) if splits else shared
    shared.predictions.save_truth(shared.dataset, shared.splits)
    records = [run_cell(cell(choice, fold=one.fold, seed=seed), shared) for one in shared.splits for seed in range(2)]
    return shared, records, shared.predictions.load_truth(shared.dataset.fingerprint)


def test_intervals_are_those_of_the_first_seed_and_survive_their_file(tmp_path):
    shared, records, truth = ran(tmp_path)
    found = measure(records, shared.predictions, truth, "toy", 0)
    said, folds = np.empty(90), np.empty(90, int)
    for record in records:
        if record.seed == 0:
            rows = truth.tests[0, record.fold]
            said[rows], folds[rows] = shared.predictions.load(record), record.fold
    wanted = prediction_intervals(truth.y, said, folds, 0.9, 0)
    assert found.intervals.coverage == wanted.coverage
    assert found.intervals.kept.rmse.tolist() == wanted.kept.rmse.tolist()
    path = tmp_path / "items.json"
    write_items(path, found)
    back = read_items(path, records).intervals
    assert back.coverage == pytest.approx(wanted.coverage, rel=1e-5)
    assert back.lowest == pytest.approx(wanted.lowest, rel=1e-5)
    for name, points in vars(wanted.kept).items():
        assert getattr(back.kept, name) == pytest.approx(points, rel=1e-5, nan_ok=True)
    before = path.read_bytes()
    write_items(path, read_items(path, records))
    assert path.read_bytes() == before
    assert len(before) < 4000


def test_a_single_split_calibrates_itself_and_has_no_lowest_fold(tmp_path):
    shared, records, truth = ran(
        tmp_path, 200, [Split(repeat=0, fold=0, train=np.arange(0, 200, 2), test=np.arange(1, 200, 2))]
    )
    found = measure(records, shared.predictions, truth, "toy", 0)
    path = tmp_path / "items.json"
    write_items(path, found)
    back = read_items(path, records).intervals
    assert 0.88 <= back.coverage[0] <= 0.95
    assert np.isnan(back.lowest).all()


def test_figures_without_intervals_are_read_and_damaged_ones_are_not(tmp_path):
    shared, records, truth = ran(tmp_path)
    path = tmp_path / "items.json"
    write_items(path, measure(records, shared.predictions, truth, "toy", 0))
    content = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in content.items() if name != "intervals"}))
    old = read_items(path, records)
    assert old.intervals is None
    assert intervals_of(old, 0.9) is None
    good = content["intervals"]
    short = {**good["kept"], "rmse": good["kept"]["rmse"][:-1]}
    for bad in (
        {name: value for name, value in good.items() if name != "coverage"},
        {**good, "level": None},
        {**good, "mean_width": "wide"},
        {**good, "lowest": [0.9, 0.8]},
        {**good, "kept": short},
        {**good, "kept": {name: [] for name in good["kept"]}},
        {**good, "kept": 3},
        "no",
        None,
    ):
        path.write_text(json.dumps({**content, "intervals": bad}))
        assert read_items(path, records) is None


def settings(*overrides):
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return run_config(compose("config", overrides=["task=tabular_reg", *overrides])).report


def test_the_level_is_nine_in_ten_and_no_error_is_allowed_unless_told():
    assert (settings().interval_level, settings().tolerance) == (0.9, 0.0)
    assert settings("report.interval_level=0.8").interval_level == 0.8


@pytest.mark.parametrize("value", ["0.4", "1", "90", "nan"])
def test_a_level_that_nobody_can_hold_is_refused(value):
    with pytest.raises(ConfigError, match=r"report\.interval_level=.* must lie between 0\.5 and 0\.999"):
        settings(f"report.interval_level={value}")
    with pytest.raises(ConfigError, match=r"report\.tolerance=-1\.0 must not be negative"):
        settings("report.tolerance=-1")


@pytest.fixture
def place(tmp_path, monkeypatch, socket_enabled):
    """An empty folder to run in, where the toy task is known."""
    monkeypatch.chdir(tmp_path)
    toy_task.register(monkeypatch)
    return tmp_path


def reported(place, rows=240, data=None, **changes):
    """Run everything on such rows; return the folder of the tables."""
    toy_task.write_csv(place / "toy.csv", rows)
    data = data or DataSpec(name="toy", path="toy.csv")
    budget = Budget(name="quick", folds=3, seeds=2, probe_rows=0)
    assert app.run(toy_task.config(place, data, budget=budget, **changes)) == 1
    (folder,) = {path.parent for path in (place / "results").glob("toy_reg*/*/*/*.csv")}
    return folder


def content_of(folder):
    return read_content(folder, folder.parents[2], "")


def by_header(content, model="line"):
    cells = interval_cells(content.row(model), content)
    return dict(zip(interval_headers(content), cells, strict=True))


def texts(folder):
    """Return the Markdown, and the page without its styles."""
    page = html_path(content_of(folder), folder.parents[3] / ".bench").read_text()
    return (folder / "report.md").read_text(), re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def printed(content):
    console = Console(width=200, file=io.StringIO())
    print_report(console, content)
    return " ".join(console.file.getvalue().split())


def test_reports_show_what_intervals_hold_and_what_to_hand_over(place, capsys):
    folder = reported(place)
    content, (markdown, page) = content_of(folder), texts(folder)
    row = by_header(content)
    found = content.row("line").intervals
    assert row["inside 90 % intervals"].startswith(f"{100 * found.coverage[0]:.1f} % (")
    assert float(row["median width"]) == pytest.approx(found.median_width, abs=0.01)
    assert float(row["RMSE"].split()[0]) == pytest.approx(found.kept.rmse[-1], abs=0.01)
    assert by_header(content, "broken")["inside 90 % intervals"] == "? (every cell failed)"
    sentence = interval_sentence(content.row("line"), content)
    assert re.match(r"The 90 % intervals of line are \d\.\d+ wide at the median, and hold \d\d\.\d % of", sentence)
    assert "Holds for items like these only (exchangeable ones)." in sentence
    assert sentence in printed(content)
    for text in (markdown, page.replace("\u00a0", " ")):
        assert sentence in text
        assert row["pinball loss"] in text
        assert all(header in text for header in interval_headers(content))
    assert 'href="#intervals"' in page
    assert re.search(r'<figure id="width">.*RMSE of the answered', page, re.DOTALL)
    assert validate(str(place / "results"), 0.0, place / "cache") == 0


def test_another_level_is_measured_anew_and_nothing_is_fitted(place, capsys):
    folder = reported(place)
    wide = content_of(folder).row("line").intervals.median_width
    reported(place, report=ReportSettings(interval_level=0.6, tolerance=0.5))
    assert "24 cells reused" in capsys.readouterr().out
    content = content_of(folder)
    found = content.row("line").intervals
    assert (found.level, found.median_width < 0.7 * wide) == (0.6, True)
    assert "inside 60 % intervals" in interval_headers(content)
    out = found.kept.share_within(0.5)
    wanted = f"line can answer {100 * out:.1f} % of the items with 60 % of them off by no more than 0.5."
    if not out:
        wanted = "line can answer nothing with 60 % of it off by no more than 0.5."
    for text in (printed(content), texts(folder)[0]):
        assert wanted in text
    lax = replace(content, settings=replace(content.settings, tolerance=1e6))
    assert "line can answer 100.0 % of the items" in printed(lax)


def test_intervals_that_older_figures_lack_are_said_to_be_missing_until_predictions_give_them(place):
    folder = reported(place)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in (folder / "items").iterdir():
        content = json.loads(path.read_text())
        del content["intervals"]
        path.write_text(json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n")
    old = content_of(folder)
    assert by_header(old)["inside 90 % intervals"] == "? (not measured)"
    assert interval_sentence(old.row("line"), old) == ""
    assert old.row("line").stability.churn.measured
    assert report_verb.report([], str(place / "results")) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_figures_of_another_level_stay_where_predictions_are_gone(place, monkeypatch):
    folder = reported(place)
    for path in (place / ".bench/predictions").rglob("truth.npz"):
        path.unlink()
    items = {path: path.read_bytes() for path in (folder / "items").iterdir()}
    made = folder / "line.json"
    facts = json.loads(made.read_text())
    facts["about"]["report"]["interval_level"] = 0.8
    made.write_text(json.dumps(facts))
    assert report_verb.report([], str(place / "results")) == 0
    assert {path: path.read_bytes() for path in (folder / "items").iterdir()} == items
    markdown, page = texts(folder)
    assert "## Intervals" not in markdown
    assert "intervals were not measured" in page


def test_a_pick_with_too_few_groups_says_so_and_has_no_intervals(place):
    content = content_of(reported(place, rows=60, data=DataSpec(name="toy", path="toy.csv", groups="family")))
    assert interval_sentence(content.row("line"), content) == "line has no 90 % intervals: fewer than 20 groups."
    assert "line has no 90 % intervals" in printed(content)


def test_rows_in_groups_have_intervals_over_groups(place):
    folder = reported(place, data=DataSpec(name="toy", path="toy.csv", groups="family"))
    assert content_of(folder).row("line").intervals.kept is not None
    assert "with 95 % intervals over groups" in texts(folder)[0]


def with_row(content, **changes):
    """Return the content with the intervals of its pick changed."""
    rows = [
        replace(row, intervals=replace(row.intervals, **changes)) if row.scores.name == content.decision.pick else row
        for row in content.rows
    ]
    return replace(content, rows=tuple(rows))


def test_intervals_that_do_not_hold_what_they_say_are_a_finding(place):
    content = content_of(reported(place))
    name = content.decision.pick

    def told(**changes):
        return [one.text for one in find_all(with_row(content, **changes)) if one.code == "intervals-off"]

    assert told(coverage=(0.9, 0.88, 0.92), lowest=(0.86, 0.8, 0.91)) == []
    assert told(coverage=(0.9, 0.88, 0.92), lowest=(np.nan,) * 3) == []
    (low,) = told(coverage=(0.8, 0.77, 0.83))
    assert f"The 90 % intervals of {name} hold 80.0 % of the true values (95 % CI 77.0 % to 83.0 %)" in low
    assert len(told(coverage=(0.97, 0.95, 0.98))) == 1
    (fold,) = told(coverage=(0.9, 0.88, 0.92), lowest=(0.7, 0.6, 0.8))
    assert "in one fold 70.0 %" in fold


def test_widths_that_tell_nothing_are_said_to_tell_nothing(place):
    content = content_of(reported(place))
    kept = content.row("line").intervals.kept
    level = replace(kept, rmse=np.full(len(kept.rmse), 1.0), share=np.linspace(1 / len(kept.rmse), 1, len(kept.rmse)))
    changed = replace(content, decision=replace(content.decision, pick="line"))

    def told(kept):
        found = with_row(changed, kept=kept)
        return interval_sentence(found.row("line"), found)

    assert "Their widths do not surely tell large errors from small ones" in told(level)
    alike = replace(level, **{name: getattr(level, name)[-1:] for name in vars(level)})
    assert "too much alike" in told(alike)
    shares = np.arange(1, 6) / 5
    falls = Kept(
        width=shares, share=shares, rmse=shares, rmse_half=shares, fall_half=np.full(5, 0.05), mae=shares / 2,
        within=shares,
    )  # fmt: skip
    assert "Hand what is wider than 0.800 to a human, 20 % or 400 of 2000 a day: the RMSE of the rest falls" in told(
        falls
    )
    assert "from 1.000 to 0.800 (95 % interval of the fall 0.150 to 0.250), the MAE from 0.500 to 0.400." in told(falls)
