"""Metrics of lists by hand under the conventions of three libraries, and against scikit-learn and loops."""

from dataclasses import replace
from math import log2

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from bench import metrics
from bench.errors import ConfigError
from bench.metrics import scores
from bench.ranking import hits
from bench.ranking import metrics as ranking
from tests.rankings import lists, relevant

K = 5
TARGETS = [[1, 2], [3, 4, 5, 6, 7, 8, 9], [10]]
"""Of one who finds both at places 2 and 3, one who finds two of seven at 1 and 4, and one without a list."""
SHOWN = [[20, 1, 2, 21, 22], [3, 20, 21, 9, 22], []]
FIVE, SEVEN = (sum(1 / log2(place + 1) for place in range(1, most + 1)) for most in (5, 7))
GAINS = 1 / log2(3) + 1 / log2(4), 1 + 1 / log2(5)


def found(name, **changes):
    return metrics.metric(name).score(relevant(TARGETS, **changes), lists(*SHOWN))


@pytest.mark.parametrize(
    ("convention", "name", "ideal", "by_hand"),
    [
        ("RecBole", "ndcg", "min", [GAINS[0] / (1 + 1 / log2(3)), GAINS[1] / FIVE, 0]),
        ("RecBole", "recall", "min", [2 / 2, 2 / 7, 0]),
        ("RecBole", "precision", "min", [2 / 5, 2 / 5, 0]),
        ("RecBole", "map", "min", [(1 / 2 + 2 / 3) / 2, (1 + 2 / 4) / 5, 0]),
        ("RecBole", "mrr", "min", [1 / 2, 1, 0]),
        ("RecBole", "hit_rate", "min", [1, 1, 0]),
        ("RecTools", "ndcg", "k", [GAINS[0] / FIVE, GAINS[1] / FIVE, 0]),
        ("RecTools, r_precision", "recall_min", "k", [2 / 2, 2 / 5, 0]),
        ("Dacrema", "ndcg", "all", [GAINS[0] / (1 + 1 / log2(3)), GAINS[1] / SEVEN, 0]),
        ("Dacrema, PRECISION_RECALL_MIN_DEN", "recall_min", "all", [2 / 2, 2 / 5, 0]),
    ],
)
def test_one_list_scores_as_by_hand_under_each_convention(convention, name, ideal, by_hand):
    values, counted = ranking.by_user(relevant(TARGETS, ideal=ideal), lists(*SHOWN), name)
    assert values == pytest.approx(by_hand), convention
    assert counted.all()
    assert found(name, ideal=ideal) == pytest.approx(np.mean(by_hand))


def test_map_of_rectools_follows_from_that_of_recbole_and_the_targets():
    sizes = np.array([len(own) for own in TARGETS])
    values, _ = ranking.by_user(relevant(TARGETS), lists(*SHOWN), "map")
    assert values * np.minimum(sizes, K) / sizes == pytest.approx([(1 / 2 + 2 / 3) / 2, (1 + 2 / 4) / 7, 0])


def drawn(users=300, items=60, k=10, seed=0):
    generator = np.random.default_rng(seed)
    shown = np.argsort(generator.random((users, items)), axis=1)
    targets = [sorted(generator.choice(items, size, replace=False)) for size in generator.integers(1, 20, users)]
    return relevant(targets, items, k), shown


def test_ndcg_is_that_of_scikit_learn():
    known, shown = drawn()
    truth = np.zeros((300, 60))
    truth[np.repeat(np.arange(300), np.diff(known.starts)), known.items] = 1
    scored = np.empty((300, 60))
    np.put_along_axis(scored, shown, -np.arange(60)[None, :] + np.zeros((300, 1)), axis=1)
    mine = found_in(known, shown, "ndcg")
    assert mine == pytest.approx(ndcg_score(truth, scored, k=10))


def found_in(known, shown, name):
    return ranking.mean_over_users(known, np.hstack([shown[:, : known.k], shown[:, : known.k]]), name)


def test_hits_are_those_of_a_loop():
    known, shown = drawn(seed=1)
    part = shown[:, :10].copy()
    part[::3, 4:] = -1
    targets = np.split(known.items, known.starts[1:-1])
    wanted = [np.isin(own, target) for own, target in zip(part, targets, strict=True)]
    assert (hits.hits_in(known, np.hstack([part, part])).hit == wanted).all()


def test_users_without_a_history_have_a_score_of_their_own():
    cold = relevant(TARGETS, warm=np.array([True, False, True]))
    shown = lists(*SHOWN)
    assert ranking.mean_over_users(cold, shown, "recall") == pytest.approx((1 + 0) / 2)
    assert ranking.mean_over_users(cold, shown, "ndcg_cold_users") == pytest.approx(GAINS[1] / FIVE)
    assert "ndcg_cold_users" not in scores(("ndcg", "ndcg_cold_users"), relevant(TARGETS), shown)


def test_where_all_users_are_cold_only_their_own_score_is_known():
    known = relevant(TARGETS, warm=np.zeros(3, dtype=bool))
    names = [one for one in NAMES if metrics.metric(one).optional]
    assert set(scores(names, known, lists(*SHOWN))) == {"ndcg_cold_users"}
    assert np.isnan(ranking.mean_over_users(known, lists(*SHOWN), "ndcg"))
    assert ranking.defects(known, lists(*SHOWN))["users"] == 0


NAMES = (*ranking.BY_USER, "coverage", "gini", "lift")


def test_cold_items_are_targets_of_their_own_list_and_misses_of_the_first_or_none():
    popularity = np.ones(30, dtype=np.intp)
    popularity[[1, 10]] = 0
    known = relevant(TARGETS, popularity=popularity)
    shown = lists([20, 2], [3], [20], cold=[[10, 1], [10, 1], [10, 1]])
    assert ranking.by_user(known, shown, "recall")[0] == pytest.approx([1 / 2, 1 / 7, 0])
    values, counted = ranking.by_user(replace(known, drop_cold=True), shown, "recall")
    assert values[counted] == pytest.approx([1, 1 / 7])
    assert counted.tolist() == [True, True, False]
    values, counted = ranking.by_user(known, shown, "ndcg_cold_items")
    assert counted.tolist() == [True, False, True]
    assert values[counted] == pytest.approx([1 / log2(3), 1])


def test_the_list_of_a_sample_is_scored_where_the_protocol_has_one():
    known, shown = relevant(TARGETS), np.hstack([lists([20], [20], [20]), lists([1], [3], [10])[:, :K]])
    assert np.isnan(ranking.mean_over_users(known, shown, "ndcg_sampled"))
    known = replace(known, sampled=True)
    assert ranking.mean_over_users(known, shown, "recall") == 0
    assert ranking.by_user(known, shown, "ndcg_sampled")[0][2] == 1


def test_an_item_that_stands_twice_hits_once_and_is_counted():
    known, shown = relevant([[1, 2]]), lists([1, 1, 2, 1, 4])
    assert ranking.mean_over_users(known, shown, "recall") == 1
    assert hits.hits_in(known, shown).hit.tolist() == [[True, False, True, False, False]]
    assert ranking.defects(known, shown)["duplicates"] == 2


def test_short_lists_are_told_where_there_were_candidates_enough():
    known = relevant(TARGETS, open=np.array([30, 30, 4]))
    assert ranking.defects(known, lists([1, 2], [3, 4, 5, 6, 7], [])) == {
        "users": 3, "cold_users": 0, "covered": 2, "short": 1, "duplicates": 0,
    }  # fmt: skip


def test_what_lists_are_like_is_as_by_hand():
    popularity = np.array([8, 4, 2, 1, 0])
    tagged = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]], dtype=bool)
    known = relevant(
        [[1], [2]], items=5, k=2, popularity=popularity, profile=np.array([2.0, 4.0]), candidates=4, tagged=tagged
    )
    shown = lists([0, 1], [0, 3], k=2)
    by_hand = {
        "coverage": 3 / 4,
        "novelty": ((0 + 1) / 2 + (0 + 3) / 2) / 2,
        "popularity": ((8 + 4) / 16 + (8 + 1) / 16) / 2,
        "lift": (6 + 4.5) / 2 / 3 - 1,
        # Counts 0, 1, 1, 2 of four candidates.
        "gini": (-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (3 * 4),
        # The second list has a single item with tags.
        "diversity": 1 - 1 / 2,
    }
    assert scores(tuple(by_hand), known, shown) == pytest.approx(by_hand)
    assert "diversity" not in scores(tuple(by_hand), replace(known, tagged=None), shown)
    empty = scores(tuple(by_hand), known, np.full((2, 4), -1))
    assert empty == {"coverage": 0.0}


def test_an_item_that_nobody_had_is_as_new_as_one_that_one_user_had():
    known = relevant([[1]], items=2, k=1, popularity=np.array([1, 0]))
    assert ranking.mean_over_users(known, lists([1], k=1), "novelty") == 3 == -log2(1 / 8)


def test_what_describes_lists_decides_nothing():
    for name in ("coverage", "novelty", "popularity", "lift", "gini", "diversity", "ndcg_sampled"):
        with pytest.raises(ConfigError, match="describes lists"):
            metrics.deciding(name, "ranking")
        assert metrics.metric(name).heading == metrics.metric(name).label
    assert metrics.deciding("ndcg", "ranking").greater_is_better
    assert metrics.required(("ndcg", "recall", "diversity", "lift")) == ("ndcg", "recall")
