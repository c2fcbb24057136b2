import math
import multiprocessing
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.files import write_atomically
from bench.provenance import code_hash, provenance_of
from bench.results import Store, format_records, read_records
from bench.settings import Budget
from bench.splits import cross_validation_splits
from bench.types import Dataset, Split
from bench.zoo.store import Zoo
from tests.builders import dataset, record, task
from tests.toy_models import toy

METRICS = task().metrics
MADE = {"key": "k" * 64, "inputs": {}, "about": {"repeats": 1, "budget": {"seeds": 6}}}


def splits(data: Dataset, folds: int = 5, repeats: int = 1) -> list[Split]:
    return cross_validation_splits(data, "text_clf", Budget(folds=folds, repeats=repeats), 0)[0]


def store(folder: Path) -> Store:
    return Store.open(folder, "machine", task(), "toy", "quick")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_records_come_back_as_they_were_written(tmp_path):
    written = [record(fold=k, seed=s, score=0.5 + k / 8) for k in range(3) for s in range(2)]
    store(tmp_path).write("toy", MADE, written, "keep")
    assert list(store(tmp_path).read("toy", MADE["key"]).values()) == written


def test_what_cells_found_out_comes_back_with_them_and_with_no_others(tmp_path):
    written = [record(fold=k, score=0.75, found={"weights": {"one": 0.25 * k}}) for k in range(3)]
    store(tmp_path).write("toy", MADE, written, "keep")
    assert list(store(tmp_path).read("toy", MADE["key"]).values()) == written
    before = contents(tmp_path)
    # A re-run that reuses two rows and makes the third anew, with other predictions.
    store(tmp_path).write("toy", MADE, [replace(written[2], digest="other", found={"weights": {"one": 1.0}})], "keep")
    back = [found.found["weights"]["one"] for found in store(tmp_path).read("toy", MADE["key"]).values()]
    assert back == [0.0, 0.25, 1.0]
    store(tmp_path).write("toy", MADE, written, "keep")
    assert contents(tmp_path) == before
    store(tmp_path).found("toy").write_text('{"cells": [')
    assert [found.found for found in store(tmp_path).read("toy", MADE["key"]).values()] == [{}, {}, {}]
    store(tmp_path).write("toy", {**MADE, "key": "x" * 64}, [record()], "keep")
    assert not store(tmp_path).found("toy").exists()


def test_the_order_of_records_changes_no_byte(tmp_path):
    records = [record(fold=k, seed=s) for k in range(3) for s in range(2)]
    store(tmp_path / "a").write("toy", MADE, records, "keep")
    store(tmp_path / "b").write("toy", MADE, records[::-1], "keep")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_slower_rerun_changes_no_byte_unless_timings_are_refreshed(tmp_path):
    store(tmp_path).write("toy", MADE, [record()], "keep")
    before = contents(tmp_path)
    store(tmp_path).write("toy", MADE, [record(fit_seconds=9.0)], "keep")
    assert contents(tmp_path) == before
    store(tmp_path).write("toy", MADE, [record(fit_seconds=9.0)], "refresh")
    assert contents(tmp_path) != before


def test_rows_of_another_key_are_neither_reused_nor_kept(tmp_path):
    store(tmp_path).write("toy", MADE, [record(fold=0), record(fold=1)], "keep")
    other = {**MADE, "key": "x" * 64}
    assert store(tmp_path).read("toy", other["key"]) == {}
    store(tmp_path).write("toy", other, [record(fold=0)], "keep")
    assert len(store(tmp_path).read("toy", other["key"])) == 1


def test_a_crash_between_table_and_provenance_leaves_nothing_to_reuse(tmp_path, monkeypatch):
    import bench.results

    store(tmp_path).write("toy", MADE, [record(score=0.5)], "keep")
    real = bench.results.write_atomically

    def crash(path, content):
        if path.suffix == ".json":
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(bench.results, "write_atomically", crash)
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path).write("toy", {**MADE, "key": "x" * 64}, [record(score=0.25)], "keep")
    assert store(tmp_path).read("toy", MADE["key"]) == {}


def test_rows_beyond_the_seeds_of_this_run_are_not_kept(tmp_path):
    store(tmp_path).write("toy", MADE, [record(seed=seed) for seed in range(6)], "keep")
    shorter = {**MADE, "about": {"repeats": 1, "budget": {"seeds": 2}}}
    store(tmp_path).write("toy", shorter, [record(seed=0)], "keep")
    assert [found.seed for found in store(tmp_path).read("toy", MADE["key"]).values()] == [0, 1]


def test_seconds_of_another_key_are_not_shown(tmp_path):
    store(tmp_path).write("toy", MADE, [record()], "keep")
    store(tmp_path).write("toy", {**MADE, "key": "x" * 64}, [record(fit_seconds=math.nan)], "keep")
    (back,) = store(tmp_path).read("toy", "x" * 64).values()
    assert math.isnan(back.fit_seconds)


def test_seconds_of_cells_that_ran_beside_others_are_not_kept(tmp_path):
    store(tmp_path).write("toy", MADE, [record()], "none")
    assert not store(tmp_path).timings.exists()


def test_a_damaged_timing_table_is_named(tmp_path):
    store(tmp_path).write("toy", MADE, [record()], "keep")
    (store(tmp_path).timings / "toy.csv").write_text(
        "repeat,fold,seed,key,fit_seconds,predict_seconds\n0,0,0,kkkkkkkkkkkkkkkk,x,y\n"
    )
    with pytest.raises(BenchError, match=r"toy\.csv is not a timing table"):
        store(tmp_path).write("toy", MADE, [record()], "keep")


def test_adding_a_model_touches_no_other_file(tmp_path):
    store(tmp_path).write("one", MADE, [record("one")], "keep")
    before = contents(tmp_path)
    store(tmp_path).write("two", MADE, [record("two")], "keep")
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 * len(before)


def test_score_files_hold_no_seconds(tmp_path):
    store(tmp_path).write("toy", MADE, [record(fit_seconds=1234.5)], "keep")
    assert b"1234.5" not in (store(tmp_path).folder / "toy.csv").read_bytes()
    assert b"seconds" not in (store(tmp_path).folder / "toy.csv").read_bytes()
    assert b"1234" in (store(tmp_path).timings / "toy.csv").read_bytes()


def test_a_failed_row_keeps_its_reason(tmp_path):
    failed = record(status="failed", reason='ValueError: a "quoted", separated reason', scores={}, digest="")
    store(tmp_path).write("toy", MADE, [failed], "keep")
    (back,) = store(tmp_path).read("toy", MADE["key"]).values()
    assert (back.status, back.reason, back.scores) == ("failed", failed.reason, {})


def test_numbers_have_six_significant_digits():
    text = format_records([record(score=0.123456789, digest="d")], METRICS).decode()
    assert "0.123457" in text
    assert "0.1234567" not in text


def test_a_table_of_another_version_is_named(tmp_path):
    path = tmp_path / "toy.csv"
    path.write_text("fold,accuracy\n0,0.9\n")
    with pytest.raises(BenchError, match=r"toy\.csv is not a score table.*Restore it from git"):
        read_records(path, METRICS)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
def test_any_reason_survives_the_table(reason):
    with tempfile.TemporaryDirectory() as folder:
        store(Path(folder)).write("toy", MADE, [record(status="failed", reason=reason, scores={})], "keep")
        (back,) = store(Path(folder)).read("toy", MADE["key"]).values()
    assert back.reason == reason


def write_one(folder: Path, seed: int) -> None:
    store(folder).write("toy", MADE, [record(seed=seed)], "keep")


def test_concurrent_writers_lose_no_row(tmp_path, socket_enabled):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_one, args=(tmp_path, seed)) for seed in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(store(tmp_path).read("toy", MADE["key"])) == 6


def test_a_write_that_breaks_off_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchError, match=r"table\.csv: the disk is full"):
        write_atomically(path, b"new")
    assert contents(tmp_path) == {"table.csv": b"old"}


def test_every_input_of_a_score_changes_the_key(tmp_path):
    from dataclasses import replace

    zoo, data, choice, budget = Zoo.open(tmp_path), dataset(), toy(), Budget()
    base = provenance_of(choice, task(), data, budget, splits(data), 0, zoo)["key"]
    changed = [
        provenance_of(toy(way="raises"), task(), data, budget, splits(data), 0, zoo),
        provenance_of(choice, task(version=2), data, budget, splits(data), 0, zoo),
        provenance_of(choice, task(protocol="published"), data, budget, splits(data), 0, zoo),
        provenance_of(choice, task(), dataset(63), budget, splits(data), 0, zoo),
        provenance_of(choice, task(), data, budget, splits(data, 4), 0, zoo),
        provenance_of(choice, task(), data, budget, [replace(one, test=one.train) for one in splits(data)], 0, zoo),
        provenance_of(choice, task(), data, budget, splits(data), 1, zoo),
        provenance_of(toy(libraries=("numpy",)), task(), data, budget, splits(data), 0, zoo),
    ]
    keys = [made["key"] for made in changed]
    assert len({base, *keys}) == 1 + len(keys)
    same = [
        provenance_of(choice, task(), data, budget, splits(data, repeats=3), 0, zoo),
        provenance_of(choice, task(), replace(data, name="other"), budget, splits(data), 0, zoo),
        provenance_of(choice, task(), data, Budget(seeds=9, cell_seconds=1), splits(data), 0, zoo),
    ]
    assert {made["key"] for made in same} == {base}


def test_the_code_of_a_model_and_of_its_parts_is_part_of_its_key(monkeypatch):
    import inspect

    from bench.models.text import tfidf_svm

    before = code_hash(tfidf_svm.build)
    real = inspect.getsource
    monkeypatch.setattr(
        inspect, "getsource", lambda module: real(module) + ("#" if module.__name__ == "bench.models.parts" else "")
    )
    assert code_hash(tfidf_svm.build) != before
