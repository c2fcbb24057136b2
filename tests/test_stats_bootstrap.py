import math

import numpy as np
import pytest
from scipy import stats

from bench.stats.bootstrap import bootstrap_difference, item_variance, mcnemar

GENERATOR = np.random.default_rng(0)
RIGHT = (GENERATOR.random((3, 400)) < 0.8).astype(float)
OTHER = (GENERATOR.random((3, 400)) < 0.7).astype(float)
REAL = GENERATOR.normal(size=(1, 3000))
GROUPS = GENERATOR.integers(0, 40, 400)


def test_one_seed_gives_the_paired_standard_error_over_items():
    found = bootstrap_difference(RIGHT[:1], OTHER[:1], seed=0)
    gaps = RIGHT[0] - OTHER[0]
    assert found.mean == pytest.approx(gaps.mean())
    assert found.replicates.std() == pytest.approx(gaps.std(ddof=1) / math.sqrt(400), rel=0.06)
    assert found.method == "paired bootstrap over items"


def test_rows_that_all_differ_are_resampled_like_those_that_do_not():
    gaps = REAL[0]
    found = bootstrap_difference(REAL, np.zeros((1, 3000)), seed=0)
    assert found.replicates.std() == pytest.approx(gaps.std(ddof=1) / math.sqrt(3000), rel=0.06)
    assert found.replicates.mean() == pytest.approx(gaps.mean(), abs=0.002)


def test_the_interval_agrees_with_scipy():
    gaps = RIGHT[0] - OTHER[0]
    theirs = stats.bootstrap((gaps,), np.mean, method="percentile", n_resamples=5000, rng=np.random.default_rng(1))
    ours = bootstrap_difference(RIGHT[:1], OTHER[:1], seed=0, replicates=5000).estimate()
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.006)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.006)


def test_groups_are_resampled_whole():
    copies = np.repeat(REAL[:, :100], 10, axis=1)
    groups = np.repeat(np.arange(100), 10)
    whole = bootstrap_difference(copies, np.zeros_like(copies), seed=0, groups=groups)
    single = bootstrap_difference(REAL[:, :100], np.zeros((1, 100)), seed=0)
    assert whole.mean == pytest.approx(single.mean)
    assert whole.replicates.std() == pytest.approx(single.replicates.std(), rel=0.06)


def test_few_groups_leave_more_open_than_a_plain_bootstrap():
    values = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])
    found = bootstrap_difference(values, np.zeros((1, 5)), seed=0).estimate()
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) / math.sqrt(5)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)


def test_seeds_that_move_all_items_widen_the_difference():
    moved = RIGHT + np.array([[0.1], [0.0], [-0.1]])
    still, found = (bootstrap_difference(one, OTHER, seed=0) for one in (RIGHT, moved))
    assert found.mean == pytest.approx(still.mean)
    width = found.estimate().high - found.estimate().low
    assert width == pytest.approx(2 * stats.t.ppf(0.975, 2) * moved.mean(axis=1).std(ddof=1) / math.sqrt(3), rel=0.15)
    assert still.estimate().high - still.estimate().low < 0.15
    assert found.method == "two-way bootstrap over items and seeds"


def test_the_probability_is_the_share_of_replicates_beyond_a_bound():
    found = bootstrap_difference(RIGHT[:1], OTHER[:1], seed=0)
    assert found.probability_above(found.mean) == pytest.approx(0.5, abs=0.04)
    assert found.probability_above(-1.0) == 1.0
    assert found.probability_above(1.0) == 0.0


def test_one_item_or_one_group_is_nothing_to_resample():
    found = bootstrap_difference(RIGHT, OTHER, seed=0, groups=np.zeros(400, dtype=int))
    assert found.estimate().why == "fewer than two items or groups"
    assert math.isnan(found.probability_above(0.0))


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_the_order_of_items_moves_no_replicate(groups):
    order = np.random.default_rng(5).permutation(400)
    one = bootstrap_difference(RIGHT, OTHER, seed=0, groups=groups)
    two = bootstrap_difference(
        RIGHT[:, order], OTHER[:, order], seed=0, groups=None if groups is None else groups[order]
    )
    assert (one.replicates == two.replicates).all()


def test_another_seed_draws_other_replicates():
    one, two = (bootstrap_difference(RIGHT, OTHER, seed=seed).replicates for seed in (0, 1))
    assert not (one == two).all()


def test_the_item_variance_of_one_seed_is_that_of_a_mean():
    assert item_variance(REAL) == pytest.approx(REAL.var(ddof=1) / REAL.size)
    alone = item_variance(REAL, np.arange(REAL.size))
    assert alone == pytest.approx(item_variance(REAL))


def test_the_item_variance_of_several_seeds_is_what_they_share():
    shared = REAL + np.random.default_rng(1).normal(size=(4, 3000))
    covariance = np.cov(shared)
    pairs = covariance[np.triu_indices(4, 1)].mean()
    assert item_variance(shared) == pytest.approx(pairs / 3000)
    assert item_variance(np.random.default_rng(2).normal(size=(4, 3000))) < 0.05 / 3000


def test_copies_of_an_item_in_one_group_bring_nothing():
    copies = np.repeat(REAL[:, :100], 10, axis=1)
    assert item_variance(copies, np.repeat(np.arange(100), 10)) == pytest.approx(item_variance(REAL[:, :100]))


@pytest.mark.parametrize(("wins", "losses"), [(8, 2), (2, 8), (5, 5), (1, 0), (0, 0), (40, 21)])
def test_mcnemar_is_the_sign_test_of_what_one_model_alone_gets_right(wins, losses):
    one = np.array([True] * wins + [False] * losses + [True] * 7)
    other = np.array([False] * wins + [True] * losses + [True] * 7)
    total = wins + losses
    exact = stats.binomtest(wins, total).pvalue if total else 1.0
    assert mcnemar(one, other, exact=True) == pytest.approx(exact)
    tail = stats.binom.cdf(min(wins, losses) - 1, total, 0.5) + 0.5 * stats.binom.pmf(min(wins, losses), total, 0.5)
    expected = 1.0 if not total else 2 * tail if wins != losses else 1 - 0.5 * stats.binom.pmf(wins, total, 0.5)
    assert mcnemar(one, other) == pytest.approx(expected)
