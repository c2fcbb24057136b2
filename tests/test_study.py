"""A search sees training rows only, repeats under its seed, and is never worse than the defaults."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from bench.study import inner_folds, search
from bench.types import ModelSpec, Split


@dataclass
class Params:
    """Two knobs."""

    x: float = 0.3
    kind: str = "plain"
    kept: int = 7


def space(trial):
    kind = trial.suggest_categorical("kind", ["plain", "fancy"])
    return {"kind": kind, "x": trial.suggest_float("x", 0.0, 1.0) if kind == "fancy" else 0.1}


SPEC = ModelSpec(name="toy", task_types=("t",), role="stable", params=Params, build=None, space=space)
FOLDS = [Split(repeat=0, fold=k, train=np.flatnonzero(np.arange(10) != k), test=np.array([k])) for k in range(6)]


def hill(params, fold):
    """Best at x = 0.8 of the fancy kind; folds differ."""
    return (params.kind == "fancy") - (params.x - 0.8) ** 2 + 0.01 * float(fold.test[0])


def found(score=hill, **changes):
    options = {"trials": 20, "seconds": 1e9, "seed": 1} | changes
    return search(SPEC, Params(), FOLDS, score, **options)


def test_the_best_point_is_found_and_what_the_space_does_not_name_is_kept():
    made = found(trials=40)
    assert made.params.kind == "fancy"
    assert made.params.x == pytest.approx(0.8, abs=0.1)
    assert made.params.kept == 7
    assert made.best > made.default
    assert made.trials == 40
    assert not made.stopped_by_clock


def test_the_same_seed_finds_the_same_and_another_one_may_not():
    assert found() == found()
    assert found(seed=2).params != found().params


def test_where_nothing_is_better_the_defaults_stay():
    made = found(score=lambda params, fold: 0.5)
    assert made.params == Params()
    assert made.best == made.default == 0.5


def test_a_score_that_is_no_number_never_wins():
    made = found(score=lambda params, fold: float("nan") if params.kind == "fancy" else 0.2)
    assert made.params.kind == "plain"


def test_the_clock_stops_the_search_and_that_is_said():
    made = found(seconds=0.0)
    assert made.params == Params()
    assert made.trials == 1
    assert made.stopped_by_clock


def test_a_trial_is_begun_only_where_it_can_end_in_time_and_dropped_where_it_does_not(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("bench.study.time", SimpleNamespace(monotonic=lambda: now[0]))

    def slow(params, fold):
        now[0] += 1.0
        return 0.5

    # The defaults take six seconds, one a fold: a second trial would end after ten.
    made = found(score=slow, seconds=10.0)
    assert (made.trials, now[0], made.stopped_by_clock) == (1, 6.0, True)
    # Not even the defaults end in time: they have no score, and are kept.
    made = found(score=slow, seconds=3.5)
    assert made.params == Params()
    assert math.isnan(made.default)
    assert (now[0], made.stopped_by_clock) == (10.0, True)


def test_trials_that_are_surely_behind_are_given_up_before_the_last_fold():
    calls = []

    def counted(params, fold):
        calls.append(params)
        return hill(params, fold)

    found(score=counted, trials=30)
    assert len(calls) < 30 * len(FOLDS)


class Killed(BaseException):
    """The process went away."""


def test_a_search_that_was_killed_goes_on_from_its_journal(tmp_path):
    calls = []

    def killed(params, fold):
        calls.append(1)
        if len(calls) == 40:
            raise Killed
        return hill(params, fold)

    journal = tmp_path / "studies" / "cell.journal"
    with pytest.raises(Killed):
        found(score=killed, journal=journal)
    before = len(calls)
    made = found(score=killed, journal=journal)
    assert made.trials == 20
    assert len(calls) < before + 20 * len(FOLDS)
    again = found(score=lambda *given: pytest.fail("all trials are done"), journal=journal)
    assert again.params == made.params


def test_inner_folds_keep_groups_together_and_time_in_order():
    y, groups, time = np.arange(60) % 3, np.arange(60) // 6, np.arange(60)[::-1]
    for train, test in inner_folds(y, 0, stratified=True, groups=groups):
        assert not set(groups[train]) & set(groups[test])
    for train, test in inner_folds(y, 0, stratified=True, time=time):
        assert time[train].max() < time[test].min()
    for train, test in inner_folds(y, 0, stratified=True):
        assert set(y[train]) == set(y[test]) == {0, 1, 2}
    assert len(inner_folds(y.astype(float), 0, stratified=False)) == 5


def test_rare_classes_allow_fewer_inner_folds_and_a_single_one_none_of_its_own():
    assert len(inner_folds(np.array([0] * 50 + [1] * 3), 0, stratified=True)) == 3
    assert len(inner_folds(np.array([0] * 50 + [1]), 0, stratified=True)) == 2


def test_every_trial_is_told_in_turn_and_those_given_up_have_no_score():
    made = found(trials=30)
    assert made.scores[0] == made.default
    assert len(made.scores) == made.trials == 30
    assert 0 < made.given_up == int(np.isnan(made.scores).sum())
    assert np.nanmax(made.scores) == made.best


def test_a_configuration_without_a_score_loses_to_any_however_bad():
    made = found(score=lambda params, fold: float("nan") if params.kind == "fancy" else -1e12, trials=10)
    assert made.params.kind == "plain"
    assert made.best == -1e12
