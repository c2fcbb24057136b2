import math

import numpy as np
import pytest
from scipy import stats

from bench.stats.dependable import dependable_score
from bench.stats.estimate import Estimate
from bench.stats.variance import components, grade, lower_cvar, seed_sd, total_sd, training_data_sd, worst_fold

CELLS = np.array([[0.90, 0.92, 0.91], [0.85, 0.88, 0.85], [0.93, 0.93, 0.96], [0.88, 0.89, 0.90]])


def shuffled(cells, seed):
    generator = np.random.default_rng(seed)
    return generator.permuted(generator.permutation(cells), axis=1)


def test_a_rate_has_its_wilson_interval():
    rate = Estimate.of_rate(3, 40)
    z, n, p = 1.959963984540054, 40, 3 / 40
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert rate.low == pytest.approx((middle - half) / (1 + z**2 / n))
    assert rate.high == pytest.approx((middle + half) / (1 + z**2 / n))


def test_what_was_not_measured_says_why():
    assert seed_sd(CELLS[:, :1]).why == "one seed"
    for figure in (training_data_sd, total_sd, worst_fold):
        assert not figure(CELLS[:1]).measured
        assert figure(CELLS[:1]).why == "one split"
    assert Estimate.of_rate(0, 0).why == "nothing to count"


def test_the_seed_sd_is_pooled_over_folds():
    found = seed_sd(CELLS)
    variance = CELLS.var(axis=1, ddof=1).mean()
    assert found.value == pytest.approx(math.sqrt(variance))
    assert found.low == pytest.approx(math.sqrt(8 * variance / stats.chi2.ppf(0.975, 8)))
    assert found.high == pytest.approx(math.sqrt(8 * variance / stats.chi2.ppf(0.025, 8)))


def test_cells_that_were_not_run_cost_degrees_of_freedom_only():
    cells = CELLS.copy()
    cells[0, 2] = cells[1, 1:] = np.nan
    parts = components(cells)
    assert parts.seed_df == 1 + 0 + 2 + 2
    squares = sum(np.var(row, ddof=1) * (len(row) - 1) for row in (cells[0, :2], cells[2], cells[3]))
    assert parts.seed_variance == pytest.approx(squares / 5)
    assert parts.seed_share == pytest.approx((1 / 2 + 1 + 1 / 3 + 1 / 3) / 4)


def test_the_parts_of_seeds_and_items_are_taken_out_of_the_fold_variance():
    between, within = CELLS.mean(axis=1).var(ddof=1), CELLS.var(axis=1, ddof=1).mean()
    assert training_data_sd(CELLS, 1e-4).value == pytest.approx(math.sqrt(between - within / 3 - 1e-4))
    assert total_sd(CELLS, 1e-4).value == pytest.approx(math.sqrt(between + within * 2 / 3 - 1e-4))


def test_without_item_scores_the_spread_is_called_an_upper_bound():
    assert "upper bound, with the test items' part" in training_data_sd(CELLS).method
    assert "upper bound" not in training_data_sd(CELLS, 0.0).method
    assert "with the seed's part" in training_data_sd(CELLS[:, :1], 0.0).method
    assert total_sd(CELLS[:, :1], 0.0).value == pytest.approx(CELLS[:, 0].std(ddof=1))


def test_a_negative_variance_is_none():
    found = training_data_sd(CELLS, 1.0)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert total_sd(CELLS, 1.0).value == pytest.approx(seed_sd(CELLS).value)


def test_with_seeds_that_change_nothing_all_spread_is_the_data_s():
    cells = np.repeat(CELLS[:, :1], 3, axis=1)
    assert seed_sd(cells).value == seed_sd(cells).high == 0.0
    found, df = training_data_sd(cells, 0.0), 3
    assert found.value == pytest.approx(cells[:, 0].std(ddof=1))
    assert found.low == pytest.approx(found.value * math.sqrt(df / stats.chi2.ppf(0.975, df)))
    assert found.high == pytest.approx(found.value * math.sqrt(df / stats.chi2.ppf(0.025, df)))


def test_the_worst_fold_and_the_worst_quarter_are_those_of_the_cells():
    assert worst_fold(CELLS).value == pytest.approx(0.86)
    assert worst_fold(CELLS).low < 0.86 < worst_fold(CELLS).high
    found = lower_cvar(CELLS, seed=0)
    assert found.value == pytest.approx((0.85 + 0.85 + 0.88) / 3)
    assert found.low < found.value < found.high
    assert lower_cvar(CELLS[:, :1], seed=0).why == "fewer than 8 cells"


def test_the_worst_quarter_rounds_up_and_skips_cells_that_were_not_run():
    cells = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan], [0.6, 0.7, 0.8], [0.9, np.nan, np.nan]])
    assert lower_cvar(cells, seed=0).value == pytest.approx((0.1 + 0.2 + 0.3) / 3)


@pytest.mark.parametrize(("ratio", "letter"), [(0.5, "A"), (0.51, "B"), (1.0, "B"), (2.0, "C"), (2.1, "D")])
def test_grades_are_in_units_of_the_margin(ratio, letter):
    same = Estimate(value=0.01 * ratio, low=0.01 * ratio, high=0.01 * ratio, method="")
    assert grade(same, margin=0.01) == letter


def test_what_was_not_measured_has_no_grade():
    assert grade(Estimate.not_measured("one split"), 0.01) == "?"


def test_no_figure_depends_on_the_order_of_folds_and_seeds():
    cells = CELLS.copy()
    cells[1, 0] = np.nan
    for seed in range(5):
        other = shuffled(cells, seed)
        for figure in (seed_sd, training_data_sd, total_sd, worst_fold):
            assert figure(other) == figure(cells)
        assert lower_cvar(other, seed=3) == lower_cvar(cells, seed=3)
        assert dependable_score(other, 0.25, seed=3, failed=1, floor=0.2) == dependable_score(
            cells, 0.25, seed=3, failed=1, floor=0.2
        )


def test_cells_that_agree_leave_the_dependable_score_at_the_mean():
    found = dependable_score(np.full((5, 3), 0.9), 0.25, seed=0)
    assert found.value == found.low == found.high == pytest.approx(0.9)


def test_the_dependable_score_comes_near_the_t_bound_where_seeds_change_nothing():
    cells = np.array([[0.90], [0.85], [0.93], [0.88], [0.91]])
    found = dependable_score(cells, 0.0, seed=0)
    bound = cells.mean() + stats.t.ppf(0.1, 4) * cells.std(ddof=1) * math.sqrt(1 + 1 / 5)
    assert found.value == pytest.approx(bound, abs=0.15 * cells.std(ddof=1))
    assert found.low < found.value < found.high


def test_failures_enter_the_dependable_score_once():
    cells = CELLS.copy()
    none = dependable_score(cells, 0.25, seed=0)
    cells[0, 0] = np.nan
    not_run = dependable_score(cells, 0.25, seed=0)
    failed = dependable_score(cells, 0.25, seed=0, failed=1, floor=0.1)
    assert abs(none.value - not_run.value) < 0.02
    assert 0.1 < failed.value < not_run.value


def test_a_model_that_fails_one_run_in_five_has_the_floor_s_score():
    found = dependable_score(CELLS, 0.25, seed=0, failed=3, floor=0.1)
    assert found.value == found.low == 0.1


def test_what_makes_a_dependable_score_impossible_is_said():
    assert dependable_score(CELLS[:1], 0.25, seed=0).why == "one split"
    assert dependable_score(np.empty((0, 0)), 0.25, seed=0).why == "no cells"
    assert "the floor has no score" in dependable_score(CELLS, 0.25, seed=0, failed=1).why
    assert dependable_score(np.full((2, 2), np.nan), 0.25, seed=0, failed=4, floor=0.3).value == 0.3


def test_twenty_cells_are_resampled():
    assert "normal" in dependable_score(CELLS, 0.25, seed=0).method
    many = np.vstack([CELLS, CELLS + 0.01])
    assert "resampled" in dependable_score(many, 0.25, seed=0).method


def test_a_score_that_test_items_alone_move_is_more_dependable():
    loose = dependable_score(CELLS, 0.25, seed=0).value
    assert dependable_score(CELLS, 0.25, seed=0, item_variance=5e-4).value > loose


def test_two_folds_that_tie_are_no_certainty():
    tied = np.array([[0.9], [0.9]])
    for figure in (training_data_sd, total_sd):
        assert figure(tied).why == "two folds, and they agree exactly"
        known = figure(tied, 1e-4)
        assert known.value == 0
        assert known.high > 10 * 0.01
        assert grade(known, 0.01) == "?"
    assert dependable_score(tied, 0.25, seed=0).why == "two folds, and they agree exactly"
    found = dependable_score(tied, 0.25, seed=0, item_variance=1e-4)
    assert found.value < 0.9 - 0.01
    assert total_sd(tied, 0.0).why


def test_two_folds_that_tie_spread_as_two_that_differ_as_much_as_their_items_do():
    half = math.sqrt(1e-4 / 2)
    apart, tied = np.array([[0.9 - half], [0.9 + half]]), np.array([[0.9], [0.9]])
    assert total_sd(tied, 1e-4).high == pytest.approx(total_sd(apart, 1e-4).high)


def test_cells_that_all_failed_are_no_split_and_no_seed():
    failed = np.full((3, 2), np.nan)
    for figure in (seed_sd, training_data_sd, total_sd, worst_fold):
        assert figure(failed).why == "every cell failed"
    assert lower_cvar(failed, seed=0).why == "every cell failed"
