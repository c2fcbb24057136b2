"""Commands as models: files in, predictions out, and nothing else that is ours."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from bench import plan, registry
from bench.__main__ import dispatch
from bench.cell import run_cell
from bench.data import fingerprint
from bench.errors import ConfigError
from bench.executor import execute, no_deadline
from bench.executor.watch import MARK
from bench.models import launch
from bench.models.external.command import Params, sources
from bench.provenance import provenance_of
from bench.settings import Budget, ExecutorSpec
from bench.testing.models import it_says_what_it_is, parameters_survive_yaml
from bench.types import Dataset, ModelChoice
from tests.builders import cell, inputs, table, values
from tests.test_plan import config

ROOT = Path(__file__).parents[1]
READ = """\
import csv, json, os, subprocess, sys, time
job = json.load(open(sys.argv[-1], encoding="utf-8"))
rows = {part: list(csv.DictReader(open(job[part], encoding="utf-8"))) for part in ("train", "test")}
share = 1 / max(1, len(job["classes"]))
table = [dict.fromkeys(job["classes"] or ["prediction"], share) for row in rows["test"]]
"""
WRITE = """
with open(job["predictions"], "w", newline="", encoding="utf-8") as file:
    writer = csv.DictWriter(file, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
"""
WRONG = {
    "del table[-1]": ("invalid", "The command wrote 19 rows; expected one for each of 20 test rows, in their order."),
    "table[0]['eins'] = 'nan'": ("invalid", "NaN or infinite probabilities for 1 of 20 rows"),
    "table[0]['eins'] = 0.9": ("invalid", "do not sum to one"),
    "table[0]['eins'] = -7": ("invalid", "probabilities from -7"),
    "table[0]['eins'] = 'many'": ("invalid", "predictions are no numbers (Unable to parse string \"many\""),
    "[row.pop('eins') for row in table]": ("invalid", "columns 'drei', 'zwei Ö'; expected 'drei', 'eins', 'zwei Ö'."),
    "[row.update(row=1) for row in table]": ("invalid", "'drei', 'eins', 'zwei Ö', 'row'; expected"),
    "job['predictions'] += '.txt'": ("invalid", "The command wrote no predictions."),
    "print('no such thing', flush=True); sys.exit(3)": ("failed", "exit code 3. Its last line: no such thing"),
    "raise ValueError('a bad day')": ("failed", "exit code 1. Its last line: ValueError: a bad day"),
    "os.kill(os.getpid(), 11)": ("failed", "was ended by signal 11"),
    "os.kill(os.getpid(), 9)": ("oom", "most likely because the machine was out of memory"),
}  # fmt: skip


def labels(rows=60):
    X, y = table(rows)
    X = X.rename(columns={"size": "größe in m", "city": "target", "note": 'a "note", or two'})
    made = Dataset(name="toy", X=X, y=y, classes=("drei", "eins", "zwei Ö"))
    return replace(made, fingerprint=fingerprint(made))


@pytest.fixture
def command(tmp_path):
    """Return a model that is a script with the given lines between reading and writing."""

    def make(lines="", **params):
        path = tmp_path / "my system.py"
        path.write_text(READ + lines + WRITE, encoding="utf-8")
        given = {"seconds": 20.0, "grace": 0.0, "format": "csv", **params}
        made = Params(command=[sys.executable, "-I", str(path)], **given)
        return ModelChoice(name="mine", spec=registry.model("external"), params=made)

    return make


def outcome(choice, folder, data=None):
    return run_cell(cell(choice), inputs(folder, [choice], data if data is not None else labels()))


@pytest.mark.parametrize("data", [labels(), values()], ids=["labels", "quantities"])
def test_a_command_that_predicts_is_a_scored_row(command, tmp_path, data):
    record = outcome(command(), tmp_path, data)
    assert (record.status, record.reason) == ("ok", "")
    assert record.n_test == 20
    assert record.fit_seconds > 0
    assert np.isnan(record.predict_seconds), "nobody knows what single answers took"


def test_files_may_be_parquet_and_columns_come_in_any_order(command, tmp_path):
    choice = command(format="parquet")
    Path(choice.params.command[-1]).write_text(
        "import json, sys\nimport pandas as pd\njob = json.load(open(sys.argv[-1]))\n"
        "train, test = (pd.read_parquet(job[part]) for part in ('train', 'test'))\n"
        "assert str(train['day'].dtype).startswith('datetime64')\n"
        "known = test['größe in m'].fillna(1).clip(0, 2) / 2\n"
        "made = pd.DataFrame({'zwei Ö': known, 'eins': 0.0, 'drei': 1 - known})\n"
        "made.to_parquet(job['predictions'])\n"
    )
    record = outcome(choice, tmp_path)
    assert (record.status, record.reason) == ("ok", "")
    assert record.scores["accuracy"] > 0.6


@pytest.mark.parametrize("lines", WRONG)
def test_a_wrong_answer_says_what_was_expected(command, tmp_path, lines):
    record = outcome(command(lines), tmp_path)
    status, reason = WRONG[lines]
    assert record.status == status
    assert reason in record.reason


def test_quantities_that_are_no_numbers_are_invalid(command, tmp_path):
    record = outcome(command("table[3]['prediction'] = 'inf'"), tmp_path, values())
    assert (record.status, "NaN or infinite values for 1 of 20 rows" in record.reason) == ("invalid", True)


def test_a_command_gets_columns_as_they_are_and_no_label_of_a_test_row(command, tmp_path):
    seen = tmp_path / "seen.json"
    lines = f"json.dump([job, rows, sys.argv[1:]], open({str(seen)!r}, 'w'))"
    data = labels()
    assert outcome(command(lines), tmp_path, data).status == "ok"
    job, rows, _ = json.loads(seen.read_text())
    split = inputs(tmp_path, [command()], data).split(0, 0)
    assert job["target"] == "target_", "another column has the name"
    assert list(rows["test"][0]) == list(data.X.columns)
    assert list(rows["train"][0]) == [*data.X.columns, "target_"]
    assert [row["target_"] for row in rows["train"]] == [data.classes[code] for code in data.y[split.train]]
    assert job["columns"]["größe in m"] == "number"
    assert [job["columns"][name] for name in ("target", "day", 'a "note", or two')] == ["category", "date", "text"]
    assert {name: job[name] for name in ("task", "classes", "metric", "seconds", "threads")} == {
        "task": "classification",
        "classes": ["drei", "eins", "zwei Ö"],
        "metric": "roc_auc",
        "seconds": 20.0,
        "threads": 1,
    }
    assert not Path(job["train"]).exists(), "training rows are removed when they were used"


def test_the_path_of_the_job_goes_where_the_command_wants_it(command, tmp_path):
    choice = command("assert sys.argv[1].startswith('--job=') and len(sys.argv) == 3")
    params = replace(choice.params, command=[*choice.params.command, "--job={job}", "{job}"])
    assert outcome(replace(choice, params=params), tmp_path).status == "ok"


def test_of_the_environment_only_what_is_named_is_passed_on(command, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("MY_SETTING", "7")
    seen = tmp_path / "seen.json"
    lines = f"json.dump(dict(os.environ), open({str(seen)!r}, 'w'))"
    assert outcome(command(lines, env=["MY_SETTING", "NOT_SET"]), tmp_path).status == "ok"
    found = json.loads(seen.read_text())
    assert found["MY_SETTING"] == "7"
    assert found["OMP_NUM_THREADS"] == "1"
    assert "hush" not in found.values()
    assert not Path(found["TMPDIR"]).exists()


def test_seeds_reach_the_command(command, tmp_path):
    seen = tmp_path / "seen.txt"
    choice = command(f"print(job['seed'], file=open({str(seen)!r}, 'a'))")
    shared = inputs(tmp_path, [choice], labels())
    for seed in (0, 0, 1):
        run_cell(cell(choice, seed=seed), shared)
    first, again, other = seen.read_text().split()
    assert first == again != other


def _starts_children(note, then):
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=own).pid"
    return f"print(*[{child} for own in (False, True)], file=open({str(note)!r}, 'w'))\n{then}"


def _living(note):
    pids = [int(pid) for pid in note.read_text().split()]
    assert len(pids) == 2
    limit = time.monotonic() + 5
    while left := [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]:
        if time.monotonic() > limit:
            break
        time.sleep(0.02)
    return left


def test_a_command_that_hangs_is_killed_with_its_children(command, tmp_path):
    note = tmp_path / "children"
    record = outcome(command(_starts_children(note, "time.sleep(600)"), seconds=1.0, grace=0.5), tmp_path)
    assert record.status == "timeout"
    assert record.reason == "The command was killed 0.5 s after the 1 s that it was given (seconds)."
    assert _living(note) == []


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ("time.sleep(600)", "timeout", "Stopped after the limit of 3 s (budget.cell_seconds)."),
        ("ballast = b'x' * 10**9; time.sleep(600)", "oom", "the limit is 700 MB (budget.memory_mb)"),
    ],
)
def test_limits_of_a_cell_count_and_kill_the_command(command, tmp_path, lines, status, reason):
    note = tmp_path / "children"
    choice = command(_starts_children(note, lines), seconds=600.0)
    budget = Budget(cell_seconds=3.0 if status == "timeout" else 60.0, memory_mb=700)
    workers = ExecutorSpec(name="processes", workers=1)
    shared = inputs(tmp_path, [choice], labels())
    (record,) = [
        one for batch in execute(iter([cell(choice)]), shared, budget, workers, no_deadline()) for one in batch
    ]
    assert record.status == status
    assert reason in record.reason
    assert _living(note) == []


def test_what_a_command_prints_is_in_the_log_of_its_cell(command, tmp_path):
    choice = command("print('hello from outside', flush=True); print('and twice', file=sys.stderr)")
    shared = inputs(tmp_path, [choice], labels())
    workers = ExecutorSpec(name="processes", workers=1)
    assert [r.status for b in execute(iter([cell(choice)]), shared, Budget(), workers, no_deadline()) for r in b] == [
        "ok"
    ]
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_text().split("\n")[:2] == ["hello from outside", "and twice"]


def test_commands_carry_the_mark_of_their_worker():
    assert MARK in launch.PASSED_ON


def test_training_rows_of_a_killed_job_are_removed_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(launch.tempfile, "tempdir", str(tmp_path))
    left, young = tmp_path / f"{launch.PREFIX}left", tmp_path / f"{launch.PREFIX}young"
    for folder in (left, young):
        folder.mkdir()
        (folder / "train.csv").write_text("private")
    os.utime(left, (0, 0))
    with launch.job_folder() as held:
        os.utime(held, (0, 0))
        with launch.job_folder():
            assert held.exists(), "it is in use"
    assert (left.exists(), young.exists(), held.exists()) == (False, True, False)


def test_what_is_not_a_folder_of_this_user_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(launch.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("two years")
    os.utime(tmp_path / "mine", (0, 0))
    (tmp_path / f"{launch.PREFIX}link").symlink_to(tmp_path / "mine")
    with launch.job_folder():
        pass
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_word_of_a_command_may_be_longer_than_any_file_name(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text("")
    assert list(sources(Params(command=["python", str(script), "x" * 300]))) == [str(script)]


MKDIR = {"_target_": "os.mkdir", "path": "run"}
LOGGING = {"version": 1, "root": {"handlers": ["x"]}, "handlers": {"x": {"()": "os.mkdir", "path": "run"}}}
TRAPS = {
    "callbacks": {"callbacks": {"x": MKDIR}},
    "callbacks by reference": {"callbacks": "${decoy}"},
    "job_logging": {"job_logging": LOGGING},
    "hydra_logging": {"hydra_logging": LOGGING},
    "job.env_set": {"job": {"env_set": {"PYTHONPATH": "theirs"}}},
    "sweeper.params": {"mode": "MULTIRUN", "sweeper": {"params": {"x": MKDIR}}},
    "launcher.setup": {"launcher": {"setup": ["mkdir run"]}},
    "launcher.comment": {"launcher": {"comment": "x\nmkdir run"}},
    "launcher.partition": {"launcher": {"partition": "${oc.env:HOME}"}},
    "launcher.additional_parameters": {"launcher": {"additional_parameters": {"x": MKDIR}}},
    "launcher._target_": {"launcher": {"_target_": "os.mkdir"}},
    "sweeper._target_": {"sweeper": {"_target_": "os.mkdir"}},
}


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Write an experiment of a stranger's that sets something of Hydra's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    (tmp_path / "theirs" / "experiment").mkdir(parents=True)
    (tmp_path / "theirs" / "experiment" / "good.yaml").write_text("# @package _global_\nseed: 1\n")

    def write(settings, name="trap"):
        slurm = {"defaults": [{"override /hydra/launcher": "submitit_slurm"}]} if "launcher" in settings else {}
        text = "# @package _global_\n" + yaml.safe_dump({**slurm, "hydra": settings})
        (tmp_path / "theirs" / "experiment" / f"{name}.yaml").write_text(text)

    return write


HERS = ["--config-dir=theirs", "task=text_clf", "data.path=absent.csv"]


@pytest.mark.parametrize("key", TRAPS)
def test_a_config_from_a_stranger_sets_nothing_of_hydra_that_runs_code(key, theirs, tmp_path):
    theirs(TRAPS[key])
    with pytest.raises(ConfigError, match=rf"A config sets hydra\.{key.partition(' ')[0]}"):
        dispatch([*HERS, "experiment=trap"])
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize("words", [["-m", "experiment=good,trap"], ["experiment=sweep"]])
def test_a_job_of_a_sweep_sets_nothing_of_hydra_that_runs_code(words, theirs, tmp_path):
    theirs({"job_logging": LOGGING})
    theirs({"mode": "MULTIRUN", "sweeper": {"params": {"hydra.job_logging.root": "x"}}}, "sweep")
    with pytest.raises(ConfigError, match=r"A config sets hydra\.job_logging"):
        dispatch([*HERS, *words])
    assert not (tmp_path / "run").exists()


def test_what_the_command_line_gives_hydra_is_the_users_own(theirs, tmp_path, capsys):
    assert dispatch([*HERS, "experiment=good", "hydra.run.dir=run"]) == 2
    assert "There is no file absent.csv." in capsys.readouterr().err
    assert (tmp_path / "run").is_dir()


def test_only_the_command_line_can_allow_a_command(command):
    made = config(task_type="tabular_clf", models=(command(),), lineup=False)
    with pytest.raises(ConfigError, match="allow_commands=true on the command line"):
        plan.choose_models(made, plan.make_task(made))
    allowed = replace(made, allow_commands=True)
    assert "mine" in [choice.name for choice in plan.choose_models(allowed, plan.make_task(allowed))]


def test_a_command_that_cannot_end_in_time_is_refused_at_once(command):
    made = config(task_type="tabular_clf", models=(command(seconds=500.0),), lineup=False, allow_commands=True)
    with pytest.raises(ConfigError, match=r"Give budget.cell_seconds=500, or fewer models.mine.seconds."):
        plan.choose_models(made, plan.make_task(made))


def test_no_lineup_holds_an_external_system():
    made = config(task_type="tabular_clf", budget=Budget(name="my own"))
    assert "external" not in {choice.spec.role for choice in plan.choose_models(made, plan.make_task(made))}


def test_a_command_that_is_not_there_is_unavailable():
    spec = registry.model("external")
    for words, reason in (([], "It has no command."), (["no-such-program"], "There is no program 'no-such-program'")):
        choice = ModelChoice(name="mine", spec=spec, params=Params(command=words))
        assert reason in plan.why_unavailable(choice, lambda address: "")


def test_a_changed_script_is_a_new_key_and_other_models_have_none_of_it(command, tmp_path):
    def made(choice):
        shared = inputs(tmp_path, [choice], labels())
        return provenance_of(choice, shared.task, shared.dataset, Budget(), shared.splits, 0, shared.zoo)

    one, same, other = made(command()), made(command()), made(command("pass"))
    assert one["key"] == same["key"] != other["key"]
    assert one["inputs"]["params"]["command"] == command().params.command
    logreg = registry.model("logreg")
    assert "sources" not in made(ModelChoice(name="logreg", spec=logreg, params=logreg.params()))["inputs"]


@pytest.mark.parametrize("name", ["external", "flaml", "autogluon"])
def test_systems_say_what_they_are(name):
    class Bench:
        spec = registry.model(name)

    assert parameters_survive_yaml(Bench) == it_says_what_it_is(Bench) == "passed"
    assert (Bench.spec.role, Bench.spec.deterministic) == ("external", False)


def test_on_the_command_line_a_command_is_a_row_of_the_table_and_is_never_run_by_another(tmp_path, shared_cache):
    X, y = table(60)
    X.assign(kind=np.array(["no", "yes", "maybe"])[y]).to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "mine.py").write_text(READ + "print(1, file=open('ran.txt', 'a'))" + WRITE)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "trap.yaml").write_text("# @package _global_\nallow_commands: true\n")
    words = json.dumps([sys.executable, "mine.py"])
    run = ["task=tabular_clf", "data.path=mine.csv", "data.target=kind", f"models.external.command={words}"]
    run += [
        "models.external.format=csv",
        "model=[external]",
        "executor=serial",
        "budget.folds=2",
        "budget.seeds=1",
        "budget.probe_rows=0",
    ]

    def bench(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache)}
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    code, said = bench(*run, "allow_commands=false")
    assert (code, "no file can give that permission" in said) == (2, True)
    code, said = bench("--config-dir=conf", *run, "experiment=trap")
    assert (code, "Unknown key" in said) == (2, True)
    assert not (tmp_path / "ran.txt").exists()

    code, said = bench(*run, "allow_commands=true")
    assert code == 0, said
    assert "external systems are not timed item by item" in said
    assert len((tmp_path / "ran.txt").read_text().split()) == 2
    code, said = bench("validate", "results", "recompute=100%")
    assert (code, len((tmp_path / "ran.txt").read_text().split())) == (0, 2), said
    assert "external.csv" in said


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["flaml", "autogluon"])
@pytest.mark.parametrize("data", [labels(300), values(300)], ids=["labels", "values"])
def test_an_entrant_learns(name, data, tmp_path):
    spec = registry.model(name)
    choice = ModelChoice(name=name, spec=spec, params=spec.params(seconds=20.0))
    assert spec.lacks(choice.params) == ""
    record = outcome(choice, tmp_path, data)
    assert (record.status, record.reason) == ("ok", "")
    assert record.scores["accuracy"] > 0.8 if data.classes else record.scores["r2"] > 0.7
