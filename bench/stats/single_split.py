"""What one split can tell: its items and its seeds, and nothing of other training rows.

Intervals here answer "would other test items say the same of these trained models?". They say nothing of what another
training sample would do, which takes folds.

"""

import math

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import bootstrap_difference
from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean


def item_mean(mean: float, item_variance: float) -> CorrectedMean:
    """Return a mean over many items with its standard error."""
    return CorrectedMean(mean=mean, scale=math.sqrt(item_variance), df=_MANY)


def item_difference(one: NDArray[np.bool_], other: NDArray[np.bool_], seed: int) -> CorrectedMean:
    """Return the mean difference over the same items, both shapes (S, n), by a bootstrap over items and seeds.

    Examples
    --------
    >>> one, other = np.array([[True] * 60 + [False] * 40]), np.array([[True] * 50 + [False] * 50])
    >>> gap = item_difference(one, other, seed=0)
    >>> round(gap.mean, 3), 0.02 < gap.scale < 0.04
    (0.1, True)
    """
    found = bootstrap_difference(one.astype(float), other.astype(float), seed)
    # Models that agree on every item are known no better than to one item.
    scale = max(1 / one.shape[1], float(found.replicates.std())) if len(found.replicates) else math.nan
    return CorrectedMean(mean=found.mean, scale=scale, df=_MANY)


def dependable_on_one_split(cells: NDArray[np.floating], item_variance: float) -> Estimate:
    """Return what nine runs in ten score at least as far as seeds and test items go; other training rows may do worse.

    Parameters
    ----------
    cells : array, shape (1, S)
    item_variance : float
        Variance of the split's score under other test items.
    """
    scores = cells[np.isfinite(cells)]
    if not scores.size or math.isnan(item_variance):
        return Estimate.not_measured("one split")
    seed_variance = float(scores.var(ddof=1)) if scores.size > 1 else 0.0
    value = float(scores.mean()) - 1.2816 * math.sqrt(item_variance + seed_variance)
    half = 1.96 * math.sqrt(item_variance + seed_variance / scores.size)
    return Estimate(value=value, low=value - half, high=value + half, method="seeds and test items of one split")


_MANY = 10**6
"""Degrees of freedom at which t is normal."""
