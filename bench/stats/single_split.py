"""What one split can tell: its items and its seeds, and nothing of other training rows.

The same holds for several windows of one panel, whose series are the sample: a series moves with all its windows.

Intervals here answer "would other test items say the same of these trained models?". They say nothing of what another
training sample would do, which takes folds.

"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import bootstrap_difference, seed_variance
from bench.stats.dependable import LEVEL
from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean


def mean_on_one_split(
    cells: NDArray[np.floating], item_variance: float, groups: int = 0, units: str = ""
) -> CorrectedMean:
    """Return the mean over seeds with a standard error for other items and other seeds (degrees of freedom by Welch).

    Parameters
    ----------
    cells : array, shape (1, S)
        Of a panel the means over its windows.
    item_variance : float
        Variance of the split's score under other test items, of the part that all seeds share.
    groups : int
        Number of groups that the items come in; 0 where they do not.
    units : str
        What was drawn, for the name of the method; empty on one split, which needs none.
    """
    scores = cells[np.isfinite(cells)]
    seeds = float(scores.var(ddof=1)) / scores.size if scores.size > 1 else 0.0
    known = seeds**2 / (scores.size - 1) if seeds else 0.0
    known += item_variance**2 / (groups - 1) if groups > 1 else 0.0
    df = (item_variance + seeds) ** 2 / known if known else _MANY
    method = f"t over {units}, and over seeds" if units else ""
    scale = math.sqrt(item_variance + seeds)
    return CorrectedMean(mean=float(scores.mean()), scale=scale, df=min(df, _MANY), method=method)


def item_difference(
    one: NDArray[Any],
    other: NDArray[Any],
    seed: int,
    groups: NDArray[np.integer] | None = None,
    scale: float = 1.0,
    units: str = "",
) -> CorrectedMean:
    """Return the mean difference over the same items, both shapes (S, n), by a bootstrap over items and seeds.

    Items that come in groups, codes of shape (n,), are drawn by the group; ``units`` is what these are called, and
    ``scale`` is that of `bench.stats.table.Scoring`.

    Examples
    --------
    >>> one, other = np.array([[True] * 60 + [False] * 40]), np.array([[True] * 50 + [False] * 50])
    >>> gap = item_difference(one, other, seed=0)
    >>> round(gap.mean, 3), 0.02 < gap.scale < 0.04
    (0.1, True)
    """
    sides = one.astype(float), other.astype(float)
    means = [side.mean(axis=0, keepdims=True) for side in sides]
    found = bootstrap_difference(means[0], means[1], seed, groups)
    if not len(found.replicates):
        return CorrectedMean(mean=float(one.mean() - other.mean()), scale=math.nan, df=0, method=found.why)
    # Models that agree on every item are known no better than to one item, or one group.
    count = one.shape[1]
    if groups is not None and (means[0] == means[1]).all():
        count = len(np.unique(groups))
    of_items = max(scale / count, float(found.replicates.std()))
    # The t of two or three seeds has no standard deviation that replicates could show: it enters by its own variance.
    variance = of_items**2 + seed_variance(sides)[0]
    # What is taken off for single items makes the variance of seeds smaller, and no surer.
    several = [side.mean(axis=1) for side in sides if len(side) > 1]
    doubt = sum((float(means.var(ddof=1)) / len(means)) ** 2 / (len(means) - 1) for means in several)
    df = variance**2 / doubt if doubt else _MANY
    what = units or ("groups" if groups is not None else "items")
    method = f"paired bootstrap over {what}" + (", t over seeds" if max(map(len, sides)) > 1 else "")
    return CorrectedMean(mean=found.mean, scale=math.sqrt(variance), df=min(df, _MANY), method=method)


def dependable_on_one_split(
    cells: NDArray[np.floating], item_variance: float, failed: int = 0, floor: float = math.nan, groups: int = 0
) -> Estimate:
    """Return what nine fresh seeds and test sets in ten score at least; nothing is known of other training rows.

    Parameters
    ----------
    cells : array, shape (1, S)
    item_variance : float
        Variance of the split's score under other test items.
    failed : int
        Runs that failed.
    floor : float
        Score of a failed run.
    groups : int
        Number of groups that the items come in; 0 where they do not.
    """
    from scipy.stats import t

    scores = cells[np.isfinite(cells)]
    if failed and (rate := failed / (failed + scores.size)) >= LEVEL:
        return Estimate(value=floor, low=floor, high=floor, method=f"{100 * rate:.0f} % of the runs failed")
    if not scores.size or math.isnan(item_variance):
        return Estimate.not_measured("one split" if groups != 1 else "one split, and its items are one group")
    df = groups - 1 if groups else _MANY
    seed_variance = float(scores.var(ddof=1)) if scores.size > 1 else 0.0
    # Failures take their share of the worst tenth.
    rate = failed / (failed + scores.size)
    quantile = float(t.ppf((LEVEL - rate) / (1 - rate), df))
    value = float(scores.mean()) + quantile * math.sqrt(item_variance + seed_variance)
    half = float(t.ppf(0.975, df)) * math.sqrt(item_variance + seed_variance / scores.size)
    method = f"seeds and {'groups of test items' if groups else 'test items'} of one split"
    return Estimate(value=value, low=value - half, high=value + half, method=method)


_MANY = 10**6
"""Degrees of freedom at which t is normal."""
