"""Users as the sample: the paired permutation test against SciPy, and variances against simulation with known truth."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control, permutation_test

from bench.stats.datasets import holm, step_down
from bench.stats.permutation import against_reference, sign_flip_test
from bench.stats.sources import sources
from bench.stats.table import ModelFacts, Scoring, scores_by_model
from tests.builders import record


def by_scipy(gaps, **options):
    return permutation_test((gaps,), np.sum, permutation_type="samples", vectorized=True, **options).pvalue


@pytest.mark.parametrize("size", [2, 5, 11])
def test_all_permutations_of_a_few_users_give_the_p_of_scipy(size):
    gaps = np.random.default_rng(size).normal(0.5, 1, size)
    assert sign_flip_test(gaps[None], np.zeros((1, size)), seed=0) == pytest.approx(by_scipy(gaps))


def test_users_who_do_not_differ_change_nothing():
    gaps = np.array([0.5, 0.0, -0.2, 0.9, 0.0, 0.1])
    assert sign_flip_test(gaps[None], np.zeros((1, 6)), seed=0) == pytest.approx(by_scipy(gaps))
    assert sign_flip_test(np.zeros((2, 6)), np.zeros((1, 6)), seed=0) == 1.0


def test_random_permutations_of_many_users_come_close_to_that_of_scipy():
    generator = np.random.default_rng(1)
    one, other = generator.normal(0.2, 1, (3, 400)), generator.normal(0, 1, (2, 400))
    gaps = one.mean(axis=0) - other.mean(axis=0)
    wanted = by_scipy(gaps, n_resamples=20_000, rng=0)
    p = sign_flip_test(one, other, seed=0)
    assert 0.01 < p < 0.2
    assert p == pytest.approx(wanted, abs=0.012)
    assert p == sign_flip_test(one, other, seed=0) == sign_flip_test(other, one, seed=0)


def test_what_a_user_has_in_several_splits_changes_sign_together():
    gaps = np.random.default_rng(2).normal(0.5, 1, 8)
    users = np.tile(np.arange(8), 3)
    p = sign_flip_test(np.tile(gaps, 3)[None], np.zeros((1, 24)), 0, users)
    assert p == pytest.approx(by_scipy(gaps))
    assert sign_flip_test(np.tile(gaps, 3)[None], np.zeros((1, 24)), 0) < p


def test_models_that_are_alike_are_told_apart_as_often_as_the_level_says():
    generator = np.random.default_rng(3)
    found = [
        sign_flip_test(generator.exponential(1, (1, 40)), generator.exponential(1, (1, 40)), one, permutations=500)
        for one in range(400)
    ]
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.09


def test_several_models_are_adjusted_by_holm():
    generator = np.random.default_rng(4)
    scores = {f"m{one}": generator.normal(0.1 * one, 1, (1, 200)) for one in range(4)}
    raw = [sign_flip_test(scores[f"m{one}"], scores["m0"], 7) for one in range(1, 4)]
    found = against_reference(scores, "m0", 7)
    assert list(found) == ["m1", "m2", "m3"]
    # From the smallest p on, each times the number of tests that are left, and no smaller than the one before.
    order = np.argsort(raw)
    steps = np.maximum.accumulate(np.sort(raw) * [3, 2, 1])
    assert np.array(list(found.values()))[order] == pytest.approx(np.minimum(1, steps))
    assert (np.array(list(found.values())) >= false_discovery_control(raw) - 1e-12).all()


def test_step_down_is_what_holm_does_to_pairs():
    p = np.full((3, 3), np.nan)
    upper = np.triu_indices(3, 1)
    p[upper] = p.T[upper] = [0.04, 0.01, 0.03]
    assert holm(p)[upper].tolist() == step_down(np.array([0.04, 0.01, 0.03])).tolist() == [0.06, 0.03, 0.06]


def simulated(generator, users=120, splits=5, seeds=3, taken=90, sds=(1.0, 0.5, 0.06, 0.04, 0.5)):
    """Return values of users, part of whom are in each split, with effects of users, pairs, splits, seeds and noise."""
    of_users, of_pairs, of_splits, of_seeds, noise = sds
    person = generator.normal(0, of_users, users)
    codes, values = [], []
    for _ in range(splits):
        own = generator.permutation(users)[:taken]
        fixed = person[own] + generator.normal(0, of_pairs, taken) + generator.normal(0, of_splits)
        values.append(fixed + generator.normal(0, of_seeds, (seeds, 1)) + generator.normal(0, noise, (seeds, taken)))
        codes.append(own)
    return np.hstack(values), np.concatenate(codes), (taken,) * splits


def test_variances_of_users_splits_and_seeds_are_those_of_the_simulation():
    generator = np.random.default_rng(5)
    sds = (1.0, 0.5, 0.25, 0.1, 0.5)
    found = [sources(*simulated(generator, sds=sds)) for _ in range(300)]
    users, splits, seeds = (np.mean([getattr(one, name) for one in found]) for name in ("users", "splits", "seeds"))
    assert users == pytest.approx((1.0**2 + 0.5**2) / 90, rel=0.05)
    assert splits == pytest.approx(0.25**2, rel=0.15)
    assert seeds == pytest.approx(0.1**2 + 0.5**2 / 90, rel=0.05)
    assert sum(found[0].shares) == pytest.approx(1)


def test_users_whom_all_splits_share_are_no_reason_for_a_spread_between_splits():
    generator = np.random.default_rng(6)
    found = [sources(*simulated(generator, users=60, taken=60, sds=(1, 0.0, 0.2, 0.1, 0.0))) for _ in range(200)]
    assert np.mean([one.splits for one in found]) == pytest.approx(0.2**2, rel=0.15)


def test_one_split_or_one_seed_leaves_a_source_unknown():
    values, users, sizes = simulated(np.random.default_rng(7))
    alone = sources(values[:1], users, sizes)
    assert np.isnan(alone.seeds)
    assert alone.why == "one seed"
    single = sources(values[:, :90], users[:90], sizes[:1])
    assert np.isnan(single.splits)
    assert single.why == "one split"
    assert single.shares[1] == 0


def test_a_dependable_score_is_no_lower_than_any_score_can_be():
    scoring = Scoring(
        metric="ndcg", sign=1.0, is_share=False, reference="popularity", floor="random", margin=0.005,
        test_train_ratio=0.5, seed=0,
    )  # fmt: skip
    scores = enumerate((0.02, 0.3, 0.05))
    records = [replace(record("popularity", fold=fold), scores={"ndcg": score}) for fold, score in scores]
    known = {"popularity": ModelFacts(role="stable", licence="MIT", weights_mb=0.0, cost=None, by_item=None)}
    wild, bounded = (
        scores_by_model(records, known, replace(scoring, least=least))[0].dependable for least in (-math.inf, 0.0)
    )
    assert wild.value < 0
    assert (bounded.value, bounded.low) == (0.0, 0.0)
