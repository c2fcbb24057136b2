"""Bags and ensembles of a whole run: which are chosen, what their keys hold, what tables and reports say of them."""

from dataclasses import replace

import pytest

from bench import app, config, plan, registry
from bench.errors import ConfigError
from bench.provenance import provenance_of
from bench.report.notes import table_notes
from bench.report.read import read_content
from bench.report.searches import tuning_of
from bench.results import read_provenance, read_records
from bench.settings import Budget, DataSpec, Limits
from bench.stats.limits import broken_limit
from bench.verbs.validate import validate
from bench.zoo.store import Zoo
from tests import toy_task
from tests.builders import dataset, inputs, record
from tests.test_plan import config as run_of
from tests.test_plan import names
from tests.test_stats import model as scores_of
from tests.toy_models import toy

ENCODED = "minilm_logreg"


def chosen(**changes):
    made = run_of(**changes)
    return plan.choose_models(made, plan.make_task(made))


def test_bags_stand_beside_every_model_that_learns():
    plain, made = names(run_of()), chosen(bag=4)
    floors = [name for name in plain if registry.model(name).role == "floor"]
    bags = [choice for choice in made if choice.bag]
    assert sorted(one.name for one in bags) == sorted(f"{name}_bagged" for name in plain if name not in floors)
    assert {(one.bag, one.spec.role, one.spec.deterministic) for one in bags} == {(4, "ensemble", False)}
    assert [one.name for one in made if not one.bag] == plain[: len(plain) - 1] + plain[-1:]


def test_an_ensemble_has_the_single_models_that_learn_in_their_order():
    made = chosen(task_type="tabular_clf", ensemble=True, tune=True)
    (greedy,) = [choice for choice in made if choice.members]
    assert (greedy.name, greedy.spec.role, greedy.bag) == ("greedy", "ensemble", 5)
    roles = {"stable", "zoo", "tuned"}
    single = [choice.name for choice in made if choice.spec.role in roles]
    assert [member.name for member in greedy.members] == single
    assert any(name.endswith("_tuned") for name in single)
    assert chosen(ensemble=True, bag=3)[-1].bag == 3


def test_a_model_that_gets_all_rows_at_once_is_in_no_bag_and_no_ensemble():
    models = [toy("apart"), toy("at_once", at_once=True)]
    made = {choice.name: choice for choice in plan.with_variants(run_of(bag=3, ensemble=True), models)}
    assert list(made) == ["apart", "at_once", "apart_bagged", "greedy"]
    assert [member.name for member in made["greedy"].members] == ["apart"]


def test_tuned_models_are_bagged_too():
    made = {choice.name: choice for choice in chosen(task_type="tabular_clf", tune=True, bag=2)}
    both = [name for name in made if name.endswith("_tuned_bagged")]
    assert both
    assert all(made[name].tuned and made[name].bag == 2 for name in both)


def test_bags_and_ensembles_of_tuned_models_read_their_search_and_no_other_choice_does():
    plain, tuned = toy("one"), plan.tuned(toy("two"))
    choices = [plain, tuned, plan.bagged(plain, 3), plan.greedy([plain], 3)]
    assert not any(choice.reads_a_search for choice in choices)
    assert plan.bagged(tuned, 3).reads_a_search
    assert plan.greedy([plain, tuned], 3).reads_a_search


def test_a_bag_of_one_fold_is_refused():
    from hydra import compose, initialize_config_dir

    config.register_schemas()
    with initialize_config_dir(str(config.CONF), version_base="1.3"):
        made = compose("config", overrides=["task=text_clf", "data=reuters_r8", "bag=1"])
    with pytest.raises(ConfigError, match="bag=1 makes no bag: at least 2"):
        config.run_config(made)


def test_an_ensemble_runs_without_members_that_cannot():
    able, unable = toy("able"), toy("unable", libraries=("no-such-library",))
    assert plan.why_unavailable(plan.greedy([able, unable], 3), lambda address: "") == ""
    said = plan.why_unavailable(plan.greedy([unable], 3), lambda address: "")
    assert said.startswith("no-such-library is not installed")


def test_a_member_with_nothing_to_do_on_the_data_is_none():
    idle = toy("idle", unfit_for=lambda data: "it is idle", libraries=("idle-library",))
    kept, said = plan.without_unfit([toy("one"), plan.greedy([toy("one"), idle], 3)], run_of(), dataset())
    assert [one.name for one in kept[1].members] == ["one"]
    assert "idle-library" not in kept[1].spec.libraries
    assert said == []


def test_all_licences_of_an_ensemble_must_be_allowed():
    both = plan.greedy([toy("a", licence="MIT"), toy("b", licence="GPL-3.0-only")], 3)
    assert both.spec.licence == "GPL-3.0-only AND MIT"
    model = scores_of("greedy", [0.9, 0.8], licence=both.spec.licence)
    assert "licence" in broken_limit(model, Limits(licences=("MIT",)))
    assert broken_limit(model, Limits(licences=("MIT", "GPL-3.0-only"))) == ""


def key_of(choice, folder):
    run = inputs(folder, [choice])
    return provenance_of(choice, run.task, run.dataset, Budget(), run.splits, 0, Zoo.open(folder / "cache"))


def test_a_key_holds_the_bag_and_every_member_and_a_plain_one_neither(tmp_path):
    one, two = toy("one"), toy("two")
    other = replace(two, params=replace(two.params, way="raises"))
    choices = [one, plan.bagged(one, 3), plan.bagged(one, 4), plan.greedy([one, two], 3), plan.greedy([two, one], 3)]
    choices += [plan.greedy([one, other], 3), plan.greedy([one, plan.tuned(two)], 3)]
    assert len({key_of(choice, tmp_path)["key"] for choice in choices}) == len(choices)
    assert {"bag", "members", "search"}.isdisjoint(key_of(one, tmp_path)["inputs"])
    assert key_of(plan.greedy([one, two], 3), tmp_path)["inputs"]["members"][1]["name"] == "two"


def test_the_search_of_a_bag_is_told_once_with_the_tuned_model(tmp_path):
    tuned = plan.tuned(toy("one"))
    search = {"params": {"way": "well"}, "scores": [0.5], "given_up": 0, "asked": 1, "stopped_by_clock": False}
    for choice, told in ((tuned, True), (plan.bagged(tuned, 3), False)):
        records = [record(choice.name, fold=fold, found={"search": search}) for fold in range(2)]
        made, model = {choice.name: key_of(choice, tmp_path)}, scores_of(choice.name, [0.9, 0.8])
        assert (tuning_of(model, records, made, [model], 0.5) is not None) is told


def test_frozen_encoders_and_weights_of_members_count():
    (encoded,) = [choice for choice in chosen() if choice.name == ENCODED]
    both = plan.greedy([toy("one"), encoded], 3)
    assert both.encoded
    assert both.addresses == encoded.addresses != ()
    assert not plan.bagged(toy("one"), 3).encoded


@pytest.fixture
def place(tmp_path, monkeypatch, socket_enabled):
    """An empty folder to run in, where the toy task and models that do not fail are known."""
    monkeypatch.chdir(tmp_path)
    toy_task.register(monkeypatch)
    known = {name: spec for name, spec in toy_task.MODELS.items() if name != "broken"}
    monkeypatch.setattr(registry, "_models", known)
    toy_task.write_csv(tmp_path / "toy.csv", 90)
    return tmp_path


def test_a_run_with_bags_and_an_ensemble_goes_the_whole_way(place, capsys):
    budget = Budget(name="quick", folds=2, seeds=1, probe_rows=0)
    made = toy_task.config(place, DataSpec(name="toy", path="toy.csv"), budget=budget, bag=3, ensemble=True)
    assert app.run(made) == 0
    folder = place / "results" / "toy_reg" / "toy" / "quick"
    for name in ("line_bagged", "wobbly_bagged", "greedy"):
        records = read_records(folder / f"{name}.csv", ("rmse", "mae", "r2"))
        assert [record.status for record in records] == ["ok"] * 2
    assert [one["name"] for one in read_provenance(folder / "greedy.json")["inputs"]["members"]] == ["line", "wobbly"]
    content = read_content(folder, place / "results", "")
    weights = content.row("greedy").weights
    assert sum(weights.mean.values()) == pytest.approx(1)
    said = [note for note in table_notes(content) if note.startswith("greedy is made of line ")]
    assert len(said) == 1
    assert said[0].endswith("(mean weight over 2 cells).")
    assert said[0] in (folder / "report.md").read_text()
    capsys.readouterr()
    assert validate("results", 1.0, place / "cache") == 0
    said = capsys.readouterr().out
    assert "12 of 12 cells run again" in said
    assert "6 tables, 0 problems" in said
