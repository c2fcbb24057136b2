"""How much single predictions change when a model is fitted again.

Predictions have shape (S, n): S seeds on the same n test items. Churn is a mean over pairs of seeds. Its interval
counts the items that were drawn and the seeds that were drawn, the latter by the jackknife from three seeds on; with
two it holds for these two fits.

References
----------
Milani Fard et al. 2016, Launch and Iterate: Reducing Prediction Churn (churn of labels).
Yan et al. 2021, Positive-Congruent Training (negative and positive flips).
Satterthwaite 1946, An Approximate Distribution of Estimates of Variance Components (degrees of freedom).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import LEVEL, Estimate

Floats = NDArray[np.floating]
Groups = NDArray[np.integer] | None


def label_churn(predictions: NDArray[Any], groups: Groups = None) -> Estimate:
    """Return the share of items whose label differs between two fits.

    Parameters
    ----------
    predictions : array, shape (S, n)
        Class codes.
    groups : array, shape (n,), optional
        Codes of items that come together.

    Examples
    --------
    >>> label_churn(np.array([[0, 1, 1, 2], [0, 1, 2, 2]])).value
    0.25
    """
    return _churn(predictions, np.not_equal, np.ones(predictions.shape[1]), groups)


def value_churn(predictions: Floats, y: Floats, groups: Groups = None) -> Estimate:
    """Return the mean absolute difference of two fits in units of the interquartile range of the targets ``y``."""
    scale = float(np.subtract(*np.quantile(y, (0.75, 0.25))))
    if scale <= 0:
        return Estimate.not_measured("the middle half of the targets is one value")
    return _churn(predictions, _gap, np.full(predictions.shape[1], scale), groups)


def forecast_churn(predictions: Floats, y: Floats, series: Groups = None) -> Estimate:
    """Return the sum of absolute differences of two fits over the sum of absolute targets.

    Parameters
    ----------
    predictions : array, shape (S, n)
        Forecasts of all series and steps.
    y : array, shape (n,)
    series : array, shape (n,), optional
        Code of the series of each target; steps of one series go astray together.
    """
    if not np.abs(y).sum():
        return Estimate.not_measured("all targets are zero")
    return _churn(predictions, _gap, np.abs(y), series)


def ranking_churn(rankings: NDArray[np.integer], groups: Groups = None) -> Estimate:
    """Return one minus the mean Jaccard index of the top k of two fits.

    Parameters
    ----------
    rankings : array, shape (S, n, k)
        Different item codes of each list; -1 where it is shorter than k.
    groups : array, shape (n,), optional
        Code of the user of each list, where users have one in several splits.

    Examples
    --------
    >>> round(ranking_churn(np.array([[[1, 2, 3]], [[3, 2, 9]]])).value, 3)
    0.5
    """
    return _churn(rankings, _jaccard_distance, np.ones(rankings.shape[1]), groups)


def excess_churn(predictions: NDArray[Any], y: NDArray[Any]) -> Estimate:
    """Return churn on the scale from what the error rates force (0) to the most that they allow (1).

    Two fits with error rates e and f differ on at least ``|e - f|`` and on at most ``e + f`` of the items; the mean
    over pairs of seeds of the place between. Its interval is a jackknife over seeds, from three on.
    """
    errors = (predictions != y).mean(axis=1)
    return _excess(
        len(errors),
        lambda a, b: (
            float((predictions[a] != predictions[b]).mean()),
            abs(errors[a] - errors[b]),
            min(1.0, errors[a] + errors[b]),
        ),
    )


def excess_value_churn(predictions: Floats, y: Floats) -> Estimate:
    """Return the same of values.

    Two fits with mean absolute errors e and f differ by at least ``|e - f|`` and at most ``e + f`` on average.

    Examples
    --------
    >>> y = np.zeros(2)
    >>> excess_value_churn(np.array([[1.0, 1.0], [-1.0, -1.0]]), y).value
    1.0
    """
    errors = np.abs(predictions - y).mean(axis=1)
    return _excess(
        len(errors),
        lambda a, b: (
            float(np.abs(predictions[a] - predictions[b]).mean()),
            abs(errors[a] - errors[b]),
            errors[a] + errors[b],
        ),
    )


def excess_ranking_churn(
    rankings: NDArray[np.integer], hits: NDArray[np.integer], wanted: NDArray[np.integer]
) -> Estimate:
    """Return the same of lists.

    Two lists with g and h hits share at most ``min(g, h)`` hits and as many misses as the shorter side has, and at
    least the hits beyond the number of targets; their Jaccard distances are the ends of the scale, means over lists.

    Parameters
    ----------
    rankings : array, shape (S, n, k)
        As `ranking_churn` takes them.
    hits : array, shape (S, n)
        Targets in each list.
    wanted : array, shape (n,)
        Targets of each user.

    Examples
    --------
    >>> lists, hits = np.array([[[1, 2]], [[1, 3]]]), np.array([[1], [1]])
    >>> round(excess_ranking_churn(lists, hits, np.array([5])).value, 3)
    0.667
    """
    sizes = (rankings >= 0).sum(axis=2)
    misses = sizes - hits

    def ends(a: int, b: int) -> tuple[float, float, float]:
        most = np.minimum(hits[a], hits[b]) + np.minimum(misses[a], misses[b])
        least = np.maximum(0, hits[a] + hits[b] - wanted)
        both = sizes[a] + sizes[b]
        distances = _jaccard_distance(rankings[a], rankings[b])
        return float(distances.mean()), float(_apart(most, both).mean()), float(_apart(least, both).mean())

    return _excess(len(rankings), ends)


@dataclass(frozen=True, kw_only=True)
class Flips:
    """Items whose correctness changed against a base; the accuracy changed by ``positive - negative``."""

    negative: Estimate
    """Share right before and wrong now."""
    positive: Estimate
    """Share wrong before and right now."""


def flips(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> Flips:
    """Return the flips of correctness, shape (n,) each, with Wilson intervals.

    Examples
    --------
    >>> found = flips(np.array([True, True, False]), np.array([True, False, False]))
    >>> round(found.negative.value, 3), found.positive.value
    (0.333, 0.0)
    """
    return Flips(
        negative=Estimate.of_rate(int((before & ~now).sum()), len(before)),
        positive=Estimate.of_rate(int((~before & now).sum()), len(before)),
    )


def _churn(predictions: NDArray[Any], distance: Callable[..., Any], weights: Floats, groups: Groups) -> Estimate:
    """Return the mean over pairs of the sum of distances over the sum of weights."""
    seeds, items = len(predictions), predictions.shape[1]
    if seeds < 2:
        return Estimate.not_measured("one seed")
    by_pair, by_item = {}, np.zeros(items)
    for a, b in combinations(range(seeds), 2):
        distances = np.asarray(distance(predictions[a], predictions[b]), dtype=float)
        by_pair[a, b] = math.fsum(distances) / math.fsum(weights)
        by_item += distances
    value = math.fsum(by_pair.values()) / len(by_pair)
    units, variance = _item_variance(by_item / len(by_pair) - value * weights, weights, groups)
    if units < 2:
        return Estimate(value=value, low=math.nan, high=math.nan, method="as observed: one item or group")
    name = "groups" if groups is not None else "items"
    if seeds < 3:
        return _t_interval(value, variance, units - 1, f"t over {name}, for this pair of seeds")
    of_seeds = _jackknife_variance(_leave_one_out(by_pair, seeds))
    both = variance + of_seeds
    df = both**2 / (variance**2 / (units - 1) + of_seeds**2 / (seeds - 1)) if both else math.inf
    return _t_interval(value, both, df, f"t over {name}, jackknife over seeds")


def _excess(seeds: int, ends: Callable[[int, int], tuple[float, float, float]]) -> Estimate:
    """Return the mean over pairs of seeds of the place of their difference between the least and the most possible."""
    places = {}
    for a, b in combinations(range(seeds), 2):
        differ, least, most = ends(a, b)
        if most > least:
            places[a, b] = (differ - least) / (most - least)
    if not places:
        return Estimate.not_measured("one seed" if seeds < 2 else "the error rates leave no room for churn")
    value = math.fsum(places.values()) / len(places)
    left_out = _leave_one_out(places, seeds)
    if seeds < 3 or np.isnan(left_out).any():
        return Estimate(value=value, low=math.nan, high=math.nan, method="as observed: one pair of seeds")
    return _t_interval(value, _jackknife_variance(left_out), seeds - 1, "jackknife over seeds")


def _item_variance(residuals: Floats, weights: Floats, groups: Groups) -> tuple[int, float]:
    """Return the number of units and the variance of a ratio of sums (linearised)."""
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        residuals = np.asarray(np.bincount(codes, weights=residuals), dtype=float)
    units = len(residuals)
    scale = units / max(1, units - 1) / math.fsum(weights) ** 2
    return units, math.fsum(residuals**2) * scale


def _leave_one_out(by_pair: dict[tuple[int, int], float], seeds: int) -> Floats:
    """Return the mean over the pairs without each of the seeds; NaN where none is left."""
    kept = [[value for pair, value in by_pair.items() if seed not in pair] for seed in range(seeds)]
    return np.array([math.fsum(values) / len(values) if values else math.nan for values in kept])


def _jackknife_variance(left_out: Floats) -> float:
    seeds = len(left_out)
    return (seeds - 1) / seeds * math.fsum((left_out - math.fsum(left_out) / seeds) ** 2)


def _t_interval(value: float, variance: float, df: float, method: str) -> Estimate:
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, df)) * math.sqrt(variance)
    return Estimate(value=value, low=max(0.0, value - half), high=value + half, method=method)


def _gap(one: Floats, other: Floats) -> Floats:
    return np.abs(one - other)


def _jaccard_distance(one: NDArray[np.integer], other: NDArray[np.integer]) -> Floats:
    """Return one minus shared over all codes of each row, shape (n,); two empty lists agree."""
    shared = np.zeros(len(one), dtype=np.intp)
    # One place at a time, for long lists of many users.
    for place in range(one.shape[1]):
        own = one[:, place : place + 1]
        shared += ((own == other) & (own >= 0)).sum(axis=1)
    return _apart(shared, (one >= 0).sum(axis=1) + (other >= 0).sum(axis=1))


def _apart(shared: NDArray[np.integer], both: NDArray[np.integer]) -> Floats:
    """Return Jaccard distances from the codes that two lists share, and their lengths together."""
    either = both - shared
    return np.asarray(1 - np.where(either > 0, shared / np.maximum(either, 1), 1.0))
