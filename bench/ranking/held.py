"""What a split of interactions asks of a model, and what the answers are scored against."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.ranking.asked import ITEM, USER, Codes, Queries, Ranking, Recommending
from bench.ranking.top import NONE, Asking

if TYPE_CHECKING:
    from bench.types import Dataset, Split


@dataclass(frozen=True, kw_only=True, eq=False)
class Relevant:
    """What the users of a test part are to be shown, and what scores of lists need beside it."""

    users: Codes
    """Codes of the users, ascending, shape (n,)."""
    starts: Codes
    """Where the targets of each user start and the last one ends, shape (n + 1,)."""
    items: Codes
    """Target items, ascending within a user, shape (m,)."""
    k: int
    ideal: str
    """See `bench.ranking.asked.Ranking`."""
    drop_cold: bool
    """Whether targets that the training part lacks are no targets of the list of candidates."""
    warm: NDArray[np.bool_]
    """Whether a model could know each user, shape (n,)."""
    popularity: NDArray[np.integer]
    """Interactions of each item that models were fitted on, shape (items,)."""
    fitted_users: int
    """Users that models were fitted on."""
    profile: NDArray[np.floating]
    """Mean popularity of the items of each user's history; NaN for a user without one, shape (n,)."""
    history: Codes
    """Interactions of each user's history, shape (n,)."""
    candidates: int
    """Items that may be recommended."""
    open: Codes
    """Of these, how many each user did not have before, or all where the protocol shows what was seen, shape (n,)."""
    sampled: bool
    """Whether lists end with one of sampled items."""
    tagged: NDArray[np.bool_] | None = None
    """Which tags each item has, shape (items, tags); None where nothing is known."""


def kind_of(dataset: "Dataset") -> tuple[Recommending, Ranking]:
    """Return what is asked of recommenders of a data set, and how they are tested.

    Raises
    ------
    BenchError
        If the data set holds no interactions.
    """
    if dataset.recommending is None or dataset.ranking is None:
        raise BenchError(f"{dataset.name} holds no interactions of users and items.")
    return dataset.recommending, dataset.ranking


def asking_of(dataset: "Dataset", split: "Split") -> Asking:
    """Return the users of a test part with their histories, and which lists are made for them.

    The history of a user is all that lies outside the test part; where a validation part is kept out, it is what models
    are fitted on. Nothing of the training part is recommended again, unless the protocol says so.

    Parameters
    ----------
    dataset : Dataset
    split : Split
    """
    asked, ranking = kind_of(dataset)
    user, item = dataset.X[USER].to_numpy(), dataset.X[ITEM].to_numpy()
    users = np.unique(user[split.test])
    known = _rows_of(split.train, user, users, len(asked.users))
    fitted = np.bincount(item[split.fitted], minlength=len(asked.items)) > 0
    candidates = fitted if ranking.candidates == "known" else np.ones(len(asked.items), dtype=bool)
    asking = Asking(
        queries=_queries(dataset, _histories(dataset, split, known), users),
        k=ranking.k,
        banned=_taken(known if ranking.seen == "hide" else known[:0], user, item, users, len(asked.items)),
        candidates=candidates,
        cold=~fitted,
    )
    if not ranking.sampled:
        return asking
    return replace(asking, sampled=_samples(dataset, split, asking, ranking.sampled))


def relevant_of(dataset: "Dataset", split: "Split") -> Relevant:
    """Return what the lists of `asking_of` are scored against.

    Parameters
    ----------
    dataset : Dataset
    split : Split
    """
    asked, ranking = kind_of(dataset)
    user, item = dataset.X[USER].to_numpy(), dataset.X[ITEM].to_numpy()
    users = np.unique(user[split.test])
    # One number for each pair, which sort as pairs do.
    pairs = np.unique(user[split.test].astype(np.int64) * len(asked.items) + item[split.test])
    known = _rows_of(split.train, user, users, len(asked.users))
    history = _queries(dataset, _histories(dataset, split, known), users)
    popularity = np.bincount(item[split.fitted], minlength=len(asked.items))
    sizes = np.diff(history.starts)
    candidates = popularity > 0 if ranking.candidates == "known" else np.ones(len(asked.items), dtype=bool)
    banned = _taken(known if ranking.seen == "hide" else known[:0], user, item, users, len(asked.items))
    profile = np.full(len(users), np.nan)
    filled = sizes > 0
    if filled.any():
        sums = np.add.reduceat(popularity[history.items].astype(float), history.starts[:-1][filled])
        profile[filled] = sums / sizes[filled]
    return Relevant(
        users=users,
        starts=np.asarray(np.searchsorted(pairs // len(asked.items), np.r_[users, len(asked.users)])),
        items=pairs % len(asked.items),
        k=ranking.k,
        ideal=ranking.ideal,
        drop_cold=ranking.cold_items == "drop",
        warm=filled,
        popularity=popularity,
        fitted_users=int((np.bincount(user[split.fitted], minlength=len(asked.users)) > 0).sum()),
        profile=profile,
        history=sizes,
        candidates=int(candidates.sum()),
        open=int(candidates.sum()) - np.asarray(banned @ candidates.astype(np.intp)),
        sampled=bool(ranking.sampled),
        tagged=asked.tagged,
    )


def _rows_of(rows: Codes, user: Codes, users: Codes, count: int) -> Codes:
    """Return those of some rows that belong to some users."""
    named = np.zeros(count, dtype=bool)
    named[users] = True
    return rows[named[user[rows]]]


def _histories(dataset: "Dataset", split: "Split", known: Codes) -> Codes:
    """Return the rows of the histories among the known rows of the users who ask."""
    asked, ranking = kind_of(dataset)
    if split.fit is None or not ranking.validation:
        return known
    user = dataset.X[USER].to_numpy()
    in_fit = np.zeros(len(user), dtype=bool)
    in_fit[split.fit] = True
    fitted = np.zeros(len(asked.users), dtype=bool)
    fitted[user[split.fit]] = True
    # Users whom no model is fitted on are asked by all that they did.
    return np.asarray(known[in_fit[known] | ~fitted[user[known]]])


def _queries(dataset: "Dataset", rows: Codes, users: Codes) -> Queries:
    """Return the histories behind rows, which stand in the order of time."""
    asked, _ = kind_of(dataset)
    return Queries.of(pd.DataFrame(dataset.X.iloc[rows]), dataset.y[rows], users, len(asked.items))


def _taken(rows: Codes, user: Codes, item: Codes, users: Codes, items: int) -> Any:
    """Return which items stand in some rows of each user, shape (users, items)."""
    from scipy.sparse import csr_array

    places = np.searchsorted(users, user[rows])
    found = csr_array((np.ones(len(rows), dtype=bool), (places, item[rows])), shape=(len(users), items))
    found.sum_duplicates()
    return found


def _samples(dataset: "Dataset", split: "Split", asking: Asking, count: int) -> Codes:
    """Return of each user the targets and as many items that were neither target nor had before, drawn uniformly."""
    from bench.types import seed_for

    user, item = (dataset.X[name].to_numpy() for name in (USER, ITEM))
    users, items = asking.queries.users, len(asking.candidates)
    targets = _taken(split.test, user, item, users, items)
    wanted = count + np.diff(targets.indptr)
    generator = np.random.default_rng(seed_for(0, "sampled", dataset.fingerprint, split.repeat, split.fold))
    most = min(items, int(wanted.max(initial=0)))
    found = np.full((len(users), most), NONE, dtype=np.int64)
    for place, _ in asking.queries.blocks():
        # The smallest of random keys are a draw without replacement; targets come first, and what is out comes never.
        keys = generator.random((place.stop - place.start, items))
        keys[:, ~asking.candidates] = np.inf
        for taken, key in ((asking.banned[place], np.inf), (targets[place], -1.0)):
            keys[np.repeat(np.arange(len(keys)), np.diff(taken.indptr)), taken.indices] = key
        drawn = np.argpartition(keys, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(keys, drawn, axis=1), axis=1, kind="stable")
        drawn = np.take_along_axis(drawn, order, axis=1)
        there = np.isfinite(np.take_along_axis(keys, drawn, axis=1)) & (np.arange(most) < wanted[place, None])
        # Ascending codes, of which ties take the first one.
        ascending = np.sort(np.where(there, drawn, items), axis=1)
        found[place] = np.where(ascending == items, NONE, ascending)
    return found
