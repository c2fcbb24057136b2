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
from bench.ranking.scale import standardised, with_least
from bench.ranking.top import sound

if TYPE_CHECKING:
    from bench.types import Dataset, Split

Floats = NDArray[np.floating]


@dataclass
class WeightedScores:
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
            scores = standardised(sound(model.predict(X), len(X), X.catalogue))
            silent &= np.isneginf(scores)
            total += np.float32(weight) * with_least(scores)
        total[silent] = -np.inf
        return total


def inner_answers(model: Any, dataset: "Dataset", split: "Split") -> Floats:
    """Return what a model, fitted here, says of all users of a split at once, in a form of which means can be made.

    Returns
    -------
    array, shape (2, n, items)
        Scores on the scale of `WeightedScores`, and one where the model has none.
    """
    model.fit(dataset.X.iloc[split.fitted].reset_index(drop=True), dataset.y[split.fitted])
    queries = asking_of(dataset, split).queries
    scores = standardised(sound(model.predict(queries), len(queries), queries.catalogue))
    return np.stack([with_least(scores), np.isneginf(scores)])


def scores_in(answers: Floats) -> Floats:
    """Return the scores in a mean of inner answers, as new ones: minus infinity where no model of it has one.

    Examples
    --------
    >>> scores_in(np.array([[[0.5, -1.0]], [[0.5, 1.0]]])).tolist()
    [[0.5, -inf]]
    """
    scores, silent = answers
    # As many ones over as many models are exactly one.
    return np.where(silent == 1, -np.inf, scores)
