import math
from dataclasses import replace

import numpy as np
import pytest

from bench import plan
from bench.agenda import Agenda, Rules
from bench.stats.racing import hopeless_models
from bench.types import Record
from tests.builders import cell, record
from tests.toy_models import toy

METRIC = {"metric": "accuracy", "sign": 1.0}
NAMES = ("floor", "good", "bad")


def cells(names=NAMES, folds=3, seeds=2, repeats=1):
    return [
        cell(toy(name), repeat=r, fold=f, seed=s)
        for name in names
        for s in range(seeds)
        for r in range(repeats)
        for f in range(folds)
    ]


def answer(made, scores, **changes):
    score = scores[made.model] if isinstance(scores, dict) else scores(made)
    return record(
        made.model, fold=made.fold, seed=made.seed, score=score, repeat=made.repeat, **changes
    )  # fmt: skip


def played(agenda, scores, **changes):
    """Return the cells in the order in which they come, one at a time, and what followed without a fit."""
    order, follow = [], []
    while (made := agenda.next()) is not None:
        order.append(made)
        follow += agenda.take([answer(made, scores, **changes)])
    return order, follow


SCORES = {"floor": 0.3, "good": 0.9, "bad": 0.5}


def test_one_fold_of_everything_comes_first_then_the_best_candidate():
    order, _ = played(Agenda(cells(NAMES[::-1]), Rules(**METRIC)), SCORES)
    assert [(c.model, c.fold, c.seed) for c in order[:3]] == [("bad", 0, 0), ("good", 0, 0), ("floor", 0, 0)]
    assert [c.model for c in order[3:9]] == ["good"] * 2 + ["bad"] * 2 + ["floor"] * 2


def test_all_folds_come_before_a_second_seed_and_a_second_repeat():
    order, _ = played(Agenda(cells(repeats=2), Rules(**METRIC)), SCORES)
    rounds = [(c.repeat, c.seed) for c in order]
    assert rounds == sorted(rounds)
    assert len(order) == len(set(map(plan.cell_id, order))) == 36


def test_reference_and_floors_stand_before_the_others_of_their_round():
    order, _ = played(Agenda(cells(), Rules(**METRIC, spared=frozenset({"floor"}))), SCORES)
    assert [c.model for c in order[3:9:2]] == ["floor", "good", "bad"]


def test_models_that_read_a_search_come_after_the_others_of_their_round():
    order, _ = played(Agenda(cells(), Rules(**METRIC, after=frozenset({"good"}))), SCORES)
    assert [c.model for c in order[:3]] == ["floor", "bad", "good"]
    assert [c.model for c in order[3:9]] == ["bad"] * 2 + ["floor"] * 2 + ["good"] * 2


def test_a_model_that_reads_a_search_waits_while_that_is_running():
    agenda = Agenda(cells(["reads", "searches"], folds=2, seeds=1), Rules(**METRIC, after=frozenset({"reads"})))
    searching, next_fold = agenda.next(), agenda.next()
    assert [(one.model, one.fold) for one in (searching, next_fold)] == [("searches", 0), ("searches", 1)]
    assert agenda.next() is None
    agenda.take([record("searches", fold=0, seed=0)])
    assert (agenda.next().model, agenda.next()) == ("reads", None)


def test_the_seeds_of_a_deterministic_model_are_filled_in_when_two_agree():
    agenda = Agenda(cells(["good"], seeds=3), Rules(**METRIC, deterministic=frozenset({"good"})))
    order, follow = played(agenda, SCORES)
    assert [(c.fold, c.seed) for c in order] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert {(r.fold, r.seed, r.origin) for r in follow} == {(f, s, "fill") for f in range(3) for s in (1, 2)} - {
        (0, 1, "fill")
    }
    assert not agenda.unfinished


def test_the_seeds_of_a_model_that_only_claims_to_be_deterministic_are_run():
    agenda = Agenda(cells(["good"], seeds=3), Rules(**METRIC, deterministic=frozenset({"good"})))
    order, follow = played(agenda, lambda made: 0.5 + made.seed / 10)
    assert len(order) == 9
    assert not follow


def test_finished_cells_do_not_come_again_and_still_rank():
    agenda = Agenda(cells(), Rules(**METRIC))
    known = [answer(made, SCORES) for made in cells() if made.fold == 0 and made.seed == 0]
    agenda.drop([plan.cell_id(one) for one in known])
    agenda.take(known)
    order, _ = played(agenda, SCORES)
    assert order[0].model == "good"
    assert len(order) == 15


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def timed(names, seconds, **shape):
    """Return an agenda on whose first cells of each model was spent what ``seconds`` says."""
    clock = Clock()
    agenda = Agenda(cells(names, **shape), Rules(**METRIC), clock)
    for _ in seconds:
        made = agenda.next()
        clock.now += seconds[made.model]
        agenda.take([answer(made, lambda made: 0.5)])
    return agenda


def test_a_cell_that_is_known_to_take_longer_than_is_left_does_not_come():
    agenda = timed(["slow", "quick"], {"slow": 60.0, "quick": 1.0})
    assert agenda.next(seconds=10.0).model == "quick"
    assert agenda.next().model == "slow"


def test_the_time_left_counts_waiting_and_running_cells_by_what_their_model_takes():
    assert math.isnan(Agenda(cells(["a"]), Rules(**METRIC)).seconds_left())
    agenda = timed(["a", "b"], {"a": 4.0}, folds=2, seeds=1)
    agenda.next()
    # One of a is waiting; of b one is running and one waiting, of which nothing is known yet.
    assert agenda.seconds_left() == pytest.approx(12.0)


def noise(made):
    return {"good": 0.9, "bad": 0.5, "near": 0.895, "floor": 0.1}[made.model] + 0.001 * ((7 * made.fold) % 5)


RACE = Rules(**METRIC, race=True, margin=0.01, spared=frozenset({"floor"}))


def test_a_race_stops_what_is_surely_behind_and_says_why():
    agenda = Agenda(cells(["floor", "good", "near", "bad"], folds=10, seeds=1), RACE)
    order, follow = played(agenda, noise)
    assert {r.model for r in follow} == {"bad"}
    # Five looks in all, so that each has a hundredth to err: seven folds are the fewest that can tell.
    assert len(follow) == 3
    assert follow[0].status == "skipped"
    assert "after 7 folds" in follow[0].reason
    assert "good" in follow[0].reason
    counts = {name: sum(c.model == name for c in order) for name in ("floor", "good", "near", "bad")}
    assert counts == {"floor": 10, "good": 10, "near": 10, "bad": 7}


def test_nobody_is_stopped_for_being_behind_a_model_that_was_pretrained_on_the_data():
    every = cells(["floor", "near", "good", "bad"], folds=10, seeds=1)
    rules = replace(RACE, exposed=frozenset({"good", "near"}))
    _, follow = played(Agenda(every, rules), noise)
    assert follow == []


def test_no_verdict_of_a_race_hangs_on_which_cell_ends_first():
    def raced(pick):
        agenda, running, follow = Agenda(cells(["good", "bad", "near"], folds=8, seeds=2), RACE), [], []
        while True:
            while len(running) < 3 and (made := agenda.next()) is not None:
                running.append(made)
            if not running:
                return sorted((r.model, r.fold, r.seed, r.reason) for r in follow)
            follow += agenda.take([answer(running.pop(pick(len(running))), noise)])

    generator = np.random.default_rng(0)
    orders = [raced(lambda n: 0), raced(lambda n: n - 1), raced(lambda n: int(generator.integers(n)))]
    assert orders[0] == orders[1] == orders[2]
    assert orders[0]


def test_a_race_judges_as_before_when_its_cells_are_reused():
    every = cells(["good", "bad"], folds=10, seeds=1)
    _, first = played(Agenda(every, RACE), noise)
    stopped = {plan.cell_id(r) for r in first}
    known = [answer(made, noise) for made in every if plan.cell_id(made) not in stopped]
    agenda = Agenda(every, RACE)
    agenda.drop([plan.cell_id(r) for r in known])
    assert agenda.take(known) == first
    assert not agenda.unfinished


def test_failed_folds_are_no_evidence_in_a_race():
    agenda = Agenda(cells(["good", "bad"], folds=6, seeds=1), RACE)
    order = []
    while (made := agenda.next()) is not None:
        order.append(made)
        bad = made.model == "bad"
        agenda.take([Record.unscored(made, "failed", "no")] if bad else [answer(made, noise)])
    assert len(order) == 12


def test_few_folds_stop_nobody():
    ahead = np.array([0.9, 0.91, 0.92, 0.93])
    assert not hopeless_models({"a": ahead, "b": ahead - 0.5}, margin=0.01)
    assert not hopeless_models({}, margin=0.01)
    assert not hopeless_models({"a": np.full(9, math.nan)}, margin=0.01)


def test_equal_models_are_rarely_stopped_and_hopeless_ones_mostly():
    generator = np.random.default_rng(1)
    stopped = {"equal": 0, "behind": 0}
    for _ in range(400):
        shared = generator.normal(0.9, 0.02, 10)
        folds = {name: shared + generator.normal(0, 0.01, 10) for name in ("one", "equal")}
        folds["behind"] = shared - 0.05 + generator.normal(0, 0.01, 10)
        found = hopeless_models(folds, margin=0.01)
        stopped["equal"] += "equal" in found or "one" in found
        stopped["behind"] += "behind" in found
    assert stopped["equal"] <= 4
    assert stopped["behind"] >= 396
