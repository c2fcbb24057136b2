import math

import pytest

from bench.report.content import check_expected, read_content
from bench.report.markdown import report_markdown, write_overview
from bench.results import Store, provenance_of
from bench.types import Budget, Expected
from bench.zoo.store import Zoo
from tests.builders import dataset, record, task
from tests.toy_models import toy

ROLES = {"reference": "stable", "floor": "floor", "better": "zoo", "liar": "stable"}


@pytest.fixture
def folder(tmp_path):
    def write(name, score, data=None, deterministic=False, **changes):
        choice = toy(name, role=ROLES[name], deterministic=deterministic)
        made = provenance_of(choice, task(), data or dataset(), Budget(seeds=2), 4, 0, Zoo.open(tmp_path))
        rows = [
            record(
                name, fold=k, seed=s, score=score + 0.002 * k, digest=f"{name}{s if deterministic else k}", **changes
            )
            for k in range(4)
            for s in range(2)
        ]
        store = Store.open(tmp_path, "machine", task(), "toy", "quick")
        store.write(name, made, rows, keep_timings=True)
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
    text = report_markdown(made, [])
    assert "**Ship `better`**" in text
    assert report_markdown(content(folder, tmp_path), []) == text


def test_rows_from_other_data_never_share_a_table(folder, tmp_path):
    folder("better", 0.90, data=dataset(63))
    made = content(folder, tmp_path)
    assert "better" not in [row.scores.name for row in made.rows]
    assert made.left_out == ("better",)
    assert "Left out" in report_markdown(made, [])


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
    (finding,) = content(folder, tmp_path).findings
    assert finding.code == "zoo-at-the-floor"


def test_failures_stand_in_the_table(folder, tmp_path):
    folder("better", 0.9, status="timeout", reason="Stopped | after 3 s.")
    text = report_markdown(content(folder, tmp_path), [])
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
    assert "Costs: not measured" in report_markdown(made, [])


@pytest.mark.parametrize(("score", "met"), [(0.803, True), (0.79, True), (0.75, False), (0.85, False)])
def test_a_figure_is_met_within_its_tolerance_either_way(folder, tmp_path, score, met):
    expected = Expected(model="reference", score=score, tolerance=0.02, source="a paper")
    (check,) = check_expected(content(folder, tmp_path), [expected])
    assert check.met is met


def test_a_figure_of_a_model_that_did_not_run_is_missed(folder, tmp_path):
    expected = Expected(model="absent", score=0.5, tolerance=0.5, source="a paper")
    (check,) = check_expected(content(folder, tmp_path), [expected])
    assert not check.met


def test_markup_from_the_data_is_escaped(folder, tmp_path):
    from dataclasses import replace

    notes = ("the class <script>alert(1)</script> | has two rows",)
    folder("reference", 0.8, data=replace(dataset(), notes=notes))
    text = report_markdown(content(folder, tmp_path), [])
    assert "<script>" not in text
    assert "&lt;script>alert(1)&lt;/script> \\| has" in text


def test_the_overview_has_a_line_a_folder(folder, tmp_path):
    folder("better", 0.90)
    write_overview(tmp_path, [content(folder, tmp_path)])
    assert (
        "| [text_clf/toy/quick](text_clf/toy/quick/report.md) | better | better | 0.00 |"
        in (tmp_path / "README.md").read_text()
    )
