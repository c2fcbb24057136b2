"""Statements about statistics, held against data whose truth is known; the full figures stand in bench/stats/README.md.

Bands are the nominal rate and two standard errors of a simulated share, unless a comment says why they are wider.
"""

import math

import numpy as np
import pytest

from bench.stats.pairs import corrected_mean
from benchmarks import items_and_groups, simulations


def band(rate, count):
    return 2 * math.sqrt(rate * (1 - rate) / count)


@pytest.mark.parametrize("folds", [5, 50])
def test_equal_models_are_called_worse_in_at_most_five_families_of_a_hundred(folds):
    assert simulations.false_alarms(200, folds, margin=0.0) <= 0.05 + band(0.05, 200)
    assert simulations.false_alarms(200, folds, margin=simulations.MARGIN) <= 0.05


def test_a_plain_paired_t_test_over_folds_would_not_do():
    assert simulations.plain_t_alarms(2000, 50) > 0.2


@pytest.mark.parametrize("folds", [5, 50])
def test_a_drop_of_twice_the_margin_is_found_where_the_margin_is_detectable(folds):
    by_z, found = simulations.power(1500, folds)
    assert found >= 0.8 - band(0.8, 1500)
    # The usual formula promises the same, and finds less.
    assert by_z < found


@pytest.mark.parametrize("folds", [5, 50])
def test_the_interval_of_a_difference_covers_it(folds):
    assert simulations.interval_coverage(2000, folds) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("data", "seed"), [(1.0, 1.0), (1.0, 0.2)])
def test_variance_components_are_recovered_and_their_intervals_cover(data, seed):
    covered, ratios = simulations.components_coverage(1000, 5, 3, data, seed)
    assert covered == pytest.approx(np.full(3, 0.95), abs=0.02)
    assert ratios == pytest.approx(np.ones(3), abs=0.08)


def test_training_data_variance_is_recovered_beside_seeds_and_items():
    # One table of 5 folds recovers it with a relative standard error of 1.2.
    assert simulations.items_taken_out(1500) == pytest.approx(1.0, abs=2 * 1.2 / math.sqrt(1500))


@pytest.mark.parametrize("case", [(5, 1, 1.0, 0.5, 0.0), (5, 3, 1.0, 1.0, 0.0), (10, 5, 1.0, 0.5, 0.05)])
def test_nine_deployments_in_ten_score_at_least_the_dependable_score(case):
    held, covered = simulations.dependable_holds(150, *case)
    # Where the fold part is small beside the seeds', a negative variance is cut at zero, and the score errs low.
    assert 0.88 <= held <= 0.96
    assert covered >= 0.95 - band(0.95, 150)


def test_a_fresh_ridge_regression_reaches_its_dependable_score():
    assert simulations.ridge(150, rows=100) >= 0.88


@pytest.mark.parametrize(("seeds", "shared"), [(1, 0.0), (3, 0.3)])
def test_the_two_way_bootstrap_covers_the_difference(seeds, shared):
    assert simulations.two_way_coverage(300, seeds, shared) >= 0.95 - band(0.95, 300)


def test_groups_are_needed_where_items_are_alike():
    covered, plain = simulations.group_coverage(300, 50)
    assert covered == pytest.approx(0.95, abs=band(0.95, 300))
    assert plain < 0.75


def test_the_interval_of_churn_covers_it_from_three_seeds_on():
    assert simulations.churn_coverage(300, 5, uneven=True) >= 0.9
    assert simulations.churn_coverage(300, 5, uneven=False) >= 0.95
    assert simulations.churn_coverage(300, 2, uneven=True) < 0.6


@pytest.mark.parametrize("folds", [5, 50])
def test_the_joint_bootstrap_agrees_with_the_corrected_t_for_two_models(folds):
    # Four standard errors of a share of 2,000 replicates, the largest of 20.
    assert simulations.front_gap(folds) < 4 * math.sqrt(0.25 / 2000)


@pytest.mark.parametrize(("runs", "folds"), [(1, 5), (3, 5), (10, 10)])
def test_probabilities_agree_with_baycomp(runs, folds):
    baycomp = pytest.importorskip("baycomp")
    generator = np.random.default_rng(runs)
    one = generator.normal(0.80, 0.02, runs * folds)
    other = one + generator.normal(0.005, 0.01, runs * folds)
    worse, equal, better = baycomp.two_on_single(one, other, rope=0.01, runs=runs)
    ours = corrected_mean(other - one, 1 / (folds - 1))
    assert ours.probability_above(0.01) == pytest.approx(better, abs=1e-12)
    assert 1 - ours.probability_above(-0.01) == pytest.approx(worse, abs=1e-12)
    assert ours.probability_above(-0.01) - ours.probability_above(0.01) == pytest.approx(equal, abs=1e-12)


def test_probabilities_are_those_that_baycomp_1_0_3_printed():
    one = np.array([0.81, 0.79, 0.84, 0.80, 0.82])
    other = np.array([0.83, 0.80, 0.84, 0.83, 0.84])
    ours = corrected_mean(other - one, 0.25)
    assert ours.probability_above(0.01) == pytest.approx(0.761689666363579)
    assert ours.probability_above(-0.01) - ours.probability_above(0.01) == pytest.approx(0.224663454938817)


@pytest.mark.parametrize(("seeds", "shared"), [((1, 1), 0.0), ((2, 2), 0.05), ((3, 3), 0.0), ((3, 3), 0.2)])
def test_the_interval_of_a_difference_on_one_split_covers_it_and_can_be_used(seeds, shared):
    covered, width = items_and_groups.one_split_coverage(150, seeds, shared)
    assert covered >= 0.95 - band(0.95, 150)
    assert width < (0.15 if shared < 0.2 else 0.3)


def test_an_error_rate_over_groups_is_covered_and_not_as_if_items_were_apart():
    assert items_and_groups.rate_coverage(300, 60, known=True) >= 0.95 - band(0.95, 300)
    assert items_and_groups.rate_coverage(300, 60, known=False) < 0.85


def test_calibrated_models_whose_errors_come_together_stay_below_the_null_of_groups():
    assert items_and_groups.null_holds(100, 60, known=True) >= 0.95 - band(0.95, 100)
    assert items_and_groups.null_holds(100, 60, known=False) < 0.8


def test_over_the_reference_the_mean_of_two_folds_is_nearer_to_that_of_all():
    own, bridged, covered = items_and_groups.unequal_folds(300, 2)
    assert bridged < own / 5
    assert covered == pytest.approx(0.95, abs=band(0.95, 300))
