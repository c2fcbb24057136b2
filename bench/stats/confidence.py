"""How far a classifier's probabilities can be trusted.

All functions take the probability of the predicted class (its confidence) and whether it was right, one entry an item.

References
----------
Guo et al. 2017, On Calibration of Modern Neural Networks (expected calibration error, temperature).
Roelofs et al. 2022, Mitigating Bias in Calibration Error Estimation (bins of equal mass; bias at small n).
Traub et al. 2024, Overcoming Common Flaws in the Evaluation of Selective Classification Systems (AUGRC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

BINS = 15
MANY_ITEMS = 100_000
"""From which on items are drawn as counts."""
STEPS = 1000
"""Of confidence: what lies within one is taken for equal there, with its own mean."""


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


def calibration(
    confidence: Floats, correct: Bools, seed: int, groups: NDArray[np.integer] | None = None, draws: int = 300
) -> tuple[Estimate, float]:
    """Return the calibration error with a bootstrap interval, and the error that perfect calibration would show.

    The error is biased upwards, most at small n: a model is miscalibrated where it exceeds the second figure, a 95 %
    quantile. It is taken over outcomes drawn with the stated confidences; where items come in groups over groups that
    are drawn whole, each bin less its own mean gap, for outcomes of one group need not be independent.

    Parameters
    ----------
    confidence, correct : array, shape (n,)
    seed : int
    groups : array, shape (n,), optional
        Codes of items that come together.
    draws : int
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], correct[order].astype(float)
    edges = _edges(len(confidence), BINS)
    if groups is None:
        resampled = _resampled_items if len(confidence) < MANY_ITEMS else _resampled_counts
        boot, null = resampled(confidence, right, edges, generator, draws)
    else:
        codes = np.unique(groups[order], return_inverse=True)[1]
        boot, null = _resampled_groups(confidence - right, codes, edges, generator, draws)
    value = expected_calibration_error(confidence, right.astype(bool))
    # A resample of few items looks less calibrated than the items do: that much is taken off.
    low, high = np.maximum(0.0, np.quantile(boot, (0.025, 0.975)) - max(0.0, float(boot.mean()) - value))
    method = f"bootstrap over {'items' if groups is None else 'groups'}, corrected for bias"
    return (
        Estimate(value=value, low=min(float(low), value), high=max(float(high), value), method=method),
        float(np.quantile(null, 0.95)),
    )


def _resampled_items(
    confidence: Floats, right: Floats, edges: NDArray[np.intp], generator: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Return the error of resampled items, and that of outcomes drawn with the stated confidences."""
    n = len(confidence)
    null, boot = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        null[draw] = np.abs(np.add.reduceat(confidence - (generator.random(n) < confidence), edges)).sum() / n
        # Bins stay those of the items: nothing is sorted again.
        weights = np.bincount(generator.integers(0, n, n), minlength=n)
        boot[draw] = np.abs(np.add.reduceat(weights * (confidence - right), edges)).sum() / n
    return boot, null


def _resampled_counts(
    confidence: Floats, right: Floats, edges: NDArray[np.intp], generator: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Return the same of many items: those of one bin and nearly one confidence are drawn together, as counts."""
    n = len(confidence)
    bins = np.repeat(np.arange(len(edges)), np.diff(np.append(edges, n)))
    levels = np.round(confidence * STEPS).astype(np.intp)
    cells, near = np.unique(bins * (STEPS + 1) + levels, return_inverse=True)
    starts = np.searchsorted(cells // (STEPS + 1), np.arange(len(edges)))
    sizes, wins = np.bincount(near), np.bincount(near, weights=right).astype(np.intp)
    # Sums of floats may end a little above one.
    means = np.minimum(np.bincount(near, weights=confidence) / sizes, 1.0)
    null, boot = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        null[draw] = np.abs(np.add.reduceat(sizes * means - generator.binomial(sizes, means), starts)).sum() / n
        drawn = generator.multinomial(n, np.concatenate([wins, sizes - wins]) / n)
        won, lost = np.split(drawn, 2)
        boot[draw] = np.abs(np.add.reduceat(won * (means - 1) + lost * means, starts)).sum() / n
    return boot, null


def _resampled_groups(
    gaps: Floats, codes: NDArray[np.intp], edges: NDArray[np.intp], generator: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Return the error of resampled groups, and the same with the mean gap of each bin taken out."""
    number, sizes = int(codes.max()) + 1, np.diff(np.append(edges, len(gaps)))
    bins = np.repeat(np.arange(len(edges)), sizes)
    in_bin = np.array([len(np.unique(codes[bins == one])) for one in range(len(edges))])
    # Scaled, because residuals of few groups are smaller than the gaps they stand for.
    scale = np.sqrt(in_bin / np.maximum(1, in_bin - 1))
    centred = (gaps - (np.add.reduceat(gaps, edges) / sizes)[bins]) * scale[bins]
    null, boot = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(generator.integers(0, number, number), minlength=number)[codes]
        total = max(1, int(weights.sum()))
        null[draw] = np.abs(np.add.reduceat(weights * centred, edges)).sum() / total
        boot[draw] = np.abs(np.add.reduceat(weights * gaps, edges)).sum() / total
    return boot, null


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
