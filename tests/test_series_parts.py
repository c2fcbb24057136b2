"""Scores taken apart by series, against other series of the same kind."""

import numpy as np
import pytest

from bench.series_parts import SeriesParts, WindowParts, together

SERIES, WINDOWS = 60, 2


def drawn(generator, gain=0.0):
    """Return the parts of a WAPE of 0.2 - gain; series differ in size, and large ones are hit by less."""
    size = np.exp(generator.normal(0, 0.8, SERIES))
    loss = (0.2 - gain) * size * generator.gamma(2, 0.5, (WINDOWS, SERIES)) * (1 + generator.normal(0, 0.2, SERIES))
    parts = SeriesParts(
        sizes=(SERIES,) * WINDOWS, groups=np.tile(np.arange(SERIES), WINDOWS), values=loss.reshape(1, -1),
        weights=np.tile(size, WINDOWS),
    )  # fmt: skip
    return parts


def test_the_variance_of_a_ratio_is_that_of_other_series():
    generator = np.random.default_rng(0)
    made = [drawn(generator) for _ in range(400)]
    spread = np.var([one.by_window[0, 0] for one in made])
    assert np.mean([one.item_variance for one in made]) == pytest.approx(spread, rel=0.12)


def test_drawing_the_linear_parts_says_what_drawing_the_series_says():
    generator = np.random.default_rng(1)
    parts = drawn(generator)
    counts = generator.multinomial(SERIES, np.full(SERIES, 1 / SERIES), 4000)
    by_series = [one.reshape(WINDOWS, SERIES) for one in (parts.values[0], parts.weights, -parts.score_by_item[0])]
    ratios = np.mean([(counts @ top) / (counts @ below) for top, below in zip(*by_series[:2], strict=True)], axis=0)
    linear = counts @ by_series[2].mean(axis=0) / SERIES
    assert linear.std() == pytest.approx(ratios.std(), rel=0.1)
    assert np.corrcoef(linear, ratios)[0, 1] > 0.98


def test_equal_weights_are_a_mean_over_series():
    values = np.random.default_rng(2).gamma(2, 1, (2, 9))
    same = {"sizes": (4, 5), "groups": np.array([0, 1, 2, 3, 0, 1, 2, 3, 4]), "values": values}
    mean, ratio = SeriesParts(**same), SeriesParts(**{**same, "values": 3 * values}, weights=np.full(9, 3.0))
    for name in ("by_window", "score_by_item", "item_variance"):
        assert getattr(ratio, name) == pytest.approx(getattr(mean, name))
    assert mean.by_window == pytest.approx(np.array([values[:, :4].mean(axis=1), values[:, 4:].mean(axis=1)]))


def test_series_are_worth_fewer_where_one_is_large():
    one = drawn(np.random.default_rng(3))
    assert 10 < one.worth < SERIES
    giant = np.where(one.groups == 0, 1e6, one.weights)
    assert SeriesParts(sizes=one.sizes, groups=one.groups, values=one.values, weights=giant).worth < 1.01


def test_windows_without_series_have_no_part():
    empty = WindowParts(seed=0, codes=np.array([], int), values=np.array([]), weights=None)
    assert together([]) is together([empty]) is None
    full = WindowParts(seed=0, codes=np.array([7, 3]), values=np.array([1.0, 2.0]), weights=None)
    found = together([empty, full, full])
    assert (found.sizes, found.groups.tolist(), found.weights) == ((2, 2), [0, 1, 0, 1], None)
