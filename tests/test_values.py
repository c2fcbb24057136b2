"""A task with values from its data to its reports: a toy task type and toy models."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench import app, registry
from bench.errors import ModelError
from bench.publish import html_path
from bench.report.read import read_content
from bench.results import read_records
from bench.settings import Budget, DataSpec, Expected
from bench.testing import VALUE_CHECKS, ModelBench
from bench.types import Context
from bench.verbs import report as report_verb
from bench.verbs.validate import validate
from tests import toy_models, toy_task
from tests.builders import values
from tests.toy_models import toy_values


@pytest.fixture
def place(tmp_path, monkeypatch, socket_enabled):
    """An empty folder to run in, where the toy task is known."""
    monkeypatch.chdir(tmp_path)
    toy_task.register(monkeypatch)
    return tmp_path


def ran(place, scale=1.0, rows=120, code=1, **changes):
    """Run everything on rows whose noise has the SD ``scale``; return the folder of the tables."""
    toy_task.write_csv(place / "toy.csv", rows, scale)
    data = changes.pop("data", DataSpec(name="toy", path="toy.csv"))
    assert app.run(toy_task.config(place, data, **changes)) == code
    (folder,) = {path.parent for path in (place / "results").glob("toy_reg*/*/*/*.csv")}
    return folder


def texts(folder):
    """Return both reports, the page without its drawings."""
    content = read_content(folder, folder.parents[2], "")
    page = html_path(content, Path(".bench")).read_text()
    return (folder / "report.md").read_text(), re.sub(
        r"<svg.*?</svg>|<style>.*?</style>|<(pre|blockquote)>.*?</(pre|blockquote)>", "", page, flags=re.DOTALL
    )


def test_a_run_gives_tables_reports_and_nothing_to_object_to(place, capsys):
    folder = ran(place)
    records = read_records(folder / "line.csv", ("rmse", "mae", "r2"))
    assert [record.status for record in records] == ["ok"] * 6
    content = read_content(folder, place / "results", "")
    line = content.row("line")
    mean = np.mean([record.scores["rmse"] for record in records])
    assert content.unit.score(line.scores.mean) == f"{mean:.3f}"
    assert content.margin == pytest.approx(0.01 * mean)
    assert content.decision.pick == "line"
    assert content.row("middle").against.verdict == "worse"
    assert content.row("broken").scores.failed == 6
    assert content.row("wobbly").stability.churn.value == pytest.approx(0.05, rel=0.5)
    assert content.row("line").stability.training_sd.measured
    loss = content.row("line").stability.robustness
    assert 0 < loss.low < loss.value < loss.high
    assert "upper bound" not in content.row("wobbly").stability.training_sd.method
    assert validate(str(place / "results"), 0.0, place / "cache") == 0
    assert "4 tables, 0 problems" in capsys.readouterr().out


def test_reports_speak_of_the_metric_itself_and_never_of_points(place):
    folder = ran(place)
    for text in texts(folder):
        assert not re.search(r"\bpoints?\b", text)
        assert "nine runs in ten have an RMSE of at most 1." in text.replace("Nine", "nine")
        assert "1 % of the mean of line" in text
        assert "classes" not in text
        assert not re.search(r"calibrat|confidence is worth|[Tt]emperature|McNemar|hand to a human|flips?\b", text)
        assert "-1.0" not in text
    markdown = texts(folder)[0]
    assert re.search(r"\*\*Ship `line`\*\* \(confidence \d\.\d\d\): it has the best mean RMSE, 1\.\d{3};", markdown)
    row = next(one for one in markdown.splitlines() if one.startswith("| middle | floor"))
    assert re.search(r"\| \+\d\.\d{3} \(\+\d\.\d{3} to \+\d\.\d{3}\) \| worse \|", row)
    best, mean, dependable = (float(cell.split()[0]) for cell in row.split(" | ")[2:5])
    assert best < mean < dependable
    assert "rmse; toy, 120 rows; 3 folds" in markdown
    assert "broken: The model returned NaN" in markdown.replace("`", "")


def test_a_page_shows_the_largest_errors_and_no_confidence(place):
    folder = ran(place)
    page = html_path(read_content(folder, place / "results", ""), Path(".bench")).read_text()
    assert re.search(r"<code>line</code> predicts <b[^>]*>[\d.-]+</b>, where it is <b[^>]*>[\d.-]+</b>", page)
    assert "width " in page
    for name in ("deferral", "risk", "reliability", "confusion"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page


@pytest.mark.parametrize(
    ("scale", "mean", "change"),
    [
        (500.0, r"5\d\d", r"\+\d{4}\.\d"),
        (1e-4, r"0\.0001\d{3}", r"\+0\.000\d{4}"),
        (30.0, r"3\d\.\d\d", r"\+\d\d\.\d\d"),
    ],
)
def test_figures_have_the_digits_that_their_size_asks_for(place, scale, mean, change):
    markdown = texts(ran(place, scale))[0]
    assert re.search(rf"the best mean RMSE, {mean};", markdown)
    assert re.search(rf"\| {change} \({change} to {change}\) \| worse", markdown)


def test_the_scale_of_the_target_changes_no_verdict(place):
    found = []
    for scale in (1.0, 1e6, 1e-6):
        folder = ran(place, scale)
        content = read_content(folder, place / "results", "")
        verdicts = [(row.scores.name, row.against.verdict, row.stability.grade) for row in content.rows]
        found.append((content.decision.pick, verdicts, pytest.approx(content.decision.confidence)))
    assert found[0] == found[1] == found[2]


def test_cells_that_are_run_again_say_the_same(place, capsys):
    ran(place)
    assert validate(str(place / "results"), 1.0, place / "cache") == 0
    assert "cells run again" in capsys.readouterr().out


def test_a_second_run_reuses_every_cell_and_changes_no_byte(place, capsys):
    folder = ran(place)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    ran(place)
    assert "24 cells reused" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_reports_are_written_anew_from_tables_and_predictions(place):
    folder = ran(place)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert report_verb.report([], str(place / "results")) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("grouped", [False, True])
def test_one_split_is_judged_item_by_item(place, grouped):
    toy_task.write_csv(place / "test.csv", 200, skip=400)
    data = DataSpec(name="toy", path="toy.csv", test_path="test.csv", groups="family" * grouped)
    folder = ran(place, rows=400, data=data, protocol="published")
    content = read_content(folder, place / "results", "")
    middle = content.row("middle")
    over = "groups" if grouped else "items"
    assert middle.against.method.startswith(f"paired bootstrap over {over}")
    assert middle.against.verdict == "worse"
    assert content.decision.pick == "line"
    assert content.row("line").stability.dependable.measured
    line = read_records(folder / "line.csv", ("rmse", "mae", "r2"))[0].scores["rmse"]
    assert -content.row("line").scores.facts.by_item.mean() == pytest.approx(line, rel=1e-4)
    markdown, page = texts(folder)
    for text in (markdown, page):
        assert "McNemar" not in text
        assert "One split, item by item" in text
    assert "test sets of this size in ten have an RMSE of at most" in markdown
    assert validate(str(place / "results"), 0.5, place / "cache") == 0


def test_groups_are_never_parted(place):
    folder = ran(place, data=DataSpec(name="toy", path="toy.csv", groups="family"))
    content = read_content(folder, place / "results", "")
    assert content.grouped
    assert content.row("line").scores.facts.group_count == 30
    assert "over groups" in content.row("wobbly").stability.churn.method
    assert validate(str(place / "results"), 0.0, place / "cache") == 0


def test_a_published_figure_stands_in_its_own_unit(place):
    figures = [Expected(model="line", score=1.0, tolerance=0.2, source="a paper")]
    markdown = texts(ran(place, expected=tuple(figures)))[0]
    assert re.search(r"met: line 1\.\d{3}, expected 1\.000 \(tolerance 0\.200\): a paper", markdown)


def test_without_a_probe_or_predictions_the_report_says_so(place):
    folder = ran(place, budget=Budget(name="quick", folds=3, seeds=1, probe_rows=0))
    for path in (folder / "items").iterdir():
        path.unlink()
    content = read_content(folder, place / "results", "")
    assert content.row("line").stability.churn.why == "the predictions are not kept here"
    assert content.decision.pick == "line"


def test_a_price_stands_with_its_unit_where_units_differ(place):
    ran(place)
    decision = json.loads(next((place / "results").glob("*/*/*/decision.json")).read_text())
    assert decision["unit"]["label"] == "RMSE"
    assert decision["means"]["line"] > 0
    overview = (place / "results/README.md").read_text()
    assert "| price |" in overview
    assert "RMSE |" in overview


@pytest.mark.parametrize(
    ("way", "failing"),
    [
        ("well", set()),
        ("returns a column", set()),
        ("depends on the seed", {"neither_order_nor_company_of_rows_matters"}),
        ("predicts zero", {"one_value_for_all_is_no_crash", "it_beats_the_mean"}),
        ("predicts the mean", {"it_beats_the_mean"}),
    ],
)
def test_the_checks_for_models_of_values_find_what_misbehaves(way, failing):
    context = Context(seed=1, threads=1, zoo=None, features=None, prediction="value")
    choice, data, later = toy_values(way=way, summary="A toy."), values(60), values(80).X.iloc[60:]
    spec = replace(choice.spec, params=partial(toy_models.Params, way=way))
    bench = ModelBench(
        spec=spec, context=context, other_seed=replace(context, seed=2), X=data.X, y=data.y,
        X_new=later.reset_index(drop=True),
    )  # fmt: skip
    found = set()
    for check in VALUE_CHECKS:
        try:
            check(bench)
        except AssertionError:
            found.add(check.__name__)
    assert found == failing


def test_a_model_of_values_that_is_not_sound_fails_its_checks():
    context = Context(seed=1, threads=1, zoo=None, features=None, prediction="value")
    spec, data = replace(toy_task.MODELS["broken"]), values(60)
    bench = ModelBench(spec=spec, context=context, other_seed=context, X=data.X, y=data.y, X_new=data.X)
    with pytest.raises(ModelError, match="NaN or infinite"):
        VALUE_CHECKS[0](bench)


def test_the_registry_is_as_before():
    assert "toy_reg" not in registry.task_types()
