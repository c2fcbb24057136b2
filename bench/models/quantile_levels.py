"""Quantiles of levels that a pretrained forecaster does not give, and of series that it cannot read."""

import warnings
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def at_levels(quantiles: NDArray[np.float64], given: Sequence[float], asked: Sequence[float]) -> NDArray[np.float64]:
    """Return quantiles of other levels than those that a model gives.

    Between two levels they lie on a line; beyond the outermost on the tail of the normal distribution that has the
    median and that quantile, which is an assumption, and is said in a warning.

    Parameters
    ----------
    quantiles : array, shape (..., given)
    given : sequence of float
        Ascending, with 0.5 among them.
    asked : sequence of float

    Returns
    -------
    array, shape (..., asked)

    Examples
    --------
    >>> at_levels(np.array([1.0, 2.0, 4.0]), (0.25, 0.5, 0.75), (0.25, 0.375, 0.75))
    array([1. , 1.5, 4. ])
    """
    levels = np.asarray(asked, dtype=np.float64)
    # Rounded, as a level that is given has to come back as it is.
    place = np.round(np.interp(levels, given, np.arange(len(given))), 9)
    low, high = np.floor(place).astype(int), np.ceil(place).astype(int)
    out: NDArray[np.float64] = quantiles[..., low] + (place - low) * (quantiles[..., high] - quantiles[..., low])
    beyond = np.flatnonzero((levels < given[0]) | (levels > given[-1]))
    if len(beyond):
        named = ", ".join(f"{levels[at]:g}" for at in beyond)
        warnings.warn(
            f"The model has no quantiles beyond {given[0]:g} and {given[-1]:g}: {named} are of a normal tail.",
            stacklevel=2,
        )
    median = quantiles[..., list(given).index(0.5)]
    for at in beyond:
        edge = given[0] if levels[at] < given[0] else given[-1]
        stretch = NormalDist().inv_cdf(levels[at]) / NormalDist().inv_cdf(edge)
        out[..., at] = median + (out[..., at] - median) * stretch
    return out


def last_value(target: NDArray[np.float64], horizon: int, levels: Sequence[float]) -> NDArray[np.float64]:
    """Return quantiles of a random walk with the steps of a series, shape (horizon, levels).

    Examples
    --------
    >>> last_value(np.array([1.0, 3.0]), 2, (0.5,))
    array([[3.],
           [3.]])
    """
    spread = float(np.sqrt(np.mean(np.square(np.diff(target))))) if len(target) > 1 else 0.0
    width = np.array([NormalDist().inv_cdf(level) for level in levels])
    out: NDArray[np.float64] = target[-1] + spread * np.sqrt(np.arange(1, horizon + 1))[:, None] * width
    return out
