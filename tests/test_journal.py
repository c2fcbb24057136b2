"""Journals: whatever a kill, a power loss, another run or another program leaves there, no finished cell is lost."""

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.files import remove_leftovers, write_atomically
from bench.journal import FOLDER, Journal, read_journal, take_in
from bench.ledger import Ledger
from bench.prepare import Prepared
from bench.settings import Budget, DataSpec, ExecutorSpec, Limits, ReportSettings, RunConfig
from bench.splits import cross_validation_splits
from bench.zoo.store import Zoo
from tests.builders import cell, dataset, record, task
from tests.toy_models import toy

KEY = "k" * 64


def nothing(text):
    """Take no notice."""


def journal(folder, records):
    """Write a journal and leave it where it is."""
    written = Journal.of_shard(folder, (1, 2))
    for one in records:
        written.append([one], {one.model: plain_made()}, True, "machine")
    written.close(keep=True)
    return written.path


def plain_made():
    about = {"repeats": 1, "budget": {"seeds": 2}, "deterministic": False}
    return {"key": KEY, "inputs": {"folds": 3, "metrics": ["accuracy"]}, "about": about}


def records_of(path):
    return [one for entry in read_journal(path).values() for one in entry.records]


ROWS = [
    record("one", fold=0),
    record(
        "one", fold=1, fit_seconds=math.nan, predict_seconds=math.nan, status="failed", reason='a "b", c é', scores={}
    ),
    record("two", fold=0, warnings=("first", "second")),
]


def same(left, right):
    # A NaN is not equal to itself.
    left, right = ([json.dumps(asdict(one), sort_keys=True) for one in records] for records in (left, right))
    return left == right


def test_records_come_back_as_they_were_written(tmp_path):
    path = journal(tmp_path, ROWS)
    assert same(records_of(path), ROWS)
    (entry, _) = read_journal(path).values()
    assert (entry.made["key"], entry.alone, entry.machine) == (KEY, True, "machine")


def test_a_journal_that_was_cut_at_any_byte_gives_the_whole_records_before_it(tmp_path):
    path = journal(tmp_path, ROWS)
    content = path.read_bytes()
    whole_lines = 0
    for size in range(len(content) + 1):
        whole_lines += content[size - 1 : size] == b"\n"
        # Head and record of one, its second record, head and record of two.
        at_least = (0, 0, 1, 2, 2, 3)[whole_lines]
        # A system that lost power may have given the file its length, and not yet its bytes.
        for cut in (content[:size], content[:size] + bytes(700)):
            path.write_bytes(cut)
            found = records_of(path)
            assert same(found, ROWS[: len(found)])
            assert at_least <= len(found) <= at_least + 1
    assert len(found) == 3


def test_a_shard_goes_on_after_a_line_that_was_cut_anywhere(tmp_path):
    path = journal(tmp_path, ROWS)
    content = path.read_bytes()
    whole = content[: content[:-1].rfind(b"\n") + 1]
    for size in range(len(whole), len(content)):
        path.write_bytes(content[:size])
        journal(tmp_path, [record("two", fold=2), record("one", fold=2)])
        assert same(records_of(path)[:3], [*ROWS[:2], record("one", fold=2)])
        assert record("two", fold=2) in records_of(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["made", "model", "key", "scores", "about", "warnings", "fold"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
lines = st.lists(st.binary(max_size=30) | json_values.map(lambda value: json.dumps(value).encode()), max_size=6)


@settings(max_examples=300, deadline=None)
@given(lines)
def test_no_content_is_an_error(tmp_path_factory, strange):
    path = tmp_path_factory.getbasetemp() / "strange.jsonl"
    path.write_bytes(b"\n".join(strange))
    assert read_journal(path) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "splendid"},
        {"origin": "guess"},
        {"fold": "0"},
        {"seed": -1},
        {"scores": {"accuracy": None}},
        {"scores": {"accuracy": math.nan}},
        {"scores": []},
        {"fit_seconds": "1"},
        {"reason": None},
        {"warnings": [1]},
        {"more": 1},
        {"key": 7},
    ],
)
def test_a_line_that_no_run_writes_is_no_record(tmp_path, change):
    path = journal(tmp_path, [record("one")])
    head, line = path.read_text().splitlines()
    path.write_text(f"{head}\n{json.dumps({**json.loads(line), **change})}\n")
    assert records_of(path) == []


@pytest.mark.parametrize("change", [{"model": "../evil"}, {"machine": "a/b"}, {"model": ""}, {"made": {"key": "k"}}])
def test_a_journal_names_no_file_elsewhere(tmp_path, change):
    path = journal(tmp_path, [record("one")])
    head, line = path.read_text().splitlines()
    path.write_text(f"{json.dumps({**json.loads(head), **change})}\n{line}\n")
    assert read_journal(path) == {}


def test_a_file_that_is_no_journal_stays_and_is_named(tmp_path):
    (tmp_path / FOLDER).mkdir()
    foreign = tmp_path / FOLDER / "notes.jsonl"
    foreign.write_text('{"a": 1}\n"text"\nmore\n')
    said = []
    assert take_in(tmp_path, lambda model, entry: "written", said.append) == 0
    assert foreign.read_text() == '{"a": 1}\n"text"\nmore\n'
    assert said == [f"{foreign} is no journal, and stays where it is."]


def test_of_a_damaged_journal_the_rest_is_taken_in_and_the_file_is_set_aside(tmp_path):
    path = journal(tmp_path, ROWS)
    first, second, *rest = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([first, second[:40], *rest]))
    found, said = {}, []
    assert take_in(tmp_path, lambda model, entry: found.setdefault(model, entry) and "written", said.append) == 2
    assert [one.fold for one in found["one"].records] == [1]
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == ["shard-1-of-2.jsonl.damaged"]
    assert "has 1 lines that cannot be read. The others are kept" in said[0]
    assert take_in(tmp_path, lambda model, entry: "written", nothing) == 0


def test_the_journal_of_a_live_run_is_left_alone(tmp_path):
    code = (
        "import sys; from pathlib import Path; from bench.journal import Journal\n"
        "journal = Journal.of_run(Path(sys.argv[1])); journal.open(); print('open', flush=True); input()"
    )
    live = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert live.stdout.readline() == b"open\n"
        before = sorted((tmp_path / FOLDER).iterdir())
        assert take_in(tmp_path, lambda model, entry: "written", nothing) == 0
        assert sorted((tmp_path / FOLDER).iterdir()) == before
    finally:
        live.kill()
        live.communicate()
    # It was killed before its first record.
    take_in(tmp_path, lambda model, entry: "written", nothing)
    assert list(tmp_path.iterdir()) == []


def test_one_shard_is_run_by_one_process(tmp_path):
    first = Journal.of_shard(tmp_path, (1, 2))
    first.open()
    with pytest.raises(BenchError, match=r"Another run works on this shard: it holds .*shard-1-of-2\.jsonl"):
        Journal.of_shard(tmp_path, (1, 2)).open()
    first.close()
    assert list(tmp_path.iterdir()) == []


def prepared(folder, models, **changes):
    data, budget = dataset(), Budget(folds=3, seeds=2)
    config = RunConfig(
        task_type="text_clf", data=DataSpec(name="toy"), protocol="", budget=budget, executor=ExecutorSpec(), models=(),
        lineup=False, tune=False, shard=None, seed=0, results_dir=folder / "results", cache_dir=folder / "cache",
        rerun="none", timings="keep", report=ReportSettings(), limits=Limits(), zoo_fetch=False,
        allow_unpinned=False, expected=(),
    )  # fmt: skip
    splits, _ = cross_validation_splits(data, "text_clf", budget, 0)
    return Prepared(
        config=replace(config, **changes), task=task(), dataset=data, splits=tuple(splits), models=tuple(models),
        zoo=Zoo.open(folder / "cache"),
    )  # fmt: skip


REFERENCE = toy("reference")


def rows(*models, folds=3, seeds=2, **changes):
    return [record(one, fold=k, seed=s, **changes) for one in models for k in range(folds) for s in range(seeds)]


def stopped(folder, models, records, **changes):
    """Leave the journal of a run that was killed."""
    ledger = Ledger(prepared(folder, models, **changes))
    ledger.add(records)
    ledger._journal.close(keep=True)
    return ledger


def tables(folder):
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_what_a_killed_run_left_becomes_the_tables_of_a_run_that_was_not_killed(tmp_path):
    models = [REFERENCE, toy("fixed", deterministic=True)]
    fitted = rows("reference") + [one for one in rows("fixed") if one.seed == 0 or one.fold == 0]
    whole = Ledger(prepared(tmp_path / "a", models))
    filled = [record("fixed", fold=fold, seed=1, origin="fill") for fold in (1, 2)]
    whole.provenance["fixed"]["about"]["encoder"] = {"found": "out"}
    whole.add(fitted + filled)
    whole.close()
    killed = Ledger(prepared(tmp_path / "b", models))
    killed.provenance["fixed"]["about"]["encoder"] = {"found": "out"}
    killed.add(fitted)
    killed._journal.close(keep=True)
    said = []
    again = Ledger(prepared(tmp_path / "b", models))
    assert again.recover(said.append) == len(fitted)
    cells = [cell(choice, fold=fold, seed=seed) for choice in models for fold in range(3) for seed in range(2)]
    reused = again.reusable(cells)
    assert len(reused) == len(cells)
    again.add(list(reused.values()), new=False)
    again.close()
    assert said == []
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


def test_an_interruption_while_the_disk_is_busy_loses_no_cell(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    with monkeypatch.context() as busy:
        busy.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.add(rows("reference"))
    ledger.close()
    assert len(ledger.store.read("reference", ledger.keys["reference"])) == 6


def test_two_journals_of_the_same_cells_are_one_table(tmp_path):
    for score in (0.5, 0.5):
        stopped(tmp_path, [REFERENCE], rows("reference", score=score))
    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    assert ledger.recover(nothing) == 12
    assert len(ledger.store.read("reference", ledger.keys["reference"])) == 6
    assert not (ledger.store.folder / FOLDER).exists()


def test_rows_of_other_parameters_are_left_out_and_that_is_said(tmp_path):
    stopped(tmp_path, [REFERENCE, toy("one", "raises")], rows("reference", "one"))
    said = []
    ledger = Ledger(prepared(tmp_path, [REFERENCE, toy("one")]))
    assert ledger.recover(said.append) == 6
    assert said == ["6 cells of one that were found came from other parameters, data or versions: left out."]
    assert ledger.store.read("one", ledger.keys["one"]) == {}


def test_rows_of_a_model_that_is_not_registered_any_more_become_its_table(tmp_path):
    left = stopped(tmp_path, [REFERENCE, toy("gone")], rows("reference", "gone"))
    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    assert ledger.recover(nothing) == 12
    assert len(ledger.store.read("gone", left.keys["gone"])) == 6


def test_what_a_later_stage_left_replaces_the_table_of_the_stage_before_it(tmp_path):
    def staged(member):
        ledger = Ledger(prepared(tmp_path, [REFERENCE]))
        ledger.extend(prepared(tmp_path, [REFERENCE, toy("beside", member)]), "neighbours")
        return ledger

    first = staged("raises")
    first.add(rows("beside"))
    first.close()
    killed = staged("well")
    killed.add(rows("beside", folds=1))
    killed._journal.close(keep=True)
    # Which models a later stage adds is not known when the run begins.
    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    ledger.recover(nothing)
    assert len(ledger.store.read("beside", killed.keys["beside"])) == 2
    assert not (ledger.store.folder / FOLDER).exists()


def test_an_old_journal_does_not_replace_a_table_that_another_run_made_from_other_parameters(tmp_path):
    newer = Ledger(prepared(tmp_path, [REFERENCE, toy("one", "raises")]))
    newer.add(rows("one"))
    newer.close()
    older = stopped(tmp_path, [REFERENCE, toy("one")], rows("one", folds=1))
    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    assert ledger.recover(nothing) == 0
    assert len(ledger.store.read("one", newer.keys["one"])) == 6
    # A run that has the model knows which of the two is meant.
    ledger = Ledger(prepared(tmp_path, [REFERENCE, toy("one")]))
    assert ledger.recover(nothing) == 2
    assert len(ledger.store.read("one", older.keys["one"])) == 2
    assert not (ledger.store.folder / FOLDER).exists()


def test_a_run_with_fewer_seeds_that_was_killed_takes_none_from_the_table(tmp_path):
    more, fewer = Budget(folds=3, seeds=4), Budget(folds=3, seeds=1)
    whole = Ledger(prepared(tmp_path, [REFERENCE], budget=more))
    whole.add(rows("reference", seeds=4))
    whole.close()
    stopped(tmp_path, [REFERENCE], rows("reference", seeds=1), budget=fewer)
    ledger = Ledger(prepared(tmp_path, [REFERENCE], budget=more))
    ledger.recover(nothing)
    assert len(ledger.store.read("reference", ledger.keys["reference"])) == 12


@pytest.mark.parametrize(
    ("rerun", "kept"),
    [("none", {"ok", "failed", "timeout", "oom", "invalid"}), ("failed", {"ok"}), ("all", set())],
)
def test_rerun_says_what_of_a_stopped_run_is_done_again(tmp_path, rerun, kept):
    statuses = ("ok", "failed", "timeout", "oom", "invalid", "skipped", "unavailable")
    models = [REFERENCE, *(toy(status) for status in statuses)]
    found = [record(one, status=one, scores={} if one != "ok" else {"accuracy": 0.5}) for one in statuses]
    stopped(tmp_path, models, found)
    ledger = Ledger(prepared(tmp_path, models, rerun=rerun))
    ledger.recover(nothing)
    assert {one.status for one in ledger.reusable([cell(choice) for choice in models]).values()} == kept


def test_a_failed_reference_is_always_tried_again(tmp_path):
    stopped(tmp_path, [REFERENCE], [record("reference", status="timeout", scores={})])
    ledger = Ledger(prepared(tmp_path, [REFERENCE]))
    ledger.recover(nothing)
    assert ledger.reusable([cell(REFERENCE)]) == {}


def test_files_of_writers_that_were_killed_are_removed_and_those_of_living_ones_are_not(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bench import files\n"
        "os.replace = lambda *paths: print('written', flush=True) or input()\n"
        "files.write_atomically(Path(sys.argv[1]) / 'table.csv', b'half')"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"written\n"
        remove_leftovers(tmp_path)
        (part,) = tmp_path.iterdir()
        assert part.suffix == ".part"
    finally:
        writer.kill()
        writer.communicate()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []
    write_atomically(tmp_path / "table.csv", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
