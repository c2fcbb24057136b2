"""Splits of a data set: row numbers from (seed, task, repeat), never from a model.

Folds are stratified by class where there are classes; rows of one group never stand on both sides; with a time column
every training row lies before every test row. Where both are given, training rows of a test row's group are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.settings import TWICE_UP_TO, Budget
from bench.types import Dataset, Split, seed_for


def make_splits(
    dataset: Dataset, protocol: str, task: str, budget: Budget, seed: int
) -> tuple[list[Split], tuple[str, ...]]:
    """Return the published parts, growing parts, or repeated folds, as the protocol asks; and notes.

    Parameters
    ----------
    dataset : Dataset
    protocol : str
        ``published``, ``curve`` or ``cv``.
    task : str
        Name of the task type: an axis of the seed.
    budget : Budget
    seed : int
        Root seed of the run.
    """
    match protocol:
        case "published":
            return published_split(dataset)
        case "curve":
            return learning_curve_splits(dataset, task, budget, seed)
        case _:
            return cross_validation_splits(dataset, task, budget, seed)


def published_split(dataset: Dataset) -> tuple[list[Split], tuple[str, ...]]:
    """Return the data set's own train and test parts as one split, and a note on classes that it cannot teach.

    Raises
    ------
    DataError
        If the data set brings no parts, or nothing can be learned or scored on them.
    """
    if dataset.test is None:
        raise DataError(
            f"{dataset.name} brings no train and test parts, which protocol=published needs. "
            "Give the test part by data.test_path=FILE, or leave the protocol out."
        )
    splits = [Split(repeat=0, fold=0, train=np.flatnonzero(~dataset.test), test=np.flatnonzero(dataset.test))]
    _check(dataset, splits, "Give other parts by data.path= and data.test_path=, or leave protocol=published out.")
    return splits, _notes_on_unseen_classes(dataset, splits)


def cross_validation_splits(
    dataset: Dataset, task: str, budget: Budget, seed: int
) -> tuple[list[Split], tuple[str, ...]]:
    """Return repeated folds, and notes on what had to be changed to make them.

    Parameters
    ----------
    dataset : Dataset
    task : str
        Name of the task type: an axis of the seed.
    budget : Budget
        Gives ``repeats`` and ``folds``.
    seed : int
        Root seed of the run.

    Returns
    -------
    splits : list of Split
        ``repeats`` times ``folds`` of them; one repeat only where rows are ordered in time, since the order fixes
        the folds.
    notes : tuple of str

    Raises
    ------
    DataError
        If the rows, a class, a group or the time column allow no two folds, or a training part holds one class only.
    """
    if dataset.time is not None:
        splits, notes = _time_ordered(dataset, dataset.time, budget.folds)
        _check(dataset, splits, "Give fewer folds by budget.folds=, so that training starts later, or no data.time.")
    else:
        splits, notes = _shuffled(dataset, task, budget, seed)
        merge = "" if _merged(dataset) else ", or merge rare classes by data.merge_rare=other"
        _check(dataset, splits, f"Give fewer folds by budget.folds={merge}.")
    return splits, notes + _notes_on_unseen_classes(dataset, splits)


def _time_ordered(dataset: Dataset, time: NDArray[np.generic], folds: int) -> tuple[list[Split], tuple[str, ...]]:
    """Cut the rows into folds + 1 spans of about equal size; a span is tested after training on all before it.

    scikit-learn's TimeSeriesSplit cuts between rows of one time stamp, which would train on the moment of the test.
    """
    order = np.argsort(time, kind="stable")
    ordered = time[order]
    wanted = [round(len(order) * k / (folds + 1)) for k in range(1, folds + 1)]
    cuts = sorted({int(np.searchsorted(ordered, ordered[at], side="left")) for at in wanted if at < len(order)} - {0})
    if not cuts:
        raise DataError(
            f"{dataset.name} holds too few different times to train on the past and test on the future. "
            "Leave data.time out, or give a finer column."
        )
    spans = zip(cuts, [*cuts[1:], len(order)], strict=True)
    splits, left_out = [], 0
    for fold, (start, end) in enumerate(spans):
        train, test = order[:start], order[start:end]
        if dataset.groups is not None:
            met_again = np.isin(dataset.groups[train], dataset.groups[test])
            left_out += int(met_again.sum())
            train = train[~met_again]
        splits.append(Split(repeat=0, fold=fold, train=np.sort(train), test=np.sort(test)))
    notes: tuple[str, ...] = ()
    if len(splits) < folds:
        notes += (f"{len(splits)} folds instead of {folds}: many rows share one time, and no cut parts them.",)
    if left_out:
        notes += (f"{left_out} training rows over all folds were left out: their group is tested there.",)
    return splits, notes


def _shuffled(dataset: Dataset, task: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
    folds, notes = possible_folds(dataset, budget.folds)
    repeats = budget.repeats_of(len(dataset.y))
    if not budget.repeats and repeats == 1:
        said = f"Folds are made once: the set has more than {TWICE_UP_TO} rows (budget.repeats=2 makes them twice)."
        notes += (said,)
    splits = []
    for repeat in range(repeats):
        parts = _parts(dataset, folds, seed_for(seed, "split", task, repeat))
        splits += [
            Split(repeat=repeat, fold=k, train=np.sort(train), test=np.sort(test))
            for k, (train, test) in enumerate(parts)
        ]
    return splits, notes


def _parts(dataset: Dataset, folds: int, random_state: int) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return training and test rows of every fold."""
    from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

    if not dataset.classes:
        if dataset.groups is not None:
            return _grouped(dataset.groups, folds, random_state)
        return list(KFold(folds, shuffle=True, random_state=random_state).split(dataset.y))
    if dataset.groups is None:
        return list(StratifiedKFold(folds, shuffle=True, random_state=random_state).split(dataset.y, dataset.y))
    grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state)
    return list(grouped.split(dataset.y, dataset.y, dataset.groups))


def _grouped(
    groups: NDArray[Any], folds: int, random_state: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield folds of whole groups: in random order, each goes to the smallest fold so far.

    Folds differ by the largest group at most. With the largest first they would be more even, and the same in every
    repeat.
    """
    codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    rows, fold_of = np.zeros(folds, dtype=np.intp), np.empty(len(sizes), dtype=np.intp)
    for group in np.random.default_rng(random_state).permutation(len(sizes)):
        fold_of[group] = rows.argmin()
        rows[fold_of[group]] += sizes[group]
    for fold in range(folds):
        tested = fold_of[codes] == fold
        yield np.flatnonzero(~tested), np.flatnonzero(tested)


LABELS_A_CLASS = (8, 16, 32, 64)
SHARES = (0.1, 0.3, 1.0)
SHARES_OF_VALUES = (0.03, 0.1, 0.3, 1.0)
LEAST_ROWS = 4
"""Training rows of the smallest step, where there are no classes."""


def learning_curve_splits(
    dataset: Dataset, task: str, budget: Budget, seed: int
) -> tuple[list[Split], tuple[str, ...]]:
    """Return growing training parts over several draws: ``repeat`` counts the steps, ``fold`` the draws.

    Of each draw a fifth of the rows is the test part at every step. Steps take `LABELS_A_CLASS` times the number of
    classes, then `SHARES` of all rows. Every step has the classes in their proportion, with two rows of each at least,
    so that sizes can be compared; its rows are among those of every larger one. Without classes the steps are
    `SHARES_OF_VALUES` of all rows.

    Parameters
    ----------
    dataset : Dataset
    task : str
    budget : Budget
        Gives the number of draws by ``folds``.
    seed : int

    Raises
    ------
    DataError
        If a class or a group allows no two folds.
    """
    whole, notes = cross_validation_splits(dataset, task, replace(budget, folds=5, repeats=1), seed)
    draws = whole[: budget.folds]
    steps: dict[tuple[int, int], NDArray[np.intp]] = {}
    for draw, split in enumerate(draws):
        generator = np.random.default_rng(seed_for(seed, "curve", task, draw))
        if dataset.classes:
            codes = range(len(dataset.classes))
            members = [generator.permutation(split.train[dataset.y[split.train] == code]) for code in codes]
            shares = {*SHARES, *(labels * len(members) / len(split.train) for labels in LABELS_A_CLASS)}
        else:
            members, shares = [generator.permutation(split.train)], set(SHARES_OF_VALUES)
        least = 2 if dataset.classes else LEAST_ROWS
        for step, share in enumerate(sorted(share for share in shares if share <= 1)):
            take = [min(len(rows), max(least, round(share * len(rows)))) for rows in members]
            parts = [rows[:count] for rows, count in zip(members, take, strict=True)]
            steps[step, draw] = np.sort(np.concatenate(parts))
    splits = [
        Split(repeat=step, fold=draw, train=train, test=draws[draw].test)
        for (step, draw), train in sorted(steps.items())
    ]
    return splits, notes


def possible_folds(dataset: Dataset, folds: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of folds that rows, groups and the rarest class allow, with a note where fewer than asked for.

    Raises
    ------
    DataError
        If a class has a single member, or there are fewer than two rows or groups.
    """
    if len(dataset.y) < 2:
        raise DataError(
            f"{dataset.name} has {len(dataset.y)} row{'' if len(dataset.y) == 1 else 's'}: folds need at least two."
        )
    members = np.bincount(dataset.y, minlength=len(dataset.classes)) if dataset.classes else np.empty(0, np.intp)
    rare = np.argsort(members, kind="stable")[: int((members < folds).sum())]
    named = _name_some([f"{dataset.classes[c]!r} ({members[c]})" for c in rare])
    notes: tuple[str, ...] = ()
    if dataset.groups is not None:
        groups = len(np.unique(dataset.groups))
        if groups < 2:
            raise DataError(
                f"{dataset.name} has {groups} group: grouped folds need at least two. Leave data.groups out."
            )
        if groups < folds:
            notes += (f"{groups} folds instead of {folds}: there are only {groups} groups.",)
            folds = groups
    if len(dataset.y) < folds:
        notes += (f"{len(dataset.y)} folds instead of {folds}: there are only so many rows.",)
        folds = len(dataset.y)
    if len(rare) == 0:
        return folds, notes
    if members[rare[0]] < 2:
        raise DataError(
            f"{dataset.name} has classes with a single row, which cannot stand in a training and a test part: {named}. "
            "Merge the rare classes by data.merge_rare=other, or drop their rows."
        )
    possible = int(min(folds, members[rare[0]]))
    if possible == folds:
        return folds, notes
    number = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
    advice = "" if _merged(dataset) else " data.merge_rare=other would merge them and keep the folds."
    note = f"{possible} folds instead of {folds}: {number} fewer members than {folds}: {named}.{advice}"
    return possible, (*notes, note)


def _merged(dataset: Dataset) -> bool:
    """Return whether rare classes were merged already, which only the notes tell."""
    return any(" merged into " in note for note in dataset.notes)


def _check(dataset: Dataset, splits: Sequence[Split], remedy: str) -> None:
    """Refuse splits on which no model can be fitted or scored, before one tries."""
    for split in splits:
        where = f"{dataset.name}, repeat {split.repeat}, fold {split.fold}"
        for name, rows in (("training", split.train), ("test", split.test)):
            if len(rows) == 0:
                raise DataError(f"{where}: the {name} part has no rows. {remedy}")
        if dataset.classes and len(seen := np.unique(dataset.y[split.train])) < 2:
            label = dataset.classes[seen[0]]
            raise DataError(f"{where}: every training row has the same label, {label!r}. {remedy}")


def _notes_on_unseen_classes(dataset: Dataset, splits: Sequence[Split]) -> tuple[str, ...]:
    if not dataset.classes:
        return ()
    unseen = {
        dataset.classes[code]
        for split in splits
        for code in np.setdiff1d(dataset.y[split.test], dataset.y[split.train])
    }
    if not unseen:
        return ()
    names = _name_some([repr(name) for name in sorted(unseen)])
    return (f"In some splits these classes stand in the test part only, and cannot be predicted there: {names}.",)


def _name_some(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
