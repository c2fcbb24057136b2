"""The Pareto front on one split: the same as `bench.stats.pareto`, with items drawn in place of folds.

All models meet the same draw of items, or of the groups that they come in; what fresh seeds add is drawn apart for each
model. Nothing is said of other training rows.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import resampled_totals, seed_variance, t_like, unit_sums
from bench.stats.pareto import REPLICATES, Front, members_of, on_front, winner_changes


def pareto_front_on_one_split(
    by_item: Mapping[str, NDArray[Any]],
    groups: NDArray[np.integer] | None,
    dependable: Mapping[str, float],
    costs: Mapping[str, float],
    margin: float,
    seed: int,
    units: str = "",
) -> Front:
    """Return who is on the front of score, stability and cost, and how surely.

    Parameters
    ----------
    by_item : mapping of arrays, shape (S, n)
        Score of each model on the same n items under each of its seeds; of a share, whether it is right.
    groups : array, shape (n,), or None
        Codes of items that come together.
    dependable, costs : mapping
        As for `bench.stats.pareto.pareto_front`.
    margin : float
    seed : int
    units : str
        What the groups are called.

    Examples
    --------
    >>> right = {"a": np.arange(100)[None] < 90, "b": np.arange(100)[None] < 50}
    >>> front = pareto_front_on_one_split(right, None, {"a": 0.8, "b": 0.4}, {}, 0.01, seed=0)
    >>> [(one.model, one.p_best, one.mark) for one in front.members]
    [('a', 1.0, 'solid'), ('b', 0.0, 'grey')]
    """
    names = sorted(by_item)
    items = [by_item[name].astype(float) for name in names]
    rows = unit_sums(np.column_stack([one.mean(axis=0) for one in items]), groups) if names else np.empty((0, 1))
    if len(rows) < 2:
        return Front(members=(), winner_changes=math.nan, why="fewer than two items or groups")
    generator = np.random.Generator(np.random.PCG64(seed))
    means = rows[:, 1:].sum(axis=0) / rows[:, 0].sum()
    totals = resampled_totals(rows, generator, REPLICATES)
    scores = means + t_like(totals[:, 1:] / totals[:, :1] - means, len(rows), generator)
    for place, one in enumerate(items):
        variance, df = seed_variance([one])
        if variance:
            scores[:, place] += generator.standard_t(df, REPLICATES) * math.sqrt(variance)
    prices = np.array([float(means[i] - dependable.get(name, math.nan)) for i, name in enumerate(names)])
    cost = np.array([costs.get(name, math.nan) for name in names])
    front = on_front(scores, np.broadcast_to(prices, scores.shape), cost, margin)
    units = units or ("items" if groups is None else "groups")
    members = members_of(names, means, scores, prices, cost, front, f"joint bootstrap over {units}, t over seeds")
    tables = [np.sort(one.mean(axis=1))[None, :] for one in items]
    return Front(
        members=tuple(members[name] for name in by_item), winner_changes=winner_changes(tables, means, generator)
    )
