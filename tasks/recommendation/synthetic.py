"""Interactions made by a known law, with the best lists that any recommender could make of them: the ceiling.

Every user has tastes, every item has traits and a popularity; the next item is drawn among those that the user has not
had, with odds that are the exponential of how well they meet (a Plackett-Luce draw). Who knows these odds ranks by
them, and no list has more expected hits, or has them earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError, did_you_mean
from bench.ranking.asked import USER
from bench.types import Dataset, Split, seed_for

SCHEME = "synthetic:"
START = 1_600_000_000
"""Seconds since 1970."""
YEAR = 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class Law:
    """How interactions come about."""

    users: int
    items: int
    each: int
    """Interactions of a user."""
    tastes: int
    """Dimensions in which users and items meet."""
    strength: float
    """Standard deviation of how well they meet, in logarithms of odds; at 0 all users are alike."""
    popularity: float
    """Standard deviation of what all users share."""


LAWS = {
    "tastes": Law(users=1000, items=400, each=25, tastes=4, strength=2.0, popularity=0.7),
    "fashion": Law(users=1000, items=400, each=25, tastes=4, strength=0.0, popularity=1.5),
}


def law(path: str) -> Law:
    """Return the law behind an address such as ``synthetic:tastes``.

    Raises
    ------
    DataError
        If there is no such law.
    """
    name = path.removeprefix(SCHEME)
    if name not in LAWS:
        raise DataError(f"Unknown synthetic data set {name!r}. {did_you_mean(name, LAWS)}")
    return LAWS[name]


def odds(path: str) -> NDArray[np.float64]:
    """Return the logarithm of the odds of each user and item, up to a constant, shape (users, items)."""
    made, generator = law(path), np.random.default_rng(seed_for(0, path, "law"))
    tastes = generator.standard_normal((made.users, made.tastes))
    traits = generator.standard_normal((made.items, made.tastes))
    shared = generator.standard_normal(made.items)
    return np.asarray(made.strength / np.sqrt(made.tastes) * tastes @ traits.T + made.popularity * shared)


def generate(path: str) -> pd.DataFrame:
    """Return the interactions of a law in the order of time: ``user``, ``item`` and ``timestamp``."""
    made, generator = law(path), np.random.default_rng(seed_for(0, path, "draws"))
    # The highest sums of log odds and Gumbel noise are draws without replacement, in their order.
    noisy = odds(path) + generator.gumbel(size=(made.users, made.items))
    items = np.argsort(-noisy, axis=1)[:, : made.each]
    # Users come one after the other and stay for a while, so that some are new to any cut in time.
    since = START + generator.uniform(0, 2 * YEAR, size=(made.users, 1))
    times = np.sort(since + generator.uniform(0, YEAR, size=(made.users, made.each)), axis=1)
    frame = pd.DataFrame(
        {
            "user": np.repeat(user_labels(made), made.each),
            "item": item_labels(made)[items.ravel()],
            "timestamp": times.ravel().astype(np.int64),
        }
    )
    return frame.sort_values("timestamp", kind="stable", ignore_index=True)


def user_labels(made: Law) -> NDArray[np.object_]:
    """Return the labels of the users of a law, ascending."""
    return np.array([f"u{number:04d}" for number in range(made.users)], dtype=object)


def item_labels(made: Law) -> NDArray[np.object_]:
    """Return the labels of the items of a law, ascending."""
    return np.array([f"i{number:04d}" for number in range(made.items)], dtype=object)


def optimum(path: str, dataset: Dataset, split: Split) -> NDArray[np.float64]:
    """Return the scores of the best possible lists: log odds of the users of a test part, shape (users, items).

    Parameters
    ----------
    path : str
        Of the law that made the data set.
    dataset : Dataset
    split : Split
        Rows of the result are its users in the order of `bench.ranking.held.asking_of`.
    """
    made, told = law(path), dataset.recommending
    assert told is not None
    users = told.users[np.unique(dataset.X[USER].to_numpy()[split.test])]
    places = (np.searchsorted(user_labels(made), users), np.searchsorted(item_labels(made), told.items))
    return np.asarray(odds(path)[np.ix_(*places)])


def best_of(path: str) -> Callable[[Dataset, Split], NDArray[np.float64]] | None:
    """Return `optimum` of a law, or None of other data."""
    return partial(optimum, path) if path.startswith(SCHEME) else None
