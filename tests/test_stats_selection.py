import math
from itertools import combinations

import numpy as np
import pytest

from bench.stats.selection import deflated_best, expected_best, expected_normal_maximum, gain_of_doubling

TRIALS = np.array([0.71, 0.80, 0.62, 0.80, 0.75, 0.77, 0.69])


@pytest.mark.parametrize("n", range(1, 8))
def test_the_expected_best_is_the_mean_over_all_subsets(n):
    assert expected_best(TRIALS, n) == pytest.approx(np.mean([max(subset) for subset in combinations(TRIALS, n)]))


def test_more_trials_than_were_made_are_not_measured():
    assert math.isnan(expected_best(TRIALS, 8))
    assert gain_of_doubling(TRIALS, 4, seed=0).why == "fewer than 8 trials"


def test_the_expected_best_is_unbiased():
    generator = np.random.default_rng(0)
    found = [expected_best(generator.normal(size=20), 10) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(expected_normal_maximum(10), abs=4 * np.std(found) / math.sqrt(4000))


def test_thousands_of_trials_do_not_overflow():
    assert expected_best(np.arange(5000.0), 2500) == pytest.approx(2500 / 2501 * 5001 - 1)


@pytest.mark.parametrize(("n", "expected"), [(2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi))])
def test_the_expected_maximum_of_normal_variables_has_its_closed_form(n, expected):
    assert expected_normal_maximum(n) == pytest.approx(expected, abs=1e-9)


def test_the_expected_maximum_agrees_with_the_published_table():
    table = {5: 1.16296, 10: 1.53875, 20: 1.86748, 50: 2.24907, 100: 2.50759, 1000: 3.24144}
    for n, expected in table.items():
        assert expected_normal_maximum(n) == pytest.approx(expected, abs=1e-5)


def test_the_best_of_equals_is_deflated_to_what_they_are():
    generator = np.random.default_rng(0)
    best = generator.normal(0.8, 0.02, (4000, 20)).max(axis=1)
    assert np.mean([deflated_best(score, 0.02, 20) for score in best]) == pytest.approx(0.8, abs=0.001)
    assert deflated_best(0.9, 0.02, 1) == 0.9


def test_the_gain_of_doubling_is_a_difference_of_expected_bests():
    found = gain_of_doubling(TRIALS, 3, seed=0)
    assert found.value == pytest.approx(expected_best(TRIALS, 6) - expected_best(TRIALS, 3))
    assert found.low < found.value < found.high
    assert gain_of_doubling(TRIALS[::-1], 3, seed=0) == found
