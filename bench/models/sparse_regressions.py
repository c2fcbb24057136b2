"""SLIM: the regression of each item on all others with an elastic net, its weights not negative.

All items share one Gram matrix, so their regressions are solved together, by coordinate descent on the rows of the
matrix of weights: what a row needs of all others is one matrix product for each block of rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.item_weights import gram_of

ROWS = 64
"""Rows of a block: enough for a fast matrix product, and few to keep up to date within it."""


@dataclass(frozen=True, kw_only=True)
class ElasticNet:
    """Learns weights of items by items.

    References
    ----------
    Ning & Karypis 2011, SLIM: Sparse Linear Methods for Top-N Recommender Systems.
    """

    alpha: float
    """Strength of the penalty, for squared errors that are averaged over users, as scikit-learn has it."""
    l1_ratio: float
    """Share of the L1 penalty."""
    sweeps: int
    """Updates of each weight at most."""
    tolerance: float
    """Largest change of a weight in a sweep below which the weights are taken as found."""

    def __call__(self, matrix: Any) -> Any:
        """Return the weights as csr_array, shape (items, items): the column of an item is its regression.

        Parameters
        ----------
        matrix : csr_array, shape (users, items)
        """
        from scipy.sparse import csr_array

        gram = gram_of(matrix).astype(np.float32)
        users = int((np.diff(matrix.indptr) > 0).sum())
        weights = np.zeros_like(gram)
        for _ in range(self.sweeps):
            largest = 0.0
            for start in range(0, len(gram), ROWS):
                largest = max(largest, self._descend(gram, weights, slice(start, min(start + ROWS, len(gram))), users))
            if largest < self.tolerance:
                break
        return csr_array(weights)

    def _descend(self, gram: NDArray[np.float32], weights: NDArray[np.float32], rows: slice, users: int) -> float:
        """Update the weights of a block of rows, in place, and return the largest change."""
        before, largest = weights[rows].copy(), 0.0
        # What is left to explain, as each row sees it; kept true below while the rows of the block change.
        left = gram[rows] - gram[rows] @ weights
        own = gram[rows, rows]
        lasso, ridge = users * self.alpha * self.l1_ratio, users * self.alpha * (1 - self.l1_ratio)
        for place in range(len(own)):
            square = own[place, place]
            if square <= 0:
                continue
            new = np.maximum(left[place] + square * before[place] - lasso, 0.0) / (square + ridge)
            new[rows.start + place] = 0.0
            change = new - before[place]
            left[place + 1 :] -= np.outer(own[place + 1 :, place], change)
            weights[rows.start + place] = new
            largest = max(largest, float(np.abs(change).max()))
        return largest
