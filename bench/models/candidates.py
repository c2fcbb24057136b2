"""A first stage that proposes items to each user, and what is known of each proposal: what a re-ranker learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Scores, asked_of, counts_of
from bench.models.item_weights import ItemWeights, closed_form, cosine
from bench.models.transitions import Transitions
from bench.ranking.asked import Queries
from bench.ranking.scale import standardised
from bench.ranking.top import NONE, top
from bench.types import Context

RECENT = 0.1
"""Share of the interactions, the last ones, that tell what is popular now."""
NEIGHBOURS, SHRINK = 100, 10.0
STEPS, DECAY, PRIOR = 3, 0.5, 10.0


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """Items that are proposed to users, one a row."""

    users: NDArray[np.intp]
    """Places of the users among the queries, ascending, shape (n,)."""
    items: NDArray[np.intp]
    """Codes, shape (n,)."""
    features: NDArray[np.float32]
    """Shape (n, features)."""
    first: NDArray[np.float32]
    """Score of each user and item by the first of the scorers, standardised; minus infinity for what a user had, and
    where it says nothing, shape (users, items)."""


@dataclass
class FirstStage:
    """EASE, item neighbours, steps from item to item, and what is popular at all and now."""

    context: Context
    penalty: float
    """Of EASE."""
    most: int
    """Items that each scorer proposes."""
    scorers: Sequence[Any] = ()
    popular: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    """Logarithms of interactions of all time and of the last ones, and their difference, shape (3, items)."""
    tagged: NDArray[np.float32] | None = None
    """Tags of each item, as unit vectors, shape (items, tags)."""

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit every scorer on the same rows."""
        context = self.context
        self.scorers = (
            ItemWeights(partial(closed_form, penalty=self.penalty), context).fit(X, y),
            ItemWeights(partial(cosine, neighbours=NEIGHBOURS, shrink=SHRINK, threads=context.threads), context).fit(
                X, y
            ),
            Transitions(STEPS, DECAY, PRIOR, context).fit(X, y),
        )
        every = np.log1p(counts_of(X, context))
        now = np.log1p(counts_of(X.iloc[int((1 - RECENT) * len(X)) :], context))
        self.popular = np.stack([every, now, now - every])
        tagged = asked_of(context).tagged
        if tagged is not None:
            lengths = np.sqrt(np.maximum(tagged.sum(axis=1, keepdims=True), 1))
            self.tagged = (tagged / lengths).astype(np.float32)
        return self

    def propose(self, queries: Queries) -> Proposals:
        """Return what the scorers put first, and what each of them says of it."""
        had = queries.history.toarray() != 0
        told = had.any(axis=1, keepdims=True) & (self.popular[0] > 0)
        everyone = [np.broadcast_to(values.astype(np.float32), had.shape) for values in self.popular[:2]]
        scores = [*(scorer.predict(queries) for scorer in self.scorers), *everyone]
        scores = [standardised(np.where(told & ~had, found, -np.inf)) for found in scores]
        proposed = np.zeros(had.shape, dtype=bool)
        for found in scores:
            lists = top(found, self.most)
            rows, places = np.nonzero(lists != NONE)
            proposed[rows, lists[rows, places]] = True
        users, items = np.nonzero(proposed)
        features = [*_said(scores, users, items), *self._known(queries, users, items)]
        table = np.column_stack(features).astype(np.float32)
        return Proposals(users=users, items=items, features=table, first=scores[0])

    def _known(self, queries: Queries, users: NDArray[np.intp], items: NDArray[np.intp]) -> list[NDArray[Any]]:
        """Return what is known of users and items without a scorer: popularity, taste for it, activity, tags."""
        sizes = np.diff(queries.starts)
        history = queries.history.astype(bool).astype(np.float32)
        taste = history @ self.popular.T / np.maximum(sizes, 1)[:, None]
        features = [*self.popular[:, items], *taste[users].T, np.log1p(sizes)[users]]
        features.append(self.popular[0, items] - taste[users, 0])
        if self.tagged is not None:
            profile = history @ self.tagged
            profile /= np.maximum(np.linalg.norm(profile, axis=1, keepdims=True), 1e-12)
            features.append((profile[users] * self.tagged[items]).sum(axis=1))
        return features


def _said(scores: Sequence[Scores], users: NDArray[np.intp], items: NDArray[np.intp]) -> list[NDArray[Any]]:
    """Return the score and the place of each proposal by each scorer; NaN where one says nothing."""
    features: list[NDArray[Any]] = []
    for found in scores:
        order = np.argsort(-found, axis=1, kind="stable")
        places = np.empty(order.shape, dtype=np.float32)
        np.put_along_axis(places, order, np.arange(found.shape[1], dtype=np.float32)[None], axis=1)
        said = found[users, items]
        features += [np.where(np.isfinite(said), said, np.nan), np.log1p(places[users, items])]
    return features
