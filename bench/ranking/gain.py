"""NDCG of single lists, for metrics and for models that choose by interactions of their own. Knows no rows.

References
----------
Järvelin & Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ndcg(hit: NDArray[np.bool_], wanted: NDArray[Any], ideal: str) -> NDArray[np.floating]:
    """Return the discounted cumulative gain over the largest possible one.

    The sum of ``1 / log2(1 + place)`` over hits, over the same sum of the first m places. ``ideal`` says what m is:
    ``min`` the smaller of k and the number of targets, ``k``, or ``all`` targets, even those no list has a place for.

    Parameters
    ----------
    hit : array, shape (..., n, k)
        Whether each place of a list holds a target of its user, best place first.
    wanted : array, shape (n,)
        Targets of each user.
    ideal : str

    Examples
    --------
    >>> hit, wanted = np.array([[True, False, True]]), np.array([4])
    >>> [round(float(ndcg(hit, wanted, ideal)[0]), 3) for ideal in ("min", "all")]
    [0.704, 0.586]
    """
    k = hit.shape[-1]
    gain = 1 / np.log2(np.arange(max(k, int(wanted.max(initial=1)))) + 2)
    most = {"min": np.minimum(wanted, k), "k": np.full(len(wanted), k), "all": wanted}[ideal]
    return np.asarray(hit @ gain[:k] / np.cumsum(gain)[np.maximum(most, 1) - 1])
