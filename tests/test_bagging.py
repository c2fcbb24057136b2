"""Bags and ensembles as cells fit them: toy models, real folds."""

import warnings
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench import plan, registry
from bench.bagging import Bag, Mean, fit_copies
from bench.building import Rows, bag_folds, context_of, fit_choice, fit_plainly
from bench.cell import run_cell
from bench.errors import BenchError, DiskError
from bench.members import LATE, hangs_on_clock
from bench.probe import ProbeRequest, probe
from bench.study import inner_folds
from bench.testing import MODEL_CHECKS, VALUE_CHECKS, ModelBench
from bench.types import Context, ModelChoice
from tests import misdeeds, toy_task
from tests.builders import cell, dataset, inputs, texts, values
from tests.toy_models import Params, toy, toy_values


def fitted(folder, choice, data=None, **changes):
    """Fit a choice on the first fold."""
    run = replace(inputs(folder, [choice], data), **changes)
    rows = Rows.of(run.dataset, run.splits[0].train)
    return fit_choice(choice, cell(choice), run, context_of(choice, cell(choice), run, run.features), rows), rows


def outcome(folder, choice, data=None, **changes):
    return run_cell(cell(choice), replace(inputs(folder, [choice], data), **changes))


def test_a_bag_is_the_mean_of_copies_that_each_go_without_one_fold(tmp_path):
    choice = toy_values()
    made, rows = fitted(tmp_path, plan.bagged(choice, 4), values())
    folds = inner_folds(rows.y, context_seed(tmp_path, choice), stratified=False, folds=4)
    alone = [choice.spec.build(choice.params, VALUES).fit(rows.X.iloc[fit], rows.y[fit]) for fit, _ in folds]
    new = values(20).X
    assert made.model.predict(new) == pytest.approx(np.mean([one.predict(new) for one in alone], axis=0))


VALUES = Context(seed=0, threads=1, zoo=None, features=None, prediction="value")


def context_seed(folder, choice):
    run = inputs(folder, [choice], values())
    return context_of(choice, cell(choice), run, run.features).seed


def test_answers_out_of_fold_come_from_the_copy_without_the_row(tmp_path):
    data, choice = values(30), toy_values()
    folds = inner_folds(data.y, 0, stratified=False)
    _, said = fit_copies(lambda seed: choice.spec.build(choice.params, VALUES), data.X, data.y, folds, 0, "value")
    for fit, left_out in folds:
        alone = choice.spec.build(choice.params, VALUES).fit(data.X.iloc[fit], data.y[fit])
        assert said[left_out] == pytest.approx(alone.predict(data.X.iloc[left_out]))


def test_each_copy_has_a_seed_of_its_own():
    seeds = []

    def make(seed):
        seeds.append(seed)
        return toy().spec.build(Params(), VALUES)

    y = np.arange(30) % 3
    fit_copies(make, pd.Series(["x"] * 30), y, inner_folds(y, 0, stratified=True), 1, "probability")
    assert len(set(seeds)) == 5


def test_a_class_that_a_copy_never_saw_has_its_column_all_the_same():
    y = np.array([0] * 20 + [1] * 20 + [2])
    X = pd.Series(["x"] * len(y))
    rows = Rows(X=X, y=y)
    made = Bag(
        make=lambda seed: toy().spec.build(Params(), VALUES),
        folds=lambda y: bag_folds(y, 5, 0, replace(VALUES, prediction="probability"), rows),
        seed=0,
        prediction="probability",
    ).fit(X, y)
    p = made.predict_proba(X[:3])
    assert p.shape == (3, 3)
    assert p.sum(axis=1) == pytest.approx(1)
    # Four of five copies have the one row of the last class.
    assert len(made.mean.models) == 5
    assert 0 < p[0, 2] < 1 / 30


def test_rare_classes_do_not_make_a_bag_smaller():
    y = np.array([0] * 50 + [1] * 3)
    rows = Rows(X=None, y=y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folds = bag_folds(y, 5, 0, replace(VALUES, prediction="probability"), rows)
    assert len(folds) == 5
    assert all((y[fit] == 1).sum() >= 2 for fit, _ in folds)


def test_folds_of_a_bag_keep_groups_whole_and_part_time_in_stretches():
    y, groups, time = np.arange(60) / 60, np.arange(60) // 6, np.random.default_rng(0).permutation(60)
    for fit, left_out in bag_folds(y, 5, 0, VALUES, Rows(X=None, y=y, groups=groups)):
        assert not set(groups[fit]) & set(groups[left_out])
    for fit, left_out in bag_folds(y, 5, 0, VALUES, Rows(X=None, y=y, time=time)):
        assert np.ptp(time[left_out]) == len(left_out) - 1
        assert len(fit) + len(left_out) == 60


def test_a_bag_repeats_under_its_seed_and_its_record_is_ok(tmp_path):
    choice = plan.bagged(toy(way="depends on the seed"), 5)
    one, two = (outcome(tmp_path, choice) for _ in range(2))
    assert one.status == "ok"
    assert one.digest == two.digest
    other = run_cell(cell(choice, seed=1), inputs(tmp_path, [choice]))
    assert other.digest != one.digest


def test_an_ensemble_prefers_the_member_that_is_right_and_keeps_no_other(tmp_path):
    good, bad = toy_values("good"), toy_values("bad", "predicts zero")
    made, _ = fitted(tmp_path, plan.greedy([bad, good], 3), values())
    assert made.found == {"weights": {"good": 1.0}, "left_out": {}}
    assert len(made.model.models) == 1
    record = outcome(tmp_path, plan.greedy([bad, good], 3), values())
    assert record.found["weights"] == {"good": 1.0}
    single, bagged = (outcome(tmp_path, one, values()) for one in (bad, plan.bagged(good, 3)))
    assert record.scores["rmse"] == pytest.approx(bagged.scores["rmse"], rel=0.05)
    assert record.scores["rmse"] < single.scores["rmse"] / 2


def test_an_ensemble_of_classifiers_has_sound_probabilities(tmp_path):
    members = [toy("one", "depends on the seed"), toy("two", "depends on the seed"), toy("three")]
    record = outcome(tmp_path, plan.greedy(members, 3))
    assert record.status == "ok"
    assert sum(record.found["weights"].values()) == pytest.approx(1)


def test_rows_in_the_order_of_time_give_weights_by_what_comes_later(tmp_path):
    data = values(60, time=np.arange(60))
    made, _ = fitted(tmp_path, plan.greedy([toy_values("bad", "predicts the mean"), toy_values("good")], 3), data)
    assert made.found["weights"] == {"good": 1.0}
    # The bag that answers has seen the latest rows, too.
    assert len(made.model.models[0].models) == 3


def test_a_member_that_fails_is_left_out_and_named(tmp_path):
    record = outcome(tmp_path, plan.greedy([toy("broken", "raises"), toy("good")], 3))
    assert record.status == "ok"
    assert record.found["weights"] == {"good": 1.0}
    assert record.warnings == (
        "The ensemble goes without 1 of 2 members: broken failed (RuntimeError: the model says no).",
    )


def test_where_all_members_fail_the_cell_fails(tmp_path):
    record = outcome(tmp_path, plan.greedy([toy("broken", "raises"), toy("wrong", "returns NaN")], 3))
    assert record.status == "failed"
    assert record.reason.startswith("No member of the ensemble could be fitted: broken failed")


def test_after_a_share_of_the_cell_no_member_is_begun_and_that_is_said(tmp_path):
    record = outcome(tmp_path, plan.greedy([toy("one"), toy("two"), toy("three")], 3), cell_seconds=1e-9)
    assert record.status == "ok"
    assert record.found["weights"] == {"one": 1.0}
    assert list(record.found["left_out"]) == ["two", "three"]
    assert "does not repeat exactly" in record.warnings[0]


@pytest.fixture
def clock(monkeypatch):
    """A clock that nothing moves but a fit of a model that takes 40 seconds."""
    now = [0.0]
    for module in ("bench.building", "bench.bagging"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setitem(misdeeds.WAYS, "takes 40 s", lambda: now.__setitem__(0, now[0] + 40))
    return now


def test_a_member_whose_copies_would_not_end_in_time_is_left_out_after_the_first(tmp_path, clock):
    made, _ = fitted(tmp_path, plan.greedy([toy("quick"), toy("slow", "takes 40 s")], 3), cell_seconds=100)
    assert made.found == {"weights": {"quick": 1.0}, "left_out": {"slow": LATE}}
    assert clock == [40.0]
    assert hangs_on_clock(made.found)


def test_a_member_whose_copies_end_in_time_is_kept(tmp_path, clock):
    made, _ = fitted(tmp_path, plan.greedy([toy("quick"), toy("slow", "takes 40 s")], 3), cell_seconds=140)
    assert made.found["left_out"] == {}
    assert clock == [120.0]
    assert not hangs_on_clock(made.found)


def test_the_first_member_is_fitted_however_long_it_takes(tmp_path, clock):
    made, _ = fitted(tmp_path, plan.greedy([toy("slow", "takes 40 s"), toy("quick")], 3), cell_seconds=100)
    assert made.found == {"weights": {"slow": 1.0}, "left_out": {"quick": LATE}}


def test_copies_that_are_asked_about_later_rows_must_end_in_time_too(tmp_path, clock):
    members = [toy_values("quick"), toy_values("slow", "takes 40 s")]
    made, _ = fitted(tmp_path, plan.greedy(members, 3), values(60, time=np.arange(60)), cell_seconds=160)
    # Three copies of the bag fit in, and not three more.
    assert made.found["left_out"] == {"slow": LATE}
    assert clock == [120.0 + 40]


def test_why_a_member_failed_is_told_in_one_short_line(tmp_path, monkeypatch):
    def fail():
        raise ValueError("a line\nand\x1b[31m another " + "long " * 100)

    monkeypatch.setitem(misdeeds.WAYS, "talks", fail)
    made, _ = fitted(tmp_path, plan.greedy([toy("talker", "talks"), toy("good")], 3))
    said = made.found["left_out"]["talker"]
    assert said.startswith("failed (ValueError: a line and [31m another long")
    assert said.isprintable()
    assert len(said) == 200


def plainly(folder, choice):
    run = inputs(folder, [choice])
    context = context_of(choice, cell(choice), run, run.features)
    return fit_plainly(choice, context, Rows.of(run.dataset, run.splits[0].train))


def test_a_cold_start_goes_without_members_that_fail_and_is_none_without_any(tmp_path):
    broken, good = toy("broken", "raises"), toy("good")
    assert len(plainly(tmp_path, plan.greedy([broken, good], 3)).models) == 1
    with pytest.raises(BenchError, match=r"No member of the ensemble could be fitted: broken failed \(RuntimeError"):
        plainly(tmp_path, plan.greedy([broken], 3))


def test_a_full_disk_ends_a_cold_start(tmp_path, monkeypatch):
    def fill():
        raise DiskError("the disk is full")

    monkeypatch.setitem(misdeeds.WAYS, "fills the disk", fill)
    with pytest.raises(DiskError):
        plainly(tmp_path, plan.greedy([toy("good"), toy("large", "fills the disk")], 3))


@dataclass
class Slope:
    """Of a line whose slopes are multiplied."""

    slope: float = 0.5


@dataclass
class Sloped:
    """A line that is too flat by its defaults; counts its fits."""

    params: Slope
    fits: list

    def fit(self, X, y):
        self.fits.append(self.params.slope)
        self.line = toy_values().spec.build(Params(), VALUES).fit(X, y)
        return self

    def predict(self, X):
        return self.line.mean + self.params.slope * (self.line.predict(X) - self.line.mean)


FITS: list[float] = []


def build_sloped(params, context):
    return Sloped(params, FITS)


def sloped():
    choice = toy_values("sloped")
    spec = replace(
        choice.spec,
        params=Slope,
        build=build_sloped,
        space=lambda trial: {"slope": trial.suggest_float("slope", 0.0, 2.0)},
    )
    return ModelChoice(name="sloped", spec=spec, params=Slope())


def test_a_model_its_bag_and_an_ensemble_share_one_search(tmp_path):
    tuned = plan.tuned(sloped())
    made = []
    for choice in (tuned, plan.bagged(tuned, 4), plan.greedy([tuned], 4)):
        FITS.clear()
        record = outcome(tmp_path, choice, values(), studies=tmp_path / "studies", trials=6)
        assert record.status == "ok"
        made.append((len(FITS), record))
    (searched, single), (bagged, bag), (weighted, ensemble) = made
    assert searched > 5
    assert bagged == weighted == 4
    assert bag.found["search"] == single.found["search"]
    assert set(FITS) == {single.found["search"]["params"]["slope"]}
    assert ensemble.found == {"weights": {"sloped_tuned": 1.0}, "left_out": {}}


def test_an_ensemble_names_members_whose_search_ran_out_of_time(tmp_path):
    record = outcome(tmp_path, plan.greedy([plan.tuned(sloped())], 3), values(), cell_seconds=1e-9)
    assert record.found["left_out"] == {}
    assert record.found["members_stopped_by_clock"] == ["sloped_tuned"]
    assert hangs_on_clock(record.found)


def test_costs_are_those_of_the_bag_that_was_scored(tmp_path):
    choice = plan.bagged(plan.tuned(sloped()), 4)
    run = replace(inputs(tmp_path, [choice], values(90)), studies=tmp_path / "studies", trials=6)
    record = run_cell(cell(choice), run)
    FITS.clear()
    rows = run.splits[0].test
    cost, robustness = probe(ProbeRequest(model=choice.name, rows=rows, perturbed={}, core=()), run)
    # Once by the defaults for the cold start; the search is not made again.
    assert [0.5, *[record.found["search"]["params"]["slope"]] * 4] == FITS
    assert robustness.clean == pytest.approx(record.scores["rmse"])
    assert cost.artefact_mb > 0
    assert (robustness.order, robustness.batch) == pytest.approx((0, 0))


def test_an_ensemble_is_probed_with_all_that_it_keeps(tmp_path):
    choice = plan.greedy(
        [toy_values("one", "depends on the seed"), toy_values("two", "raises"), toy_values("three")], 3
    )
    run = inputs(tmp_path, [choice], values(90))
    record = run_cell(cell(choice), run)
    request = ProbeRequest(model=choice.name, rows=run.splits[0].test, perturbed={}, core=())
    with pytest.warns(UserWarning, match="goes without 1 of 3"):
        cost, robustness = probe(request, run)
    assert robustness.clean == pytest.approx(record.scores["rmse"])
    assert cost.cold_start_seconds > 0


def test_another_training_part_is_another_search(tmp_path):
    tuned = plan.tuned(sloped())
    for rows in (60, 90):
        FITS.clear()
        outcome(tmp_path, tuned, values(rows), studies=tmp_path / "studies", trials=2)
        assert len(FITS) > 1
    assert len(list((tmp_path / "studies").rglob("*.journal"))) == 2


def test_a_search_with_other_trials_or_another_task_version_does_not_read_the_journal(tmp_path):
    tuned, asked = plan.tuned(sloped()), {"studies": tmp_path / "studies"}
    run = replace(inputs(tmp_path, [tuned], values()), **asked)
    many = outcome(tmp_path, tuned, values(), **asked, trials=8)
    few = outcome(tmp_path, tuned, values(), **asked, trials=3)
    assert [len(one.found["search"]["scores"]) for one in (many, few)] == [8, 3]
    outcome(tmp_path, tuned, values(), **asked, trials=3, task=replace(run.task, version=2))
    assert len(list((tmp_path / "studies").rglob("*.journal"))) == 3


def test_means_are_not_fitted_again():
    with pytest.raises(TypeError, match="not fitted again"):
        Mean([], [], "value", np.empty(0, int)).fit(None, None)


def bench_of_bags(spec, prediction, X, y, X_new):
    """Return what the checks for models are run on: bags of a model."""
    context = replace(VALUES, seed=1, prediction=prediction)

    def build(params, context):
        def make(seed):
            return spec.build(params, replace(context, seed=seed))

        def folds(y):
            return bag_folds(y, 3, context.seed, context, Rows(X=None, y=y))

        return Bag(make, folds, context.seed, context.prediction)

    bags = replace(spec, name=f"{spec.name}_bagged", build=build, deterministic=False)
    return ModelBench(spec=bags, context=context, other_seed=replace(context, seed=2), X=X, y=y, X_new=X_new)


def test_a_bag_does_what_every_model_must():
    X, labels = texts(60)
    new = pd.Series(["tea leaf and cup", "words that were never seen", "", "the price of crude oil 2026"])
    y = np.unique(labels, return_inverse=True)[1]
    bench = bench_of_bags(registry.model("tfidf_logreg"), "probability", pd.Series(X), y, new)
    for check in MODEL_CHECKS:
        assert check(bench) in ("passed", "declared"), check.__name__


def test_a_bag_of_values_does_what_every_model_must():
    data = values(60)
    bench = bench_of_bags(toy_task.MODELS["line"], "value", data.X, data.y, values(4).X)
    for check in VALUE_CHECKS:
        assert check(bench) in ("passed", "declared"), check.__name__


def test_weights_reach_values_and_classes_alike():
    line = partial(toy_values().spec.build, Params(), VALUES)
    data = values(30)
    one, two = line().fit(data.X, data.y), line().fit(data.X[:15], data.y[:15])
    mean = Mean([one, two], [0.25, 0.75], "value", np.empty(0, int))
    assert mean.predict(data.X) == pytest.approx(0.25 * one.predict(data.X) + 0.75 * two.predict(data.X))
    three = dataset(30)
    rare = toy().spec.build(Params(), VALUES).fit(three.X[:6], np.array([0, 0, 0, 2, 2, 2]))
    whole = toy().spec.build(Params(), VALUES).fit(three.X, three.y)
    p = Mean([rare, whole], [0.5, 0.5], "probability", np.arange(3)).predict_proba(three.X[:1])
    assert p[0] == pytest.approx([0.25 + 1 / 6, 1 / 6, 0.25 + 1 / 6])
