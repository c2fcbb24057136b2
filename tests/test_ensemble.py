"""Weights of an ensemble: what greedy selection finds, against brute force and by its properties."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import metrics
from bench.ensemble import greedy_weights
from bench.stats.weights import Weights
from tests.builders import record


def minus_rmse(y, p):
    return -metrics.rmse(y, p)


def answers(members, rows=40, seed=0):
    """Return targets, and members that miss them in ways of their own."""
    generator = np.random.default_rng(seed)
    y = generator.normal(size=rows)
    return y, [y + generator.normal(0, 0.5 + 0.2 * at, rows) for at in range(members)]


def by_lists(said, y, score, rounds):
    """Greedy selection as its paper tells it: lists of members, every mean from scratch."""
    best, chosen = [], []
    for _ in range(rounds):
        longer = [[*chosen, member] for member in range(len(said))]
        scores = [score(y, np.mean([said[member] for member in one], axis=0)) for one in longer]
        chosen = longer[int(np.argmax(scores))]
        best.append((max(scores), chosen))
    top = max(score for score, _ in best)
    kept = next(one for score, one in best if score == top)
    return [kept.count(member) / len(kept) for member in range(len(said))]


@pytest.mark.parametrize("seed", range(5))
def test_weights_are_those_of_the_lists_of_the_paper(seed):
    y, said = answers(4, seed=seed)
    assert greedy_weights(said, y, minus_rmse, 12) == pytest.approx(by_lists(said, y, minus_rmse, 12))


@pytest.mark.parametrize("seed", range(5))
def test_no_list_of_so_few_members_scores_much_higher(seed):
    y, said = answers(3, seed=seed)
    every = [np.bincount(one, minlength=3) / 6 for one in product(range(3), repeat=6)]
    best = max(minus_rmse(y, np.tensordot(weights, said, 1)) for weights in every)
    assert minus_rmse(y, np.tensordot(greedy_weights(said, y, minus_rmse, 6), said, 1)) > 1.02 * best


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6), st.integers(1, 15))
def test_weights_sum_to_one_and_the_mean_is_no_worse_than_its_best_member(members, seed, rounds):
    y, said = answers(members, seed=seed)
    weights = greedy_weights(said, y, minus_rmse, rounds)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    alone = max(minus_rmse(y, one) for one in said)
    assert minus_rmse(y, np.tensordot(weights, said, 1)) >= alone - 1e-12
    assert greedy_weights(said, y, minus_rmse, rounds).tolist() == weights.tolist()


def test_members_that_miss_in_opposite_ways_share_the_weight_and_a_useless_one_has_none():
    y = np.linspace(0, 1, 20)
    assert greedy_weights([y + 0.1, y + 9, y - 0.1], y, minus_rmse).tolist() == [0.5, 0.0, 0.5]


def test_of_equal_members_the_earlier_one_is_taken():
    y, (one, *_) = answers(1)
    assert greedy_weights([one, one.copy(), one.copy()], y, minus_rmse).tolist() == [1.0, 0.0, 0.0]


def test_the_shortest_list_with_the_highest_score_is_kept():
    y = np.array([0, 1])
    p = np.array([[0.9, 0.1], [0.1, 0.9]])
    # No mean is more accurate than the first member alone.
    assert greedy_weights([p, p[:, ::-1]], y, metrics.accuracy).tolist() == [1.0, 0.0]


def test_probabilities_are_weighted_like_values():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 200)
    said = [generator.dirichlet(np.ones(3), 200) + 0.5 * (y[:, None] == np.arange(3)) for _ in range(3)]
    said = [p / p.sum(axis=1, keepdims=True) for p in said]

    def score(y, p):
        return -metrics.log_loss(y, p)

    weights = greedy_weights(said, y, score)
    assert score(y, np.tensordot(weights, said, 1)) > max(score(y, p) for p in said)


def test_a_member_whose_mean_has_no_score_is_never_added():
    y, said = answers(2)
    assert greedy_weights([said[0] * np.nan, said[1]], y, minus_rmse).tolist() == [0.0, 1.0]


def test_an_ensemble_of_nothing_is_refused():
    with pytest.raises(ValueError, match="needs a member"):
        greedy_weights([], np.zeros(2), minus_rmse)


def test_weights_are_told_as_means_over_the_cells_that_were_fitted():
    made = [
        record(fold=0, found={"weights": {"a": 1.0}, "left_out": {"c": "failed (ValueError: no)"}}),
        record(fold=1, found={"weights": {"a": 0.25, "b": 0.75}, "left_out": {}}),
    ]
    told = Weights.of([*made, record(fold=2, origin="fill", found=made[0].found), record(fold=3, status="failed")])
    assert list(told.mean.items()) == [("a", 0.625), ("b", 0.375)]
    assert told.left_out == {"c": 1}
    assert told.cells == 2
    assert Weights.of([record()]) is None
