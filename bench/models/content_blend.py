"""A recommender that goes by interactions, blended with what reads like the items that a user had."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.held_out import PARTS, HeldOut
from bench.models.interactions import Scores, asked_of
from bench.models.item_texts import ItemTexts, Reading
from bench.ranking.asked import Queries
from bench.ranking.scale import standardised
from bench.types import Context, Encoder, Recommender

WEIGHTS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Of the texts, in standard deviations of the other scores. None is 0, or nothing would order what is new."""
WITHOUT_CHOICE = 0.1
"""Weight where no user has two interactions to choose it by."""


@dataclass
class BlendReading(Reading):
    """Parameters of blends, beside those of what goes by interactions."""

    content: float = 0.0
    """Weight of the texts, in standard deviations of the other scores; 0 chooses one of a few on interactions that are
    held out."""
    held_out: str = "last"
    """Which fifth of each user's interactions that is: the last, or random. It does not follow the protocol: under one
    of random parts ``random`` is what the test part is like."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.content < 0:
            raise ValueError(f"content must be at least 0, not {self.content}")
        if self.held_out not in PARTS:
            raise ValueError(f"held_out must be one of {', '.join(PARTS)}, not {self.held_out!r}")


@dataclass
class ContentBlend:
    """Scores by interactions and by text, each standardised for each user, in a weighted sum.

    An item without interactions counts as an average one by the first, and is ordered among its like by text alone.
    Where no weight is given it is chosen on each user's last interactions, whatever the protocol, unless
    ``held_out`` says otherwise.
    """

    make: Callable[[], Recommender]
    """Returns what goes by interactions, not fitted."""
    encoder: Encoder
    context: Context
    reading: BlendReading
    texts: ItemTexts | None = None
    model: Recommender | None = None
    weight: float = 0.0
    """Of the texts."""

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Read the items, choose the weight, and fit on all rows."""
        self.texts = ItemTexts.of(self.encoder, self.context, self.reading)
        self.weight = self.reading.content or self._chosen(X, y)
        self._fit(X, y)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the sums; users without a history get none."""
        return _summed(*self._parts(X), self.weight)

    def _fit(self, X: pd.DataFrame, y: NDArray[Any]) -> None:
        self.model = self.make()
        self.model.fit(X, y)

    def _chosen(self, X: pd.DataFrame, y: NDArray[Any]) -> float:
        asked = asked_of(self.context)
        held = HeldOut.of(X, y, len(asked.items), self.reading.held_out)
        if held is None:
            return WITHOUT_CHOICE
        self._fit(held.X, held.y)
        found = [
            [held.ndcg(place, _summed(*parts, weight), asked.k) for weight in WEIGHTS]
            for place, queries in held.queries.blocks()
            for parts in [self._parts(queries)]
        ]
        return _least_as_good(np.concatenate(found, axis=1))

    def _parts(self, X: Queries) -> tuple[Scores, Scores]:
        """Return standardised scores by interactions and by text, minus infinity where one says nothing."""
        assert self.texts is not None
        assert self.model is not None
        return standardised(self.model.predict(X)), standardised(self.texts.cosines(X))


def _least_as_good(found: NDArray[np.floating]) -> float:
    """Return the smallest weight that is within a standard error of the best, from a score of each weight and user."""
    behind = found[np.argmax(found.mean(axis=1))] - found
    error = behind.std(axis=1) / np.sqrt(found.shape[1])
    return WEIGHTS[int(np.argmax(behind.mean(axis=1) <= error))]


def _summed(scores: Scores, fits: Scores, weight: float) -> Scores:
    there, read = np.isfinite(scores), np.isfinite(fits)
    total: Scores = np.where(there, scores, 0) + np.float32(weight) * np.where(read, fits, 0)
    total[~(there | read)] = -np.inf
    return total
