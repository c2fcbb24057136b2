import math

import numpy as np
import pytest

from bench.stats.pairs import corrected_mean
from bench.stats.pareto import pareto_front

RATIO = 0.25
WAVE = np.array([0.000, 0.004, -0.004, 0.002, -0.002])


def cells(mean, shift=0, wobble=1.0, noise=0.0, seeds=2):
    by_fold = mean + wobble * np.roll(WAVE, shift)
    return by_fold[:, None] + noise * np.where(np.arange(seeds) % 2, 1, -1)


def front(models, prices=None, costs=None, margin=0.01, seed=0):
    prices, costs = prices or {}, costs or {}
    dependable = {name: np.nan_to_num(table).mean() - prices.get(name, 0.005) for name, table in models.items()}
    found = pareto_front(models, dependable, {name: costs.get(name, 1.0) for name in models}, margin, RATIO, seed)
    return {member.model: member for member in found.members}, found


def test_what_is_worse_on_every_axis_is_grey():
    members, _ = front({"a": cells(0.9), "b": cells(0.8)}, {"b": 0.05}, {"b": 3.0})
    assert (members["a"].membership, members["a"].mark) == (1.0, "solid")
    assert (members["b"].membership, members["b"].mark) == (0.0, "grey")


@pytest.mark.parametrize(("prices", "costs"), [({"a": 0.05}, {}), ({}, {"a": 3.0})])
def test_a_lead_on_one_axis_is_a_place_on_the_front(prices, costs):
    members, _ = front({"a": cells(0.9), "b": cells(0.8)}, prices, costs)
    assert members["a"].membership == 1.0
    assert members["b"].membership > 0.95


def test_differences_below_the_margins_are_ties():
    members, _ = front({"a": cells(0.9), "b": cells(0.895)}, {"a": 0.005, "b": 0.006}, {"a": 1.0, "b": 1.09})
    assert members["b"].membership == 1.0
    members, _ = front({"a": cells(0.9), "b": cells(0.895)}, costs={"a": 1.0, "b": 1.11})
    assert members["b"].membership == 0.0


def test_a_cost_that_was_not_measured_is_neither_better_nor_worse():
    members, _ = front({"a": cells(0.9), "b": cells(0.8)}, costs={"b": math.nan})
    assert members["b"].membership == 0.0
    assert math.isnan(members["b"].cost)
    members, _ = front({"a": cells(0.9), "b": cells(0.895)}, costs={"a": 1.0, "b": math.nan})
    assert members["b"].membership == 1.0


def test_a_ring_of_models_leaves_the_best_score():
    # Beyond the margins a beats b by its score, b beats c by its cost, and c beats a by its price.
    models = {name: cells(mean, wobble=0) for name, mean in (("a", 0.92), ("b", 0.90), ("c", 0.91))}
    members, _ = front(models, {"a": 0.02, "b": 0.01, "c": 0.0}, {"a": 1.08, "b": 1.0, "c": 1.16}, margin=0.015)
    assert [members[name].membership for name in "abc"] == [1.0, 0.0, 0.0]


def test_the_probability_of_the_best_agrees_with_the_corrected_t():
    models = {"a": cells(0.900), "b": cells(0.902, shift=2)}
    members, _ = front(models)
    gap = models["b"].mean(axis=1) - models["a"].mean(axis=1)
    expected = corrected_mean(gap, RATIO).probability_above(0.0)
    assert members["b"].p_best == pytest.approx(expected, abs=0.03)
    assert members["a"].p_best + members["b"].p_best == pytest.approx(1.0)


@pytest.mark.parametrize("folds", [5, 20])
def test_intervals_of_scores_are_the_corrected_ones(folds):
    scores = np.random.default_rng(0).normal(0.8, 0.02, (folds, 1))
    members, _ = front({"a": scores, "b": scores - 0.1})
    low, high = corrected_mean(scores[:, 0], RATIO).interval()
    assert members["a"].score.low == pytest.approx(low, abs=0.1 * (high - low))
    assert members["a"].score.high == pytest.approx(high, abs=0.1 * (high - low))


def test_what_is_hard_for_all_models_separates_none():
    models = {"a": cells(0.900, wobble=20), "b": cells(0.902, wobble=20)}
    members, _ = front(models)
    assert members["b"].p_best == 1.0
    assert members["a"].regret == pytest.approx(0.002)
    assert members["b"].regret == 0.0


def test_models_with_the_same_scores_share_the_first_place():
    members, _ = front({"a": cells(0.9), "b": cells(0.9)})
    assert members["a"].p_best == members["b"].p_best == 0.5


def test_seeds_that_matter_change_the_winner():
    still = front({"a": cells(0.90, noise=0.001), "b": cells(0.88, noise=0.001)})[1]
    assert still.winner_changes == 0.0
    near = front({"a": cells(0.900, noise=0.02), "b": cells(0.899, noise=0.02)})[1]
    assert 0.3 < near.winner_changes < 0.6
    assert math.isnan(front({"a": cells(0.9, seeds=1), "b": cells(0.8, seeds=1)})[1].winner_changes)


def test_models_are_compared_on_the_folds_that_all_have():
    short = cells(0.9)
    short[3:] = np.nan
    members, _ = front({"a": short, "b": cells(0.8), "gone": np.full((5, 2), np.nan)})
    assert list(members) == ["a", "b"]
    assert members["b"].score.value == pytest.approx(cells(0.8)[:3].mean())


@pytest.mark.parametrize("models", [{}, {"a": np.full((1, 3), 0.9), "b": np.full((1, 3), 0.8)}])
def test_without_two_folds_there_is_no_front(models):
    found = front(models)[1]
    assert found.members == ()
    assert "two folds" in found.why


@pytest.mark.parametrize("folds", [5, 12])
def test_the_order_of_models_folds_and_seeds_moves_no_figure(folds):
    generator = np.random.default_rng(0)
    models = {name: generator.normal(0.8, 0.02, (folds, 3)) for name in "abcd"}
    models["b"][1, 2] = np.nan
    dependable = {name: float(np.nanmean(models[name])) - 0.01 for name in models}
    costs = dict.fromkeys(models, 1.0)
    order, seeds = generator.permutation(folds), generator.permutation(3)
    other = {name: models[name][order][:, seeds] for name in "dbca"}
    one, two = (pareto_front(each, dependable, costs, 0.01, RATIO, 7) for each in (models, other))
    assert one.winner_changes == two.winner_changes
    assert {m.model: m for m in one.members} == {m.model: m for m in two.members}


def test_a_hundred_models_leave_somebody_on_every_front():
    generator = np.random.default_rng(0)
    models = {f"m{i}": generator.normal(0.8, 0.02, (10, 1)) for i in range(100)}
    members, _ = front(models, costs={name: generator.lognormal() for name in models})
    assert sum(member.membership for member in members.values()) >= 1
    assert sum(member.p_best for member in members.values()) == pytest.approx(1.0)
