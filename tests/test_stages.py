"""What a run tries beside the known models: how long, which ones, and what the report says of it."""

import csv
import math
from dataclasses import replace

import pytest

from bench import app, registry, stages
from bench.prepare import prepare
from bench.settings import Budget, DataSpec, Limits
from tests import toy_task
from tests.builders import record

SHARES = {"neighbours": 0.2, "moonshots": 0.1}
KNOWN = ("ridge", "knn", "hist_boosting")


@pytest.fixture
def place(tmp_path, monkeypatch, socket_enabled):
    """An empty folder to run in, where the toy task has real models and a space of moonshots."""
    monkeypatch.chdir(tmp_path)
    real = {name: replace(registry.model(name), task_types=("toy_reg",)) for name in (*KNOWN, "moonshot")}
    toy_task.register(monkeypatch)
    spared = {name: spec for name, spec in toy_task.MODELS.items() if name != "broken"}
    monkeypatch.setattr(registry, "_models", {**spared, **real})
    toy_task.write_csv(tmp_path / "toy.csv", 60)
    return tmp_path


def config(place, **changes):
    budget = Budget(name="quick", folds=2, seeds=1, probe_rows=0, trials=2, run_seconds=600, **SHARES)
    return toy_task.config(place, DataSpec(name="toy", path="toy.csv"), **{"budget": budget, **changes})


def ready(place, **changes):
    return prepare(config(place, **changes), print)


def rows(name, *scores):
    return [record(name, fold=fold, scores={"rmse": score}) for fold, score in enumerate(scores)]


def test_the_known_models_keep_what_the_later_stages_leave(place):
    assert stages.shares_of(ready(place)) == {"known": pytest.approx(0.7), "neighbours": 0.2, "moonshots": 0.1}


@pytest.mark.parametrize("changes", [{"lineup": False}, {"shard": (1, 2)}, {"protocol": "curve"}])
def test_named_models_shards_and_curves_have_no_later_stages(place, changes):
    assert stages.shares_of(ready(place, **changes)) == {"known": 1.0}


def test_no_time_is_kept_for_moonshots_where_none_are_known(place, monkeypatch):
    known = {name: spec for name, spec in registry.models().items() if name != "moonshot"}
    monkeypatch.setattr(registry, "_models", known)
    assert stages.shares_of(ready(place)) == {"known": pytest.approx(0.8), "neighbours": 0.2}


def test_a_short_run_gives_later_stages_time_in_proportion():
    shares = {"known": 0.7, "neighbours": 0.2, "moonshots": 0.1}
    assert stages.seconds_for("neighbours", shares, 3600, 1400) == pytest.approx(400)
    # No more than their share, and a minute for a run that goes on with all known models done.
    assert stages.seconds_for("neighbours", shares, 3600, 9999) == pytest.approx(720)
    assert stages.seconds_for("moonshots", shares, 3600, 0) == 60
    assert stages.seconds_for("moonshots", shares, 60, 0) == pytest.approx(6)
    assert stages.seconds_for("moonshots", shares, 3600, math.inf) == pytest.approx(360)


def test_leaders_are_compared_on_the_folds_that_both_have(place):
    run = ready(place)
    # knn ran on the hard fold alone, where it was the best.
    found = [*rows("line", 1.0, 5.0), *rows("ridge", 1.0, 4.9), *rows("knn", 0.9, 4.0)[1:], *rows("middle", 0.1, 0.1)]
    assert [choice.name for choice in stages.leaders(run, found)] == ["knn", "ridge", "line"]


def test_leaders_are_the_same_from_fresh_scores_and_from_those_of_tables(place):
    fresh = [*rows("line", 1.0, 1.0), *rows("knn", 1 / 3, 0.1), *rows("ridge", 0.1, 1 / 3 + 1e-9)]
    stored = [replace(one, scores={"rmse": float(f"{one.scores['rmse']:.6g}")}) for one in fresh]
    run = ready(place)
    assert stages.leaders(run, fresh) == stages.leaders(run, stored)


def test_a_licence_that_is_not_allowed_is_in_no_ensemble(place):
    found = [*rows("line", 3.0, 3.0), *rows("ridge", 2.0, 2.0), *rows("knn", 1.0, 1.0)]
    run = ready(place)
    models = [replace(one, spec=replace(one.spec, licence="MIT")) if one.name == "ridge" else one for one in run.models]
    allowed = replace(run.config, limits=Limits(licences=("MIT",)))
    run = replace(run, models=tuple(models), config=allowed)
    assert [choice.name for choice in stages.leaders(run, found)] == ["ridge"]


def test_what_was_pretrained_on_the_data_leads_nobody(place):
    found = [*rows("line", 3.0, 3.0), *rows("ridge", 2.0, 2.0), *rows("knn", 1.0, 1.0)]
    run = ready(place)
    seen = [replace(one, spec=replace(one.spec, trained_on="toy")) if one.name == "knn" else one for one in run.models]
    assert [choice.name for choice in stages.leaders(replace(run, models=tuple(seen)), found)] == ["ridge", "line"]


def test_neighbours_are_an_ensemble_tuned_variants_and_a_bag_of_the_leaders(place):
    found = [*rows("line", 3.0, 3.0), *rows("hist_boosting", 2.0, 2.0), *rows("knn", 1.0, 1.0)]
    names = [choice.name for choice in stages.models_of("neighbours", ready(place), found)]
    assert names == ["greedy", "knn_tuned", "hist_boosting_tuned", "knn_bagged"]


def test_moonshots_are_drawn_from_the_run_s_seed_and_named_by_what_they_are_made_of(place):
    once, again = (stages.models_of("moonshots", ready(place), []) for _ in range(2))
    other = stages.models_of("moonshots", ready(place, seed=1), [])
    assert once == again
    assert {one.name for one in once} != {one.name for one in other}
    parts = vars(once[0].params)
    assert once[0].name == "_".join(["moonshot", parts["numbers"], parts["features"], parts["estimator"]])


def test_a_run_tries_neighbours_and_moonshots_and_says_what_they_bought(place, capsys, monkeypatch):
    monkeypatch.setattr(stages, "MOONSHOTS", 3)
    app.run(config(place))
    (folder,) = {path.parent for path in (place / "results").glob("toy_reg/*/*/*.csv")}
    found = {path.stem: list(csv.DictReader(path.open())) for path in folder.glob("*.csv")}
    assert {"greedy", "line"} < set(found)
    moonshots = [name for name in found if name.startswith("moonshot_")]
    assert moonshots
    assert all(row["status"] == "ok" for row in found["greedy"])
    report = (folder / "report.md").read_text()
    assert "## What each share of the time bought" in report
    assert "What is known to work (70 % of the time): the best of it is" in report
    assert f"Moonshots (10 % of the time): {len(moonshots)} models tried" in report

    capsys.readouterr()
    app.run(config(place))
    said = capsys.readouterr().out
    assert "to run" not in said.replace("0 to run", "")
    assert (folder / "report.md").read_text() == report
