"""How reports compare models on one split, where single predictions are at hand."""

import re

import numpy as np
import pytest

from bench.report.columns import split_rows
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.stats.bootstrap import item_variance, mcnemar
from bench.stats.pareto_items import pareto_front_on_one_split
from bench.stats.single_split import item_difference, mean_on_one_split
from tests.pages import page
from tests.tables import published_folder

N = 600
HARD = np.random.default_rng(0).random(N)
RIGHT = {
    "reference": np.stack([HARD < 0.80, HARD < 0.80]),
    "floor": np.stack([HARD < 0.34, HARD < 0.34]),
    "other": np.stack([(HARD < 0.80) ^ (np.arange(N) % 50 == 0), (HARD < 0.80) ^ (np.arange(N) % 60 == 0)]),
    "twin": np.stack([HARD < 0.80, HARD < 0.80]),
}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    root = tmp_path_factory.mktemp("tables")
    return read_content(published_folder(root, RIGHT), root, "machine")


def test_mcnemar_is_that_of_the_first_seeds_on_the_same_items(content):
    against = content.row("other").against
    assert against.mcnemar == mcnemar(RIGHT["other"][0], RIGHT["reference"][0])
    assert 0 < against.mcnemar < 1
    assert content.row("twin").against.mcnemar == 1.0
    assert content.row("floor").against.mcnemar < 0.001


def test_method_and_p_stand_beside_the_difference_in_markdown_and_on_the_page(content):
    against = content.row("other").against
    difference = f"{100 * against.difference:+.2f} ({100 * against.low:+.2f} to {100 * against.high:+.2f})"
    line = f"| other | {difference} | paired bootstrap over items, t over seeds | {against.mcnemar:.3f} |"
    assert line in report_markdown(content)
    text = re.sub(r"<[^>]+>|\s+", " ", report_html(content, ()))
    for said in ("One split, item by item", "McNemar", "paired bootstrap over items, t over seeds"):
        assert said in text
    assert "below 0.001" in text
    assert "reference" not in [row[0] for row in split_rows(content)]


def test_items_in_groups_have_no_mcnemar(tmp_path):
    content = read_content(published_folder(tmp_path, RIGHT, np.repeat(np.arange(N // 10), 10)), tmp_path, "machine")
    assert np.isnan(content.row("other").against.mcnemar)
    text = report_markdown(content)
    assert "paired bootstrap over groups, t over seeds | ? (not for items in groups) |" in text


def test_repeated_folds_have_no_such_test():
    content = page()
    assert split_rows(content) == []
    assert {row.against.method for row in content.rows} == {"corrected resampled t over folds"}
    for text in (report_markdown(content), report_html(content, ())):
        assert "McNemar" not in text


def test_one_split_has_a_front_over_its_items(content):
    members = {row.scores.name: row.standing for row in content.rows if row.standing is not None}
    assert set(members) == {"reference", "other", "twin"}
    assert members["reference"].p_best == members["twin"].p_best
    assert sum(one.p_best for one in members.values()) == pytest.approx(1.0)
    assert content.decision.winner_changes >= 0


def front(right, groups=None, seed=0):
    levels = dict.fromkeys(right, 0.5)
    return {one.model: one for one in pareto_front_on_one_split(right, groups, levels, levels, 0.01, seed).members}


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(N // 10), 10)])
def test_the_probability_to_be_the_best_is_that_of_the_difference(groups):
    generator = np.random.default_rng(1)
    one = (HARD < 0.80)[None]
    other = one ^ (generator.random((1, N)) < 0.06) ^ (generator.random((1, N)) < 0.02)
    found = front({"one": one, "other": other}, groups)
    expected = item_difference(one, other, 0, groups).probability_above(0)
    assert found["one"].p_best == pytest.approx(expected, abs=0.04)
    assert found["one"].score.value == one.mean()


def test_groups_that_agree_leave_more_open_who_is_best():
    generator = np.random.default_rng(2)
    right = {name: np.repeat(generator.random((1, 60)) < share, 10, axis=1) for name, share in (("a", 0.9), ("b", 0.8))}
    apart, together = (front(right, groups)["a"].p_best for groups in (None, np.repeat(np.arange(60), 10)))
    assert apart > 0.999
    assert 0.8 < together < 0.999


def test_neither_the_order_of_items_nor_that_of_models_moves_the_front():
    order = np.random.default_rng(3).permutation(N)
    right = {name: one[:, order] for name, one in reversed(RIGHT.items())}
    one, two = front(RIGHT), front(right)
    assert {name: (a.p_best, a.membership, a.regret) for name, a in one.items()} == {
        name: (b.p_best, b.membership, b.regret) for name, b in two.items()
    }


def test_the_interval_of_a_mean_on_the_front_is_that_of_the_table():
    generator = np.random.default_rng(4)
    right = {"a": generator.random((1, 2000)) < 0.8, "b": generator.random((1, 2000)) < 0.7}
    found = front(right)["a"].score
    low, high = mean_on_one_split(np.array([[right["a"].mean()]]), item_variance(right["a"].astype(float))).interval()
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)
