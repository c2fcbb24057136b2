"""When to stop a model before all of its folds are run: it is surely behind the best one.

Folds are paired, so that what is hard for all models counts against none. The signed-rank test needs five folds before
it can say anything at the 5 % level, seven where it is asked five times over, and then only of a model that is behind
on every one of them; Hoeffding's bound,
which needs no symmetry, would need hundreds.

References
----------
Maron & Moore 1994, Hoeffding Races; Birattari et al. 2002, A Racing Algorithm for Configuring Metaheuristics.
Wilcoxon 1945, Individual Comparisons by Ranking Methods.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_FOLDS = 5
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Hopeless:
    """A model that is surely behind."""

    leader: str
    behind: float
    """Mean difference to the leader over the shared folds."""
    folds: int
    p: float
    """One-sided, of a lead that is no larger than the margin."""


def hopeless_models(by_fold: Mapping[str, NDArray[np.floating]], margin: float, looks: int = 1) -> dict[str, Hopeless]:
    """Return the models that are behind the one with the highest mean by more than the margin.

    Parameters
    ----------
    by_fold : mapping of arrays, shape (K,)
        Score of each model on the same K folds, larger is better; NaN where a fold brought none.
    margin : float
        The smallest difference that matters.
    looks : int
        How often the race is judged in all: the level is divided by it (Bonferroni), for each look is a chance to err.

    Examples
    --------
    >>> ahead = np.array([0.91, 0.93, 0.92, 0.90, 0.94])
    >>> found = hopeless_models({"a": ahead, "b": ahead - 0.05, "c": ahead - 0.005}, margin=0.01)
    >>> [(name, one.leader, one.folds) for name, one in found.items()]
    [('b', 'a', 5)]
    """
    from scipy.stats import wilcoxon

    means = {name: float(np.nanmean(scores)) for name, scores in by_fold.items() if np.isfinite(scores).any()}
    if not means:
        return {}
    leader = max(sorted(means), key=lambda name: means[name])
    found = {}
    for name, scores in by_fold.items():
        gaps = by_fold[leader] - scores
        gaps = gaps[np.isfinite(gaps)]
        if name == leader or len(gaps) < LEAST_FOLDS or not (gaps != margin).any():
            continue
        p = float(wilcoxon(gaps - margin, alternative="greater").pvalue)
        if p < LEVEL / looks:
            found[name] = Hopeless(leader=leader, behind=float(gaps.mean()), folds=len(gaps), p=p)
    return found
