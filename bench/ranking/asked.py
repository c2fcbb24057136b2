"""What is asked of recommenders, what they are told of users and items, and the protocol that they are tested under."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

USER, ITEM, TIME = "user", "item", "time"
"""Columns of every frame of interactions: codes of users and of items, and where it is known the time stamp."""

Codes = NDArray[np.integer]

BLOCK_CELLS = 2**24
"""Scores that are held at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recommending:
    """What models are told: how long a list is, and what is known of users and items beside interactions."""

    k: int
    """Items of a list."""
    users: NDArray[Any]
    """Labels of the users by code, ascending; also of those that no interaction names."""
    items: NDArray[Any]
    """Labels of the items by code, ascending."""
    texts: tuple[str, ...] = ()
    """What can be read of each item, by code: title, genres, description; empty where there is no table of items."""
    titles: tuple[str, ...] = ()
    """What a person calls each item."""
    tags: tuple[str, ...] = ()
    """Names of the columns of ``tagged``."""
    tagged: NDArray[np.bool_] | None = None
    """Which tags each item has, genres say, shape (items, tags)."""
    item_table: pd.DataFrame | None = None
    """Further columns, a row an item in the order of codes; missing values where the table lacks one."""
    user_table: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How recommendations are tested; rows of different protocols never stand in one table."""

    k: int = 10
    at_least: float | None = None
    """Least rating of a positive interaction; others are dropped. None: every interaction is positive."""
    duplicates: Literal["first", "last"] = "first"
    """Which of several interactions of one user and item is kept. With the last, what a user had before is moved behind
    a cut in time, and found again."""
    weights: Literal["one", "rating"] = "one"
    """What a positive interaction weighs."""
    core: int = 0
    """Interactions that users and items must have in the training part at least, until all have (k-core); 0: none."""
    split: str = "global_time"
    """``global_time``, ``leave_last``, ``random`` or ``held_out_users``."""
    share: float = 0.2
    """Of the interactions, or of a user's, that the test part takes."""
    validation: float = 0.0
    """Share that is kept out of fits, and is no target either: published protocols have it for their own searches."""
    last: int = 1
    """Interactions of each user that ``leave_last`` takes."""
    windows: int = 0
    """Cuts in time of ``global_time``, each ``share`` before the next; 0 takes the budget's."""
    ties: Literal["row", "item", "shuffled"] = "row"
    """Order of interactions of one user and time: that of the file, that of item labels, or one that the seed draws."""
    targets: Literal["all", "first", "last", "random"] = "all"
    """Which of a user's held-out interactions are to be found."""
    candidates: Literal["known", "catalogue"] = "known"
    """Items that may be recommended: those of the training part, or all that any table names."""
    seen: Literal["hide", "show"] = "hide"
    """Whether items that a user had before are left out of the list."""
    cold_items: Literal["miss", "drop"] = "miss"
    """Held-out items that the training part lacks: misses, or no targets. They are a slice of their own either way."""
    ideal: Literal["min", "k", "all"] = "min"
    """What NDCG is normalised by: as many hits as fit and exist, k hits, or all relevant items."""
    sampled: int = 0
    """Uniform negatives of the diagnostic that ranks each user's targets among them; 0 leaves it out."""

    @property
    def hash(self) -> str:
        """Eight hexadecimal digits that name the protocol."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Queries:
    """Users who ask for a list, and what each did before: all that a model is given to answer by."""

    users: Codes
    """Codes, shape (n,)."""
    starts: Codes
    """Where the history of each user starts and the last one ends, shape (n + 1,)."""
    items: Codes
    """Items of the histories, in the order of time, shape (m,)."""
    weights: NDArray[np.float32]
    """Of each of these interactions, shape (m,)."""
    times: NDArray[Any] | None
    """Time stamp of each, shape (m,); None where the data have none."""
    catalogue: int
    """Number of items."""

    @classmethod
    def of(cls, X: pd.DataFrame, y: NDArray[Any], users: Codes, catalogue: int) -> Self:
        """Return users as they ask, with what they did among some rows as histories.

        Parameters
        ----------
        X : DataFrame, n rows
            Interactions in the order of time; those of others than the users are left out.
        y : array, shape (n,)
            What each of them weighs.
        users : array
            Codes, ascending.
        catalogue : int
            Number of items.
        """
        codes = X[USER].to_numpy()
        rows = np.flatnonzero(np.isin(codes, users))
        rows = rows[np.argsort(codes[rows], kind="stable")]
        return cls(
            users=users,
            starts=np.r_[np.searchsorted(codes[rows], users), len(rows)],
            items=X[ITEM].to_numpy()[rows],
            weights=np.asarray(y)[rows].astype(np.float32),
            times=X[TIME].to_numpy()[rows] if TIME in X.columns else None,
            catalogue=catalogue,
        )

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.users)

    @property
    def history(self) -> Any:
        """The histories as a scipy.sparse.csr_array of weights, shape (n, items)."""
        from scipy.sparse import csr_array

        # A copy: the next line would move weights away from items, and starts, for those who go by the order of time.
        found = csr_array((self.weights, self.items, self.starts), shape=(len(self), self.catalogue), copy=True)
        # Several of one item are summed, and a row is in the order of items, as libraries expect.
        found.sum_duplicates()
        return found

    def take(self, places: Codes) -> Self:
        """Return some of the users, in the given order."""
        sizes = np.diff(self.starts)[places]
        starts = np.r_[0, np.cumsum(sizes)]
        rows = np.repeat(self.starts[:-1][places] - starts[:-1], sizes) + np.arange(starts[-1])
        return type(self)(
            users=self.users[places],
            starts=starts,
            items=self.items[rows],
            weights=self.weights[rows],
            times=None if self.times is None else self.times[rows],
            catalogue=self.catalogue,
        )

    def blocks(self) -> Iterator[tuple[slice, Self]]:
        """Yield all users in parts whose scores fit into memory."""
        size = max(1, BLOCK_CELLS // max(1, self.catalogue))
        for start in range(0, len(self), size):
            place = slice(start, min(start + size, len(self)))
            yield place, self.take(np.arange(place.start, place.stop))
