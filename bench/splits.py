"""Splits of a classification data set: row numbers from (seed, task, repeat), never from a model.

Folds are stratified; rows of one group stay together; with a time column training rows always lie before test rows.
"""

from collections.abc import Sequence

import numpy as np

from bench.errors import DataError
from bench.types import Budget, Dataset, Split, seed_for


def published_split(dataset: Dataset) -> list[Split]:
    """Return the data set's own train and test parts as one split.

    Raises
    ------
    DataError
        If the data set brings no parts.
    """
    if dataset.test is None:
        raise DataError(
            f"{dataset.name} brings no train and test parts, which protocol=published needs. "
            "Give the test part by data.test_path=FILE, or leave the protocol out."
        )
    return [Split(repeat=0, fold=0, train=np.flatnonzero(~dataset.test), test=np.flatnonzero(dataset.test))]


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
        If a class or a group is too small for two folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

    if dataset.time is not None:
        order = np.argsort(dataset.time, kind="stable")
        parts = TimeSeriesSplit(n_splits=budget.folds).split(order)
        splits = [
            Split(repeat=0, fold=k, train=order[train], test=order[test]) for k, (train, test) in enumerate(parts)
        ]
        return splits, _notes_on_unseen_classes(dataset, splits)
    folds, notes = possible_folds(dataset, budget.folds)
    splits = []
    for repeat in range(budget.repeats):
        random_state = seed_for(seed, "split", task, repeat)
        if dataset.groups is None:
            parts = StratifiedKFold(folds, shuffle=True, random_state=random_state).split(dataset.y, dataset.y)
        else:
            grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state)
            parts = grouped.split(dataset.y, dataset.y, dataset.groups)
        splits += [
            Split(repeat=repeat, fold=k, train=np.sort(train), test=np.sort(test))
            for k, (train, test) in enumerate(parts)
        ]
    return splits, notes + _notes_on_unseen_classes(dataset, splits)


def possible_folds(dataset: Dataset, folds: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of folds that the rarest class allows, with a note where that is fewer than asked for.

    Raises
    ------
    DataError
        If a class has a single member, or there are fewer than two groups.
    """
    members = np.bincount(dataset.y, minlength=len(dataset.classes))
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
    note = (
        f"{possible} folds instead of {folds}: {len(rare)} classes have fewer members than {folds}: {named}. "
        "data.merge_rare=other would merge them and keep the folds."
    )
    return possible, (*notes, note)


def _notes_on_unseen_classes(dataset: Dataset, splits: Sequence[Split]) -> tuple[str, ...]:
    unseen = {
        dataset.classes[code]
        for split in splits
        for code in np.setdiff1d(dataset.y[split.test], dataset.y[split.train])
    }
    if not unseen:
        return ()
    names = _name_some([repr(name) for name in sorted(unseen)])
    return (f"In some folds these classes stand in the test part only, and cannot be predicted there: {names}.",)


def _name_some(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
