"""Which models are worth a look: score, stability and cost together, with the doubt that the data leave.

All models meet the same draw of folds in a replicate, so that what is hard for all of them separates none. Deviations
of the means follow a t distribution with the corrected variance s² (1/K + n_test/n_train), and its covariance over
models is that of the fold means. From 10 folds on it takes its shape from resampled folds; their plain bootstrap would
be far too narrow, for the training parts of 50 folds overlap as much as those of 5.

A model dominates another if it is better on one axis and worse on none; what differs by less than the margin of an axis
is neither. A cost or a price that was not measured is neither better nor worse than any.

References
----------
Nadeau & Bengio 2003, Inference for the Generalization Error, section 5 (corrected variance).
Laumanns, Thiele, Deb & Zitzler 2002, Combining Convergence and Diversity (dominance with a tolerance; here symmetric).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate
from bench.stats.variance import AGREE

Floats = NDArray[np.floating]

REPLICATES = 2000
RESAMPLED_FOLDS = 10
RESAMPLED_CELLS = 100
"""Cells up to which seeds are resampled; the mean of more is drawn from a normal distribution of the same variance."""
COST_MARGIN = 0.10
CHUNK = 4_000_000
"""Comparisons of two models that are held at once."""


@dataclass(frozen=True, kw_only=True)
class FrontMember:
    """One model on or behind the front."""

    model: str
    score: Estimate
    price: float
    """Mean less dependable score: what instability costs; NaN where not measured."""
    cost: float
    """Of 1,000 predictions; NaN where not measured."""
    membership: float
    """Share of replicates in which no other model dominates it."""
    p_best: float
    """Share of replicates in which its mean score is the highest; equals share theirs."""
    regret: float
    """Mean over replicates of what the best model scores more."""

    @property
    def mark(self) -> str:
        """How a figure draws it: ``solid``, ``hollow`` or ``grey``."""
        return "solid" if self.membership >= 0.5 else "hollow" if self.membership >= 0.1 else "grey"


@dataclass(frozen=True, kw_only=True)
class Front:
    """All models that have scores, in the order they were given in."""

    members: tuple[FrontMember, ...]
    winner_changes: float
    """Probability that the highest mean goes to another model if all is fitted again on the same folds."""
    why: str = ""
    """Why there is no front; empty where there is one."""


def pareto_front(
    cells: Mapping[str, Floats],
    dependable: Mapping[str, float],
    costs: Mapping[str, float],
    margin: float,
    test_train_ratio: float,
    seed: int,
) -> Front:
    """Return who is on the front of score, stability and cost, and how surely.

    Parameters
    ----------
    cells : mapping of arrays, shape (K, S)
        Of each model on the same K folds, failed cells holding the floor's score; S may differ. Folds that one of the
        models has not run are left out, as are models without any cell.
    dependable : mapping
        Dependable score of each model. The price of instability moves with the spread over folds of a replicate.
    costs : mapping
        Of 1,000 predictions.
    margin : float
        The smallest difference that matters, of scores and of prices.
    test_train_ratio : float
    seed : int

    Examples
    --------
    >>> waves = np.array([[0.0], [0.01], [-0.01]])
    >>> cells = {"a": 0.9 + waves, "b": 0.8 + waves}
    >>> front = pareto_front(cells, {"a": 0.88, "b": 0.78}, {"a": 1.0, "b": 1.0}, 0.01, 0.5, seed=0)
    >>> [(one.model, one.membership, one.mark) for one in front.members]
    [('a', 1.0, 'solid'), ('b', 0.0, 'grey')]
    """
    # Draws belong to models in the order of their names: the order of input moves no figure.
    names = sorted(name for name in cells if np.isfinite(cells[name]).any())
    tables = _shared_folds([np.asarray(cells[name], dtype=float) for name in names])
    if not names or len(tables[0]) < 2:
        return Front(members=(), winner_changes=math.nan, why="fewer than two folds that all models have")
    by_fold = np.column_stack([np.nanmean(table, axis=1) for table in tables])
    generator = np.random.Generator(np.random.PCG64(seed))
    deviations, spreads = _replicates(by_fold, test_train_ratio, generator)
    means = by_fold.mean(axis=0)
    scores = means + deviations
    prices = np.array([float(means[i] - dependable.get(name, math.nan)) for i, name in enumerate(names)])
    cost = np.array([costs.get(name, math.nan) for name in names])
    front = on_front(scores, prices * spreads, cost, margin)
    members = members_of(names, means, scores, prices, cost, front, "joint bootstrap over folds")
    return Front(
        members=tuple(members[name] for name in cells if name in members),
        winner_changes=winner_changes(tables, means, generator),
    )


def _shared_folds(tables: list[Floats]) -> list[Floats]:
    """Return the folds that all models have, in one order that depends on the scores alone."""
    if not tables:
        return []
    kept = np.all([np.isfinite(table).any(axis=1) for table in tables], axis=0)
    tables = [np.sort(table[kept], axis=1) for table in tables]
    # Rounded, so that folds of equal scores are one however they were added up.
    order = np.lexsort([np.round(np.nanmean(table, axis=1), 12) for table in tables[::-1]])
    return [table[order] for table in tables]


def _replicates(by_fold: Floats, test_train_ratio: float, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return deviations of the means, and spreads over folds relative to the observed, both shape (B, M)."""
    folds, models = by_fold.shape
    centred = by_fold - by_fold.mean(axis=0)
    variance = (centred**2).sum(axis=0) / (folds - 1)
    # One chi-square for all models: their differences then follow the corrected t of `bench.stats.pairs`.
    scale = np.sqrt((1 / folds + test_train_ratio) / generator.chisquare(folds - 1, (REPLICATES, 1)))
    if folds >= RESAMPLED_FOLDS:
        counts = generator.multinomial(folds, np.full(folds, 1 / folds), REPLICATES)
        drift = counts @ centred
        squares = (counts @ centred**2 - drift**2 / folds) / (folds - 1) * folds / (folds - 1)
    else:
        drift = generator.standard_normal((REPLICATES, folds)) @ centred
        # Sums of squares of as many degrees of freedom, correlated over models as the fold means are.
        draws = generator.standard_normal((REPLICATES * (folds - 1), folds)) @ centred
        squares = (draws**2).reshape(REPLICATES, folds - 1, models).mean(axis=1) / (folds - 1)
    # Folds that agree exactly differ in the last digit of their mean.
    known = variance > (AGREE * np.abs(by_fold).max(axis=0)) ** 2
    relative = np.sqrt(np.maximum(squares, 0.0) / np.where(known, variance, 1.0))
    return drift * scale, np.where(known, relative, 1.0)


def on_front(scores: Floats, prices: Floats, costs: Floats, margin: float) -> NDArray[np.bool_]:
    """Return in which replicates no model dominates a model, shape (B, M)."""
    replicates, models = scores.shape
    # A free prediction is cheaper than any other by more than any margin.
    logs = -np.log(np.maximum(costs, np.finfo(float).tiny))
    cheaper = logs[:, None] - logs[None, :] >= math.log1p(COST_MARGIN)
    out = np.empty((replicates, models), dtype=bool)
    for start in range(0, replicates, max(1, CHUNK // models**2)):
        chunk = slice(start, start + max(1, CHUNK // models**2))
        better = (scores[chunk, :, None] - scores[chunk, None, :] >= margin) | cheaper
        better |= prices[chunk, None, :] - prices[chunk, :, None] >= margin
        dominates = better & ~better.transpose(0, 2, 1)
        out[chunk] = ~dominates.any(axis=1)
    # Ties are not transitive, so that three models may dominate each other in a ring: the best score then stands.
    empty = np.flatnonzero(~out.any(axis=1))
    out[empty, scores[empty].argmax(axis=1)] = True
    return out


def members_of(
    names: Sequence[str],
    means: Floats,
    scores: Floats,
    prices: Floats,
    costs: Floats,
    front: NDArray[np.bool_],
    method: str,
) -> dict[str, FrontMember]:
    """Return what replicates of the scores and of the front, shape (B, M), say of each model."""
    best = scores.max(axis=1, keepdims=True)
    wins = scores == best
    p_best = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    return {
        name: FrontMember(
            model=name,
            score=Estimate.of_replicates(float(means[i]), scores[:, i], method),
            price=float(prices[i]),
            cost=float(costs[i]),
            membership=float(front[:, i].mean()),
            p_best=float(p_best[i]),
            regret=float((best[:, 0] - scores[:, i]).mean()),
        )
        for i, name in enumerate(names)
    }


def winner_changes(tables: Sequence[Floats], means: Floats, generator: np.random.Generator) -> float:
    """Return how often fresh seeds make another model the best; NaN where no model has two seeds in a fold.

    The seeds of every fold are resampled, apart for each model.
    """
    if not any((np.isfinite(table).sum(axis=1) > 1).any() for table in tables):
        return math.nan
    again = np.column_stack([_refitted(table, generator) for table in tables]) + means
    return float((again.argmax(axis=1) != means.argmax()).mean())


def _refitted(table: Floats, generator: np.random.Generator) -> Floats:
    """Return draws of how far the mean of a table moves if each fold gets as many fresh seeds, shape (B,)."""
    runs = np.isfinite(table).sum(axis=1)
    # Scaled, because seeds drawn from S of them vary less than fresh ones by the root of (S - 1) / S.
    scaled = (table - np.nanmean(table, axis=1, keepdims=True)) * np.sqrt(runs / np.maximum(runs - 1, 1))[:, None]
    if np.nansum(np.abs(scaled)) <= AGREE * np.nansum(np.abs(table)):
        return np.zeros(REPLICATES)
    shares = np.isfinite(table) / runs[:, None]
    if runs.sum() > RESAMPLED_CELLS:
        variance = (shares * np.nan_to_num(scaled) ** 2).sum(axis=1) / runs
        return np.asarray(generator.standard_normal(REPLICATES) * math.sqrt(variance.sum()) / len(table))
    moved = np.zeros(REPLICATES)
    for fold in range(len(table)):
        counts = generator.multinomial(runs[fold], shares[fold], REPLICATES)
        moved += counts @ np.nan_to_num(scaled[fold]) / runs[fold]
    return np.asarray(moved / len(table))
