"""Whole runs that are killed, starved and crowded: nothing is lost, nothing is done twice, and the end is the same."""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.cell import run_cell
from bench.errors import DiskError
from bench.journal import FOLDER, read_journal
from tests import plugin
from tests.builders import cell, inputs, texts
from tests.left_behind import gone, marked
from tests.left_behind import mark as mark
from tests.toy_models import toy

ROOT = Path(__file__).parents[1]
TABLES = Path("text_clf/reviews/quick")
MODELS = "model=[slow_seeded,slow_fixed,nb_svm]"
PROCESSES = ("executor=processes", "executor.workers=2")
KILLS = 20


@dataclass(frozen=True)
class Place:
    """A folder in which the command line is used."""

    folder: Path
    environment: dict

    def command(self, *arguments):
        return [
            sys.executable, "-m", "bench", "task=text_clf", "data.path=reviews.csv", "data.target=stars",
            "budget.probe_rows=0", "budget.folds=3", "budget.seeds=6", *arguments,
        ]  # fmt: skip

    def start(self, *arguments, own_group=False, **more):
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env={**os.environ, **self.environment, **more}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0 if own_group else None,
        )  # fmt: skip

    def run(self, *arguments, code=0, **more):
        running = self.start(*arguments, **more)
        said, _ = running.communicate(timeout=120)
        assert running.returncode == code, said
        assert "Traceback" not in said
        return said

    def validate(self):
        command = [sys.executable, "-m", "bench", "validate"]
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    def events(self, pid):
        found = []
        for path in self.folder.glob(f".bench/runs/*-{pid}/events.jsonl"):
            for line in path.read_text().splitlines():
                # The last one may be cut off.
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def finished(self):
        """Return the cells of which the disk holds a record, in a table or in a journal."""
        found = set()
        for path in (self.folder / "results" / TABLES).glob("*.csv"):
            rows = csv.DictReader(path.read_text().splitlines())
            found |= {(path.stem, int(row["fold"]), int(row["seed"])) for row in rows}
        for path in (self.folder / "results" / TABLES / FOLDER).glob("*.jsonl"):
            records = (one for entry in read_journal(path).values() for one in entry.records)
            found |= {(one.model, one.fold, one.seed) for one in records}
        return found


def fits(events):
    return [(one["model"], one["fold"], one["seed"]) for one in events if one["event"] == "started"]


def files(folder):
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return plugin.install(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def make_place(package, shared_cache):
    def make(folder):
        rows = (f"{text},{label}" for text, label in zip(*texts(90), strict=True))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "reviews.csv").write_text("\n".join(["body,stars", *rows]))
        path = os.pathsep.join(map(str, (ROOT, package)))
        return Place(folder, {"PYTHONPATH": path, "BENCH_CACHE_DIR": str(shared_cache), "COLUMNS": "140"})

    return make


@pytest.fixture
def place(make_place, tmp_path):
    return make_place(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(make_place, tmp_path_factory):
    """The tables of a run that nothing happened to."""
    place = make_place(tmp_path_factory.mktemp("undisturbed"))
    place.run(MODELS, *PROCESSES)
    return files(place.folder / "results")


def test_a_run_that_is_killed_twenty_times_ends_in_the_same_bytes(place, undisturbed, mark):
    generator = random.Random(11)
    repeated, lives = [], []
    for _ in range(KILLS):
        before = place.finished()
        running = place.start(MODELS, *PROCESSES)
        if generator.random() < 0.2:
            # Anywhere, the imports included.
            time.sleep(generator.uniform(0, 3))
        else:
            # Among fits, lines of the journal, tables and reports.
            wanted, jitter = generator.randrange(1, 15), generator.uniform(0, 0.2)
            while len(place.events(running.pid)) < wanted and running.poll() is None:
                time.sleep(0.005)
            time.sleep(jitter)
        running.kill()
        running.communicate()
        assert gone(mark, 2.5)
        repeated += [cell for cell in fits(place.events(running.pid)) if cell in before]
        lives.append(len(fits(place.events(running.pid))))
    assert repeated == []
    # The kills hit runs at work, and not only their imports.
    assert sum(count > 0 for count in lives) >= 5
    place.run(MODELS, *PROCESSES)
    assert files(place.folder / "results") == undisturbed
    assert list(place.folder.rglob("*.part")) == []
    assert not (place.folder / "results" / TABLES / FOLDER).exists()


def test_shards_put_together_are_the_unsharded_run(place, undisturbed):
    shards = [place.start(MODELS, *PROCESSES, f"shard={i}/3") for i in (1, 2, 3)]
    for shard in shards:
        said, _ = shard.communicate(timeout=120)
        assert shard.returncode == 0, said
    journals = sorted(path.name for path in (place.folder / "results" / TABLES / FOLDER).glob("*.jsonl"))
    assert journals == [f"shard-{i}-of-3.jsonl" for i in (1, 2, 3)]
    said = place.run(MODELS, *PROCESSES)
    assert "0 to run" in said
    assert files(place.folder / "results") == undisturbed
    assert not (place.folder / "results" / TABLES / FOLDER).exists()


def test_two_runs_at_once_end_in_complete_tables(place, undisturbed):
    both = [place.start(MODELS, *PROCESSES) for _ in range(2)]
    for one in both:
        said, _ = one.communicate(timeout=180)
        assert one.returncode == 0, said
    assert files(place.folder / "results") == undisturbed
    assert not (place.folder / "results" / TABLES / FOLDER).exists()
    assert place.validate() == "5 tables, 0 problems.\n"


def test_two_runs_of_different_models_at_once_end_in_one_report_of_both(place, undisturbed):
    both = [place.start(f"model=[{name}]", *PROCESSES) for name in ("slow_seeded", "slow_fixed")]
    for one in both:
        said, _ = one.communicate(timeout=180)
        assert one.returncode == 0, said
    assert place.validate() == "4 tables, 0 problems.\n"
    tables = files(place.folder / "results")
    names = [f"{TABLES}/{name}.csv" for name in ("slow_seeded", "slow_fixed", "tfidf_logreg", "prior")]
    assert {name: tables[name] for name in names} == {name: undisturbed[name] for name in names}


WRITERS = """
import os, sys, time
from pathlib import Path
from bench.ledger import Ledger
from tests.builders import record
from tests.test_journal import REFERENCE, prepared
from tests.toy_models import toy
from bench.settings import Budget

folder, count = Path(sys.argv[1]), int(sys.argv[2])
run = prepared(folder, [REFERENCE, toy("one")], budget=Budget(folds=3, seeds=count))
begin = time.monotonic() + 1
for seed in range(count):
    if os.fork() == 0:
        ledger = Ledger(run)
        time.sleep(max(0, begin - time.monotonic()))
        for model in ("reference", "one"):
            for fold in range(3):
                ledger.add([record(model, fold=fold, seed=seed)])
            ledger.write(model)
        ledger.recover(lambda text: None)
        ledger.close()
        os._exit(0)
print({os.waitpid(-1, 0)[1] for _ in range(count)})
ledger = Ledger(run)
print([len(ledger.store.read(model, ledger.keys[model])) for model in ("reference", "one")])
"""


def test_twenty_concurrent_writers_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITERS, tmp_path, "20"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout == "{0}\n[60, 60]\n", done.stderr
    assert list(tmp_path.rglob(FOLDER)) == []
    assert list(tmp_path.rglob("*.part")) == []


def mounted(*arguments):
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")


@contextlib.contextmanager
def unmounted(folder):
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def small_disk(folder, size):
    """Put a file system of its own there."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    with unmounted(folder):
        yield folder


@contextlib.contextmanager
def read_only(folder):
    """Show a folder as one that nobody can write to, root included."""
    mounted("--bind", folder, folder)
    with unmounted(folder):
        mounted("-o", "remount,ro,bind", folder)
        yield folder


def fill(folder, left):
    """Fill a disk up to so many bytes."""
    free = shutil.disk_usage(folder).free
    (folder / "ballast").write_bytes(bytes(max(0, free - left)))


def one_message(said, *parts):
    (line,) = [line for line in said.splitlines() if line.startswith("bench: ")]
    for part in parts:
        assert part in line, said
    assert said.strip().endswith(line)


@pytest.mark.parametrize(("disk", "left"), [("results", 30_000), (".bench", 60_000)])
def test_a_disk_that_fills_up_costs_nothing_that_was_done(place, undisturbed, disk, left):
    with small_disk(place.folder / disk, "4m") as folder:
        fill(folder, left)
        first = place.start(MODELS, *PROCESSES)
        said, _ = first.communicate(timeout=120)
        assert first.returncode == 2, said
        assert "Traceback" not in said
        one_message(said, "the disk is full. Make space and run the same command again: what is done is kept")
        done = place.finished()
        assert done
        (folder / "ballast").unlink()
        again = place.start(MODELS, *PROCESSES)
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert done.isdisjoint(fits(place.events(again.pid)))
        assert files(place.folder / "results") == undisturbed


def test_a_cache_that_fills_up_is_no_fault_of_a_model(place):
    with small_disk(place.folder / "cache", "1m") as folder:
        fill(folder, 100_000)
        run = ("model=[slow_seeded,slow_encoded]", "cache_dir=cache", *PROCESSES)
        said = place.run(*run, code=2)
        one_message(said, "Cannot write cache/features/", "the disk is full. Make space")
        # The reference comes first, and was done.
        done = place.finished()
        assert "tfidf_logreg" in {model for model, _, _ in done}
        assert "slow_encoded" not in {model for model, _, _ in done}
        (folder / "ballast").unlink()
        again = place.start(*run)
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert done.isdisjoint(fits(place.events(again.pid)))


def test_results_that_cannot_be_written_are_known_before_anything_is_fitted(place):
    (place.folder / "results").mkdir()
    with read_only(place.folder / "results"):
        running = place.start(MODELS, *PROCESSES)
        said, _ = running.communicate(timeout=120)
    assert running.returncode == 2
    one_message(said, "Cannot write results/text_clf/reviews/quick", "Change its rights, give another results_dir=")
    assert fits(place.events(running.pid)) == []


def test_a_cache_for_reading_only_serves_who_needs_nothing_new(place):
    (place.folder / "cache").mkdir()
    with read_only(place.folder / "cache"):
        place.run("model=[nb_svm]", "cache_dir=cache", *PROCESSES, "budget.probe_rows=5")
        said = place.run("model=[slow_encoded]", "cache_dir=cache", *PROCESSES, code=2)
    one_message(said, "Cannot write cache/features/", "or cache_dir=")
    place.run("model=[slow_encoded]", "cache_dir=cache", *PROCESSES)


def test_a_working_folder_that_cannot_be_written_is_named(place):
    (place.folder / ".bench").mkdir()
    with read_only(place.folder / ".bench"):
        said = place.run(MODELS, *PROCESSES, code=2)
    one_message(said, "Cannot write .bench/", "run in another folder")


CLOCK = """
import time
real = time.time
begin = time.monotonic()
# Two seconds after its start, a process finds itself an hour earlier; half a second later, a day later.
def shifted():
    gone = time.monotonic() - begin
    return real() + (0 if gone < 2 else -3600 if gone < 2.5 else 86400)
time.time = shifted
"""


def test_a_clock_that_is_set_changes_neither_limits_nor_scores(place, undisturbed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    (folder / "sitecustomize.py").write_text(CLOCK)
    path = os.pathsep.join([str(folder), place.environment["PYTHONPATH"]])
    sleeper = ("model=[slow_seeded,slow_fixed]", "models.slow_fixed.seconds=1000", "budget.cell_seconds=4")
    running = place.start(*sleeper, *PROCESSES, "budget.seeds=1", PYTHONPATH=path)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 1, said
    tables = files(place.folder / "results")
    assert tables[f"{TABLES}/slow_fixed.csv"].count(b",timeout,") == 3
    seeded = undisturbed[f"{TABLES}/slow_seeded.csv"].splitlines()
    assert tables[f"{TABLES}/slow_seeded.csv"].splitlines() == [seeded[0], *seeded[1::6]]
    events = [one for one in place.events(running.pid) if one.get("model") == "slow_fixed"]
    begun = {one["fold"]: one["at"] for one in events if one["event"] == "started"}
    took = [one["at"] - begun[one["fold"]] for one in events if one["event"] == "cell"]
    # With the start of a worker.
    assert all(4 <= seconds < 4 + 2 + 5 for seconds in took)
    assert len(took) == 3


@pytest.mark.parametrize("moment", ["starting", "working"])
def test_ctrl_c_ends_workers_quietly_and_the_same_command_goes_on(place, undisturbed, mark, moment):
    running = place.start(MODELS, *PROCESSES, own_group=True)
    # As a terminal does: to the run and to all that it started.
    wanted = "spawn_main" if moment == "starting" else None
    while running.poll() is None:
        if wanted is None and len(fits(place.events(running.pid))) > 12:
            break
        if wanted is not None and any(wanted in " ".join(one.cmdline()) for one in marked(mark)):
            break
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    one_message(said, "What was done is kept: the same command goes on from here.")
    assert "Traceback" not in said
    assert not marked(mark)
    done = place.finished()
    again = place.start(MODELS, *PROCESSES)
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert done.isdisjoint(fits(place.events(again.pid)))
    assert files(place.folder / "results") == undisturbed


def test_a_model_that_meets_a_full_disk_ends_the_run_where_the_disk_is_ours(tmp_path, monkeypatch):
    choice = toy("writer", "fills the disk")
    monkeypatch.chdir(tmp_path)
    shared = inputs(tmp_path, [choice])
    with small_disk(tmp_path / "small", "1m") as folder:
        monkeypatch.chdir(folder)
        record = run_cell(cell(choice), shared)
        assert record.status == "failed"
        assert "No space left on device" in record.reason
        with pytest.raises(DiskError, match="writer could not write: the disk is full"):
            run_cell(cell(choice), replace(shared, logs=folder / "logs"))
        monkeypatch.chdir(tmp_path)
