"""What the best of many is worth: searching longer, and being lucky.

References
----------
Dodge et al. 2019, Show Your Work, section 3 (expected validation performance over the budget).
Tang et al. 2020, Showing Your Work Doesn't Always Work, section 3 (that estimator is biased; the unbiased form).
David & Nagaraja 2003, Order Statistics, section 3.1 (expected maximum of normal variables).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]


def expected_best(trials: Floats, n: int) -> float:
    """Return the expected best of ``n`` trials: the mean of the maximum over all subsets of that size.

    Parameters
    ----------
    trials : array, shape (N,)
        Scores of a random search, larger is better.
    n : int
        From 1 to N; NaN beyond, for what N trials cannot show.

    Examples
    --------
    >>> round(expected_best(np.array([1.0, 2.0, 4.0]), 2), 6)
    3.333333
    """
    if not 1 <= n <= len(trials):
        return math.nan
    return float(np.sort(trials) @ _weights(len(trials), n))


def gain_of_doubling(trials: Floats, n: int, seed: int, replicates: int = 2000) -> Estimate:
    """Return the expected best of ``2 n`` minus that of ``n`` trials, with a bootstrap interval over trials.

    The interval covers 95 % where scores have an upper bound that trials come near to, and only about 80 % where the
    best ones lie in a long tail (Tang 2020 find the same of the curve).
    """
    if not 1 <= n <= len(trials) // 2:
        return Estimate.not_measured(f"fewer than {2 * n} trials")
    weights = _weights(len(trials), 2 * n) - _weights(len(trials), n)
    ordered = np.sort(trials)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = np.sort(generator.integers(0, len(trials), (replicates, len(trials))), axis=1)
    value, gains = float(ordered @ weights), ordered[drawn] @ weights
    # Centred, because a resample repeats trials and so gains less.
    return Estimate.of_replicates(value, value + gains - gains.mean(), "bootstrap over trials")


@lru_cache
def expected_normal_maximum(n: int) -> float:
    """Return the expected maximum of ``n`` independent standard normal variables.

    Examples
    --------
    >>> [round(expected_normal_maximum(n), 2) for n in (1, 3, 10, 50)]
    [0.0, 0.85, 1.54, 2.25]
    """
    from scipy.integrate import quad
    from scipy.stats import norm

    if n == 1:
        return 0.0
    # 12 standard deviations hold all but 1e-32 of a normal variable, and the largest of 1e9 lies near 6.
    return float(quad(lambda x: x * n * norm.pdf(x) * math.exp((n - 1) * norm.logcdf(x)), -12, 12, limit=200)[0])


def deflated_best(best: float, sd: float, tried: int) -> float:
    """Return the best of ``tried`` scores less what noise alone puts on top of equals.

    Parameters
    ----------
    best : float
    sd : float
        Standard deviation of the noise of one score: over seeds and splits, not over configurations.
    tried : int
        All that were tried, those that failed or were discarded too.

    Examples
    --------
    >>> round(deflated_best(0.90, 0.01, 10), 4)
    0.8846
    """
    return best - sd * expected_normal_maximum(tried)


def _weights(trials: int, n: int) -> Floats:
    """Return the share of subsets of size n whose maximum each sorted trial is: C(i - 1, n - 1) / C(N, n)."""
    from scipy.special import gammaln

    rank = np.arange(1, trials + 1)
    possible = rank >= n
    log_subsets = gammaln(rank[possible]) - gammaln(n) - gammaln(rank[possible] - n + 1)
    weights = np.zeros(trials)
    weights[possible] = np.exp(log_subsets - gammaln(trials + 1) + gammaln(n + 1) + gammaln(trials - n + 1))
    return np.asarray(weights / weights.sum())
