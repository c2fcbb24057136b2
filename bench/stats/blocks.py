"""Moving blocks: what is known of the mean of values that depend on those shortly before them.

References
----------
Künsch 1989, The Jackknife and the Bootstrap for General Stationary Observations, section 2.
Meketon & Schmeiser 1984, Overlapping Batch Means: Something for Nothing? (the variance, and that it is surer than that
of blocks side by side).
Satterthwaite 1946, An Approximate Distribution of Estimates of Variance Components (degrees of freedom).
Hall, Horowitz & Jing 1995, On blocking rules for the bootstrap with dependent data (the cube root).
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.stats.pairs import CorrectedMean

Floats = NDArray[np.floating]


def block_length(steps: int, least: int = 1) -> int:
    """Return how long moving blocks are: the cube root of the length, or as long as errors surely depend.

    Parameters
    ----------
    steps : int
    least : int
        Windows that share a step with the first of them, or steps that are forecast from one origin.

    Examples
    --------
    >>> block_length(125), block_length(10, least=4)
    (5, 4)
    """
    return max(least, round(math.cbrt(steps)))


def block_mean(values: Floats, shared: int = 1, length: int = 0, resolution: float = 0.0) -> CorrectedMean:
    """Return the mean over time with the standard error of moving blocks, and its t distribution.

    A block is no longer than its values are alike, so few blocks spread too little. By how much, and how sure their
    spread is, is known of values that are alike because they share steps, and for no other reason; longer blocks see
    some of what else there is.

    Parameters
    ----------
    values : array, shape (n,)
        In the order of time.
    shared : int
        Values in a row that share a step; 1 where none do.
    length : int
        Of a block; 0 takes `block_length`. With fewer than two blocks nothing is known.
    resolution : float
        Least standard error.

    Examples
    --------
    >>> found = block_mean(np.array([1.0, 4.0, 2.0, 6.0, 3.0, 5.0]), length=1)
    >>> found.mean, round(found.scale, 3), found.df
    (3.5, 0.764, 5.0)
    >>> found = block_mean(np.array([1.0, 4.0, 2.0, 6.0, 3.0, 5.0]), length=2)
    >>> round(found.scale, 3), round(found.df, 1)
    (0.524, 2.9)
    """
    steps, length = len(values), length or block_length(len(values), least=shared)
    mean = float(values.mean()) if steps else math.nan
    if steps < 2 * length:
        return CorrectedMean(mean=mean, scale=math.nan, df=0)
    share, df = _law_of_blocks(steps, length, shared)
    of_blocks = np.convolve(values - mean, np.ones(length) / length, mode="valid")
    scale = math.sqrt(share * float(np.square(of_blocks).sum()))
    method = f"moving blocks of {length} windows, t" if length > 1 else "t over windows"
    return CorrectedMean(
        mean=mean,
        scale=max(resolution, scale),
        df=df,
        spread=scale * math.sqrt(df + 1),
        test_train_ratio=0.0,
        per_fold=steps / (df + 1),
        method=method,
    )


@lru_cache(maxsize=256)
def _law_of_blocks(steps: int, length: int, shared: int) -> tuple[float, float]:
    """Return the variance of a mean over the expected sum of squares of its blocks, and their degrees of freedom."""
    ahead = np.arange(steps)
    alike = np.maximum(0.0, 1 - np.abs(ahead[:, None] - ahead) / shared)
    inside = (ahead >= ahead[: steps - length + 1, None]) & (ahead < ahead[: steps - length + 1, None] + length)
    deviation = inside / length - 1 / steps
    squares = deviation @ alike @ deviation.T
    expected = float(np.trace(squares))
    df = expected**2 / float(np.square(squares).sum())
    # A whole number where there is one, however the sums were added up.
    return float(alike.sum()) / steps**2 / expected, round(df, 9)
