"""What single lists say of a model, computed once after its cells: see `bench.ranking.list_items`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.item_files import digests_of, in_order, whole_runs
from bench.predictions import Predictions, Truth
from bench.ranking.held import Relevant
from bench.ranking.hits import hits_in, list_of, scores_of, targets_of
from bench.ranking.list_items import (
    ACTIVITY,
    COLD_ITEMS,
    COLD_USERS,
    WORST,
    ListItems,
    UserSlice,
)
from bench.ranking.metrics import by_user, coverage, defects, gini, lift, mean_over_users
from bench.ranking.top import NONE, Lists
from bench.ranking.truth import RankingTruth
from bench.stats.churn import excess_ranking_churn, ranking_churn
from bench.stats.estimate import Estimate
from bench.types import Record

Floats = NDArray[np.floating]

DESCRIBED = ("novelty", "popularity", "diversity")
QUARTERS = (0.25, 0.5, 0.75)
HEAD = 0.5
"""Share of the interactions that the most popular items hold, the head."""


def measure_lists(records: Sequence[Record], predictions: Predictions, truth: Truth) -> ListItems | None:
    """Return the figures of one model, or None where a list is missing, a cell failed, or nobody has a history.

    Parameters
    ----------
    records : sequence of Record
        All of one model.
    predictions : Predictions
    truth : Truth
        Of interactions.
    """
    if truth.ranking is None:
        return None
    by_seed: dict[int, list[_Cell]] = {}
    for record in sorted(whole_runs(records, truth), key=lambda one: (one.seed, one.repeat, one.fold)):
        relevant = truth.ranking.relevant.get((record.repeat, record.fold))
        lists = predictions.load(record) if record.status == "ok" else None
        if lists is None or relevant is None or len(lists) != len(relevant.users):
            return None
        by_seed.setdefault(record.seed, []).append(_Cell.of((record.repeat, record.fold), relevant, lists))
    if not by_seed:
        return None
    # Repeats of fewer seeds than others: seeds are compared on the splits of the first.
    places = [cell.place for cell in by_seed[min(by_seed)]]
    grid = [cells for _, cells in sorted(by_seed.items()) if [cell.place for cell in cells] == places]
    if not any(len(cell.users) for cell in grid[0]):
        return None
    return _found(digests_of(records), grid, truth.ranking)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cell:
    """What is kept of the lists of one cell."""

    place: tuple[int, int]
    users: NDArray[np.integer]
    """Codes of those who count."""
    history: NDArray[np.integer]
    wanted: NDArray[np.integer]
    hit: NDArray[np.bool_]
    lists: Lists
    """Of candidates."""
    figures: Mapping[str, float]
    defects: Mapping[str, int]
    cold: Mapping[str, tuple[NDArray[np.integer], Floats]]
    """Users and their NDCG, of `COLD_USERS` and `COLD_ITEMS`."""

    @classmethod
    def of(cls, place: tuple[int, int], relevant: Relevant, lists: Lists) -> "_Cell":
        found = hits_in(relevant, lists)
        own, shown = found.counted, list_of(relevant, lists)
        slices = {COLD_USERS: "ndcg_cold_users", COLD_ITEMS: "ndcg_cold_items"}
        cold = {by: by_user(relevant, lists, name) for by, name in slices.items()}
        return cls(
            place=place,
            users=relevant.users[own],
            history=relevant.history[own],
            wanted=found.wanted[own],
            hit=found.hit[own],
            lists=shown[own],
            figures={
                **{name: mean_over_users(relevant, lists, name) for name in DESCRIBED},
                **{one.__name__: one(relevant, lists) for one in (coverage, lift, gini)},
                **_by_popularity(relevant, shown[own], found.hit[own], own),
            },
            defects=defects(relevant, lists),
            cold={by: (relevant.users[counted], values[counted]) for by, (values, counted) in cold.items()},
        )


def _by_popularity(
    relevant: Relevant, shown: Lists, hit: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> dict[str, float]:
    """Return the share of the targets that lists hold, of popular items and of all others."""
    order = np.argsort(-relevant.popularity, kind="stable")
    before = np.cumsum(relevant.popularity[order]) - relevant.popularity[order]
    head = np.zeros(len(order), dtype=bool)
    head[order] = before < HEAD * relevant.popularity.sum()
    asked = np.repeat(counted, np.diff(relevant.starts)) & targets_of(relevant)
    wanted, found = head[relevant.items[asked]], head[shown[hit & (shown != NONE)]]
    sides = {"head_recall": (found.sum(), wanted.sum()), "tail_recall": ((~found).sum(), (~wanted).sum())}
    return {name: float(some / of) if of else math.nan for name, (some, of) in sides.items()}


def _found(digests: str, grid: Sequence[Sequence[_Cell]], truth: RankingTruth) -> ListItems:
    first, relevant = grid[0], next(iter(truth.relevant.values()))
    flat = [cell for cells in grid for cell in cells]
    hit = np.stack([np.concatenate([cell.hit for cell in cells]) for cells in grid])
    users, wanted = (np.concatenate([getattr(cell, name) for cell in first]) for name in ("users", "wanted"))
    ndcg = scores_of("ndcg", hit, wanted, relevant.ideal).mean(axis=0)
    lists = np.stack([np.concatenate([cell.lists for cell in cells]) for cells in grid])
    churn, excess = ranking_churn(lists, users), excess_ranking_churn(lists, hit.sum(axis=2), wanted)
    return ListItems(
        digests=digests,
        seeds=len(grid),
        k=relevant.k,
        ideal=relevant.ideal,
        sizes=tuple(len(cell.users) for cell in first),
        groups=in_order(users),
        wanted=wanted.astype(np.intp),
        hit=hit,
        churn=(churn.value, churn.low, churn.high),
        # Where nothing changed, nothing changed in excess.
        excess_churn=(excess.value, excess.low, excess.high) if churn.value else (0.0, 0.0, 0.0),
        worst_tenth=_worst(_by_code(users, ndcg)),
        slices=(*_by_activity(users, np.concatenate([cell.history for cell in first]), ndcg), *_cold(flat)),
        figures=_means([cell.figures for cell in flat]),
        defects={name: sum(cell.defects[name] for cell in flat) for name in first[0].defects},
    )


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the means over the cells in which each is defined; what is defined in none is left out."""
    known = {name: [one[name] for one in figures if not math.isnan(one[name])] for name in figures[0]}
    return {name: math.fsum(values) / len(values) for name, values in known.items() if values}


def _by_code(users: NDArray[np.integer], values: Floats) -> Floats:
    """Return the mean of each user, in the order of codes."""
    place = np.unique(users, return_inverse=True)[1]
    return np.asarray(np.bincount(place, values) / np.bincount(place))


def _worst(by_user: Floats) -> float:
    """Return the mean of the lowest tenth, rounded up."""
    return float(np.sort(by_user)[: math.ceil(WORST * len(by_user))].mean())


def _by_activity(users: NDArray[np.integer], history: NDArray[np.integer], ndcg: Floats) -> list[UserSlice]:
    """Return quarters of the users by the length of their history, those with the shortest first."""
    quarter = np.searchsorted(np.quantile(history, QUARTERS), history)
    found = []
    for one in np.unique(quarter):
        own = quarter == one
        low, high = history[own].min(), history[own].max()
        label = f"{low} to {high} interactions" if low < high else f"{low} interaction{'s' if low > 1 else ''}"
        found.append(_slice(ACTIVITY, label, users[own], ndcg[own]))
    return found


def _cold(cells: Sequence[_Cell]) -> list[UserSlice]:
    found = []
    for by in (COLD_USERS, COLD_ITEMS):
        users, values = (np.concatenate(parts) for parts in zip(*(cell.cold[by] for cell in cells), strict=True))
        if len(users):
            found.append(_slice(by, by, users, values))
    return found


def _slice(by: str, label: str, users: NDArray[np.integer], ndcg: Floats) -> UserSlice:
    means = _by_code(users, ndcg)
    found = Estimate.of_mean(means, "users")
    return UserSlice(by=by, label=label, users=len(means), ndcg=(found.value, found.low, found.high))
