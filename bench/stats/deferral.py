"""What to hand to a human: how much each threshold of confidence lets through, and the cheapest one.

Where items come in groups, errors come together, and a rate is known less well than from as many single items: the
number of items is divided by the design effect of its groups.

References
----------
Kish 1965, Survey Sampling, sections 5.4 and 8.2 (design effect; its value where all items of a group agree).
Korn & Graubard 1998, Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from
Survey Data (effective number of items, with the degrees of freedom of the groups).
Franco, Little, Louis & Slud 2019, Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys
(Wilson's interval at that number).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.confidence import Bools, Floats
from bench.stats.estimate import LEVEL, Estimate

Codes = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Deferral:
    """A plan: what is confident enough goes out by itself, the rest goes to a human."""

    threshold: float
    """Least confidence that goes out by itself."""
    automated: float
    """Share of the items."""
    error: Estimate
    """Share of the automated items that is wrong."""
    cost: float
    """Of one item, in units of cost."""
    cost_model_only: float
    cost_human_only: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Accepted:
    """What each threshold lets through, fold by fold."""

    thresholds: Floats
    """Least confidence that is accepted, falling, shape (T,); the last one accepts everything."""
    items: NDArray[np.integer]
    """Accepted items, shape (folds, T)."""
    mistakes: NDArray[np.integer]
    """Of these, the wrong ones."""
    effect: Floats | None = None
    """Accepted items that are worth one independent item, shape (T,); None where items do not come in groups."""

    @property
    def coverage(self) -> Floats:
        """Share of the items of all folds that each threshold lets through, rising to 1."""
        items = self.items.sum(axis=0)
        return np.asarray(items / items[-1])

    @property
    def risk(self) -> Floats:
        """Share of wrong ones among those."""
        return np.asarray(self.mistakes.sum(axis=0) / self.items.sum(axis=0))

    def risk_at(self, coverage: float) -> float:
        """Return the share of wrong ones where at least this share is let through.

        Examples
        --------
        >>> found = accepted([(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]))])
        >>> found.risk_at(0.5), found.risk_at(1.0), found.coverage_at(0.0), found.coverage_at(0.3)
        (0.0, 0.25, 0.5, 1.0)
        """
        return float(self.risk[int(np.searchsorted(self.coverage, coverage - 1e-9))])

    def coverage_at(self, risk: float) -> float:
        """Return the largest share that can be let through with no more than this share of it wrong; 0 for none."""
        within = np.flatnonzero(self.risk <= risk)
        return float(self.coverage[within[-1]]) if len(within) else 0.0


def accepted(
    folds: Sequence[tuple[Floats, Bools]], groups: Sequence[Codes] | None = None, points: int = 100
) -> Accepted:
    """Count what each of about ``points`` thresholds, quantiles of all confidences, lets through.

    Parameters
    ----------
    folds : sequence of (confidence, correct)
        Items of each fold.
    groups : sequence of arrays, optional
        Codes of the groups that the items of each fold come in.
    points : int

    Examples
    --------
    >>> found = accepted([(np.array([0.9, 0.6]), np.array([True, False]))], points=2)
    >>> found.thresholds.tolist(), found.items.tolist(), found.mistakes.tolist()
    ([0.9, 0.6], [[1, 2]], [[0, 1]])
    """
    pooled = np.concatenate([confidence for confidence, _ in folds])
    levels = np.linspace(1, 0, points)
    thresholds = np.unique(np.quantile(pooled, levels, method="inverted_cdf"))[::-1]
    out = [confidence[:, None] >= thresholds for confidence, _ in folds]
    wrong = [(kept & ~correct[:, None]).sum(axis=0) for kept, (_, correct) in zip(out, folds, strict=True)]
    counts = np.array([kept.sum(axis=0) for kept in out])
    effect = None
    if groups is not None:
        kept, correct = (np.concatenate(parts) for parts in (out, [right for _, right in folds]))
        codes = np.unique(np.concatenate(groups), return_inverse=True)[1]
        effect = np.array([design_effect(kept[:, at], ~correct, codes) for at in range(len(thresholds))])
    return Accepted(thresholds=thresholds, items=counts, mistakes=np.array(wrong), effect=effect)


def design_effect(kept: Bools, wrong: Bools, groups: Codes) -> float:
    """Return how many of the kept items are worth one independent item, for the share of them that is wrong.

    Parameters
    ----------
    kept, wrong : array of bool, shape (n,)
    groups : array, shape (n,)
        Codes from 0 on.

    Returns
    -------
    float
        1 or more; infinity where a single group is left, which says nothing of others.

    Examples
    --------
    Ten groups of four, wrong in all items of a group or in none: with the degrees of freedom of so few groups, four
    items are worth less than one.

    >>> groups = np.repeat(np.arange(10), 4)
    >>> design_effect(np.full(40, True), groups < 3, groups) > 4
    True
    """
    from scipy.stats import norm, t

    sizes = np.bincount(groups[kept])
    number, items = int((sizes > 0).sum()), int(sizes.sum())
    if number < 2:
        return math.inf
    mistakes = np.bincount(groups[kept], weights=wrong[kept], minlength=len(sizes))
    rate = float(mistakes.sum()) / items
    if 0 < rate < 1:
        variance = number / (number - 1) * float(((mistakes - rate * sizes) ** 2).sum()) / items**2
        effect = variance / (rate * (1 - rate) / items)
    else:
        # Nothing is seen of how mistakes come together: as if those of a group always did.
        effect = float((sizes**2).sum()) / items
    few = float(t.ppf((1 + LEVEL) / 2, number - 1) / norm.ppf((1 + LEVEL) / 2))
    return max(1.0, effect) * few**2


def deferral(counts: Accepted, error_cost: float, human_cost: float) -> Deferral:
    """Plan what to hand to a human, who is taken to be right.

    The threshold of each fold is chosen on the other folds, so that the costs are those of items that had no say in it.
    Holds for items like these (exchangeable ones), and for no others.

    Parameters
    ----------
    counts : Accepted
    error_cost, human_cost : float
        Of one wrong answer that went out, and of one item that a human answers.
    """
    sizes = counts.items[:, -1]
    total, everything = int(sizes.sum()), counts.mistakes[:, -1].sum()
    out = wrong = 0
    for fold in range(len(sizes)):
        others = np.arange(len(sizes)) != fold if len(sizes) > 1 else np.array([True])
        at = _cheapest(counts, others, error_cost, human_cost)
        if at is not None:
            out, wrong = out + int(counts.items[fold, at]), wrong + int(counts.mistakes[fold, at])
    at = _cheapest(counts, np.full(len(sizes), True), error_cost, human_cost)
    return Deferral(
        threshold=float(counts.thresholds[at]) if at is not None else float("inf"),
        automated=out / total,
        error=Estimate.of_rate(wrong, out, 1.0 if counts.effect is None or at is None else float(counts.effect[at])),
        cost=(wrong * error_cost + (total - out) * human_cost) / total,
        cost_model_only=float(everything) * error_cost / total,
        cost_human_only=human_cost,
    )


def _cheapest(counts: Accepted, folds: Bools, error_cost: float, human_cost: float) -> int | None:
    """Return the place of the cheapest threshold on the given folds; None where a human for everything is cheaper."""
    items, mistakes = counts.items[folds].sum(axis=0), counts.mistakes[folds].sum(axis=0)
    costs = mistakes * error_cost + (items[-1] - items) * human_cost
    at = int(costs.argmin())
    return at if costs[at] < items[-1] * human_cost else None
