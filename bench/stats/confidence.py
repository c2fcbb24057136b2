"""How far a classifier's probabilities can be trusted, and what to hand to a human.

All functions take the probability of the predicted class (its confidence) and whether it was right, one entry an item.

References
----------
Guo et al. 2017, On Calibration of Modern Neural Networks (expected calibration error, temperature).
Roelofs et al. 2022, Mitigating Bias in Calibration Error Estimation (bins of equal mass; bias at small n).
Traub et al. 2024, Overcoming Common Flaws in the Evaluation of Selective Classification Systems (AUGRC).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

BINS = 15


def expected_calibration_error(confidence: Floats, correct: Bools, bins: int = BINS) -> float:
    """Return the mean distance of confidence and accuracy over bins of equal mass.

    Examples
    --------
    >>> expected_calibration_error(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]), bins=1)
    0.15
    """
    confidence, right = _sorted(confidence, correct)
    gaps = np.add.reduceat(confidence - right, _edges(len(confidence), bins))
    return round(float(np.abs(gaps).sum() / len(confidence)), 12)


def calibration(confidence: Floats, correct: Bools, seed: int, draws: int = 300) -> tuple[Estimate, float]:
    """Return the calibration error with a bootstrap interval, and the error that perfect calibration would show.

    The error is biased upwards, most at small n: a model is miscalibrated where it exceeds the second figure, the 95 %
    quantile over outcomes drawn with the stated confidences.
    """
    generator = np.random.default_rng(seed)
    confidence, right = _sorted(confidence, correct)
    edges, n = _edges(len(confidence), BINS), len(confidence)
    null, boot = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        null[draw] = np.abs(np.add.reduceat(confidence - (generator.random(n) < confidence), edges)).sum() / n
        # Bins stay those of the items: nothing is sorted again.
        weights = np.bincount(generator.integers(0, n, n), minlength=n)
        boot[draw] = np.abs(np.add.reduceat(weights * (confidence - right), edges)).sum() / n
    value = expected_calibration_error(confidence, right.astype(bool))
    # A resample of few items looks less calibrated than the items do: that much is taken off.
    low, high = np.maximum(0.0, np.quantile(boot, (0.025, 0.975)) - max(0.0, float(boot.mean()) - value))
    return (
        Estimate(value=value, low=float(low), high=float(high), method="bootstrap over items, corrected for bias"),
        float(np.quantile(null, 0.95)),
    )


def reliability(confidence: Floats, correct: Bools, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return (mean confidence, accuracy, items) of each bin of equal mass, from the least confident on."""
    confidence, right = _sorted(confidence, correct)
    edges = _edges(len(confidence), bins)
    sizes = np.diff([*edges, len(confidence)])
    means = (np.add.reduceat(values.astype(float), edges) / sizes for values in (confidence, right))
    return [(float(c), float(a), int(n)) for c, a, n in zip(*means, sizes, strict=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskCoverage:
    """What is left of the errors when the least confident items are handed over."""

    threshold: Floats
    """Least confidence that is accepted, falling, shape (m,): one entry a distinct confidence."""
    coverage: Floats
    """Share of the items that is accepted."""
    errors: Floats
    """Share of all items that is accepted and wrong (the generalised risk)."""

    @property
    def risk(self) -> Floats:
        """Share of the accepted items that is wrong."""
        return self.errors / self.coverage

    @property
    def augrc(self) -> float:
        """Area under the generalised risk over coverage: undetected errors, averaged over all thresholds."""
        coverage, errors = (np.concatenate([[0.0], values]) for values in (self.coverage, self.errors))
        return float(np.trapezoid(errors, coverage))

    def risk_at(self, coverage: float) -> float:
        """Return the risk where at least this share is accepted."""
        return float(self.risk[int(np.searchsorted(self.coverage, coverage - 1e-12))])

    def coverage_at(self, risk: float) -> float:
        """Return the largest share that can be accepted at no more than this risk; 0 where none can."""
        within = np.flatnonzero(self.risk <= risk)
        return float(self.coverage[within[-1]]) if len(within) else 0.0


def risk_coverage(confidence: Floats, correct: Bools) -> RiskCoverage:
    """Return the curve of all thresholds; items of one confidence are accepted together.

    Examples
    --------
    >>> curve = risk_coverage(np.array([0.9, 0.8, 0.6]), np.array([True, False, True]))
    >>> curve.coverage_at(0.0), round(curve.risk_at(1.0), 3)
    (0.3333333333333333, 0.333)
    """
    order = np.argsort(-confidence, kind="stable")
    falling, wrong = confidence[order], ~correct[order].astype(bool)
    last = np.flatnonzero(np.append(np.diff(falling) != 0, True))
    n = len(confidence)
    return RiskCoverage(threshold=falling[last], coverage=(last + 1) / n, errors=np.cumsum(wrong)[last] / n)


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


def accepted(folds: Sequence[tuple[Floats, Bools]], points: int = 100) -> Accepted:
    """Count what each of about ``points`` thresholds, quantiles of all confidences, lets through.

    Parameters
    ----------
    folds : sequence of (confidence, correct)
        Items of each fold.

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
    return Accepted(thresholds=thresholds, items=np.array([kept.sum(axis=0) for kept in out]), mistakes=np.array(wrong))


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
        error=Estimate.of_rate(wrong, out),
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


def temperature(log_p: Floats, y: NDArray[np.integer]) -> float:
    """Return the temperature that minimises the log loss of logits ``log_p``, shape (n, classes)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(y))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(log_p / np.exp(log_temperature), axis=1)[rows, y].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def _sorted(confidence: Floats, correct: Bools) -> tuple[Floats, NDArray[np.floating]]:
    order = np.argsort(confidence, kind="stable")
    return confidence[order], correct[order].astype(float)


def _edges(n: int, bins: int) -> NDArray[np.intp]:
    """Return where each bin begins, of at most ``n`` bins whose sizes differ by one at most."""
    return np.linspace(0, n, min(bins, n), endpoint=False).astype(np.intp)
