"""Scores of recommenders on one scale, on which they may be added. Knows no rows and no lists."""

import numpy as np
from numpy.typing import NDArray


def standardised(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return scores with mean 0 and standard deviation 1 over each user's finite ones; a row of equal ones is zero.

    Parameters
    ----------
    scores : array, shape (n, items)
        Minus infinity where there is none, which stays.

    Examples
    --------
    >>> standardised(np.array([[1.0, 3.0, -np.inf], [2.0, 2.0, 2.0]])).tolist()
    [[-1.0, 1.0, -inf], [0.0, 0.0, 0.0]]
    """
    there = np.isfinite(scores)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    kept = np.where(there, scores, 0)
    kept = np.where(there, kept - kept.sum(axis=1, keepdims=True) / count, 0)
    spread = np.sqrt((kept**2).sum(axis=1, keepdims=True) / count)
    return np.where(there, kept / np.where(spread > 0, spread, 1), -np.inf).astype(np.float32)


def with_least(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return standardised scores with each user's least one, or 0 for a user with none, in place of minus infinity.

    Examples
    --------
    >>> with_least(np.array([[-1.0, 1.0, -np.inf], [-np.inf, -np.inf, -np.inf]])).tolist()
    [[-1.0, 1.0, -1.0], [0.0, 0.0, 0.0]]
    """
    there = np.isfinite(scores)
    # Of standardised scores the least is not above 0.
    least = np.where(there, scores, 0).min(axis=1, keepdims=True, initial=0)
    return np.where(there, scores, least)
