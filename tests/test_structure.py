"""Facts about the code base itself."""

import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("bench", "tasks", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_modules_stay_small():
    # By path: many modules share a name.
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCES}
    assert max(lengths.values()) < 500, max(lengths, key=lengths.get)
    assert statistics.median(lengths.values()) < 120


@pytest.mark.parametrize("pattern", [r"_target_", r"trust_remote_code=True", r"weights_only=False", r"shell=True"])
def test_what_could_run_foreign_code_stands_nowhere(pattern):
    # The one that refuses targets has a name for them.
    files = {*SOURCES, *(ROOT / "conf").rglob("*.yaml")} - {ROOT / "bench" / "hydra_trust.py"}
    assert [str(path) for path in files if re.search(pattern, path.read_text())] == []


def test_the_engine_works_without_any_content(tmp_path):
    for folder in ("bench", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").touch()
    shutil.copy(ROOT / "zoo.lock", tmp_path)
    code = "import bench, pathlib; print(pathlib.Path(bench.__file__).parents[1])"
    for arguments in (["-c", code], ["-m", "bench", "list"]):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "bench", "task=text_clf"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Unknown task 'text_clf'. Known: none." in done.stderr


def test_one_subject_keeps_one_name():
    tasks = {path.name for path in (ROOT / "tasks").iterdir() if (path / "__init__.py").exists()}
    choices = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "conf" / "task").glob("*.yaml")}
    short = {name: choice["defaults"] for name, choice in choices.items() if "defaults" in choice}
    assert tasks == {name for name, choice in choices.items() if choice.get("type") == name}
    assert tasks >= {name for defaults in short.values() for name in defaults}
    assert set(choices) == tasks | set(short)
    for name in choices:
        assert (ROOT / "conf" / "data" / f"default_{name}.yaml").exists()


def test_the_workflow_runs_the_tests_on_all_supported_versions():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert {"run": "make test"} in job["steps"]


def test_constraints_pin_every_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    names = {name.lower().replace("_", "-") for name in pins}
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    missing = {re.split(r"[<>=\[;]", one)[0].lower() for one in wanted} - names
    assert missing == set()


def test_the_committed_results_are_canonical_and_complete():
    done = subprocess.run([sys.executable, "-m", "bench", "validate"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
