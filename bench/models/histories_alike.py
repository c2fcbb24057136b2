"""Neighbours of users, by their histories."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Known, Scores, known_in, matrix_of, only_known
from bench.ranking.asked import Codes, Queries
from bench.types import Context

BLOCK = 2**23
"""Similarities that are held at a time."""


@dataclass
class UserNeighbours:
    """What the users did whose histories are most alike by their cosine."""

    neighbours: int
    shrink: float
    context: Context
    matrix: Any = None
    lengths: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    known: Known | None = None

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Keep the interactions."""
        self.matrix = matrix_of(X, y, self.context)
        self.known, self.lengths = known_in(self.matrix), _lengths(self.matrix)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return similarities, summed over the neighbours who had an item; nothing to say of items that none had."""
        assert self.known is not None
        history = X.history
        scores = np.full(history.shape, -np.inf, dtype=np.float32)
        size = max(1, BLOCK // self.matrix.shape[0])
        for start in range(0, len(X), size):
            rows = slice(start, start + size)
            alike = self._alike(history[rows], X.users[rows])
            found = (alike @ self.matrix).tocsr()
            places = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
            scores[start + places, found.indices] = found.data
        return only_known(scores, X, self.known)

    def _alike(self, history: Any, users: Codes) -> Any:
        """Return the similarity of histories to their nearest users, a user's own left out, as csr_array."""
        from scipy.sparse import csr_array

        values = (history @ self.matrix.T).toarray()
        values /= np.maximum(np.outer(_lengths(history), self.lengths) + self.shrink, 1e-12).astype(np.float32)
        values[np.arange(len(values)), users] = 0.0
        few = min(self.neighbours, values.shape[1])
        places = np.argpartition(values, values.shape[1] - few, axis=1)[:, values.shape[1] - few :]
        places.sort(axis=1)
        kept = np.take_along_axis(values, places, axis=1)
        rows = np.repeat(np.arange(len(values)), few)
        alike = csr_array((kept.ravel(), (rows, places.ravel())), shape=values.shape)
        alike.eliminate_zeros()
        return alike


def _lengths(matrix: Any) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return np.sqrt(np.bincount(rows, matrix.data.astype(np.float64) ** 2, minlength=matrix.shape[0]))
