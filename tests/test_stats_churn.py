import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from bench.stats.churn import (
    excess_churn,
    excess_ranking_churn,
    flips,
    forecast_churn,
    label_churn,
    ranking_churn,
    value_churn,
)

LABELS = np.array([[0, 1, 1, 2, 0], [0, 1, 2, 2, 0], [0, 0, 2, 2, 0]])


def test_label_churn_is_the_mean_over_pairs_of_seeds():
    assert label_churn(LABELS).value == pytest.approx((1 / 5 + 2 / 5 + 1 / 5) / 3)


def test_one_seed_has_no_churn():
    assert label_churn(LABELS[:1]).why == "one seed"
    assert excess_churn(LABELS[:1], LABELS[0]).why == "one seed"


def test_two_seeds_are_said_to_hold_for_themselves_only():
    assert label_churn(LABELS[:2]).method == "t over items, for this pair of seeds"
    assert label_churn(LABELS).method == "t over items, jackknife over seeds"


def test_models_that_agree_do_not_churn():
    found = label_churn(np.repeat(LABELS[:1], 3, axis=0))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_interval_of_two_seeds_is_that_of_a_share():
    labels = np.zeros((2, 1000), dtype=int)
    labels[1, :60] = 1
    found = label_churn(labels)
    assert found.high - found.value == pytest.approx(1.9623 * np.sqrt(0.06 * 0.94 / 999), rel=1e-3)


def test_items_that_change_together_widen_the_interval():
    labels = np.zeros((2, 1000), dtype=int)
    labels[1, :100] = 1
    groups = np.arange(1000) // 10
    apart, together = label_churn(labels), label_churn(labels, groups)
    assert together.value == apart.value
    assert together.high - together.value > 3 * (apart.high - apart.value)


def test_value_churn_is_in_units_of_the_interquartile_range():
    y = np.arange(9.0)
    predictions = np.vstack([y, y + 1.0])
    assert value_churn(predictions, y).value == pytest.approx(1.0 / 4.0)
    assert value_churn(predictions * 10, y * 10).value == pytest.approx(1.0 / 4.0)
    assert not value_churn(predictions, np.zeros(9)).measured


def test_forecast_churn_is_a_ratio_of_sums():
    y = np.array([10.0, -20.0, 30.0])
    predictions = np.array([[9.0, -20.0, 31.0], [12.0, -20.0, 30.0]])
    assert forecast_churn(predictions, y).value == pytest.approx(4 / 60)
    assert forecast_churn(predictions, np.zeros(3)).why == "all targets are zero"


def test_ranking_churn_agrees_with_scikit_learn_and_ignores_order():
    generator = np.random.default_rng(0)
    rankings = np.array([[generator.permutation(12)[:5] for _ in range(20)] for _ in range(2)])
    members = np.zeros((2, 20, 12), dtype=int)
    np.put_along_axis(members, rankings, 1, axis=2)
    expected = 1 - np.mean([jaccard_score(one, two) for one, two in zip(*members, strict=True)])
    assert ranking_churn(rankings).value == pytest.approx(expected)
    assert ranking_churn(rankings[:, :, ::-1]).value == pytest.approx(expected)


def test_short_and_empty_rankings_count():
    rankings = np.array([[[1, 2, -1], [-1, -1, -1]], [[2, -1, -1], [-1, -1, -1]]])
    assert ranking_churn(rankings).value == pytest.approx((0.5 + 0.0) / 2)


def test_churn_lies_between_the_bounds_that_error_rates_set():
    generator = np.random.default_rng(0)
    for _ in range(50):
        predictions, y = generator.integers(0, 4, (2, 30)), generator.integers(0, 4, 30)
        errors = (predictions != y).mean(axis=1)
        churn = label_churn(predictions).value
        assert abs(errors[0] - errors[1]) - 1e-12 <= churn <= errors.sum() + 1e-12
        assert -1e-12 <= excess_churn(predictions, y).value <= 1 + 1e-12


def test_excess_churn_is_one_where_errors_never_meet_and_zero_where_they_nest():
    y = np.zeros(10, dtype=int)
    apart, nested = np.zeros((2, 10), dtype=int), np.zeros((2, 10), dtype=int)
    apart[0, :2] = apart[1, 2:5] = 1
    nested[0, :2] = nested[1, :3] = 1
    assert excess_churn(apart, y).value == pytest.approx(1.0)
    assert excess_churn(nested, y).value == pytest.approx(0.0)
    assert "no room" in excess_churn(np.zeros((2, 10), dtype=int), y).why


def test_flips_add_up_to_the_change_of_accuracy():
    generator = np.random.default_rng(0)
    before, now = generator.random((2, 200)) < 0.7
    found = flips(before, now)
    assert found.positive.value - found.negative.value == pytest.approx(now.mean() - before.mean())
    assert found.negative.low < found.negative.value < found.negative.high


def test_the_order_of_items_and_seeds_moves_no_churn():
    generator = np.random.default_rng(0)
    predictions, y = generator.normal(size=(4, 50)), generator.normal(size=50)
    order, seeds = generator.permutation(50), generator.permutation(4)
    one, two = forecast_churn(predictions, y), forecast_churn(predictions[seeds][:, order], y[order])
    assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), abs=1e-14)
    labels, truth = generator.integers(0, 3, (3, 50)), generator.integers(0, 3, 50)
    assert label_churn(labels[:, order]) == label_churn(labels)
    assert excess_churn(labels[:, order], truth[order]) == excess_churn(labels, truth)


def test_the_churn_of_lists_is_measured_between_what_their_hits_force_and_allow():
    hits, wanted = np.array([[2], [1]]), np.array([2])
    # Targets are 1 and 2. One hit less forces one item, and one of both targets must be shared.
    least, most, between = [[1, 3, 4]], [[1, 8, 9]], [[1, 3, 9]]
    first = [[1, 2, 3]]
    assert excess_ranking_churn(np.array([first, least]), hits, wanted).value == pytest.approx(0)
    assert excess_ranking_churn(np.array([first, most]), hits, wanted).value == pytest.approx(1)
    inside = (1 - 2 / 4 - (1 - 2 / 4)) / (4 / 5 - 2 / 4)
    assert excess_ranking_churn(np.array([first, between]), hits, wanted).value == pytest.approx(inside)
    assert not excess_ranking_churn(np.array([first]), hits[:1], wanted).measured


def test_lists_drawn_at_random_have_the_churn_that_chance_allows():
    generator = np.random.default_rng(0)
    rankings = np.stack([np.argsort(generator.random((400, 1000)), axis=1)[:, :10] for _ in range(3)])
    hits = (rankings < 20).sum(axis=2)
    found = excess_ranking_churn(rankings, hits, np.full(400, 20))
    assert 0.98 < found.value < 1
    assert found.low < found.value < found.high
