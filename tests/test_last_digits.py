"""Reports from other processors: the same draws, and numbers that differ in their last place at most."""

import math
from pathlib import Path

import numpy as np
import pytest

from bench.report.digits import same_but_last_digits
from bench.stats.dependable import dependable_score
from bench.stats.pareto import pareto_front
from bench.stats.variance import components
from tests.pages import page

REPORTS = sorted((Path(__file__).parents[1] / "results").glob("*/*/*/report.md"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("97.55", "97.56"),
        ("9.99", "10.00"),
        ("-0.00", "+0.01"),
        ("+0.00", "-0.00"),
        ("±0.62)", "±0.63)"),
        ("546 (95 % CI 479 to 579)", "547 (95 % CI 479 to 578)"),
        ("1,000 times", "999 times"),
        ("0.976465", "0.976466"),
        ("1.0", "0.999999"),
        ("1e-05", "1.00001e-05"),
        ("ends in 1.25.", "ends in 1.24."),
        ("0.1 %", "0.0 %"),
        ("[0.5,-0.25]", "[0.5,-0.26]"),
    ],
)
def test_one_unit_of_the_last_place_is_the_same(one, other):
    assert same_but_last_digits(one, other)
    assert same_but_last_digits(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("97.55", "97.57"),
        ("97.5", "97.55"),
        ("1 s", "2 s"),
        ("20 ms", "50 ms"),
        ("2e+06", "1e+06"),
        ("0.000001", "0.000002"),
        ("9 folds", "10 folds"),
        ("5 folds x 3 seeds", "5 folds x 2 seeds"),
        ("reuters_r8", "reuters_r9"),
        ("tfidf_logreg_c1", "tfidf_logreg_c2"),
        ("p50", "p51"),
        ("scipy 1.17.1", "scipy 1.17.2"),
        ("scipy 1.17.1", "scipy 1.18.1"),
        ("2026-11-24", "2026-11-25"),
        ("3b9afd9dc8fe494f", "3b9afd9dc8fe495f"),
        ("equal | A", "equal | B"),
        ("equal", "cannot tell"),
        ("97.55", "?"),
        ("97.55 97.55", "97.55"),
        ("a 1.00\nb 2.00", "b 2.00\na 1.00"),
    ],
)
def test_everything_else_is_not(one, other):
    assert not same_but_last_digits(one, other)
    assert not same_but_last_digits(other, one)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.parent.name)
def test_a_committed_report_is_itself_and_no_longer_with_one_figure_changed(path):
    text = path.read_text()
    assert same_but_last_digits(text, text)
    assert not same_but_last_digits(text, text.replace(" points, ", " point, ", 1) + "\n")
    first = text.index(" | ", text.index("| --- |")) + 3
    assert not same_but_last_digits(text, f"{text[:first]}x{text[first:]}")


def noisy(cells, seed=0):
    """Return the cells with another last bit each, as another order of adding would leave in their means."""
    generator = np.random.default_rng(seed)
    return cells * (1 + np.finfo(float).eps * generator.integers(-1, 2, cells.shape))


@pytest.mark.parametrize("seeds", [1, 3, 7, 10])
@pytest.mark.parametrize("folds", [5, 10])
def test_the_last_bit_of_a_score_moves_no_draw(folds, seeds):
    generator = np.random.default_rng(1)
    tables = {
        "wavy": generator.normal(0.8, 0.01, (folds, seeds)),
        # Seeds agree, as those of a deterministic model do; and folds too, as those of a constant one may.
        "sure": np.repeat(generator.normal(0.8, 0.01, (folds, 1)), seeds, axis=1),
        "flat": np.full((folds, seeds), 0.7),
    }
    again = {name: noisy(cells) for name, cells in tables.items()}
    for name, cells in tables.items():
        one, two = (dependable_score(which, 0.25, seed=3, failed=1, floor=0.2) for which in (cells, again[name]))
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), abs=1e-12)
        assert components(again[name]).seed_df == components(cells).seed_df
    fronts = [pareto_front(which, dict.fromkeys(which, 0.6), {}, 0.01, 0.25, seed=4) for which in (tables, again)]
    for one, two in zip(*(front.members for front in fronts), strict=True):
        assert two.p_best == one.p_best
        assert two.membership == one.membership
        assert two.regret == pytest.approx(one.regret, abs=1e-12)
    assert fronts[0].winner_changes == fronts[1].winner_changes or math.isnan(fronts[0].winner_changes)


def test_a_report_of_cells_that_differ_in_their_last_bit_is_the_same_report():
    from dataclasses import replace

    from bench.report.markdown import report_markdown
    from bench.stats.comparison import compare, score_interval
    from tests.pages import SCORING

    content = page()
    cells = {row.scores.name: noisy(row.scores.cells) for row in content.rows}
    scores = {row.scores.name: replace(row.scores, cells=cells[row.scores.name]) for row in content.rows}
    reference = scores[content.task.reference]
    rows = [
        replace(
            row,
            scores=scores[row.scores.name],
            mean=score_interval(scores[row.scores.name], SCORING.test_train_ratio),
            against=compare(scores[row.scores.name], reference, "accuracy", 0.01, SCORING.test_train_ratio),
        )
        for row in content.rows
    ]
    assert same_but_last_digits(report_markdown(content), report_markdown(replace(content, rows=tuple(rows))))
