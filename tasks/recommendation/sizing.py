"""Fewer users, for a budget: whole ones, with the labels and tables that are theirs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import fingerprint
from bench.ranking.asked import ITEM, USER, Recommending
from bench.ranking.held import kind_of
from bench.types import Dataset

LEAST_USERS = 2


def with_users(dataset: Dataset, rows: int, seed: int) -> Dataset:
    """Return users drawn at random until they have so many interactions, each with all of its own.

    Parameters
    ----------
    dataset : Dataset
    rows : int
    seed : int

    Returns
    -------
    Dataset
        With codes, labels and tables of what is left: items that no user is left of go as well, but stay where the
        whole catalogue may be recommended.
    """
    told, ranking = kind_of(dataset)
    user, item = (dataset.X[name].to_numpy() for name in (USER, ITEM))
    counts = np.bincount(user, minlength=len(told.users))
    order = np.random.default_rng(seed).permutation(np.flatnonzero(counts))
    most = max(LEAST_USERS, int(np.searchsorted(np.cumsum(counts[order]), rows)) + 1)
    drawn = np.zeros(len(counts), dtype=bool)
    drawn[order[:most]] = True
    kept = np.flatnonzero(drawn[user])
    if ranking.candidates == "catalogue":
        items = np.ones(len(told.items), dtype=bool)
    else:
        items = np.bincount(item[kept], minlength=len(told.items)) > 0
    codes = {USER: _renumbered(user[kept], drawn), ITEM: _renumbered(item[kept], items)}
    said = f"{int(drawn.sum())} of {len(order)} users ({len(kept)} of {len(dataset.y)} interactions)"
    smaller = replace(
        dataset,
        X=dataset.X.iloc[kept].reset_index(drop=True).assign(**codes),
        y=dataset.y[kept],
        time=None if dataset.time is None else dataset.time[kept],
        recommending=_narrowed(told, drawn, items),
        notes=(*dataset.notes, f"A subsample of {said}, at random."),
    )
    return replace(smaller, fingerprint=fingerprint(smaller))


def _renumbered(codes: NDArray[Any], kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return codes among what is kept."""
    return np.asarray((np.cumsum(kept) - 1)[codes], dtype=np.int32)


def _narrowed(told: Recommending, users: NDArray[np.bool_], items: NDArray[np.bool_]) -> Recommending:
    """Return what is told of some users and items."""

    def of(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(np.asarray(values, dtype=object)[items]) if values else ()

    def rows(table: pd.DataFrame | None, kept: NDArray[np.bool_]) -> pd.DataFrame | None:
        return None if table is None else table.loc[kept].reset_index(drop=True)

    return replace(
        told,
        users=told.users[users],
        items=told.items[items],
        texts=of(told.texts),
        titles=of(told.titles),
        tagged=None if told.tagged is None else told.tagged[items],
        item_table=rows(told.item_table, items),
        user_table=rows(told.user_table, users),
    )
