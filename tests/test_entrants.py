"""The environments of other AutoML systems: made whole or not at all, from the versions that ship with the package."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from bench import plan, registry
from bench.entrants import environment
from bench.errors import BenchError, ConfigError
from bench.types import ModelChoice
from bench.verbs.entrants import tend_entrants

TINY = """
def load():
    import json
    return json

def predict(job, train, target, test, deadline):
    answer = test.assign(prediction=float(target.mean()), left=deadline)
    answer["levels"] = [",".join(test["city"].cat.categories)] * len(test)
    return answer
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """An entrant that needs no library."""
    here = tmp_path / "entrants"
    here.mkdir()
    shutil.copy(environment.RUN, here)
    (here / "tiny_entrant.py").write_text(TINY)
    (here / "tiny.txt").write_text("# Nothing.\n")
    monkeypatch.setattr(environment, "HERE", here)
    monkeypatch.setattr(environment, "RUN", here / "run.py")
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    return here


def test_an_environment_is_made_listed_and_removed(tiny, capsys):
    assert environment.why_missing("tiny") == (
        "tiny has no environment. Make it by: python -m bench entrants make tiny"
    )
    assert tend_entrants("make", ["tiny"]) == 0
    assert environment.why_missing("tiny") == ""
    done = subprocess.run(
        [environment.python("tiny"), "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True
    )
    assert done.stdout.strip() == str(environment.folder("tiny"))
    tend_entrants("list", [])
    assert "ready" in capsys.readouterr().out
    tend_entrants("make", ["tiny"])
    assert "is there already" in capsys.readouterr().out
    (tiny / "tiny.txt").write_text("# Something else.\n")
    assert "was made from other versions" in environment.why_missing("tiny")
    tend_entrants("remove", ["tiny"])
    assert not environment.folder("tiny").exists()


def test_half_an_environment_counts_for_nothing_and_is_made_anew(tiny):
    left = environment.folder("tiny") / "left"
    left.mkdir(parents=True)
    (tiny / "tiny_entrant.py").write_text("def load():\n    raise ImportError('broken')\n")
    with pytest.raises(BenchError, match=r"could not be made: .* ended with exit code 1"):
        environment.make("tiny", print)
    assert not left.exists()
    assert "has no environment" in environment.why_missing("tiny")


def test_an_unknown_entrant_or_action_is_an_error_with_a_hint():
    with pytest.raises(ConfigError, match="Did you mean 'flaml'"):
        tend_entrants("make", ["flam"])
    with pytest.raises(ConfigError, match="Did you mean 'make'"):
        tend_entrants("mak", [])
    with pytest.raises(ConfigError, match="entrants remove needs a name"):
        tend_entrants("remove", [])


@pytest.mark.parametrize("name", ["flaml", "autogluon"])
def test_an_entrant_without_its_environment_is_unavailable(name, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path))
    spec = registry.model(name)
    choice = ModelChoice(name=name, spec=spec, params=spec.params())
    reason = plan.why_unavailable(choice, lambda address: "")
    assert reason == f"{name} has no environment. Make it by: python -m bench entrants make {name}"


def test_what_goes_into_an_environment_is_pinned_to_the_last_package():
    assert environment.names() == ["autogluon", "flaml"]
    for name in environment.names():
        lines = environment.pins(name).read_text().splitlines()
        pinned = [line for line in lines if not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned), name
        assert {"numpy", "pandas", "pyarrow"} <= {line.partition("==")[0] for line in pinned}
        assert all(path.is_file() for path in environment.sources(name).values())


def test_an_entrant_gets_typed_tables_whose_categories_are_those_of_the_training_rows(tiny, tmp_path):
    train = pd.DataFrame({"city": ["Oslo", None, "Lima"], "y": [1.0, 2.0, 6.0]})
    test = pd.DataFrame({"city": ["Lima", "Atlantis"]})
    paths = {part: str(tmp_path / f"{part}.parquet") for part in ("train", "test", "predictions")}
    train.to_parquet(paths["train"])
    test.to_parquet(paths["test"])
    job = {**paths, "target": "y", "columns": {"city": "category"}, "seconds": 5}
    (tmp_path / "job.json").write_text(json.dumps(job))
    subprocess.run([sys.executable, environment.RUN, "tiny_entrant.py", tmp_path / "job.json"], check=True)
    answer = pd.read_parquet(paths["predictions"])
    assert answer["prediction"].tolist() == [3.0, 3.0]
    assert answer["levels"].tolist() == ["Lima,Oslo"] * 2
    assert answer["city"].isna().tolist() == [False, True]
