"""Splits of a classification data set: row numbers from (seed, task, repeat), never from a model.

Folds are stratified; rows of one group never stand on both sides; with a time column every training row lies before
every test row. Where both are given, training rows of a test row's group are left out.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.settings import Budget
from bench.types import Dataset, Split, seed_for


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
        If a class, a group or the time column allows no two folds, or a training part holds one class only.
    """
    if dataset.time is not None:
        splits, notes = _time_ordered(dataset, dataset.time, budget.folds)
        _check(dataset, splits, "Give fewer folds by budget.folds=, so that training starts later, or no data.time.")
    else:
        splits, notes = _shuffled(dataset, task, budget, seed)
        _check(dataset, splits, "Give fewer folds by budget.folds=, or merge rare classes by data.merge_rare=other.")
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
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

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
    return splits, notes


LABELS_A_CLASS = (8, 16, 32, 64)
SHARES = (0.1, 0.3, 1.0)


def learning_curve_splits(
    dataset: Dataset, task: str, budget: Budget, seed: int
) -> tuple[list[Split], tuple[str, ...]]:
    """Return growing training parts over several draws: ``repeat`` counts the steps, ``fold`` the draws.

    Of each draw a fifth of the rows is the test part at every step. Steps take `LABELS_A_CLASS` times the number of
    classes, then `SHARES` of all rows. Every step has the classes in their proportion, with two rows of each at least,
    so that sizes can be compared; its rows are among those of every larger one.

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
        members = [
            generator.permutation(split.train[dataset.y[split.train] == code]) for code in range(len(dataset.classes))
        ]
        shares = {labels * len(members) / len(split.train) for labels in LABELS_A_CLASS}
        for step, share in enumerate(sorted(share for share in {*shares, *SHARES} if share <= 1)):
            take = [min(len(rows), max(2, round(share * len(rows)))) for rows in members]
            parts = [rows[:count] for rows, count in zip(members, take, strict=True)]
            steps[step, draw] = np.sort(np.concatenate(parts))
    splits = [
        Split(repeat=step, fold=draw, train=train, test=draws[draw].test)
        for (step, draw), train in sorted(steps.items())
    ]
    return splits, notes


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


def _check(dataset: Dataset, splits: Sequence[Split], remedy: str) -> None:
    """Refuse splits on which no classifier can be fitted or scored, before one tries."""
    for split in splits:
        where = f"{dataset.name}, repeat {split.repeat}, fold {split.fold}"
        for name, rows in (("training", split.train), ("test", split.test)):
            if len(rows) == 0:
                raise DataError(f"{where}: the {name} part has no rows. {remedy}")
        if len(seen := np.unique(dataset.y[split.train])) < 2:
            label = dataset.classes[seen[0]]
            raise DataError(f"{where}: every training row has the same label, {label!r}. {remedy}")


def _notes_on_unseen_classes(dataset: Dataset, splits: Sequence[Split]) -> tuple[str, ...]:
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
