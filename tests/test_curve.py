import math
from itertools import pairwise

import numpy as np
import pytest

from bench.settings import Budget
from bench.splits import learning_curve_splits
from bench.stats.curve import crossing
from tests.builders import dataset


def test_each_training_part_holds_every_smaller_one_class_by_class_and_never_a_test_row():
    data = dataset(600)
    splits, _ = learning_curve_splits(data, "text_clf", Budget(folds=3), 0)
    for draw in range(3):
        steps = [split for split in splits if split.fold == draw]
        sizes = [len(split.train) for split in steps]
        assert sizes == sorted(sizes)
        assert sizes[0] == 3 * 8
        shares = [np.bincount(data.y[split.train]) / len(split.train) for split in steps]
        assert all(share == pytest.approx(np.full(3, 1 / 3), abs=0.02) for share in shares)
        assert sizes[-1] == 480
        for small, large in pairwise(steps):
            assert set(small.train) <= set(large.train)
        assert all((split.test == steps[0].test).all() for split in steps)
        assert not set(steps[-1].train) & set(steps[-1].test)


def test_every_size_has_the_classes_in_their_proportion_and_two_rows_of_each():
    y = np.r_[np.zeros(800, int), np.ones(190, int), np.full(10, 2)]
    splits, _ = learning_curve_splits(dataset(1000, y=y), "text_clf", Budget(folds=2), 0)
    for split in splits:
        counts = np.bincount(y[split.train])
        assert counts[2] >= 2
        assert counts[0] / counts[1] == pytest.approx(800 / 190, rel=0.15)


def test_a_crossing_lies_where_the_lead_is_gone():
    rows = [10, 100, 1000]
    zoo, stable = np.array([[0.8] * 3, [0.85] * 3, [0.9] * 3]), np.array([[0.6] * 3, [0.85] * 3, [0.95] * 3])
    found = crossing("zoo", "stable", rows, {"zoo": zoo, "stable": stable}, seed=0)
    assert found.rows == pytest.approx(100)
    assert found.low == pytest.approx(100)
    assert found.lead_first == pytest.approx(0.2)
    assert found.lead_last == pytest.approx(-0.05)


def test_draws_that_differ_give_the_crossing_an_interval():
    generator = np.random.default_rng(0)
    rows = [10, 100, 1000]
    lead = np.array([0.2, 0.05, -0.1])[:, None] + 0.02 * generator.standard_normal((3, 5))
    found = crossing("zoo", "stable", rows, {"zoo": 0.7 + lead, "stable": np.full((3, 5), 0.7)}, seed=0)
    assert found.low < found.rows < found.high


def test_models_that_never_cross_have_no_crossing():
    flat = {"zoo": np.full((3, 4), 0.9), "stable": np.full((3, 4), 0.8)}
    assert math.isnan(crossing("zoo", "stable", [10, 100, 1000], flat, seed=0).rows)
