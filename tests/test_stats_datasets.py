import math

import numpy as np
import pytest
from scipy import stats

from bench.stats.datasets import compare_over_datasets, datasets_needed, holm, pairwise_wilcoxon, tie_groups

MODELS = ("a", "b", "c")


def scores(datasets, gaps=(0.0, 0.0, 0.3), seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0.7, 0.1, (datasets, 1)) + np.array(gaps) + generator.normal(0, 0.02, (datasets, len(gaps)))


@pytest.mark.parametrize("datasets", [0, 1, 5])
def test_fewer_than_six_data_sets_are_refused_with_the_reason(datasets):
    found = compare_over_datasets(scores(datasets), MODELS, seed=0)
    assert "p < 0.05 cannot be reached below 6" in found.why
    assert np.isnan(found.p).all()
    assert found.tie_groups == ()
    assert not any(rank.measured for rank in found.ranks)


def test_no_five_differences_reach_the_level_and_six_do():
    assert stats.wilcoxon(np.arange(1.0, 6.0)).pvalue > 0.05
    gaps = np.column_stack([np.arange(1.0, 7.0), np.zeros(6)])
    assert pairwise_wilcoxon(gaps)[0, 1] == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("datasets", [6, 10, 30, 60])
def test_pairs_agree_with_scipy(datasets):
    values = scores(datasets, gaps=(0.0, 0.01, 0.02))
    found = pairwise_wilcoxon(values)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert found[i, j] == found[j, i] == pytest.approx(stats.wilcoxon(values[:, i], values[:, j]).pvalue)


def test_tied_differences_are_enumerated_exactly():
    gaps = np.array([1.0, 1.0, 2.0, 2.0, 3.0, -1.0, 4.0, 0.0])
    ranks = stats.rankdata(np.abs(gaps[:-1]))
    signs = 1 - 2 * ((np.arange(2**7)[:, None] >> np.arange(7)) & 1)
    observed = abs((np.sign(gaps[:-1]) * ranks).sum())
    exact = (np.abs(signs @ ranks) >= observed - 1e-9).mean()
    assert pairwise_wilcoxon(np.column_stack([gaps, np.zeros(8)]))[0, 1] == pytest.approx(exact)


def test_models_that_always_agree_are_not_told_apart():
    values = np.repeat(scores(8)[:, :1], 2, axis=1)
    assert pairwise_wilcoxon(values)[0, 1] == 1.0


def test_holm_is_the_hand_worked_step_down():
    p = np.full((3, 3), np.nan)
    for (i, j), value in {(0, 1): 0.01, (0, 2): 0.02, (1, 2): 0.5}.items():
        p[i, j] = p[j, i] = value
    found = holm(p)
    assert [found[0, 1], found[0, 2], found[1, 2]] == pytest.approx([0.03, 0.04, 0.5])
    p[1, 2] = p[2, 1] = math.nan
    assert holm(p)[0, 1] == pytest.approx(0.02)
    assert math.isnan(holm(p)[1, 2])


def test_tie_groups_may_overlap_and_cover_every_model():
    p = np.full((4, 4), 0.001)
    p[0, 1] = p[1, 0] = p[1, 2] = p[2, 1] = 0.4
    assert tie_groups(p, "abcd") == (("a", "b"), ("b", "c"), ("d",))


def test_what_was_not_tested_is_not_told_apart():
    assert tie_groups(np.full((3, 3), np.nan), "abc") == (("a", "b", "c"),)


def test_a_model_that_leads_everywhere_stands_alone_at_rank_one():
    found = compare_over_datasets(scores(12), MODELS, seed=0)
    assert found.tie_groups == (("a", "b"), ("c",))
    assert (found.ranks[2].value, found.ranks[2].low, found.ranks[2].high) == (1.0, 1.0, 1.0)
    assert found.differences[2][0].low > 0.2
    assert found.differences[0][2].high == -found.differences[2][0].low


def test_pairs_use_the_data_sets_that_both_have():
    values = scores(12)
    values[:7, 0] = np.nan
    found = compare_over_datasets(values, MODELS, seed=0)
    assert math.isnan(found.p[0, 1])
    assert found.p[1, 2] < 0.05
    assert found.differences[0][1].why == "both ran on 5 data sets only"
    assert found.ranks[0].why == "all models ran on 5 data sets only"


def test_many_pairs_on_few_data_sets_are_noted():
    assert datasets_needed(10) == 9
    found = compare_over_datasets(scores(6, gaps=(0.0, 0.1, 0.2, 0.3, 0.4)), "abcde", seed=0)
    assert "9 data sets are needed" in found.note
    assert found.tie_groups == (("a", "b", "c", "d", "e"),)
    assert compare_over_datasets(scores(9, gaps=(0.0, 0.1, 0.2, 0.3, 0.4)), "abcde", seed=0).note == ""


def test_the_order_of_data_sets_moves_no_figure():
    values, order = scores(12), np.random.default_rng(3).permutation(12)
    one, two = (compare_over_datasets(each, MODELS, seed=0) for each in (values, values[order]))
    assert (one.ranks, one.differences, one.tie_groups) == (two.ranks, two.differences, two.tie_groups)


def test_one_data_set_is_no_plural():
    assert compare_over_datasets(np.zeros((1, 2)), ["a", "b"], seed=0).why.startswith("1 data set: ")
