"""What a run shows and keeps while it works."""

import io
import json
from collections import Counter

import pytest
from rich.console import Console

from bench.report.progress import Display, duration
from bench.run_log import KEPT_RUNS, RunLog
from bench.types import Record
from tests.builders import cell, record
from tests.toy_models import toy


@pytest.fixture
def display(tmp_path):
    out = io.StringIO()
    return Display(Console(file=out, width=200), "accuracy", RunLog(tmp_path / "run")), out


def cells(model="toy", folds=3):
    return [cell(toy(model), fold=fold) for fold in range(folds)]


def events(display):
    lines = (display.log.folder / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def play(display, made, answer, counts=None):
    with display.cells(counts or Counter(one.model for one in made), 0) as shown:
        for one in made:
            shown.started(one)
            shown.finished(answer(one))
        return shown


def test_a_finished_model_is_one_line_with_its_score(display):
    shown, out = display
    play(shown, [*cells("a"), *cells("b")], lambda one: record(one.model, fold=one.fold, score=0.9))
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("a: 3 cells, accuracy 0.9000")
    assert (shown.log.folder / "run.log").read_text().count("\n") == 2


def test_the_line_of_a_model_says_what_failed(display):
    shown, out = display
    play(shown, cells(), lambda one: Record.unscored(one, "timeout", "Stopped after 3 s."))
    assert "3 not ok (timeout: Stopped after 3 s.)" in out.getvalue()


def test_every_cell_is_two_events_that_a_program_can_read(display):
    shown, _ = display
    play(shown, cells(), lambda one: record(fold=one.fold, score=0.9, fit_seconds=1.5, predict_seconds=0.5))
    found = events(shown)
    assert [one["event"] for one in found] == ["started", "cell", "started", "cell", "started", "cell", "said"]
    assert found[1] | {"at": 0} == {
        "at": 0, "event": "cell", "model": "toy", "repeat": 0, "fold": 0, "seed": 0, "status": "ok", "reason": "",
        "score": 0.9, "seconds": 2.0,
    }  # fmt: skip
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)


def test_plain_output_says_now_and_then_where_things_stand(display, monkeypatch):
    shown, out = display
    one, two, _ = cells()
    monkeypatch.setattr("bench.report.progress.PLAIN_SECONDS", 0.0)
    with shown.cells(Counter({"toy": 3}), done=5) as progress:
        for started in (one, two):
            progress.started(started)
        progress.finished(Record.unscored(one, "failed", "no"))
        progress.tick(lambda: 200.0)
    assert out.getvalue().strip().endswith("1 of 3 cells; 1 running, toy for 0 s, 1 failed, about 3 min left")
    assert events(shown)[-2] | {"at": 0} == {
        "at": 0, "event": "progress", "done": 1, "total": 3, "running": 1, "failed": 1, "seconds_left": 200,
    }  # fmt: skip


def test_before_anything_is_known_no_time_is_promised(display, monkeypatch):
    shown, out = display
    monkeypatch.setattr("bench.report.progress.PLAIN_SECONDS", 0.0)
    with shown.cells(Counter({"toy": 3}), done=0) as progress:
        progress.tick(lambda: float("nan"))
    assert "left" not in out.getvalue()
    assert events(shown)[-2]["seconds_left"] is None


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    log = RunLog.below(tmp_path)
    log.say("something")
    log.close()


def test_old_runs_are_forgotten(tmp_path):
    for number in range(KEPT_RUNS + 5):
        (tmp_path / "runs" / f"20200101-0000{number:02d}-1").mkdir(parents=True)
    log = RunLog.below(tmp_path)
    log.say("something")
    kept = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(kept) == KEPT_RUNS + 1
    assert kept[0] == "20200101-000005-1"


def test_durations_are_rough():
    assert [duration(value) for value in (1, 89, 90, 5400)] == ["1 s", "89 s", "2 min", "1.5 h"]
