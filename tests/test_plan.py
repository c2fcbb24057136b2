from dataclasses import replace
from pathlib import Path

import pytest

from bench import plan, registry
from bench.config import run_config
from bench.errors import ConfigError
from bench.settings import Budget, DataSpec, ExecutorSpec, Limits, ReportSettings, RunConfig
from tests.builders import cell, record
from tests.toy_models import toy


def config(**changes):
    values = {
        "task_type": "text_clf",
        "data": DataSpec(name="toy", path="toy.csv"),
        "protocol": "",
        "budget": Budget(),
        "executor": ExecutorSpec(),
        "models": (),
        "lineup": True,
        "tune": False,
        "shard": None,
        "seed": 0,
        "results_dir": Path("results"),
        "cache_dir": Path("cache"),
        "rerun": "none",
        "timings": "keep",
        "report": ReportSettings(),
        "limits": Limits(),
        "zoo_fetch": False,
        "allow_unpinned": False,
        "expected": (),
    }
    return RunConfig(**{**values, **changes})


def names(made):
    return [choice.name for choice in plan.choose_models(made, plan.make_task(made))]


def test_the_reference_stands_first_then_the_roles_from_simple_to_involved():
    chosen = names(config())
    assert chosen[0] == "tfidf_logreg"
    roles = [registry.model(name).role for name in chosen[1:]]
    assert roles == sorted(roles, key=["floor", "stable", "zoo", "tuned", "ensemble", "external"].index)
    assert len(chosen) == 8


def test_reference_and_floor_are_always_there():
    made = config(models=(toy("mine"),), lineup=False)
    assert names(made) == ["tfidf_logreg", "prior", "mine"]


def test_a_model_of_another_task_type_is_refused():
    choice = toy("mine")
    other = replace(choice, spec=replace(choice.spec, task_types=("image_clf",)))
    with pytest.raises(ConfigError, match="mine is a model for image_clf, not for text_clf"):
        names(config(models=(other,), lineup=False))


def test_the_line_up_of_a_budget_leaves_out_what_starts_later(monkeypatch):
    late = replace(registry.model("nb_svm"), from_budget="full")
    monkeypatch.setitem(registry._models, "nb_svm", late)
    assert "nb_svm" not in names(config())
    assert "nb_svm" in names(config(budget=Budget(name="full")))
    assert "nb_svm" in names(config(budget=Budget(name="a budget of my own")))


def test_another_protocol_is_another_folder():
    assert plan.make_task(config()).name == "text_clf"
    assert plan.make_task(config(protocol="published")).name == "text_clf_published"


def deterministic_cells():
    choice = toy("toy", deterministic=True)
    return [cell(choice, fold=fold, seed=seed) for seed in range(3) for fold in range(4)]


def test_a_deterministic_model_is_fitted_once_a_fold_and_once_more_to_check():
    fitted, repeats = plan.first_wave(deterministic_cells(), ["toy"])
    assert [(c.fold, c.seed) for c in fitted] == [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1)]
    assert len(repeats) == 7
    assert plan.first_wave(deterministic_cells(), []) == (deterministic_cells(), [])


def test_shards_part_the_fits_by_folds_and_lose_none():
    models = [toy("sure", deterministic=True), toy("drawn")]
    every = [cell(one, fold=fold, seed=seed) for one in models for fold in range(5) for seed in range(3)]
    parts = [plan.of_shard(every, models, (number, 3)) for number in (1, 2, 3)]
    fitted, _ = plan.first_wave(every, ["sure"])
    assert sorted(plan.cell_id(one) for part in parts for one in part) == sorted(map(plan.cell_id, fitted))
    assert all(len(part) >= 5 for part in parts)
    whereabouts = {(one.model, one.fold): number for number, part in enumerate(parts) for one in part}
    assert all(whereabouts[one.model, one.fold] == number for number, part in enumerate(parts) for one in part)


def test_equal_digests_fill_the_other_seeds_and_say_so():
    repeats = [plan.cell_id(one) for one in plan.first_wave(deterministic_cells(), ["toy"])[1]]
    known = [record(fold=fold, seed=0, score=0.5 + fold / 8, digest=str(fold)) for fold in range(4)]
    known.append(record(fold=0, seed=1, score=0.5, digest="0"))
    filled, refits, broken = plan.fill(repeats, known)
    assert refits == broken == []
    assert {(r.fold, r.seed) for r in filled} == {(fold, seed) for _, _, fold, seed in repeats}
    assert {r.origin for r in filled} == {"fill"}
    assert all(r.scores == known[r.fold].scores and r.digest == str(r.fold) for r in filled)


def test_different_digests_make_it_an_ordinary_model_and_a_finding():
    repeats = [plan.cell_id(one) for one in plan.first_wave(deterministic_cells(), ["toy"])[1]]
    known = [record(fold=fold, seed=0) for fold in range(4)] + [record(fold=0, seed=1, digest="other")]
    filled, refits, broken = plan.fill(repeats, known)
    assert filled == []
    assert refits == repeats
    assert broken == ["toy"]


def test_a_failed_check_fills_nothing():
    repeats = [plan.cell_id(one) for one in plan.first_wave(deterministic_cells(), ["toy"])[1]]
    known = [record(fold=fold, seed=0) for fold in range(4)] + [record(fold=0, seed=1, status="failed")]
    filled, refits, broken = plan.fill(repeats, known)
    assert (filled, refits, broken) == ([], repeats, [])


def test_a_missing_library_is_a_reason_with_a_remedy():
    choice = toy("mine", libraries=("no-such-library",))
    assert plan.why_unavailable(choice, lambda address: "") == (
        "no-such-library is not installed. Install it by: pip install no-such-library"
    )


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "conf" / "experiment").glob("*.yaml")))
def test_every_preset_composes(path):
    from hydra import compose, initialize_config_dir

    from bench.config import CONF, register_schemas

    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        # What a preset leaves open is given with it.
        task = ["task=text_clf"] if path.stem in ("slurm", "against_automl") else []
        made = run_config(compose("config", overrides=[f"experiment={path.stem}", *task]))
    # The presets of papers hold what the papers found.
    assert made.expected or path.stem.startswith(("slurm", "against_automl", "protocols"))


@pytest.mark.parametrize("group", ["budget", "data", "executor"])
def test_every_choice_of_a_group_composes(group):
    from hydra import compose, initialize_config_dir

    from bench.config import CONF, options, register_schemas

    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for option in options(group):
            overrides = ["task=text_clf", f"{group}={option}", *(["data.path=x.csv"] if option == "file" else [])]
            assert run_config(compose("config", overrides=overrides)).task_type == "text_clf"
