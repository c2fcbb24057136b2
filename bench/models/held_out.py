"""Interactions that models of recommendation hold out of their own fit, to choose or to learn a second stage by.

A model is not told under which protocol it is tested: what is held out is what its parameters say, by default the last
interactions of each user, also where the test part is random or that of users whom nothing is fitted on.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Scores
from bench.ranking.asked import ITEM, USER, Queries
from bench.ranking.gain import ndcg
from bench.ranking.top import NONE, Lists, top

SHARE = 0.2
"""Of each user's interactions."""
PARTS = ("last", "random")
"""Which they are: the last ones fit tests on what comes later, random ones tests on what was drawn from all times."""
MOST_USERS = 5_000
"""Users that are asked; of more, as many in equal steps of their codes."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A share of each user's interactions, and the others."""

    X: pd.DataFrame
    """All interactions that are not held out, also those of users who are not asked."""
    y: NDArray[Any]
    queries: Queries
    """Users who have both, with the others as their histories."""
    wanted: Any
    """csr_array of booleans: what is held out of them, shape (users, items)."""

    @classmethod
    def of(cls, X: pd.DataFrame, y: NDArray[Any], catalogue: int, part: str) -> Self | None:
        """Return interactions as parts, or None where no user has two of them.

        Parameters
        ----------
        X : DataFrame
        y : array, shape (n,)
        catalogue : int
            Number of items.
        part : str
            Which of each user's interactions are held out, one of `PARTS`.
        """
        from scipy.sparse import csr_array

        # Drawn by no seed of the run: a model that has no other random part repeats under any.
        rows = np.arange(len(X)) if part == "last" else np.random.default_rng(0).permutation(len(X))
        held = np.zeros(len(X), dtype=bool)
        held[rows] = last_of_each(X.iloc[rows], SHARE)
        users = np.unique(X[USER].to_numpy()[held])
        if not len(users):
            return None
        asked = users[np.linspace(0, len(users) - 1, min(len(users), MOST_USERS)).astype(np.intp)]
        kept, then, weights = X[~held], X[held & np.isin(X[USER], asked)], np.asarray(y)[~held]
        places = np.searchsorted(asked, then[USER].to_numpy()), then[ITEM].to_numpy()
        wanted = csr_array((np.ones(len(then), dtype=bool), places), shape=(len(asked), catalogue))
        wanted.sum_duplicates()
        return cls(X=kept, y=weights, queries=Queries.of(kept, weights, asked, catalogue), wanted=wanted)

    def ndcg(self, place: slice, scores: Scores, k: int) -> NDArray[np.floating]:
        """Return NDCG of some users' lists of k items, without what is in their histories.

        Parameters
        ----------
        place : slice
            Of the users, as `Queries.blocks` gives them.
        scores : array, shape (n, items)
        k : int
            Items of a list.
        """
        had = self.queries.take(np.arange(len(self.queries))[place]).history.toarray() != 0
        return ndcg_of(top(np.where(had, -np.inf, scores), k), self.wanted[place])


def ndcg_of(lists: Lists, wanted: Any) -> NDArray[np.floating]:
    """Return NDCG of each user's list, over as many hits as fit and exist.

    Parameters
    ----------
    lists : array, shape (users, k)
    wanted : csr_array of booleans, shape (users, items)
        At least one of each user.
    """
    hits = np.take_along_axis(wanted.toarray(), np.maximum(lists, 0), axis=1) & (lists != NONE)
    return ndcg(hits, np.diff(wanted.indptr), "min")


def last_of_each(X: pd.DataFrame, share: float) -> NDArray[np.bool_]:
    """Return which rows are the last ones of their user: a share of them, one at least where a user has two.

    Examples
    --------
    >>> last_of_each(pd.DataFrame({"user": [0, 1, 0, 0, 2, 0, 0, 2]}), 0.2).tolist()
    [False, False, False, False, False, False, True, True]
    """
    grouped = X.groupby(USER, sort=False)[USER]
    from_end, sizes = grouped.cumcount(ascending=False).to_numpy(), grouped.transform("size").to_numpy()
    return np.asarray((from_end < np.maximum(1, np.round(share * sizes))) & (sizes > 1))
