"""The preset for Slurm: one job a shard. Its launcher has a twin that starts the jobs as processes here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import texts

ROOT = Path(__file__).parents[1]
RUN = ("task=text_clf", "model=[tfidf_svm]", "data.path=reviews.csv", "data.target=stars", "budget.probe_rows=0")


@pytest.fixture
def bench(tmp_path, shared_cache):
    rows = (f"{text},{label}" for text, label in zip(*texts(90), strict=True))
    (tmp_path / "reviews.csv").write_text("\n".join(["body,stars", *rows]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache)}

    def run(*arguments):
        command = [sys.executable, "-m", "bench", *RUN, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_jobs_run_shards_that_a_run_without_shards_puts_together(bench, tmp_path):
    bench("executor=serial", "results_dir=whole")
    bench("executor=serial", "experiment=slurm", "hydra/launcher=submitit_local", "shard=1/2,2/2")
    folder = tmp_path / "results/text_clf/reviews/quick"
    found = sorted(path.name for path in (folder / "journal").glob("*.jsonl"))
    assert found == ["shard-1-of-2.jsonl", "shard-2-of-2.jsonl"]
    assert " 0 to run" in bench()
    for name in ("tfidf_logreg", "tfidf_svm", "prior"):
        whole = tmp_path / f"whole/text_clf/reviews/quick/{name}.csv"
        assert (folder / f"{name}.csv").read_bytes() == whole.read_bytes()


def test_the_preset_asks_slurm_for_a_job_a_shard():
    from hydra import compose, initialize_config_dir

    from bench.config import CONF, register_schemas

    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["task=text_clf", "experiment=slurm", "hydra.launcher.partition=cpu"]
        made = compose("config", overrides=overrides, return_hydra_config=True).hydra
    assert made.launcher._target_.endswith("SlurmLauncher")
    assert (made.launcher.partition, made.launcher.cpus_per_task, made.launcher.name) == ("cpu", 4, "bench")
    assert made.sweeper.params.shard.split(",") == ["1/4", "2/4", "3/4", "4/4"]
    assert made.mode.name == "MULTIRUN"
