"""What one split can tell: its items and its seeds, and nothing of other training rows.

Intervals here answer "would other test items say the same of these trained models?". They say nothing of what another
training sample would do, which takes folds.

"""

import math

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import bootstrap_difference
from bench.stats.dependable import LEVEL
from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean


def mean_on_one_split(cells: NDArray[np.floating], item_variance: float) -> CorrectedMean:
    """Return the mean over seeds with a standard error for other items and other seeds (degrees of freedom by Welch).

    Parameters
    ----------
    cells : array, shape (1, S)
    item_variance : float
        Variance of the split's score under other test items, of the part that all seeds share.
    """
    scores = cells[np.isfinite(cells)]
    seeds = float(scores.var(ddof=1)) / scores.size if scores.size > 1 else 0.0
    df = (item_variance + seeds) ** 2 / (seeds**2 / (scores.size - 1)) if seeds else _MANY
    return CorrectedMean(mean=float(scores.mean()), scale=math.sqrt(item_variance + seeds), df=int(min(df, _MANY)))


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


def dependable_on_one_split(
    cells: NDArray[np.floating], item_variance: float, failed: int = 0, floor: float = math.nan
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
    """
    from scipy.stats import norm

    scores = cells[np.isfinite(cells)]
    if failed and (rate := failed / (failed + scores.size)) >= LEVEL:
        return Estimate(value=floor, low=floor, high=floor, method=f"{100 * rate:.0f} % of the runs failed")
    if not scores.size or math.isnan(item_variance):
        return Estimate.not_measured("one split")
    seed_variance = float(scores.var(ddof=1)) if scores.size > 1 else 0.0
    # Failures take their share of the worst tenth.
    rate = failed / (failed + scores.size)
    quantile = float(norm.ppf((LEVEL - rate) / (1 - rate)))
    value = float(scores.mean()) + quantile * math.sqrt(item_variance + seed_variance)
    half = 1.96 * math.sqrt(item_variance + seed_variance / scores.size)
    return Estimate(value=value, low=value - half, high=value + half, method="seeds and test items of one split")


_MANY = 10**6
"""Degrees of freedom at which t is normal."""
