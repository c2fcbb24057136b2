"""Several recommenders as one, by the places of items in their lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from bench.models.interactions import Scores
from bench.ranking.asked import Queries


class Member(Protocol):
    """A recommender."""

    def fit(self, X: pd.DataFrame, y: Any) -> Any:
        """Learn from interactions."""

    def predict(self, X: Queries) -> Scores:
        """Return scores, shape (n, items)."""


@dataclass
class RankFusion:
    """The sum over members of one over a constant and an item's place (reciprocal rank fusion).

    References
    ----------
    Cormack et al. 2009, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning Methods.
    """

    members: Sequence[Member]
    constant: float

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit every member."""
        for member in self.members:
            member.fit(X, y)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the sums; there is nothing to say where no member has anything to say."""
        had = X.history.astype(bool).toarray()
        total = np.zeros(had.shape, dtype=np.float32)
        for member in self.members:
            scores = member.predict(X)
            order = np.argsort(-scores, axis=1, kind="stable")
            # What a user had before takes no place from others: members differ in how high they put it.
            others = np.cumsum(~np.take_along_axis(had, order, axis=1), axis=1)
            places = np.empty(order.shape, dtype=np.float32)
            np.put_along_axis(places, order, others.astype(np.float32), axis=1)
            total += np.where(np.isfinite(scores), 1.0 / (self.constant + places), 0.0)
        total[total == 0] = -np.inf
        return total
