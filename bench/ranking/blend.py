"""Scores of several recommenders as one: each user's scores on one scale, and their weighted mean.

The counterpart of `bench.blend` for interactions. Knows how a recommender is asked; no cell and no search.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.ranking.asked import Queries
from bench.ranking.held import asking_of
from bench.ranking.top import sound

if TYPE_CHECKING:
    from bench.types import Dataset, Split

Floats = NDArray[np.floating]


def standardised(scores: Floats) -> NDArray[np.float32]:
    """Return scores with mean 0 and standard deviation 1 for each user; where there is none, the user's least.

    Parameters
    ----------
    scores : array, shape (n, items)
        Minus infinity where there is none.

    Examples
    --------
    >>> standardised(np.array([[1.0, 3.0, -np.inf], [2.0, 2.0, 2.0]])).tolist()
    [[-1.0, 1.0, -1.0], [0.0, 0.0, 0.0]]
    """
    known = np.isfinite(scores)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled = np.where(known, scores, 0.0)
    centred = np.where(known, filled - filled.sum(axis=1, keepdims=True) / count, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=1, keepdims=True) / count)
    found = centred / np.where(spread > 0, spread, 1.0)
    return np.where(known, found, found.min(axis=1, keepdims=True)).astype(np.float32)


@dataclass
class Fused:
    """A weighted mean of fitted recommenders, whose scores are standardised for each user."""

    models: Sequence[Any]
    weights: Sequence[float]
    """Summing to one."""

    def fit(self, X: Any, y: Any) -> Self:
        """Refuse: the models are fitted already."""
        raise TypeError("A blend of fitted models is not fitted again.")

    def predict(self, X: Queries) -> Floats:
        """Return the scores; minus infinity where no model has one."""
        total = np.zeros((len(X), X.catalogue), dtype=np.float32)
        silent = np.ones(total.shape, dtype=bool)
        for model, weight in zip(self.models, self.weights, strict=True):
            scores = sound(model.predict(X), len(X), X.catalogue)
            silent &= np.isneginf(scores)
            total += np.float32(weight) * standardised(scores)
        total[silent] = -np.inf
        return total


def inner_answers(model: Any, dataset: "Dataset", split: "Split") -> NDArray[np.float32]:
    """Return what a model, fitted here, says of all users of a split at once, on the scale of a `Fused`."""
    model.fit(dataset.X.iloc[split.fitted].reset_index(drop=True), dataset.y[split.fitted])
    queries = asking_of(dataset, split).queries
    return standardised(sound(model.predict(queries), len(queries), queries.catalogue))
