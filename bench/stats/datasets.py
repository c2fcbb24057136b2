"""Models over many data sets: effects with intervals first, then tests, tie groups and ranks.

A data set is one observation. Scores are those of `bench.stats.table`, turned so that larger is better, on a scale that
can be averaged over data sets (a skill score against the floor, say).

References
----------
Demšar 2006, Statistical Comparisons of Classifiers over Multiple Data Sets, section 3.1.3 (Wilcoxon signed ranks).
Benavoli, Corani & Mangili 2016, Should We Really Use Post-Hoc Tests Based on Mean-Ranks? (pairs, not mean ranks).
Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.
Bron & Kerbosch 1973, Algorithm 457: Finding All Cliques of an Undirected Graph.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]

ALPHA = 0.05
LEAST = 6
"""Data sets below which no pair can be told apart: the smallest p of five is 2 / 2**5 = 0.0625."""
ENUMERATED = 13
"""Data sets up to which the signs of tied differences are all tried, at most 8,192 ways."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetComparison:
    """What the data sets say about all pairs of models."""

    models: tuple[str, ...]
    differences: tuple[tuple[Estimate, ...], ...]
    """Mean difference of row model and column model over the data sets that both have."""
    p: Floats
    """Two-sided Wilcoxon, after Holm over all pairs, shape (M, M); NaN where not tested."""
    tie_groups: tuple[tuple[str, ...], ...]
    """Largest sets of models of which no two are told apart; a model may stand in several."""
    ranks: tuple[Estimate, ...]
    """Mean rank, 1 for the best, over the data sets that all models have."""
    why: str = ""
    """Why nothing was compared; empty where it was."""
    note: str = ""
    """What the number of data sets does not allow."""


def compare_over_datasets(
    scores: Floats, models: Sequence[str], seed: int, replicates: int = 2000
) -> DatasetComparison:
    """Compare every pair of models over data sets; from six data sets on.

    Parameters
    ----------
    scores : array, shape (D, M)
        One score a data set and model; NaN where a model did not run.
    models : sequence of str
    seed : int
    replicates : int

    Examples
    --------
    >>> compare_over_datasets(np.zeros((5, 2)), ["a", "b"], seed=0).why
    '5 data sets: p < 0.05 cannot be reached below 6 (the smallest possible p is 0.0625), so nothing is compared.'
    """
    datasets, names = len(scores), tuple(models)
    if datasets < LEAST:
        return _refusal(names, datasets)
    order = np.lexsort(scores.T[::-1])
    ordered = scores[order]
    p = holm(pairwise_wilcoxon(ordered))
    pairs = len(names) * (len(names) - 1) // 2
    needed = datasets_needed(pairs)
    return DatasetComparison(
        models=names,
        differences=_differences(ordered, seed, replicates),
        p=p,
        tie_groups=tie_groups(p, names),
        ranks=_ranks(ordered, seed, replicates),
        note=""
        if datasets >= needed
        else f"{pairs} {'pair' if pairs == 1 else 'pairs'} on {_sets(datasets)}: {_needed(needed)}",
    )


def datasets_needed(pairs: int) -> int:
    """Return from how many data sets on one of so many pairs can reach p < 0.05 after Holm.

    Examples
    --------
    >>> datasets_needed(1), datasets_needed(10)
    (6, 9)
    """
    return max(LEAST, math.floor(1 + math.log2(max(1, pairs) / ALPHA)) + 1)


def pairwise_wilcoxon(scores: Floats) -> Floats:
    """Return the two-sided p-value of every pair of columns, shape (M, M), exact for few data sets, ties included."""
    models = scores.shape[1]
    p = np.full((models, models), np.nan)
    for i in range(models):
        for j in range(i):
            differences = scores[:, i] - scores[:, j]
            p[i, j] = p[j, i] = _wilcoxon(differences[np.isfinite(differences)])
    return p


def holm(p: Floats) -> Floats:
    """Return p-values of pairs, a symmetric matrix, adjusted by Holm's step-down procedure; NaN is no test.

    Examples
    --------
    >>> p = np.array([[np.nan, 0.01, 0.04], [0.01, np.nan, 0.03], [0.04, 0.03, np.nan]])
    >>> [round(float(value), 3) for value in holm(p)[np.triu_indices(3, 1)]]
    [0.03, 0.06, 0.06]
    """
    upper = np.triu_indices(len(p), 1)
    out = np.full_like(p, np.nan)
    out[upper] = step_down(p[upper])
    return np.asarray(np.fmax(out, out.T))


def step_down(p: Floats) -> Floats:
    """Return p-values, shape (n,), adjusted by Holm's step-down procedure; NaN is no test.

    Examples
    --------
    >>> step_down(np.array([0.04, 0.01, np.nan])).tolist()
    [0.04, 0.02, nan]
    """
    tested = np.flatnonzero(np.isfinite(p))
    tested = tested[np.argsort(p[tested], kind="stable")]
    adjusted = np.full_like(p, np.nan)
    steps = p[tested] * np.arange(len(tested), 0, -1)
    adjusted[tested] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(tested) else []
    return adjusted


def tie_groups(p: Floats, models: Sequence[str], alpha: float = ALPHA) -> tuple[tuple[str, ...], ...]:
    """Return the largest sets of models of which no two differ, in the order of ``models``.

    Examples
    --------
    >>> p = np.array([[np.nan, 0.5, 0.01], [0.5, np.nan, 0.2], [0.01, 0.2, np.nan]])
    >>> tie_groups(p, ["a", "b", "c"])
    (('a', 'b'), ('b', 'c'))
    """
    tied = [{j for j in range(len(p)) if j != i and not p[i, j] < alpha} for i in range(len(p))]
    found: list[list[int]] = []
    _cliques(set(), set(range(len(p))), set(), tied, found)
    return tuple(tuple(models[i] for i in clique) for clique in sorted(found))


def _cliques(
    clique: set[int], candidates: set[int], seen: set[int], tied: list[set[int]], found: list[list[int]]
) -> None:
    if not candidates and not seen:
        found.append(sorted(clique))
        return
    pivot = max(sorted(candidates | seen), key=lambda node: len(candidates & tied[node]))
    for node in sorted(candidates - tied[pivot]):
        _cliques(clique | {node}, candidates & tied[node], seen & tied[node], tied, found)
        candidates = candidates - {node}
        seen = seen | {node}


def _wilcoxon(differences: Floats) -> float:
    from scipy.stats import PermutationMethod, wilcoxon

    if len(differences) < LEAST:
        return math.nan
    if not differences.any():
        return 1.0
    sizes = np.abs(differences)
    tied = len(np.unique(sizes)) < len(sizes) or not sizes.all()
    method = PermutationMethod() if tied and len(sizes) <= ENUMERATED else "auto"
    with warnings.catch_warnings():
        # The normal approximation is then said to be doubtful below 10 pairs without zeros; it is the best at hand.
        warnings.simplefilter("ignore")
        return float(wilcoxon(differences, method=method).pvalue)


def _differences(scores: Floats, seed: int, replicates: int) -> tuple[tuple[Estimate, ...], ...]:
    """Return the mean difference of every pair with a bootstrap over the data sets."""
    models = scores.shape[1]
    draws = np.random.Generator(np.random.PCG64(seed)).random((replicates, len(scores)))
    out = [[Estimate.not_measured("the same model")] * models for _ in range(models)]
    for i in range(models):
        for j in range(i):
            values = scores[:, i] - scores[:, j]
            found = _mean_over_datasets(values[np.isfinite(values)], draws)
            out[i][j], out[j][i] = found, _negated(found)
    return tuple(map(tuple, out))


def _mean_over_datasets(values: Floats, draws: Floats) -> Estimate:
    datasets = len(values)
    if datasets < LEAST:
        return Estimate.not_measured(f"both ran on {_sets(datasets)} only")
    mean = float(values.mean())
    drawn = values[(draws[:, :datasets] * datasets).astype(np.intp)].mean(axis=1)
    # A bootstrap of D values is too narrow by the root of (D - 1) / D (Hesterberg 2015, section 4).
    widened = mean + (drawn - mean) * math.sqrt(datasets / (datasets - 1))
    return Estimate.of_replicates(mean, widened, "bootstrap over data sets")


def _negated(one: Estimate) -> Estimate:
    return Estimate(value=-one.value, low=-one.high, high=-one.low, method=one.method, why=one.why)


def _ranks(scores: Floats, seed: int, replicates: int) -> tuple[Estimate, ...]:
    from scipy.stats import rankdata

    complete = scores[np.isfinite(scores).all(axis=1)]
    if len(complete) < LEAST:
        return (Estimate.not_measured(f"all models ran on {_sets(len(complete))} only"),) * int(scores.shape[1])
    draws = np.random.Generator(np.random.PCG64(seed)).random((replicates, len(complete)))
    ranks: Floats = rankdata(-complete, axis=1)
    return tuple(_mean_over_datasets(column, draws) for column in ranks.T)


def _needed(datasets: int) -> str:
    return f"not even the smallest possible p is below {ALPHA:g} after Holm; {datasets} data sets are needed."


def _refusal(names: tuple[str, ...], datasets: int) -> DatasetComparison:
    smallest = f" (the smallest possible p is {2 / 2**datasets:g})" if datasets else ""
    nothing = Estimate.not_measured(f"fewer than {LEAST} data sets")
    return DatasetComparison(
        models=names,
        differences=((nothing,) * len(names),) * len(names),
        p=np.full((len(names), len(names)), np.nan),
        tie_groups=(),
        ranks=(nothing,) * len(names),
        why=f"{_sets(datasets)}: p < {ALPHA:g} cannot be reached below {LEAST}{smallest}, so nothing is compared.",
    )


def _sets(number: int) -> str:
    return f"{number} data set{'' if number == 1 else 's'}"
