"""Items scored by a count that is the same for all users."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Scores, counts_of
from bench.ranking.asked import Queries
from bench.types import Context

Importance = Callable[[pd.DataFrame], NDArray[np.floating]]
"""Takes interactions, and returns how much each of them counts, shape (n,)."""


@dataclass
class Counted:
    """How often each item was taken up, with some interactions counting for less; of equal ones the all-time count."""

    context: Context
    importance: Importance | None = None
    """None counts each in full."""
    counts: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Count."""
        every = counts_of(X, self.context)
        self.counts = every
        if self.importance is not None:
            # Less than the smallest interaction in full, so that it decides between equals alone.
            self.counts = counts_of(X, self.context, self.importance(X)) + 1e-6 * every / max(1.0, every.sum())
        self.counts[every == 0] = -np.inf
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the counts, the same for each user, whoever it is; an item that was never taken up has none."""
        return np.tile(self.counts, (len(X), 1))
