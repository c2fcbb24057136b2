"""Differences of per-item scores on the same items, and how sure they are.

All resampling goes through one routine. What is resampled (an item, or a group, series or user) is a row of sums, and
equal rows are drawn together: right or wrong for two models are four rows at most, whatever the number of items, and
2,000 replicates of a million items are 2,000 draws from a multinomial distribution of four categories. Where rows
differ they are drawn one by one and counted by `numpy.bincount`, a few replicates at a time, so that memory grows with
the rows alone. Rows are sorted first: the order of the items moves no figure.

References
----------
Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 8.3; Miller 2024, Adding Error Bars to Evals
(paired differences, clusters).
Owen 2007, The Pigeonhole Bootstrap (crossed factors; why resampling both counts their interaction three times).
Welch 1947, The Generalization of "Student's" Problem (degrees of freedom of two models' seeds together).
Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 4 (bootstrap distributions are too narrow).
Fagerland, Lydersen & Laake 2013, The McNemar Test for Binary Matched-Pairs Data (mid-p).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]

REPLICATES = 2000
CATEGORY_COST = 10
"""Time to draw the count of one distinct row from a multinomial distribution, in draws of one row."""
CHUNK = 100_000
"""Counts that are held at once: what fits a processor's cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BootstrapMean:
    """A mean with its bootstrap replicates."""

    mean: float
    replicates: Floats
    """Shape (B,); empty where there was nothing to resample."""
    method: str
    why: str = ""

    def estimate(self) -> Estimate:
        """Return the mean with its 95 % percentile interval."""
        if not len(self.replicates):
            return Estimate.not_measured(self.why)
        return Estimate.of_replicates(self.mean, self.replicates, self.method)

    def probability_above(self, bound: float) -> float:
        """Return the share of replicates that exceed ``bound``; NaN where there are none."""
        return float((self.replicates > bound).mean()) if len(self.replicates) else math.nan


def bootstrap_difference(
    one: Floats, other: Floats, seed: int, groups: NDArray[np.integer] | None = None, replicates: int = REPLICATES
) -> BootstrapMean:
    """Return the mean difference ``one - other`` over items, with items and seeds resampled.

    With several seeds the difference is that of fresh runs; with one, that of these two fits. Two or three seeds are
    too few to resample: their common effect on all items is drawn from a t distribution, apart for the two models, for
    equal seeds do not make equal effects.

    Parameters
    ----------
    one, other : array, shape (S, n)
        Score of each item under each seed, larger is better; the numbers of seeds may differ.
    seed : int
    groups : array, shape (n,), optional
        Codes of groups, users or series that are resampled whole.
    replicates : int

    Examples
    --------
    >>> right, wrong = np.array([[1, 1, 0, 1, 1, 0]]), np.array([[0, 1, 0, 1, 0, 0]])
    >>> found = bootstrap_difference(right, wrong, seed=0)
    >>> round(found.mean, 3), 0.8 < found.probability_above(0.0) < 1.0
    (0.333, True)
    """
    stacked = np.vstack([one, other]).astype(float)
    order = np.lexsort(stacked)
    stacked, groups = stacked[:, order], None if groups is None else groups[order]
    rows = unit_sums(stacked.T, groups)
    if len(rows) < 2:
        return BootstrapMean(mean=math.nan, replicates=np.empty(0), method="", why="fewer than two items or groups")
    generator = np.random.Generator(np.random.PCG64(seed))
    seeds = len(one), len(other)
    signs = np.repeat([1 / seeds[0], -1 / seeds[1]], seeds)
    means = rows[:, 1:].sum(axis=0) / rows[:, 0].sum()
    mean = float(signs @ means)
    totals = resampled_totals(rows, generator, replicates)
    drawn = mean + t_like(totals[:, 1:] @ signs / totals[:, 0] - mean, len(rows), generator)
    drawn += _seed_effect(np.split(stacked, seeds[:1]), generator, replicates)
    return BootstrapMean(mean=mean, replicates=drawn, method=_method(groups is not None, max(seeds) > 1))


def unit_sums(values: Floats, groups: NDArray[np.integer] | None) -> Floats:
    """Return the number of items and the sums of ``values``, shape (n, m), of each group, sorted: shape (G, 1 + m)."""
    ordered = np.column_stack([np.ones(len(values)), values])
    if groups is None:
        return ordered[np.lexsort(ordered.T)]
    # Sorted within groups too, so that sums of floats do not depend on the order of the items.
    order = np.lexsort((*ordered.T, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[0]] - 1))
    sums = np.add.reduceat(ordered[order], starts)
    return np.asarray(sums[np.lexsort(sums.T)])


def resampled_totals(rows: Floats, generator: np.random.Generator, replicates: int) -> Floats:
    """Return the column sums of ``replicates`` resamples of the sorted ``rows``, shape (replicates, columns)."""
    first = np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]).any(axis=1)))
    sizes = np.diff(np.append(first, len(rows)))
    if len(sizes) * CATEGORY_COST <= len(rows):
        counts = generator.multinomial(len(rows), sizes / len(rows), replicates)
        return np.asarray(counts @ rows[first])
    drawn = np.empty((replicates, rows.shape[1]))
    chunk = max(1, CHUNK // len(rows))
    for start in range(0, replicates, chunk):
        own = np.arange(min(chunk, replicates - start), dtype=np.int32)[:, None]
        picked = generator.integers(0, len(rows), (len(own), len(rows)), dtype=np.int32) + own * len(rows)
        counts = np.bincount(picked.ravel(), minlength=picked.size).reshape(picked.shape)
        drawn[start : start + len(own)] = counts @ rows
    return drawn


def item_variance(scores: Floats, groups: NDArray[np.integer] | None = None) -> float:
    """Return the variance that other test items would give to the score of a fold.

    What all seeds share, that is the mean covariance of two seeds over items: the rest of the variance of a cell's
    score is the seed's, which the seed SD contains already.

    Parameters
    ----------
    scores : array, shape (S, n)
        Score of each item of one fold.
    groups : array, shape (n,), optional
        Codes of items that come together.

    Examples
    --------
    >>> item_variance(np.array([[0.0, 1.0, 1.0, 0.0]])) == 1 / 3 / 4
    True
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    rows = unit_sums(scores.T, groups)
    size, sums = rows[:, :1], rows[:, 1:]
    units, seeds = sums.shape
    if units < 2:
        return math.nan
    # Linearised, for groups of different size make the mean a ratio.
    residuals = sums - size * (sums.sum(axis=0) / size.sum())
    scale = units / (units - 1) / float(size.sum()) ** 2
    if seeds == 1:
        return float((residuals**2).sum() * scale)
    pairs = float((residuals.sum(axis=1) ** 2).sum() - (residuals**2).sum()) / (seeds * (seeds - 1))
    return float(max(0.0, pairs * scale))


def seed_variance(sides: Sequence[Floats]) -> tuple[float, float]:
    """Return the variance that fresh seeds give to a difference of means, and Welch's degrees of freedom of it.

    Parameters
    ----------
    sides : sequence of arrays, shape (S, n)
        Scores of each item under each seed, of both models; the numbers of seeds may differ.
    """
    parts = [(_shared_variance(side) / len(side), len(side) - 1) for side in sides if len(side) > 1]
    total = sum(variance for variance, _ in parts)
    if not total:
        return 0.0, math.inf
    return total, total**2 / sum(variance**2 / df for variance, df in parts)


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_], exact: bool = False) -> float:
    """Return the two-sided p-value that two models are right equally often, shape (n,) each.

    Parameters
    ----------
    one, other : array of bool, shape (n,)
    exact : bool
        The exact test never errs too often, but errs too rarely; mid-p, the default, comes closer to its level.

    Examples
    --------
    >>> one, other = np.array([True] * 8 + [False] * 2), np.array([False] * 8 + [True] * 2)
    >>> round(mcnemar(one, other, exact=True), 4), round(mcnemar(one, other), 4)
    (0.1094, 0.0654)
    """
    from scipy.stats import binom, binomtest

    wins, losses = int((one & ~other).sum()), int((~one & other).sum())
    if wins + losses == 0:
        return 1.0
    p = float(binomtest(min(wins, losses), wins + losses, 0.5).pvalue)
    return p if exact else p - float(binom.pmf(wins, wins + losses, 0.5)) * (1 if wins != losses else 0.5)


def t_like(deviations: Floats, units: int, generator: np.random.Generator) -> Floats:
    """Widen deviations, shape (B, ...), to what the variance of so few units leaves open; of many by nothing."""
    stretch = np.sqrt(units / generator.chisquare(units - 1, len(deviations)))
    return np.asarray(deviations * stretch.reshape(-1, *[1] * (deviations.ndim - 1)))


def _seed_effect(sides: Sequence[Floats], generator: np.random.Generator, replicates: int) -> Floats:
    """Return draws of what fresh seeds add to all items alike: a t with Welch's degrees of freedom.

    What seeds do to single items is in the mean over seeds of each item, and is resampled with the items; it is taken
    out here by an analysis of variance.
    """
    variance, df = seed_variance(sides)
    if not variance:
        return np.zeros(replicates)
    return np.asarray(generator.standard_t(df, replicates) * math.sqrt(variance))


def _shared_variance(scores: Floats) -> float:
    """Return the variance of the effect that a seed has on all items alike."""
    seeds, items = scores.shape
    means = scores.mean(axis=1)
    residuals = scores - means[:, None] - scores.mean(axis=0) + means.mean()
    single = float((residuals**2).sum()) / ((items - 1) * (seeds - 1)) / items
    return float(max(0.0, means.var(ddof=1) - single))


def _method(grouped: bool, seeded: bool) -> str:
    units = "groups" if grouped else "items"
    return f"two-way bootstrap over {units} and seeds" if seeded else f"paired bootstrap over {units}"
