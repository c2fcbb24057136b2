"""How reports compare models on one split, where single predictions are at hand."""

import re

import numpy as np
import pytest

from bench.report.columns import split_rows
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.stats.bootstrap import mcnemar
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
