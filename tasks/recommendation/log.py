"""Interactions in order: by time, each pair of user and item once, positive ones only; and what is said of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from bench.ranking.asked import Ranking
from tasks.recommendation.ids import Named
from tasks.recommendation.reading import Log


def tidy(log: Log, ranking: Ranking) -> Log:
    """Return the positive interactions in the order of time, one for each user and item, with notes.

    Parameters
    ----------
    log : Log
    ranking : Ranking

    Raises
    ------
    DataError
        If nothing can be learned or recommended from what is left.
    """
    log = _positive(_without_duplicates(_in_order(log, ranking), ranking), ranking)
    log = replace(log, users=_used(log.users), items=_used(log.items))
    _check(log, ranking)
    return replace(log, notes=(*log.notes, *_sizes(log), *_ties(log, ranking)))


def weights_of(log: Log, ranking: Ranking) -> NDArray[np.float32]:
    """Return what each interaction weighs.

    Raises
    ------
    DataError
        If ratings are to be weights and one is not above zero.
    """
    if ranking.weights == "one" or log.ratings is None:
        return np.ones(len(log), dtype=np.float32)
    if (low := log.ratings <= 0).any():
        raise DataError(
            f"{log.source}: data.weights=rating needs ratings above 0, and {int(low.sum())} are not, such as "
            f"{log.ratings[low][0]:g}. Keep the high ones by data.at_least=, or leave data.weights out."
        )
    return log.ratings.astype(np.float32)


def _in_order(log: Log, ranking: Ranking) -> Log:
    times = log.times
    if times is None:
        return log
    if ranking.ties == "item":
        return log.take(np.lexsort((log.items.codes, times)))
    return log if (times[1:] >= times[:-1]).all() else log.take(np.argsort(times, kind="stable"))


def _without_duplicates(log: Log, ranking: Ranking) -> Log:
    pairs = log.users.codes.astype(np.int64) * len(log.items.labels) + log.items.codes
    again = pd.Series(pairs).duplicated(keep=ranking.duplicates).to_numpy()
    if not again.any():
        return log
    late = ", so some is found behind a cut that was there before it" if ranking.duplicates == "last" else ""
    return log.take(
        np.flatnonzero(~again),
        f"{int(again.sum())} of {len(log)} rows repeat a user and an item: the {ranking.duplicates} of each pair "
        f"counts (data.duplicates){late}. What is bought again is not what lists are scored on.",
    )


def _positive(log: Log, ranking: Ranking) -> Log:
    if ranking.at_least is None or log.ratings is None:
        return log
    kept = np.flatnonzero(log.ratings >= ranking.at_least)
    if not len(kept):
        raise DataError(
            f"{log.source}: no rating is {ranking.at_least:g} or more; they go from {log.ratings.min():g} to "
            f"{log.ratings.max():g}. Give a lower data.at_least."
        )
    said = f"{len(kept)} of {len(log)} interactions are positive: their rating is {ranking.at_least:g} or more."
    return log.take(kept, said)


def _used(some: Named) -> Named:
    """Return codes of those labels only that a row has."""
    used = np.bincount(some.codes, minlength=len(some.labels)) > 0
    if used.all():
        return some
    places = (np.cumsum(used) - 1).astype(np.int32)
    return Named(codes=places[some.codes], labels=some.labels[used])


def _check(log: Log, ranking: Ranking) -> None:
    users, items = len(log.users.labels), len(log.items.labels)
    positive = " positive" if ranking.at_least is not None else ""
    for count, what, wanted in ((users, "user", "several users"), (items, "item", "several items to choose from")):
        if count == 1:
            label = (log.users if what == "user" else log.items).labels[0]
            raise DataError(
                f"{log.source}: all{positive} interactions are of one {what}, {label!r}. Recommendation needs "
                f"{wanted}: is data.{what} the right column?"
            )
    if users == len(log):
        raise DataError(
            f"{log.source}: each of {users} users has one{positive} interaction, so nobody's next one can be told from "
            "those before. Is data.user the right column?"
        )


def _sizes(log: Log) -> tuple[str, ...]:
    users, items = len(log.users.labels), len(log.items.labels)
    single = int((np.bincount(log.users.codes) == 1).sum())
    notes = [
        f"{len(log)} interactions of {users} users with {items} items, {len(log) / users / items:.2%} of all pairs"
        f"{_span(log)}."
    ]
    if single:
        notes.append(f"{single} of {users} users have one interaction.")
    return tuple(notes)


def _span(log: Log) -> str:
    if log.times is None:
        return ", without time stamps"
    ends = (log.times[0], log.times[-1])
    if not log.dated:
        return f", from {ends[0]:g} to {ends[1]:g} in data.time"
    first, last = (str(np.datetime64(int(end), "s").astype("datetime64[D]")) for end in ends)
    return f", from {first} to {last}"


def _ties(log: Log, ranking: Ranking) -> tuple[str, ...]:
    if log.times is None:
        return ()
    order = np.argsort(log.users.codes, kind="stable")
    users, times = log.users.codes[order], log.times[order]
    same = (users[1:] == users[:-1]) & (times[1:] == times[:-1])
    tied = int((np.r_[same, False] | np.r_[False, same]).sum())
    if not tied:
        return ()
    rule = {"row": "the order of the file", "item": "their labels", "shuffled": "a draw"}[ranking.ties]
    return (
        f"{tied / len(log):.1%} of the interactions share their time stamp with another one of the same user: {rule} "
        "decides which comes first (data.ties).",
    )
