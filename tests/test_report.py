import json
import math
from dataclasses import asdict, replace

import pytest

from bench.errors import BenchError
from bench.provenance import provenance_of
from bench.publish import decision_json, publish
from bench.report.html import report_html
from bench.report.markdown import overview_markdown, report_markdown
from bench.report.read import read_content
from bench.report.wording import left_out
from bench.results import Store
from bench.settings import Budget, Expected, Limits, ReportSettings
from bench.splits import cross_validation_splits
from bench.zoo.store import Zoo
from tests.builders import dataset, record, task
from tests.toy_models import toy

ROLES = {"reference": "stable", "floor": "floor", "better": "zoo", "liar": "stable", "untrained": "floor"}


@pytest.fixture
def folder(tmp_path):
    def write(name, score, data=None, deterministic=False, expected=(), seeds=2, **changes):
        choice = toy(name, role=ROLES[name], deterministic=deterministic)
        data, budget = data or dataset(), Budget(seeds=seeds, folds=4)
        splits, _ = cross_validation_splits(data, "text_clf", budget, 0)
        made = provenance_of(choice, task(), data, budget, splits, 0, Zoo.open(tmp_path))
        made["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits())}
        made["about"]["expected"] = [asdict(one) for one in expected]
        rows = [
            record(
                name, fold=k, seed=s, score=score + 0.002 * k, digest=f"{name}{s if deterministic else k}", **changes
            )
            for k in range(4)
            for s in range(seeds)
        ]
        store = Store.open(tmp_path, "machine", task(), "toy", "quick")
        store.write(name, made, rows, "keep")
        return store.folder

    write("reference", 0.80)
    write("floor", 0.30)
    return write


def content(folder, tmp_path, **kwargs):
    return read_content(tmp_path / "text_clf/toy/quick", tmp_path, "machine", **kwargs)


def test_a_report_is_read_from_the_tables_alone(folder, tmp_path):
    folder("better", 0.90)
    made = content(folder, tmp_path)
    assert [row.scores.name for row in made.rows] == ["better", "reference", "floor"]
    assert made.decision.pick == "better"
    assert {row.scores.name: row.against.verdict for row in made.rows} == {
        "better": "better",
        "reference": "identical",
        "floor": "worse",
    }
    assert [row.scores.cost for row in made.rows] == [1.0, 1.0, 1.0]
    text = report_markdown(made)
    assert "**Ship `better`**" in text
    assert report_markdown(content(folder, tmp_path)) == text


def test_a_toy_run_says_that_it_is_a_first_look(folder, tmp_path):
    folder("better", 0.90)
    quick = content(folder, tmp_path)
    toy_run = replace(quick, budget="toy")
    for shown in (report_markdown, lambda one: report_html(one, [], ())):
        assert ("A first look, of few rows and seeds" in shown(quick), "A first look" in shown(toy_run)) == (
            False,
            True,
        )


def test_rows_from_other_data_never_share_a_table(folder, tmp_path):
    folder("better", 0.90, data=dataset(63))
    made = content(folder, tmp_path)
    assert "better" not in [row.scores.name for row in made.rows]
    assert made.left_out == ("better",)
    assert "Left out" in report_markdown(made)


def test_without_the_reference_there_is_no_report(folder, tmp_path):
    (tmp_path / "text_clf/toy/quick/reference.csv").unlink()
    assert content(folder, tmp_path) is None


def test_a_model_that_declares_itself_deterministic_and_is_not_is_a_finding(folder, tmp_path):
    folder("liar", 0.80, deterministic=True)
    (finding,) = content(folder, tmp_path).findings
    assert finding.code == "not-deterministic"
    assert "liar" in finding.text


def test_a_zoo_model_that_does_not_beat_a_floor_is_a_finding(folder, tmp_path):
    folder("better", 0.299)
    assert "zoo-at-the-floor" in [finding.code for finding in content(folder, tmp_path).findings]


def test_failures_stand_in_the_table(folder, tmp_path):
    folder("better", 0.9, status="timeout", reason="Stopped | after 3 s.")
    text = report_markdown(content(folder, tmp_path))
    assert "8 of 8 failed" in text
    assert "Stopped \\| after 3 s." in text


def test_costs_come_from_the_named_machine_class_or_the_one_that_knows_most(folder, tmp_path):
    assert content(folder, tmp_path).machine == "machine"
    assert read_content(tmp_path / "text_clf/toy/quick", tmp_path, "another").machine == "machine"


def test_costs_that_nobody_measured_are_a_question_mark(folder, tmp_path):
    import shutil

    shutil.rmtree(tmp_path / "timings")
    made = content(folder, tmp_path)
    assert made.machine == ""
    assert math.isnan(made.rows[0].scores.cost)
    assert "## Cost\n\nNot measured." in report_markdown(made)


@pytest.mark.parametrize(
    ("score", "least", "met"),
    [(0.803, 0, True), (0.79, 0, True), (0.75, 0, False), (0.85, 0, False), (0.803, 0.81, False), (0.803, 0.8, True)],
)
def test_a_figure_is_met_within_its_tolerance_either_way_and_above_its_floor(folder, tmp_path, score, least, met):
    figure = Expected(model="reference", score=score, tolerance=0.02, source="a paper", at_least=least)
    folder("reference", 0.80, expected=[figure])
    (check,) = content(folder, tmp_path).checks
    assert check.met is met


def test_a_figure_of_a_model_without_a_table_is_missed(folder, tmp_path):
    figure = Expected(model="absent", score=0.5, tolerance=0.5, source="a paper")
    folder("reference", 0.80, expected=[figure])
    (check,) = content(folder, tmp_path).checks
    assert not check.met


def test_a_narrower_run_is_held_to_the_figures_of_its_own_models(folder, tmp_path):
    figure = Expected(model="better", score=0.5, tolerance=0.1, source="a paper")
    folder("better", 0.90)
    folder("reference", 0.80, expected=[figure])
    assert len(content(folder, tmp_path).checks) == 1
    assert content(folder, tmp_path, names=["reference", "floor"]).checks == ()


def test_a_run_that_was_cut_counts_its_cells_and_keeps_every_fold(folder, tmp_path):
    path = folder("better", 0.90) / "better.csv"
    lines = path.read_text().splitlines()
    lines[2:] = [
        ",".join([*line.split(",")[:3], "skipped", "fit", "late", "", "", "", "", "0", "0", ""]) for line in lines[2:]
    ]
    path.write_text("\n".join(lines) + "\n")
    made = content(folder, tmp_path)
    row = next(row for row in made.rows if row.scores.name == "better")
    assert (row.scores.ran, row.scores.not_run) == (1, 7)
    text = report_markdown(made)
    assert "1 of 8 cells" in text
    assert "nan" not in text


def test_what_the_data_cannot_tell_says_what_would(folder, tmp_path):
    folder("better", 0.808)
    text = report_markdown(content(folder, tmp_path))
    assert "better: the data cannot tell whether its difference of +0.80 points" in text


def test_cells_of_a_longer_run_do_not_enter_a_shorter_ones_table(folder, tmp_path):
    folder("better", 0.90, seeds=5)
    row = next(row for row in content(folder, tmp_path).rows if row.scores.name == "better")
    assert row.scores.cells.shape == (4, 2)


def test_weights_without_a_lock_are_a_finding(folder, tmp_path):
    path = folder("better", 0.90) / "better.json"
    made = json.loads(path.read_text())
    made["about"]["unpinned"] = ["dir:mine"]
    path.write_text(json.dumps(made))
    assert [one.code for one in content(folder, tmp_path).findings] == ["unpinned"]


def test_a_provenance_of_another_version_is_one_clear_message(folder, tmp_path):
    path = folder("better", 0.90) / "better.json"
    path.write_text('{"key": "", "about": [], "inputs": 3}')
    with pytest.raises(BenchError, match=r"not of this version.*Restore it from git"):
        content(folder, tmp_path)


def test_markup_from_the_data_is_escaped(folder, tmp_path):
    notes = ("the class <script>alert(1)</script> | has two rows",)
    folder("reference", 0.8, data=replace(dataset(), notes=notes))
    text = report_markdown(content(folder, tmp_path))
    assert "<script>" not in text
    assert "&lt;script>alert(1)&lt;/script> \\| has" in text


def test_the_overview_has_a_line_a_folder(folder, tmp_path):
    folder("better", 0.90)
    decision = json.loads(decision_json(content(folder, tmp_path)))
    text = overview_markdown([("text_clf/toy/quick", decision)])
    assert "| [text_clf/toy/quick](text_clf/toy/quick/report.md) | better | better | 0.00 |" in text


def test_a_published_report_is_read_back_by_the_overview(folder, tmp_path):
    folder("better", 0.90)
    home = tmp_path / "text_clf/toy/quick"
    made = publish(home, tmp_path, "machine", tmp_path / "scratch")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert home / "decision.json" in before
    assert b"| better | better |" in before[tmp_path / "README.md"]
    assert b"<html" in before[tmp_path / "scratch/reports/text_clf-toy-quick.html"]
    assert publish(home, tmp_path, "machine", tmp_path / "scratch") is not None
    assert {path: path.read_bytes() for path in before} == before
    assert made.decision.pick == "better"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"folds": 1, "seeds": 1}, "? (one split)"),
        ({"folds": 4, "seeds": 1}, "? (one seed)"),
    ],
)
def test_what_so_few_cells_cannot_tell_is_a_question_mark_with_a_reason(tmp_path, cells, said):
    choice, data = toy("reference", role="stable"), dataset()
    budget = Budget(seeds=cells["seeds"], folds=4)
    splits, _ = cross_validation_splits(data, "text_clf", budget, 0)
    splits = splits[: cells["folds"]]
    for name, score in (("reference", 0.8), ("floor", 0.3)):
        made = provenance_of(replace(choice, name=name), task(), data, budget, splits, 0, Zoo.open(tmp_path))
        made["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits()), "role": ROLES[name]}
        rows = [record(name, fold=k, seed=s, score=score) for k in range(cells["folds"]) for s in range(cells["seeds"])]
        Store.open(tmp_path, "machine", task(), "toy", "quick").write(name, made, rows, "keep")
    text = report_markdown(content(None, tmp_path))
    assert said in text
    assert "nan" not in text


@pytest.mark.parametrize("value", ["much", "nan", "inf"])
def test_a_metric_that_is_not_a_number_in_a_table_is_named(folder, tmp_path, value):
    path = folder("better", 0.90) / "better.csv"
    path.write_text(path.read_text().replace("0.9,", f"{value},", 1))
    with pytest.raises(BenchError, match=r"better\.csv is not a score table"):
        content(folder, tmp_path)


def test_fewer_than_six_data_sets_are_not_compared_and_the_overview_says_why():
    one = {"pick": "a", "best": "a", "price": 0.0, "means": {"a": 0.9, "b": 0.8}, "reference": "b"}
    text = overview_markdown([(f"text_clf/d{k}/quick", one) for k in range(3)])
    assert "0.05" in text.split("## Over data sets")[1]


def test_six_data_sets_rank_the_models():
    ones = [
        {"pick": "a", "best": "a", "price": 0.0, "means": {"a": 0.9, "b": 0.8 + k / 100}, "reference": "b"}
        for k in range(6)
    ]
    text = overview_markdown([(f"text_clf/d{k}/quick", one) for k, one in enumerate(ones)])
    assert "mean ranks a 1.0 (1.0 to 1.0), b 2.0 (2.0 to 2.0)" in text


def test_a_damaged_provenance_leaves_out_one_model_and_names_it(folder, tmp_path):
    path = folder("better", 0.90) / "better.json"
    for damaged in ("{", '{"key": "x"}'):
        path.write_text(damaged)
        made = content(folder, tmp_path)
        assert made.left_out == ("better",)
        assert made.decision.pick == "reference"


def test_a_row_that_is_called_ok_and_lacks_a_score_is_named(folder, tmp_path):
    path = folder("better", 0.90) / "better.csv"
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    cells[lines[0].split(",").index("macro_f1")] = ""
    path.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]) + "\n")
    where = r"repeat 0, fold 1, seed 0"
    with pytest.raises(BenchError, match=rf"better\.csv calls a row ok that has no macro_f1 \({where}\)"):
        content(folder, tmp_path)


@pytest.mark.parametrize("fact", ["report", "task", "limits", "repeats"])
def test_tables_of_an_older_version_say_what_they_lack(folder, tmp_path, fact):
    for path in sorted((tmp_path / "text_clf/toy/quick").glob("*.json")):
        made = json.loads(path.read_text())
        del made["about"][fact]
        path.write_text(json.dumps(made))
    with pytest.raises(BenchError, match=rf"not of this version: '{fact}' is missing\. Restore it from git"):
        content(folder, tmp_path)


def test_settings_that_an_older_version_did_not_have_take_their_defaults(folder, tmp_path):
    path = tmp_path / "text_clf/toy/quick/reference.json"
    made = json.loads(path.read_text())
    del made["about"]["report"]["target_risk"]
    path.write_text(json.dumps(made))
    assert content(folder, tmp_path).settings == ReportSettings()


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("task", {"margin": None}, "task lacks 'margin'"),
        ("report", {"future": 1}, "report has 'future', which this version does not know"),
        ("limits", {"max_size": 1}, "limits has 'max_size', which this version does not know"),
    ],
)
def test_settings_of_another_version_are_named(folder, tmp_path, part, change, said):
    path = tmp_path / "text_clf/toy/quick/reference.json"
    made = json.loads(path.read_text())
    made["about"][part] |= change
    made["about"][part] = {name: value for name, value in made["about"][part].items() if value is not None}
    path.write_text(json.dumps(made))
    with pytest.raises(BenchError, match=f"not of this version: {said}"):
        content(folder, tmp_path)


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (("floor",), "The floor, floor, has no scores."),
        (
            ("reference", "floor", "better"),
            "The reference, reference, has no scores and the floor, floor, has none.",
        ),
    ],
)
def test_cells_that_all_failed_end_in_a_reason_and_not_in_advice_on_data(folder, tmp_path, failed, said):
    folder("better", 0.90)
    for name in failed:
        folder(name, 0.5, status="failed", reason="RuntimeError: out of luck")
    text = report_markdown(content(folder, tmp_path))
    assert f"**Nothing to ship.** {said} See why the cells failed or were not run" in text
    assert "Look at the data" not in text
    together = ", ".join(f"`{name}`" for name in sorted(failed))
    assert f"- {together}: RuntimeError: out of luck" in text
    assert "nan" not in text


def test_failures_are_counted_by_kind(folder, tmp_path):
    path = folder("better", 0.90) / "better.csv"
    lines = path.read_text().splitlines()
    for number, status in ((1, "timeout"), (2, "timeout"), (3, "oom")):
        cells = lines[number].split(",")
        lines[number] = ",".join([*cells[:3], status, "fit", "too large", "", "", "", "", "0", "0", ""])
    path.write_text("\n".join(lines) + "\n")
    made = content(folder, tmp_path)
    row = made.row("better")
    assert row.scores.failed_by == {"timeout": 2, "oom": 1}
    assert row.stability.failure_rate.method == "Wilson; 2 timeout, 1 oom"
    (text,) = [finding.text for finding in made.findings if finding.code == "imputed-failures"]
    assert "3 of 8 cells of better failed (2 timeout, 1 oom) and count as the score of floor" in text


def test_a_damaged_folder_is_named_after_the_others_were_reported(folder, tmp_path, monkeypatch):
    import shutil

    from bench.verbs.report import report

    monkeypatch.chdir(tmp_path)
    folder("better", 0.90)
    for name in ("aa", "zz"):
        shutil.copytree(tmp_path / "text_clf/toy", tmp_path / f"text_clf/{name}")
    (tmp_path / "text_clf/aa/quick/reference.csv").unlink()
    table = tmp_path / "text_clf/zz/quick/better.csv"
    table.write_text(table.read_text().replace("0.9,", "nan,", 1))
    with pytest.raises(BenchError) as found:
        report([], str(tmp_path))
    assert "aa/quick has no table of a reference" in str(found.value)
    assert "zz/quick/better.csv is not a score table" in str(found.value)
    assert "**Ship `better`**" in (tmp_path / "text_clf/toy/quick/report.md").read_text()


def test_the_overview_tells_a_pick_from_a_reference_that_stays_for_want_of_evidence():
    one = {"pick": "a", "best": "b", "price": 0.01, "means": {"a": 0.9, "b": 0.91}, "reference": "a"}
    lines = [f"text_clf/d{number}/quick" for number in range(2)]
    text = overview_markdown([(lines[0], {**one, "settled": True}), (lines[1], {**one, "settled": False})])
    assert "d0/quick/report.md) | a | b | 1.00 |" in text
    assert "d1/quick/report.md) | a, for now | b | 1.00 |" in text


def test_a_pick_below_a_model_that_misses_a_floor_is_the_best_of_the_others_everywhere(folder, tmp_path):
    folder("untrained", 0.845)
    folder("better", 0.85)
    found = content(folder, tmp_path)
    assert found.decision.pick == "reference"
    text, page = report_markdown(found), report_html(found, [])
    assert "it has the best mean score of those that are not left out, 80.30" in text
    assert "Price: 0.00 points against the best of those that are not left out, expected." in text
    reason = "does not surely beat untrained by the margin"
    assert f"Left out: better ({reason}); untrained (a floor, which is never picked)." in text
    assert "of score against the best mean of those that are not left out, expected" in page
    assert f"Left out: better ({reason})." in page
    decision = json.loads(decision_json(found))
    assert (decision["best"], decision["excluded"]["better"]) == ("better", reason)
    assert "| better (left out) |" in overview_markdown([("text_clf/toy/quick", decision)])


def test_of_many_that_miss_the_floor_the_sentence_names_those_above_the_pick(folder, tmp_path):
    found = content(folder, tmp_path)
    why = "does not surely beat floor by the margin"
    excluded = {"floor": "licence GPL-3.0", "far": "no fold in common with the reference", "a": why, "b": why, "c": why}
    rows = [
        found.row("floor"),
        *(replace(found.row("floor"), scores=replace(found.row("floor").scores, name=name)) for name in "abc"),
    ]
    high = replace(rows[1], scores=replace(rows[1].scores, cells=rows[1].scores.cells + 0.6))
    found = replace(
        found,
        rows=(found.row("reference"), rows[0], high, *rows[2:]),
        decision=replace(found.decision, excluded=excluded),
    )
    assert [name for name, _ in left_out(found)] == ["floor", "far", "a"]
    assert set(json.loads(decision_json(found))["excluded"]) == set(excluded)


def test_a_model_whose_cells_all_failed_shows_no_figure_of_its_own(folder, tmp_path):
    folder("better", 0.5, status="failed", reason="RuntimeError: out of luck")
    found = content(folder, tmp_path)
    text = report_markdown(found)
    assert "| better | zoo | ? | 30.30 (the floor's) | 30.30 | ? | ? |" in text
    assert "Best cell, total SD, churn ?: every cell failed (better)." in text
    card = found.row("better").stability
    estimates = {
        name: getattr(card, name).why for name in ("seed_sd", "training_sd", "total_sd", "churn", "worst_fold")
    }
    assert set(estimates.values()) == {"every cell failed"}
    assert "one split" not in text
    assert "every cell failed" in report_html(found, ())


def test_cells_that_all_failed_where_the_floor_did_too_are_not_called_not_run(folder, tmp_path):
    folder("floor", 0.3, status="failed", reason="RuntimeError: out of luck")
    text = report_markdown(content(folder, tmp_path))
    assert "| floor | floor | ? | ? | ? | ? | ? | ? | 8 of 8 failed | ? | ? |" in text
