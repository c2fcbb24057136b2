"""What a split asks of a model, and what the answer is scored against, whatever the kind of task.

The one place that tells rows, panels of time series and interactions apart on the way to an answer.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.panel import held_of, inner_windows, known_at_origin
from bench.ranking.asked import BLOCK_CELLS, USER
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.splits import inner_split
from bench.ranking.top import Asking
from bench.study import inner_folds
from bench.types import Dataset, Split

Items = list[NDArray[np.intp]]
"""Of each item that is answered for by itself, its places among the inputs."""


def inputs_of(dataset: Dataset, split: Split) -> Any:
    """Return what a model is asked about: test rows without what nobody knows yet, or users and what they did."""
    return known_at_origin(dataset, split.test) if dataset.recommending is None else asking_of(dataset, split)


def truth_of(dataset: Dataset, split: Split) -> Any:
    """Return what answers are scored against: targets, of a panel a `Held`, of interactions a `Relevant`."""
    if dataset.recommending is not None:
        return relevant_of(dataset, split)
    return dataset.y[split.test] if dataset.forecasting is None else held_of(dataset, split.train, split.test)


def items_of(dataset: Dataset, split: Split) -> Items:
    """Return the places of inputs that are answered for together: those of a series, or each row or user by itself."""
    if dataset.recommending is not None:
        return [np.array([place]) for place in range(len(np.unique(dataset.X[USER].to_numpy()[split.test])))]
    if dataset.forecasting is None or dataset.groups is None:
        return [np.array([place]) for place in range(len(split.test))]
    starts = np.flatnonzero(np.diff(dataset.groups[split.test])) + 1
    return np.split(np.arange(len(split.test)), starts)


def rows_behind(dataset: Dataset, split: Split, items: Items) -> NDArray[np.intp]:
    """Return the test rows behind some items."""
    places = np.concatenate(items)
    if dataset.recommending is None:
        return split.test[places]
    user = dataset.X[USER].to_numpy()[split.test]
    return split.test[np.isin(user, np.unique(user)[places])]


def few_asked(dataset: Dataset, split: Split) -> Split:
    """Return a split of interactions that asks for as many users, spread over all, as scores of are held at a time."""
    assert dataset.recommending is not None
    items, most = items_of(dataset, split), max(1, BLOCK_CELLS // len(dataset.recommending.items))
    if len(items) <= most:
        return split
    some = [items[place] for place in np.linspace(0, len(items) - 1, most).astype(np.intp)]
    return replace(split, test=rows_behind(dataset, split, some))


def take(inputs: Any, places: NDArray[np.intp]) -> Any:
    """Return a part of what a model is asked about."""
    return inputs.take(places) if isinstance(inputs, Asking) else inputs.iloc[places].reset_index(drop=True)


def inner_splits(dataset: Dataset, split: Split, seed: int, *, stratified: bool) -> list[Split]:
    """Return splits of the rows that a model is fitted on, by the rule that made the split: what a search scores on.

    Parameters
    ----------
    dataset : Dataset
    split : Split
    seed : int
    stratified : bool
        Whether targets are classes.
    """
    train = split.fitted
    if dataset.recommending is not None:
        return [inner_split(dataset, split, seed)]
    if dataset.forecasting is not None:
        folds = inner_windows(dataset, train)
    else:
        groups, time = (None if values is None else values[train] for values in (dataset.groups, dataset.time))
        folds = inner_folds(dataset.y[train], seed, stratified=stratified, groups=groups, time=time)
    return [
        Split(repeat=split.repeat, fold=number, train=train[fit], test=train[held])
        for number, (fit, held) in enumerate(folds)
    ]
