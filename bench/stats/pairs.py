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


def corrected_mean(values: NDArray[np.floating], test_train_ratio: float) -> CorrectedMean:
    """Return the mean over folds with its corrected standard error.

    Parameters
    ----------
    values : array, shape (K,)
        A score, or a difference of two scores, of each fold; averaged over seeds beforehand.
    test_train_ratio : float
        Test rows divided by training rows.

    Examples
    --------
    >>> one = corrected_mean(np.array([0.1, 0.2, 0.3]), 0.5)
    >>> round(one.mean, 3), round(one.scale, 4)
    (0.2, 0.0913)
    """
    folds = len(values)
    if folds < 2:
        return CorrectedMean(mean=float(values.mean()) if folds else math.nan, scale=math.nan, df=0)
    variance = float(values.var(ddof=1)) * (1 / folds + test_train_ratio)
    return CorrectedMean(mean=float(values.mean()), scale=math.sqrt(variance), df=folds - 1)


def prediction_bound(cells: NDArray[np.floating], level: float = 0.10) -> float:
    """Return the score that one fresh training run exceeds with probability ``1 - level``.

    Parameters
    ----------
    cells : array, shape (K, S)
        Scores of folds and seeds; a failed cell counts as the floor's score.
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
    by_fold = cells.mean(axis=1)
    within = float(cells.var(axis=1, ddof=1).mean()) if cells.shape[1] > 1 else 0.0
    between = max(0.0, float(by_fold.var(ddof=1)) - within / cells.shape[1])
    spread = math.sqrt((between + within) * (1 + 1 / folds))
    return float(cells.mean() + t.ppf(level, folds - 1) * spread)


def detectable_difference(difference: CorrectedMean, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true difference that these splits would find with the given power."""
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha) + norm.ppf(power)) * difference.scale
