"""Differences between two models on the same splits, and how sure they are.

The training parts of folds overlap, so scores of folds are not independent and a plain t-test finds differences that
are not there. The variance of a mean over K folds is therefore taken as s² (1/K + n_test/n_train).

References
----------
Nadeau & Bengio 2003, Inference for the Generalization Error, section 5 (the corrected resampled t-test).
Benavoli, Corani, Demšar & Zaffalon 2017, Time for a Change, section 4 (the posterior is the same t distribution).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class CorrectedMean:
    """A mean over folds as a location, a scale and degrees of freedom of a t distribution."""

    mean: float
    scale: float
    """Standard error; NaN where one split alone was scored."""
    df: int
    spread: float = math.nan
    """Standard deviation over folds."""
    test_train_ratio: float = math.nan

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval; NaN where it cannot be had."""
        from scipy.stats import t

        if math.isnan(self.scale):
            return math.nan, math.nan
        half = float(t.ppf((1 + level) / 2, self.df)) * self.scale
        return self.mean - half, self.mean + half

    def probability_above(self, bound: float) -> float:
        """Return the probability that the mean exceeds ``bound``; NaN where it cannot be had."""
        from scipy.stats import t

        if math.isnan(self.scale) or math.isnan(self.mean):
            return math.nan
        if self.scale == 0:
            return float(self.mean > bound)
        return float(t.sf((bound - self.mean) / self.scale, self.df))


def corrected_mean(values: NDArray[np.floating], test_train_ratio: float, resolution: float = 0.0) -> CorrectedMean:
    """Return the mean over folds with its corrected standard error.

    Parameters
    ----------
    values : array, shape (K,)
        A score, or a difference of two scores, of each fold; averaged over seeds beforehand.
    test_train_ratio : float
        Test rows divided by training rows.
    resolution : float
        Least standard error: the weight of one test item. Folds that agree exactly on a handful of items are no
        certainty.

    Examples
    --------
    >>> one = corrected_mean(np.array([0.1, 0.2, 0.3]), 0.5)
    >>> round(one.mean, 3), round(one.scale, 4)
    (0.2, 0.0913)
    """
    folds = len(values)
    if folds < 2:
        return CorrectedMean(mean=float(values.mean()) if folds else math.nan, scale=math.nan, df=0)
    spread = float(values.std(ddof=1))
    scale = max(resolution, spread * math.sqrt(1 / folds + test_train_ratio))
    return CorrectedMean(
        mean=float(values.mean()), scale=scale, df=folds - 1, spread=spread, test_train_ratio=test_train_ratio
    )


def prediction_bound(cells: NDArray[np.floating], level: float = 0.10) -> float:
    """Return the score that one fresh training run exceeds with probability ``1 - level``.

    Parameters
    ----------
    cells : array, shape (K, S)
        Scores of folds and seeds; a failed cell counts as the floor's score, NaN is a cell that was not run.
    level : float

    Returns
    -------
    float
        The lower prediction bound of a t distribution with K - 1 degrees of freedom, whose variance is that of one
        cell plus that of the mean; NaN for a single fold.
    """
    from scipy.stats import t

    folds = cells.shape[0]
    if folds < 2:
        return math.nan
    by_fold = np.nanmean(cells, axis=1)
    seeds = np.isfinite(cells).sum(axis=1)
    repeated = cells[seeds > 1]
    within = float(np.nanvar(repeated, axis=1, ddof=1).mean()) if len(repeated) else 0.0
    between = max(0.0, float(by_fold.var(ddof=1)) - within / float(seeds.mean()))
    spread = math.sqrt((between + within) * (1 + 1 / folds))
    return float(by_fold.mean() + t.ppf(level, folds - 1) * spread)


def detectable_difference(difference: CorrectedMean, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true difference that these splits would find with the given power.

    The minimum detectable effect (z_{1-alpha} + z_power) x standard error; NaN for a single split.
    """
    return _quantiles(alpha, power) * difference.scale


def folds_needed(difference: CorrectedMean, margin: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return how many folds, over all repeats, would find a true difference of ``margin``.

    More repeats shrink only the first part of s² (1/K + n_test/n_train): where the second alone is too large, no number
    of repeats is enough, and more rows are needed.

    Returns
    -------
    float
        A whole number, infinity where no number suffices, NaN for a single split.

    Examples
    --------
    >>> one = corrected_mean(np.array([0.1, 0.2, 0.3, 0.2]), 0.0)
    >>> folds_needed(one, margin=0.05)
    17.0
    >>> folds_needed(corrected_mean(np.array([0.1, 0.2, 0.3, 0.2]), 0.25), margin=0.05)
    inf
    """
    if math.isnan(difference.spread):
        return math.nan
    if difference.spread == 0:
        return 2.0
    share = (margin / (_quantiles(alpha, power) * difference.spread)) ** 2 - difference.test_train_ratio
    return max(2.0, float(math.ceil(1 / share))) if share > 0 else math.inf


def _quantiles(alpha: float, power: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha) + norm.ppf(power))
