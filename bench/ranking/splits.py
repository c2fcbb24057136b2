"""Interactions cut into training and test parts: by time, by each user's last ones, at random, or by users.

Row numbers only, from the protocol and the seed. Rows of the data stand in the order of time, so that of two rows of
one user the later one has the larger number.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.ranking.asked import ITEM, USER, Codes, Ranking
from bench.ranking.held import kind_of
from bench.types import Split, seed_for

if TYPE_CHECKING:
    from bench.settings import Budget
    from bench.types import Dataset

Rows = NDArray[np.intp]
USUAL_WINDOWS = 3
"""Cuts in time, where nobody says how many."""
TO_FIND = 0.2
"""Share of the interactions of a held-out user that is to be found, the last ones."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Which rows are tested, and which of the others are nobody's."""

    test: Rows
    train: Rows
    """Known before the test part."""
    fit: Rows | None = None
    """Those that models are fitted on, where not all."""


def ranking_splits(dataset: "Dataset", budget: "Budget", seed: int) -> tuple[list[Split], tuple[str, ...]]:
    """Return the splits that the protocol of a data set asks for, and notes.

    Parameters
    ----------
    dataset : Dataset
        Of interactions.
    budget : Budget
        Gives folds and repeats where the protocol leaves them open.
    seed : int

    Raises
    ------
    DataError
        If nothing is left to train on or to test.
    """
    _, ranking = kind_of(dataset)
    rows = np.arange(len(dataset.y))
    match ranking.split:
        case "global_time":
            windows = usual_windows(ranking, budget.folds)
            cuts = {(0, fold): _by_time(dataset, rows, ranking, windows - 1 - fold) for fold in range(windows)}
        case "leave_last":
            cuts = {(0, 0): _by_last(dataset, rows, ranking)}
        case split:
            cut = _at_random if split == "random" else _by_user
            places = [(r, f) for r in range(max(1, budget.repeats)) for f in range(min(budget.folds, _parts(ranking)))]
            cuts = {
                (repeat, fold): cut(dataset, rows, ranking, fold, seed_for(seed, "split", "recommendation", repeat))
                for repeat, fold in places
            }
    splits = [_finished(dataset, one, ranking, seed, *place) for place, one in cuts.items()]
    return splits, _notes(dataset, splits)


def usual_windows(ranking: Ranking, folds: int) -> int:
    """Return how many cuts in time a protocol has under a budget of folds."""
    return ranking.windows or min(USUAL_WINDOWS, folds)


def inner_split(dataset: "Dataset", split: Split, seed: int) -> Split:
    """Return a split of the rows that a model is fitted on, made by the rule that made the split itself.

    Parameters
    ----------
    dataset : Dataset
    split : Split
    seed : int
        Of what is drawn.

    Returns
    -------
    Split
        Row numbers of the whole data set.

    Raises
    ------
    DataError
        If nothing is left to train on or to test.
    """
    _, ranking = kind_of(dataset)
    ranking, rows = replace(ranking, validation=0.0), split.fitted
    match ranking.split:
        case "global_time":
            cut = _by_time(dataset, rows, ranking, 0)
        case "leave_last":
            cut = _by_last(dataset, rows, ranking)
        case "random":
            cut = _at_random(dataset, rows, ranking, 0, seed)
        case _:
            cut = _by_user(dataset, rows, ranking, 0, seed)
    return _finished(dataset, cut, ranking, seed, split.repeat, split.fold)


def _by_time(dataset: "Dataset", rows: Rows, ranking: Ranking, later: int) -> Cut:
    """Test on a stretch of time that as many others follow, knowing all that lies before it."""
    if dataset.time is None:
        raise DataError(
            f"{dataset.name} has no time stamps that differ, which protocol=global_time needs. Name their column by "
            "data.time=, or give protocol=leave_last, which takes the order of the file, or protocol=random."
        )
    stamps, size = dataset.time[rows], round(ranking.share * len(rows))

    def cut(from_end: int) -> int:
        """Return the first row of the moment so many rows before the end: what is of one moment stands on one side."""
        at = max(0, len(rows) - from_end)
        return int(np.searchsorted(stamps, stamps[at])) if at < len(rows) else at

    start, end = cut(size * (later + 1)), cut(size * later)
    fit = rows[: cut(size * (later + 1) + round(ranking.validation * len(rows)))] if ranking.validation else None
    return Cut(test=rows[start:end], train=rows[:start], fit=fit)


def _by_last(dataset: "Dataset", rows: Rows, ranking: Ranking) -> Cut:
    """Test on the last interactions of each user that has more than these."""
    from_end, sizes = _from_end(dataset, rows)
    tested = (from_end < ranking.last) & (sizes > ranking.last)
    kept_out = (from_end < 2 * ranking.last) & (sizes > 2 * ranking.last)
    fit = rows[~tested & ~kept_out] if ranking.validation else None
    return Cut(test=rows[tested], train=rows[~tested], fit=fit)


def _from_end(dataset: "Dataset", rows: Rows) -> tuple[Codes, Codes]:
    """Return how many rows of the same user follow each row, and how many rows that user has."""
    user = dataset.X[USER].to_numpy()[rows]
    order = np.argsort(user, kind="stable")
    counts = np.bincount(user)
    ends = np.cumsum(counts)
    from_end = np.empty(len(rows), dtype=np.intp)
    from_end[order] = ends[user[order]] - 1 - np.arange(len(rows))
    return from_end, counts[user]


def _at_random(dataset: "Dataset", rows: Rows, ranking: Ranking, fold: int, seed: int) -> Cut:
    """Test on a share of each user's interactions, drawn; that of another fold has none of them."""
    generator, user = np.random.default_rng(seed), dataset.X[USER].to_numpy()[rows]
    order = np.lexsort((generator.random(len(rows)), user))
    counts = np.bincount(user)
    place = np.empty(len(rows), dtype=np.intp)
    place[order] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Evenly round a circle from a random start: of few interactions as many fall into a share as it is wide on average.
    angle = (place + generator.random(len(counts))[user]) / counts[user]
    tested = _between(angle, fold * ranking.share, ranking.share)
    kept_out = _between(angle, (fold + 1) * ranking.share, ranking.validation) & ~tested
    return Cut(test=rows[tested], train=rows[~tested], fit=rows[~tested & ~kept_out] if ranking.validation else None)


def _between(angle: NDArray[np.floating], start: float, width: float) -> NDArray[np.bool_]:
    """Return which places of a circle of length 1 lie in a stretch of it."""
    # Ends that are the same number must not differ by their last bits.
    return np.asarray(np.round((angle - start) % 1.0, 12) % 1.0 < round(width, 12))


def _by_user(dataset: "Dataset", rows: Rows, ranking: Ranking, fold: int, seed: int) -> Cut:
    """Test on the last interactions of some users, whom no model is fitted on; their earlier ones are their history."""
    if ranking.validation:
        raise DataError("data.validation means nothing to protocol=held_out_users. Leave it out.")
    user = dataset.X[USER].to_numpy()[rows]
    named = np.unique(user)
    angle = np.empty(int(named.max()) + 1)
    angle[np.random.default_rng(seed).permutation(named)] = (np.arange(len(named)) + 0.5) / len(named)
    from_end, sizes = _from_end(dataset, rows)
    held = _between(angle, fold * ranking.share, ranking.share)[user]
    # A user of a single interaction has nothing to be asked by.
    tested = held & (sizes > 1) & (from_end < np.maximum(1, np.round(TO_FIND * sizes)))
    return Cut(test=rows[tested], train=rows[~tested], fit=rows[~held])


def _parts(ranking: Ranking) -> int:
    """Return how many shares there are without one of them meeting another."""
    return max(1, int(1 / ranking.share + 1e-9))


def _finished(dataset: "Dataset", cut: Cut, ranking: Ranking, seed: int, repeat: int, fold: int) -> Split:
    """Return a cut as a split: without what the core leaves out, and with the chosen targets."""
    fit = cut.train if cut.fit is None else cut.fit
    if ranking.core:
        fit = fit[in_core(dataset.X[USER].to_numpy()[fit], dataset.X[ITEM].to_numpy()[fit], ranking.core)]
    test = _targets(dataset, cut.test, ranking, seed_for(seed, "targets", repeat, fold))
    _check(dataset, ranking, test, fit, cut.train)
    whole = len(fit) == len(cut.train)
    return Split(repeat=repeat, fold=fold, train=cut.train, test=test, fit=None if whole else fit)


def _check(dataset: "Dataset", ranking: Ranking, test: Rows, fit: Rows, train: Rows) -> None:
    """Refuse a split without anything to learn from, to be found, or to be asked by."""
    for name, rows in (("training", fit), ("test", test)):
        if not len(rows):
            why = f" Nothing is left of a core of {ranking.core} interactions (data.core)." if ranking.core else ""
            if ranking.split == "global_time":
                why += " Cuts lie between moments, of which there may be few: fewer data.windows may do."
            raise DataError(
                f"{dataset.name}: the {name} part of protocol={ranking.split} has no interactions.{why} Give another "
                "protocol, or another data.share."
            )
    user = dataset.X[USER].to_numpy()
    if not np.isin(user[test], user[train]).any():
        raise DataError(
            f"{dataset.name}: nobody who is tested under protocol={ranking.split} did anything before, so no model "
            "could know a user. Give another data.share, or protocol=random."
        )


def in_core(user: Codes, item: Codes, least: int) -> NDArray[np.bool_]:
    """Return which interactions are left when users and items with fewer than ``least`` go, until none does (k-core).

    Examples
    --------
    >>> in_core(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]), 2).tolist()
    [True, True, True, True, False]
    """
    kept = np.ones(len(user), dtype=bool)
    while True:
        enough = [
            np.bincount(codes[kept], minlength=int(codes.max(initial=0)) + 1)[codes] >= least for codes in (user, item)
        ]
        fewer = kept & enough[0] & enough[1]
        if fewer.sum() == kept.sum():
            return kept
        kept = fewer


def _targets(dataset: "Dataset", test: Rows, ranking: Ranking, seed: int) -> Rows:
    """Return which rows of a test part are to be found."""
    if ranking.targets == "all" or not len(test):
        return test
    user = dataset.X[USER].to_numpy()[test]
    order: Callable[[Rows], Rows] = {
        "first": lambda places: places,
        "last": lambda places: places[::-1],
        "random": lambda places: np.random.default_rng(seed).permutation(places),
    }[ranking.targets]
    places = order(np.arange(len(test)))
    return test[np.sort(places[np.unique(user[places], return_index=True)[1]])]


def _notes(dataset: "Dataset", splits: list[Split]) -> tuple[str, ...]:
    """Return how many users and targets a model could know, over all splits."""
    user, item = dataset.X[USER].to_numpy(), dataset.X[ITEM].to_numpy()
    asked = warm = targets = cold = 0
    for split in splits:
        users = np.unique(user[split.test])
        asked, warm = asked + len(users), warm + int(np.isin(users, user[split.train]).sum())
        targets, cold = targets + len(split.test), cold + int((~np.isin(item[split.test], item[split.fitted])).sum())
    each = f" over {len(splits)} splits, each counted in every one" if len(splits) > 1 else ""
    return (
        f"Lists are asked for {asked} users{each}, {warm} of them warm: what they did before is known. "
        f"{asked - warm} are cold, and scored by themselves. Of {targets} held-out interactions {cold} are with items "
        "that the training part lacks.",
    )
