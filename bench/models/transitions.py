"""What follows what in the histories of users."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Scores, asked_of, counts_of, only_known
from bench.ranking.asked import ITEM, USER, Queries
from bench.types import Context


@dataclass
class Transitions:
    """Counts of which item came soon after which, smoothed by how often each was taken up at all.

    A step further away in a history counts for less, both while they are counted and in the history that is asked
    about.
    """

    steps: int
    """Farthest step that is counted, and last items of a history that are gone by."""
    decay: float
    """What a step counts of the one before."""
    prior: float
    """Steps that the share of each item among all interactions stands for."""
    context: Context
    counts: Any = None
    """csr_array, shape (items, items): from row to column."""
    shares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Count steps; rows stand in the order of time."""
        from scipy.sparse import csr_array

        items = len(asked_of(self.context).items)
        order = np.argsort(X[USER].to_numpy(), kind="stable")
        user, item = X[USER].to_numpy()[order], X[ITEM].to_numpy()[order]
        total = csr_array((items, items), dtype=np.float32)
        for step in range(1, min(self.steps, len(X) - 1) + 1):
            same = user[step:] == user[:-step]
            pairs = item[:-step][same], item[step:][same]
            counted = np.full(len(pairs[0]), self.decay ** (step - 1), dtype=np.float32)
            total = total + csr_array((counted, pairs), shape=(items, items))
        self.counts, self.shares = total, counts_of(X, self.context) / max(1, len(X))
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the smoothed chances of a step from the last items of each history."""
        from scipy.sparse import csr_array

        last = np.repeat(X.starts[1:], np.diff(X.starts)) - 1 - np.arange(len(X.items))
        recent = last < self.steps
        users = np.repeat(np.arange(len(X)), np.diff(X.starts))[recent]
        weights = self.decay ** last[recent].astype(np.float64)
        shape = (len(X), X.catalogue)
        from_items = csr_array((weights, (users, X.items[recent])), shape=shape)
        left = 1.0 / (np.asarray(self.counts.sum(axis=1)).ravel() + self.prior)
        chances = from_items * left[None, :]
        scores = (chances.tocsr() @ self.counts).toarray()
        scores += self.prior * np.asarray(chances.sum(axis=1)).reshape(-1, 1) * self.shares
        return only_known(scores, X, self.shares > 0)
