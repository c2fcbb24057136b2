"""Moving blocks: resampling of what depends on what came shortly before it.

References
----------
Künsch 1989, The Jackknife and the Bootstrap for General Stationary Observations, section 2.
Hall, Horowitz & Jing 1995, On blocking rules for the bootstrap with dependent data (the cube root).
"""

import math

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


def moving_blocks(steps: int, length: int, generator: np.random.Generator, replicates: int) -> Floats:
    """Return how often each step is drawn in each replicate, shape (replicates, steps): their sum is ``steps``.

    Blocks of ``length`` steps begin anywhere; the last one is cut where it reaches beyond the length of the series.
    """
    blocks = -(-steps // length)
    starts = generator.integers(0, steps - length + 1, (replicates, blocks))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(replicates, blocks * length)[:, :steps]
    flat = (drawn + steps * np.arange(replicates)[:, None]).ravel()
    return np.bincount(flat, minlength=replicates * steps).reshape(replicates, steps).astype(float)


def block_mean(values: Floats, length: int) -> CorrectedMean:
    """Return the mean over time with the standard error of moving blocks, exact over all of their draws.

    Parameters
    ----------
    values : array, shape (n,)
        In the order of time.
    length : int
        Of a block; with fewer than two blocks nothing is known.

    Examples
    --------
    >>> found = block_mean(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), length=2)
    >>> found.mean, round(found.scale, 3), found.df
    (3.5, 1.0, 2)
    """
    mean, blocks = float(values.mean()) if len(values) else math.nan, len(values) // length
    if blocks < 2:
        return CorrectedMean(mean=mean, scale=math.nan, df=0)
    of_blocks = np.convolve(values, np.ones(length) / length, mode="valid")
    # The mean of b blocks that are drawn with equal probability; widened, because so few blocks spread too little.
    variance = float(of_blocks.var()) / (blocks - 1)
    method = f"moving blocks of {length} windows, t"
    return CorrectedMean(mean=mean, scale=math.sqrt(variance), df=blocks - 1, method=method)
