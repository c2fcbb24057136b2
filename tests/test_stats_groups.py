"""Items that come in groups are fewer than they look, wherever an interval counts items."""

import json
import math

import numpy as np
import pytest

from bench.items import read_items
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.results import read_records
from bench.stats.bootstrap import item_variance
from bench.stats.confidence import calibration
from bench.stats.deferral import accepted, deferral, design_effect
from bench.stats.estimate import Estimate
from bench.stats.single_split import dependable_on_one_split, item_difference, mean_on_one_split
from tests.builders import task
from tests.tables import published_folder

SIZE, NUMBER = 40, 30
GROUPS = np.repeat(np.arange(NUMBER), SIZE)


def right(accuracy, seed, correlation=0.8, seeds=2, number=NUMBER):
    """Return which items are right: a normal variable below a bound, correlated within groups and over seeds."""
    from scipy.stats import norm

    generator = np.random.default_rng(seed)
    shared = np.repeat(generator.standard_normal(number), SIZE)
    own = generator.standard_normal((seeds, number * SIZE))
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own < norm.ppf(accuracy)


LOSS_DECIDES = task(name="text_clf_published", protocol="published", metrics=("log_loss", "accuracy"))
MODELS = {"reference": right(0.75, 1), "floor": right(0.34, 2), "other": right(0.80, 3)}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same predictions, once of rows that come in groups and once of rows that do not."""
    made = {}
    for name, groups in (("apart", None), ("together", GROUPS)):
        root = tmp_path_factory.mktemp(name)
        folder = published_folder(root, MODELS, groups)
        made[name] = folder, read_content(folder, root, "machine")
    return made


def width(low, high):
    assert math.isfinite(low + high)
    return high - low


def row_of(both, name):
    return next(row for row in both[name][1].rows if row.scores.name == "other")


@pytest.mark.parametrize(
    "interval",
    [
        lambda row: row.mean.interval(),
        lambda row: (row.against.low, row.against.high),
        lambda row: (row.scores.dependable.low, row.scores.dependable.high),
        lambda row: (row.stability.churn.low, row.stability.churn.high),
        lambda row: row.items.calibration_error[1:],
        lambda row: (row.deferral.error.low, row.deferral.error.high),
    ],
    ids=["mean", "difference", "dependable", "churn", "calibration", "deferral"],
)
def test_groups_widen_every_interval_over_items(both, interval):
    apart, together = (width(*interval(row_of(both, name))) for name in ("apart", "together"))
    # Forty items of a group with a correlation of errors of about 0.6 are worth between one and two.
    assert together > 1.3 * apart


def test_groups_move_no_figure_itself(both):
    one, two = (row_of(both, name) for name in ("apart", "together"))
    assert one.mean.mean == two.mean.mean
    assert one.against.difference == pytest.approx(two.against.difference)
    assert one.stability.churn.value == two.stability.churn.value
    assert one.items.calibration_error[0] == two.items.calibration_error[0]


def test_a_dependable_score_is_lower_where_test_sets_hold_fewer_groups(both):
    one, two = (row_of(both, name).scores.dependable for name in ("apart", "together"))
    assert two.value < one.value
    assert two.method == "seeds and groups of test items of one split"


def test_methods_say_what_was_resampled(both):
    for name, units in (("apart", "items"), ("together", "groups")):
        row = row_of(both, name)
        assert units in row.stability.churn.method
        assert f"bootstrap over {units}" in report_markdown(both[name][1])
    assert "taking groups whole" in report_markdown(both["together"][1])
    assert "group" not in report_markdown(both["apart"][1])


def test_a_file_of_rows_without_groups_has_no_word_of_them(both):
    apart, together = (json.loads((both[name][0] / "items/other.json").read_text()) for name in ("apart", "together"))
    assert set(together) - set(apart) == {"groups"}
    assert set(together["accepted"]) - set(apart["accepted"]) == {"effect"}


def test_groups_survive_the_disk(both):
    folder, content = both["together"]
    found = row_of(both, "together").items.groups
    assert (found == GROUPS).all()
    path = folder / "items/other.json"
    records = read_records(folder / "other.csv", content.task.metrics)
    damaged = path.with_name("damaged.json")
    for groups in ("1199 abc", "1200 abc", json.loads(path.read_text())["groups"].replace("1200 ", "1199 ")):
        damaged.write_text(json.dumps({**json.loads(path.read_text()), "groups": groups}))
        assert read_items(damaged, records) is None
    damaged.unlink()


def test_a_file_with_groups_is_plain_json_and_comes_back_whole(both):
    def refuse(constant):
        raise ValueError(constant)

    path = both["together"][0] / "items/other.json"
    json.loads(path.read_text(), parse_constant=refuse)
    effect = row_of(both, "together").items.accepted.effect
    # The strictest threshold lets a single item through.
    assert math.isinf(effect[0])
    assert (effect[effect < math.inf] >= 1).all()


def test_group_codes_tell_nothing_but_who_belongs_together(tmp_path):
    shuffled = np.random.default_rng(0).permutation(NUMBER)[GROUPS] * 7
    folder = published_folder(tmp_path, MODELS, shuffled)
    content = read_content(folder, tmp_path, "machine")
    assert all((row.items.groups == GROUPS).all() for row in content.rows)


def test_the_difference_over_groups_is_that_of_whole_groups():
    one, other = right(0.8, 5, correlation=1.0, seeds=1), right(0.7, 6, correlation=1.0, seeds=1)
    found = item_difference(one, other, 0, GROUPS)
    single = item_difference(one[:, ::SIZE], other[:, ::SIZE], 0)
    assert found.scale == pytest.approx(single.scale, rel=0.06)
    assert found.mean == single.mean
    assert found.method == "paired bootstrap over groups"


def test_one_group_is_a_difference_without_an_interval():
    found = item_difference(right(0.8, 1), right(0.7, 2), 0, np.zeros(len(GROUPS), dtype=int))
    assert found.mean == pytest.approx(right(0.8, 1).mean() - right(0.7, 2).mean())
    assert math.isnan(found.interval()[0])
    assert found.method == "fewer than two items or groups"
    assert dependable_on_one_split(np.array([[0.9]]), math.nan, groups=1).why.endswith("its items are one group")


def test_models_that_agree_are_known_no_better_than_to_one_group():
    one = right(0.8, 1, seeds=1)
    assert item_difference(one, one, 0, GROUPS).scale == 1 / NUMBER
    assert item_difference(one, one, 0).scale == 1 / len(GROUPS)


def test_few_groups_have_few_degrees_of_freedom():
    variance = item_variance(right(0.8, 1).astype(float), GROUPS)
    many, few = (mean_on_one_split(np.array([[0.8]]), variance, groups) for groups in (0, 5))
    assert (many.scale, few.df) == (few.scale, 4)
    assert width(*few.interval()) == pytest.approx(width(*many.interval()) * 2.776 / 1.96, rel=0.001)


def test_the_design_effect_is_one_for_groups_of_one_item_and_their_size_where_all_agree():
    few = 1 + 1e-3
    alone = np.random.default_rng(0).random(4000) < 0.1
    everything = np.full(4000, True)
    assert 1 <= design_effect(everything, alone, np.arange(4000)) < few
    groups = np.repeat(np.arange(1000), 4)
    assert design_effect(everything, alone[groups], groups) == pytest.approx(4, rel=0.01)
    # Nothing wrong at all says nothing of how mistakes come together.
    assert design_effect(everything, np.full(4000, False), groups) == pytest.approx(4, rel=0.01)
    assert math.isinf(design_effect(groups == 7, alone, groups))


@pytest.mark.parametrize("number", [15, 60])
def test_the_bound_of_an_error_rate_covers_it_with_groups_and_not_without(number):
    # The share of wrong ones of groups that were never seen is 0.1, by construction.
    groups = np.repeat(np.arange(number), SIZE)
    covered = {"apart": 0, "together": 0}
    for seed in range(200):
        wrong = ~right(0.9, 1000 + seed, correlation=0.6, seeds=1, number=number)[0]
        effect = design_effect(np.full(len(wrong), True), wrong, groups)
        for name, by in (("apart", 1.0), ("together", effect)):
            rate = Estimate.of_rate(int(wrong.sum()), len(wrong), by)
            covered[name] += rate.low <= 0.1 <= rate.high
    assert covered["together"] >= 0.9 * 200
    assert covered["apart"] < 0.85 * 200


def test_one_group_of_automated_items_bounds_nothing():
    rate = Estimate.of_rate(3, 10, math.inf)
    assert (rate.value, rate.low, rate.high) == (0.3, 0.0, 1.0)


def test_a_plan_takes_the_effect_of_its_threshold():
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1.0, len(GROUPS))
    correct = right(0.9, 3)[0]
    plans = [deferral(accepted([(confidence, correct)], groups), 5, 1) for groups in (None, [GROUPS])]
    assert plans[0].error.value == plans[1].error.value
    assert plans[1].error.high > plans[0].error.high
    assert "by groups" in plans[1].error.method


def test_calibrated_models_stay_below_the_null_of_groups_and_above_that_of_single_items():
    from scipy.stats import norm

    below = {"apart": 0, "together": 0}
    for seed in range(60):
        generator = np.random.default_rng(seed)
        chance = generator.uniform(0.5, 1.0, len(GROUPS))
        shared = np.repeat(generator.standard_normal(NUMBER), SIZE)
        drawn = math.sqrt(0.5) * shared + math.sqrt(0.5) * generator.standard_normal(len(GROUPS))
        correct = drawn < norm.ppf(chance)
        for name, groups in (("apart", None), ("together", GROUPS)):
            error, null = calibration(chance, correct, 0, groups, draws=200)
            below[name] += error.value <= null
    assert below["together"] >= 0.85 * 60
    assert below["apart"] < 0.85 * 60


def test_groups_of_one_item_calibrate_as_single_items_do():
    generator = np.random.default_rng(0)
    chance = generator.uniform(0.5, 1.0, 3000)
    correct = generator.random(3000) < chance
    alone, by_group = (calibration(chance, correct, 0, groups) for groups in (None, np.arange(3000)))
    assert by_group[1] == pytest.approx(alone[1], rel=0.15)
    assert width(by_group[0].low, by_group[0].high) == pytest.approx(width(alone[0].low, alone[0].high), rel=0.3)
    assert by_group[0].method == "bootstrap over groups, corrected for bias"


def test_a_metric_that_is_no_share_is_not_compared_by_who_was_right(both, tmp_path):
    assert all(row.scores.facts.by_item is not None for row in both["apart"][1].rows)
    folder = published_folder(tmp_path, MODELS, wanted=LOSS_DECIDES)
    assert all(row.scores.facts.by_item is None for row in read_content(folder, tmp_path, "machine").rows)


def test_two_seeds_leave_an_interval_that_can_be_used():
    generator = np.random.default_rng(0)
    covered, widths = 0, []
    for _ in range(100):
        difficulty = generator.standard_normal(1000)
        sides = [difficulty + generator.normal(0, 0.6, (2, 1000)) for _ in range(2)]
        found = item_difference(*(side + generator.normal(0, 0.05, (2, 1)) < 1.2 for side in sides), seed=0)
        low, high = found.interval()
        covered += low <= 0 <= high
        widths.append(high - low)
    assert covered >= 90
    # A t of one degree of freedom has no standard deviation: that of its replicates gave intervals of whole points.
    assert np.median(widths) < 0.15
    assert found.method == "paired bootstrap over items, t over seeds"
