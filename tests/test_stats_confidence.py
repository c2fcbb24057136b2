import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from bench import metrics
from bench.stats import confidence
from bench.stats.confidence import (
    calibration,
    expected_calibration_error,
    reliability,
    risk_coverage,
    temperature,
)
from bench.stats.deferral import accepted, deferral


def draws(n=4000, seed=0, sharpen=1.0):
    """Return confidences and outcomes; calibrated where ``sharpen`` is 1."""
    generator = np.random.default_rng(seed)
    chance = generator.uniform(0.5, 1.0, n)
    logit = sharpen * np.log(chance / (1 - chance))
    return 1 / (1 + np.exp(-logit)), generator.random(n) < chance


def test_the_brier_score_and_the_log_loss_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    p, y = generator.dirichlet(np.ones(4), 200), generator.integers(0, 4, 200)
    assert metrics.metric("brier").score(y, p) == pytest.approx(
        brier_score_loss(y, p, labels=range(4), scale_by_half=False)
    )
    assert metrics.metric("log_loss").score(y, p) == pytest.approx(log_loss(y, p, labels=range(4)))


def test_a_calibrated_model_stays_below_what_chance_shows():
    below = [
        expected_calibration_error(*draws(seed=seed)) <= calibration(*draws(seed=seed), seed=0, draws=200)[1]
        for seed in range(40)
    ]
    assert 0.85 <= np.mean(below) <= 1.0


def test_an_overconfident_model_is_found():
    error, null = calibration(*draws(sharpen=3.0), seed=0)
    assert error.low > null
    assert error.low < error.value < error.high


def test_many_items_drawn_as_counts_vary_as_those_drawn_one_by_one(monkeypatch):
    generator = np.random.default_rng(3)
    stated = 0.5 + 0.5 * generator.beta(2, 1, 20_000)
    correct = generator.random(20_000) < stated - 0.02
    found = []
    for many in (10**9, 1):
        monkeypatch.setattr(confidence, "MANY_ITEMS", many)
        error, null = confidence.calibration(stated, correct, seed=0, draws=2000)
        found.append((error.value, error.low, error.high, null))
    one_by_one, as_counts = found
    assert as_counts[0] == one_by_one[0]
    assert as_counts == pytest.approx(one_by_one, rel=0.05)


def test_the_calibration_error_by_hand():
    confidence, correct = np.array([0.6, 0.6, 0.9, 0.9]), np.array([True, False, True, True])
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx((0.1 + 0.1) / 2)
    assert reliability(confidence, correct, bins=2) == [(0.6, 0.5, 2), (0.9, 1.0, 2)]


def test_the_area_under_the_generalised_risk_by_hand():
    # Accepting one by one: errors 0, 1/4, 1/4, 2/4 at coverages 1/4 to 1.
    curve = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False]))
    assert curve.augrc == pytest.approx((0 + 1 / 8 + 1 / 4 + 3 / 8) / 4)


def test_a_perfect_ranking_leaves_the_least_risk_and_a_random_one_half_the_errors():
    correct = np.arange(1000) < 800
    perfect = risk_coverage(np.linspace(1, 0.5, 1000), correct).augrc
    random = risk_coverage(np.random.default_rng(0).random(1000), correct).augrc
    assert perfect == pytest.approx(0.2**2 / 2, abs=0.001)
    assert random == pytest.approx(0.2 / 2, abs=0.01)


def test_coverage_at_a_target_risk_accepts_ties_together():
    curve = risk_coverage(np.array([0.9, 0.8, 0.8, 0.5]), np.array([True, True, False, False]))
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.coverage_at(0.34) == 0.75
    assert curve.coverage_at(0.0) == 0.25
    assert curve.risk_at(0.8) == 0.5


def test_deferral_costs_no_more_than_either_extreme_where_confidence_is_worth_something():
    folds = [draws(seed=seed) for seed in range(5)]
    plan = deferral(accepted(folds), error_cost=10, human_cost=1)
    assert plan.cost < min(plan.cost_model_only, plan.cost_human_only)
    # An answer is worth sending out where its chance of error is below 1 in 10.
    assert plan.threshold == pytest.approx(0.9, abs=0.02)
    assert plan.error.low < plan.error.value < plan.error.high < 0.1


def test_where_errors_cost_nothing_everything_is_automated():
    plan = deferral(accepted([draws()]), error_cost=0, human_cost=1)
    assert plan.automated == 1.0


def test_where_humans_cost_nothing_everything_is_theirs():
    plan = deferral(accepted([draws()]), error_cost=10, human_cost=0)
    assert plan.automated == 0.0
    assert not plan.error.measured


def test_the_temperature_of_sharpened_probabilities_is_found_again():
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((5000, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) > generator.random((5000, 1))).argmax(axis=1)
    assert temperature(2.5 * logits, y) == pytest.approx(2.5, rel=0.1)


def test_a_plan_that_costs_more_than_humans_alone_is_not_recommended():
    from dataclasses import replace

    from bench.report.wording import deferral_sentence
    from tests.pages import page

    content = page()
    row = next(row for row in content.rows if row.deferral is not None)
    dear = replace(row, deferral=replace(row.deferral, cost=1.2, cost_human_only=1.0))
    assert "should answer nothing by itself" in deferral_sentence(dear, content.settings)
    useless = replace(row, deferral=replace(row.deferral, cost=0.5, cost_model_only=0.4))
    assert "should answer everything by itself" in deferral_sentence(useless, content.settings)


def test_a_threshold_that_was_chosen_on_the_items_it_is_shown_on_is_said_to_flatter():
    from dataclasses import replace

    from bench.report.wording import deferral_sentence
    from tests.pages import page

    content = page()
    row = next(row for row in content.rows if row.deferral is not None)
    assert "flatters" not in deferral_sentence(row, content.settings)
    one = replace(row, items=replace(row.items, accepted=accepted([draws()])))
    assert deferral_sentence(one, content.settings).endswith("chosen on these items themselves, which flatters it.")
