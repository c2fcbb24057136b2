import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.settings import Limits
from bench.stats.comparison import compare, paired
from bench.stats.decision import decide
from bench.stats.dependable import dependable_score
from bench.stats.estimate import Estimate
from bench.stats.pairs import corrected_mean, detectable_difference, folds_needed
from bench.stats.seconds import one_two_five
from bench.stats.single_split import dependable_on_one_split, mean_on_one_split
from bench.stats.stability import stability
from bench.stats.table import ModelFacts, ModelScores, Scoring, scores_by_model
from bench.types import Cost, Robustness
from tests.builders import record

RATIO = 0.25
NO_LIMITS = Limits()


def model(name, means, role="stable", seeds=2, noise=0.0, licence="MIT", weights_mb=0.0, measured=None, **changes):
    cells = np.repeat(np.array(means)[:, None], seeds, axis=1)
    cells = cells + noise * np.where(np.arange(seeds) % 2, 1, -1)
    values = {
        "name": name,
        "facts": ModelFacts(role=role, licence=licence, weights_mb=weights_mb, cost=measured, by_item=None),
        "folds": tuple((0, k) for k in range(len(means))),
        "cells": cells,
        "succeeded": changes.get("cells", cells),
        "failed": 0,
        "ran": cells.size,
        "fitted": cells.size,
        "not_run": 0,
        "items": 10_000,
        "digests": tuple(f"{name}{k}" for k in range(cells.size)),
        "cost": 0.1,
        "fit_seconds": 1.0,
        "fit_spread": 0.1,
        "item_variance": math.nan,
        "dependable": dependable_score(changes.get("cells", cells), RATIO, 0),
    }
    return ModelScores(**{**values, **changes})


FLOOR = model("prior", [0.30, 0.31, 0.30, 0.29, 0.30], role="floor")
WAVE = np.array([0.000, 0.004, -0.004, 0.002, -0.002])


def at(mean, wobble=1.0, shift=0):
    return list(mean + wobble * np.roll(WAVE, shift))


def scoring(**changes):
    values = {
        "metric": "accuracy", "sign": 1.0, "is_share": True, "reference": "reference", "floor": "prior",
        "margin": 0.01, "test_train_ratio": RATIO, "seed": 0,
    }  # fmt: skip
    return Scoring(**{**values, **changes})


def facts(**roles):
    return {
        name: ModelFacts(role=role, licence="MIT", weights_mb=0.0, cost=None, by_item=None)
        for name, role in roles.items()
    }


def pick(*models, limits=NO_LIMITS):
    return decide([*models, FLOOR], scoring(), limits)


def test_without_overlap_the_corrected_t_is_the_paired_t():
    differences = np.array([0.02, 0.01, 0.03, -0.01, 0.02])
    mine = corrected_mean(differences, 0.0)
    theirs = stats.ttest_1samp(differences, 0)
    assert mine.mean / mine.scale == pytest.approx(theirs.statistic)
    assert 2 * (1 - mine.probability_above(0)) == pytest.approx(theirs.pvalue)
    assert mine.interval() == pytest.approx(theirs.confidence_interval())


def test_the_correction_widens_the_interval_by_the_known_factor():
    differences = np.array([0.02, 0.01, 0.03, -0.01, 0.02])
    plain, corrected = corrected_mean(differences, 0.0), corrected_mean(differences, RATIO)
    assert corrected.scale / plain.scale == pytest.approx(math.sqrt((1 / 5 + 1 / 4) / (1 / 5)))


def test_equal_models_are_rarely_told_apart_where_the_plain_test_often_errs():
    # Ten times ten-fold cross-validation of two equal models, with the correlation that overlap brings.
    generator = np.random.default_rng(0)
    folds, correlation = 10, 0.1
    shared = math.sqrt(correlation) * generator.standard_normal((2000, 1))
    draws = shared + math.sqrt(1 - correlation) * generator.standard_normal((2000, folds))

    def errors(ratio):
        return np.mean([corrected_mean(row, ratio).probability_above(0) > 0.95 for row in draws])

    assert errors(1 / 9) <= 0.06
    assert errors(0.0) > 0.08


def test_one_fold_has_no_interval():
    one = corrected_mean(np.array([0.9]), RATIO)
    assert one.mean == 0.9
    assert math.isnan(one.interval()[0])
    assert math.isnan(one.probability_above(0))


def test_the_detectable_difference_is_found_with_the_stated_power():
    one = corrected_mean(np.array(at(0.0)), RATIO)
    assert detectable_difference(one) == pytest.approx((stats.t.ppf(0.95, 4) + stats.t.ppf(0.8, 4)) * one.scale)


def test_a_failure_is_no_draw_of_the_scores_whose_spread_is_measured():
    records = [record("m", fold=k, score=0.9 + k / 1000) for k in range(4)]
    records.append(record("m", fold=4, status="timeout", reason="too slow", scores={}, n_train=0, n_test=0))
    records += [record("prior", fold=k, score=0.3) for k in range(5)]
    made = scores_by_model(records, facts(m="stable", prior="floor"), scoring())[0]
    none = Estimate.not_measured("one seed")
    card = stability(made, (none, none), None, scoring())
    assert card.total_sd.value < 0.01
    assert card.failure_rate.value == pytest.approx(0.2)
    assert made.dependable.value == pytest.approx(0.3)


def test_failed_cells_score_the_floor_and_are_counted():
    records = [record("m", fold=k, score=0.9) for k in range(3)]
    records.append(record("m", fold=3, status="timeout", reason="too slow", scores={}, n_train=0, n_test=0))
    records += [record("prior", fold=k, score=0.3) for k in range(4)]
    made = scores_by_model(records, facts(m="stable", prior="floor"), scoring())[0]
    assert made.failed == 1
    assert made.mean == pytest.approx((3 * 0.9 + 0.3) / 4)
    assert made.reason == "too slow"


def test_unavailable_models_have_no_mean():
    records = [record("m", status="unavailable", reason="no weights", scores={})]
    (made,) = scores_by_model(records, facts(m="zoo"), scoring())
    assert math.isnan(made.mean)
    assert made.reason == "no weights"


def test_models_are_paired_by_fold_and_not_by_position():
    one = model("a", [0.8, 0.9])
    other = model("b", [0.5, 0.8, 0.9], folds=((0, 2), (0, 0), (0, 1)))
    assert paired(one, other, RATIO).mean == pytest.approx(0.0)


def test_smaller_is_better_metrics_are_turned():
    records = [record("good", score=0.9), record("bad", score=0.5)]
    turned = scoring(metric="log_loss", sign=-1.0, is_share=False, floor="bad")
    good, bad = scores_by_model(records, facts(good="stable", bad="stable"), turned)
    assert good.mean > bad.mean


@pytest.mark.parametrize(
    ("mean", "verdict"), [(0.95, "better"), (0.85, "worse"), (0.9005, "equal"), (0.909, "cannot tell")]
)
def test_a_verdict_needs_to_be_sure_beyond_the_margin(mean, verdict):
    reference, other = model("reference", at(0.90, wobble=0.5)), model("m", at(mean, wobble=0.5, shift=1))
    assert compare(other, reference, "accuracy", 0.01, RATIO).verdict == verdict


def test_equal_predictions_are_identical():
    reference = model("reference", at(0.9))
    other = model("m", at(0.9), digests=reference.digests)
    found = compare(other, reference, "accuracy", 0.01, RATIO)
    assert (found.verdict, found.low, found.high, found.p_equivalent) == ("identical", 0.0, 0.0, 1.0)
    crashed = replace(reference, digests=("",) * len(reference.digests))
    assert compare(replace(crashed, name="m"), crashed, "accuracy", 0.01, RATIO).verdict != "identical"


def test_a_clear_winner_is_shipped():
    decision = pick(model("reference", at(0.80)), model("winner", at(0.90, shift=1), role="zoo"))
    assert decision.pick == "winner"
    assert decision.confidence > 0.99
    assert decision.price == 0


def test_a_cheap_model_that_is_not_worse_is_shipped_before_the_best():
    cheap = model("reference", at(0.900), cost=0.01)
    best = model("best", at(0.9005, shift=1), role="zoo", cost=10.0)
    decision = pick(cheap, best)
    assert decision.pick == "reference"
    assert decision.runner_up == "best"
    assert decision.price == pytest.approx(0.0005)
    assert "answers 1,000 times faster" in " ".join(decision.because)


def test_of_equals_the_lighter_then_the_simpler_is_shipped():
    heavy = model("a_heavy", at(0.9), role="stable", weights_mb=90.0)
    involved = model("b_involved", at(0.9), role="ensemble")
    simple = model("reference", at(0.9))
    assert pick(heavy, involved, simple).pick == "reference"


def test_an_unstable_best_loses_to_a_dependable_equal():
    steady = model("reference", at(0.900, wobble=0.1))
    wild = model("wild", at(0.902, wobble=0.1), role="zoo", noise=0.03, cost=0.001)
    decision = pick(steady, wild)
    assert decision.pick == "reference"


def test_an_unstable_leader_is_weighed_against_a_stable_rival():
    steady = model("reference", at(0.900, wobble=0.1))
    wild = model("wild", at(0.915, wobble=0.1), role="zoo", noise=0.10)
    decision = pick(steady, wild)
    assert decision.pick == "reference"
    assert "disagree" in decision.because[0]


def test_an_unstable_reference_that_leads_is_weighed_too():
    wild = model("reference", at(0.915, wobble=0.1), noise=0.10)
    steady = model("steady", at(0.900, wobble=0.1))
    decision = pick(wild, steady)
    assert decision.pick == "steady"
    assert "disagree" in decision.because[0]


def test_a_small_loss_of_dependability_does_not_outweigh_the_mean():
    steady = model("reference", at(0.900, wobble=0.1))
    lively = model("lively", at(0.950, wobble=0.1), role="zoo", noise=0.03)
    assert pick(steady, lively).pick == "lively"


def test_several_close_leaders_that_cannot_be_told_from_the_reference_leave_it_in_place():
    reference = model("reference", at(0.90, wobble=10))
    one = model("one", at(0.93, wobble=10, shift=2), role="zoo")
    two = model("two", at(0.9299, wobble=10, shift=2), role="zoo")
    decision = pick(reference, one, two)
    assert decision.pick == "reference"
    assert "cannot separate" in decision.because[0]


def test_a_zoo_model_has_to_beat_every_floor_and_a_stable_one_the_task_s():
    untrained = model("random_encoder", at(0.945, shift=1), role="floor")
    zoo, stable = model("zoo", at(0.95, shift=2), role="zoo"), model("stable", at(0.95, shift=2))
    assert pick(model("reference", at(0.90)), zoo, untrained).pick == "reference"
    assert pick(model("reference", at(0.90)), stable, untrained).pick == "stable"


def test_folds_that_agree_on_a_handful_of_items_are_no_certainty():
    same = dict.fromkeys(("reference", "other"), [1.0] * 5)
    one, two = (model(name, means, items=12) for name, means in same.items())
    assert paired(one, two, RATIO).probability_above(-0.01) < 0.7
    assert compare(two, one, "accuracy", 0.01, RATIO).verdict == "cannot tell"


def test_what_no_number_of_repeats_would_find_is_said():
    difference = corrected_mean(np.array(at(0.0, wobble=10)), RATIO)
    assert math.isinf(folds_needed(difference, 0.01))
    needed = folds_needed(difference, 0.06)
    for folds, enough in ((needed, True), (needed - 1, False)):
        scale = difference.spread * math.sqrt(1 / folds + RATIO)
        found = (stats.t.ppf(0.95, folds - 1) + stats.t.ppf(0.8, folds - 1)) * scale
        assert bool(found <= 0.06) is enough


def test_a_slower_pick_does_not_boast_of_its_speed():
    slow = model("slow", at(0.95, shift=1), cost=2.0)
    decision = pick(model("reference", at(0.90)), slow)
    assert decision.pick == "slow"
    assert "that is worth answering 20 times slower than reference" in decision.because[2]


def test_cells_that_were_not_run_leave_their_folds_in_the_mean():
    cells = np.array([[0.8, 0.9], [0.6, np.nan], [0.7, 0.7]])
    made = model("m", [0.8, 0.6, 0.7], cells=cells)
    assert made.mean == pytest.approx((0.85 + 0.6 + 0.7) / 3)
    assert made.best == 0.9
    assert made.dependable.value < made.mean


COST = Cost(
    cold_start_seconds=1.0, fit_seconds=1.0, latency_p50_ms=40.0, latency_p95_ms=50.0, throughput_1=20.0,
    throughput_32=100.0, throughput_1000=200.0, peak_mb=900.0, artefact_mb=90.0, packages=30, packages_mb=1000.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(max_latency_ms=20), "50 ms for 95 in 100 predictions, 20 allowed"),
        (Limits(max_memory_mb=500), "900 MB of memory, 500 allowed"),
        (Limits(licences=("MIT", "Apache-2.0")), "licence GPL-3.0, allowed: MIT, Apache-2.0"),
        (Limits(max_failure_rate=0.1), "20 % of its cells failed, 10 % allowed"),
    ],
)
def test_a_hard_limit_excludes_the_best_and_says_so(limits, said):
    cheap = replace(COST, latency_p95_ms=1.0, peak_mb=100.0)
    reference = model("reference", at(0.80), measured=cheap)
    best = model("best", at(0.90, shift=1), role="zoo", licence="GPL-3.0", measured=COST, failed=2)
    decision = pick(reference, best, limits=limits)
    assert decision.pick == "reference"
    assert decision.excluded["best"] == said


def test_what_was_not_measured_cannot_keep_a_limit():
    decision = pick(model("reference", at(0.8)), limits=Limits(max_latency_ms=20))
    assert decision.pick == ""
    assert "No model keeps the hard limits" in decision.because[0]


def test_one_split_with_known_predictions_is_compared_over_its_items():
    generator = np.random.default_rng(0)
    hard = generator.random(4000)

    def on_one_split(name, accuracy, role="stable"):
        right = (hard < accuracy)[None, :] ^ (generator.random((2, 4000)) < 0.01)
        made = model(name, [float(right.mean())], role=role, seeds=2)
        known = replace(made.facts, by_item=right)
        dependable = dependable_on_one_split(made.cells, accuracy * (1 - accuracy) / 4000)
        return replace(made, facts=known, dependable=dependable)

    floor = on_one_split("prior", 0.3, "floor")
    decision = decide([on_one_split("reference", 0.80), on_one_split("m", 0.90, "zoo"), floor], scoring(), Limits())
    assert decision.pick == "m"
    assert decision.confidence > 0.99


def test_a_failed_model_on_one_split_lifts_no_limit_and_no_floor():
    hard = np.random.default_rng(0).random(2000)

    def one(name, accuracy, role="stable", licence="MIT"):
        right = (hard < accuracy)[None, :]
        made = model(name, [float(right.mean())], role=role, seeds=1, licence=licence)
        return replace(
            made, facts=replace(made.facts, by_item=right), dependable=dependable_on_one_split(made.cells, 1e-4)
        )

    models = [one("prior", 0.46, "floor"), one("reference", 0.45), one("good", 0.92, "zoo", "GPL-3.0")]
    crashed = model("crashed", [0.46], role="zoo", seeds=1)
    assert decide(models, scoring(), Limits(licences=("MIT",))).pick == ""
    decision = decide([*models, crashed], scoring(), Limits(licences=("MIT",)))
    assert decision.pick == ""
    assert set(decision.excluded) == {"good", "crashed", "reference"}
    assert decision.excluded["reference"] == "does not surely beat prior by the margin"


def test_seeds_widen_the_interval_of_a_mean_on_one_split():
    alone = mean_on_one_split(np.array([[0.9]]), 1e-5)
    seeded = mean_on_one_split(np.array([[0.88, 0.90, 0.92]]), 1e-5)
    low, high = seeded.interval()
    assert alone.scale == pytest.approx(math.sqrt(1e-5))
    assert seeded.scale == pytest.approx(math.sqrt(1e-5 + 0.02**2 / 3))
    assert high - low > 4 * (alone.interval()[1] - alone.interval()[0])


def test_failures_take_their_share_of_the_worst_tenth_on_one_split():
    cells = np.array([[0.9] * 19])
    whole, some = (dependable_on_one_split(cells, 1e-4, failed, 0.3).value for failed in (0, 1))
    assert some < whole
    assert dependable_on_one_split(cells, 1e-4, 3, 0.3).value == 0.3


def test_nothing_is_shipped_where_all_lie_at_the_floor():
    decision = pick(model("reference", at(0.300)), model("other", at(0.302, shift=1)))
    assert decision.pick == ""
    assert "No model beats prior" in decision.because[0]


def test_what_beats_the_floor_is_not_shipped_below_a_reference_that_is_too_uncertain_to_do_so():
    reference = model("reference", at(0.60, wobble=200))
    steady = model("steady", [one + 0.05 for one in FLOOR.cells[:, 0]])
    decision = pick(reference, steady)
    assert decision.pick == ""
    said = "What surely beats prior by the margin of 1 scores below reference, which does not."
    assert decision.because[0] == said
    assert decision.excluded == {
        "reference": "does not surely beat prior by the margin",
        "steady": "scores below reference, which is left out itself",
    }
    assert pick(model("reference", at(0.32, wobble=200)), steady).pick == "steady"


def test_where_the_data_cannot_separate_the_reference_stays():
    reference = model("reference", at(0.90, wobble=10))
    leader = model("leader", at(0.93, wobble=10, shift=2), role="zoo")
    decision = pick(reference, leader)
    assert decision.pick == "reference"
    assert "cannot separate" in decision.because[0]
    assert "these splits would tell" in decision.because[0]
    assert not decision.settled


def test_one_split_keeps_the_reference():
    floor = model("prior", [0.3], role="floor")
    decision = decide([model("reference", [0.8]), model("m", [0.9]), floor], scoring(), Limits())
    assert decision.pick == "reference"
    assert math.isnan(decision.confidence)
    assert decision.runner_up == "m"


def test_without_the_reference_nothing_is_decided():
    assert decide([FLOOR], scoring(), Limits()).pick == ""


def test_a_model_without_cells_is_no_contender():
    empty = model("empty", [0.9], role="zoo", cells=np.empty((0, 0)), folds=(), digests=())
    assert pick(model("reference", at(0.8)), empty).pick == "reference"


@pytest.mark.parametrize(("value", "step"), [(0.0014, 0.001), (0.0015, 0.002), (3.0, 2.0), (3.3, 5.0), (80, 100.0)])
def test_costs_are_rounded_to_one_two_five(value, step):
    assert one_two_five(value) == step


def test_the_order_of_records_changes_no_statistic():
    records = [record(m, fold=k, seed=s, score=0.5 + k / 20) for m in "ab" for k in range(4) for s in range(2)]
    shuffled = [records[i] for i in np.random.default_rng(0).permutation(len(records))]
    one, two = (scores_by_model(rows, facts(a="stable", b="zoo"), scoring(floor="a")) for rows in (records, shuffled))
    assert all((a.cells == b.cells).all() and a.digests == b.digests for a, b in zip(one, two, strict=True))


def test_of_equals_in_all_else_the_more_dependable_is_the_runner_up():
    # The first name of the alphabet is no reason.
    weaker, stronger = model("a", at(0.900)), model("b", at(0.903))
    decision = pick(
        model("reference", at(0.85)), model("best", at(0.95, shift=1), role="zoo", cost=10.0), weaker, stronger
    )
    assert decision.pick == "best"
    assert decision.runner_up == "b"


def test_of_equals_in_cost_the_one_with_fewer_packages_is_shipped():
    heavy = model("reference", at(0.9), measured=replace(COST, packages=30))
    light = model("zz", at(0.9), measured=replace(COST, packages=3))
    assert pick(heavy, light).pick == "zz"


def test_inputs_that_nobody_knows_how_to_change_leave_a_question_mark():
    none = Estimate.not_measured("one seed")
    probe = Robustness(items=300, clean=0.9, perturbed={}, order=0.0, batch=0.0)
    card = stability(model("m", at(0.9)), (none, none), probe, scoring())
    assert card.robustness.why == "no change of these inputs is known"
    assert card.grades["robustness"] == "?"


def test_every_model_that_misses_a_floor_is_left_out_by_name_and_reason():
    untrained = model("random_encoder", at(0.945, shift=1), role="floor")
    zoo, stable = model("zoo", at(0.95, shift=2), role="zoo"), model("stable", at(0.93, shift=2))
    weak = model("weak", at(0.30, shift=2))
    decision = pick(model("reference", at(0.90)), zoo, stable, weak, untrained)
    assert decision.pick == "stable"
    assert decision.excluded == {
        "zoo": "does not surely beat random_encoder by the margin",
        "weak": "does not surely beat prior by the margin",
        "random_encoder": "a floor, which is never picked",
    }
    assert decision.because[0] == "it has the best mean score of those that are not left out, 93.00"


def test_the_best_is_called_the_best_where_only_lower_means_are_left_out():
    decision = pick(model("reference", at(0.90)), model("weak", at(0.30, shift=2)))
    assert set(decision.excluded) == {"weak"}
    assert decision.because[0] == "it has the best mean score, 90.00"
