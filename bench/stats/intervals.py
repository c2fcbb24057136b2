"""Prediction intervals of values, wider where errors are larger, and what handing over the widest ones is worth.

Split-conformal: an interval is as wide as it takes to hold the errors of other items. Every error is that of a model
which never saw the item, so the other folds calibrate the intervals of a fold and nothing is fitted for them; of fewer
than three folds random parts of the items calibrate each other. Errors are taken in units of their size among items
with a similar prediction, which are never the items that are calibrated themselves, and apart for easy and hard items,
so that narrow intervals hold as often as wide ones.

Holds for items that are exchangeable with these, on average over them; for no single item, and for no other kind.

References
----------
Lei, G'Sell, Rinaldo, Tibshirani & Wasserman 2018, Distribution-Free Predictive Inference for Regression, section 5.2
(errors in units of their size).
Vovk 2015, Cross-Conformal Predictors; Barber, Candès, Ramdas & Tibshirani 2021, Predictive Inference with the
Jackknife+ (folds that calibrate each other: nominal in practice, proven for 1 - 2 alpha only).
Boström & Johansson 2020, Mondrian Conformal Regressors (categories of difficulty).
Dunn, Wasserman & Ramdas 2023, Distribution-Free Prediction Sets for Two-Layer Hierarchical Models (pooled groups).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import item_variance
from bench.stats.deferral import Codes, design_effect
from bench.stats.estimate import LEVEL, Estimate

Floats = NDArray[np.floating]

LEAST = 20
"""Items, or groups, below which there are no intervals."""
PARTS = 5
"""Random parts that calibrate each other where there are fewer than three folds."""
SIMILAR = 0.1
"""Share of the items whose predictions count as similar."""
LEAST_SIMILAR = 25
CLASSES = 5
"""Most classes of difficulty, each with at least `PER_CLASS` items, or groups, to calibrate it."""
PER_CLASS = 200
POINTS = 20
"""Of the curve of errors against the share that is kept."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """What is left of the errors when items with wider intervals are handed over; the last point keeps everything."""

    width: Floats
    """Largest width that is kept, rising, shape (T,)."""
    share: Floats
    """Of the items that are kept."""
    rmse: Floats
    rmse_half: Floats
    """Half the 95 % interval of it; NaN where it cannot be had."""
    fall_half: Floats
    """Half the 95 % interval of how far it lies below that of all items."""
    mae: Floats
    within: Floats
    """Absolute error that the share `Intervals.level` of the kept items does not exceed."""

    def at(self, share: float) -> int:
        """Return the place of the least share that is no smaller than this one."""
        return int(np.searchsorted(self.share, share - 1e-6))

    def share_within(self, tolerance: float) -> float:
        """Return the largest share of items that keeps this tolerance as often as the level says; 0 for none."""
        found = np.flatnonzero(self.within <= tolerance)
        return float(self.share[found[-1]]) if len(found) else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """Figures of the intervals of one model."""

    level: float
    """Share of the items that they are made to hold."""
    why: str = ""
    """Why there are none; empty where there are."""
    coverage: tuple[float, float, float] = (math.nan,) * 3
    """Share of the items that lie inside, with its 95 % interval."""
    lowest: tuple[float, float, float] = (math.nan,) * 3
    """The same of the fold with the lowest, as one of so many; NaN where random parts stand for folds."""
    mean_width: float = math.nan
    median_width: float = math.nan
    pinball: float = math.nan
    """Mean pinball loss of the two ends."""
    kept: Kept | None = None


def prediction_intervals(
    y: Floats, predicted: Floats, folds: Codes, level: float, seed: int, groups: Codes | None = None
) -> Intervals:
    """Return the figures of intervals around predictions of rows that their model never saw.

    Parameters
    ----------
    y, predicted : array, shape (n,)
    folds : array, shape (n,)
        Fold of each item.
    level : float
    seed : int
        Of the random parts.
    groups : array, shape (n,), optional
        Codes of items that come together; none is split over parts.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=300)
    >>> found = prediction_intervals(y, np.zeros(300), np.arange(300) % 3, 0.9, seed=0)
    >>> 0.88 < found.coverage[0] < 0.92, 3.0 < found.mean_width < 3.6
    (True, True)
    """
    if why := _why_none(y, predicted, groups):
        return Intervals(level=level, why=why)
    # Once for all the sorting below, and so that the order of the items moves no figure.
    order = np.lexsort((y, predicted))
    y, predicted, folds = y[order], predicted[order], folds[order]
    groups = None if groups is None else groups[order]
    whole = len(np.unique(folds)) > 2
    parts, errors = folds if whole else _random_parts(len(y), seed, groups), np.abs(y - predicted)
    half = half_widths(errors, predicted, parts, level, groups)
    if not np.isfinite(half).all():
        return Intervals(level=level, why=f"too few items for {100 * level:g} %")
    # A hair more, for errors that are all alike are divided by their size and multiplied again.
    inside = errors <= half * (1 + 1e-9)
    return Intervals(
        level=level,
        coverage=_coverage(inside, len(np.unique(parts)), groups),
        lowest=_lowest(inside, folds, groups) if whole else (math.nan,) * 3,
        mean_width=float(2 * half.mean()),
        median_width=float(2 * np.median(half)),
        pinball=_pinball(y, predicted, half, level),
        kept=_kept(errors, 2 * half, level, groups),
    )


def _why_none(y: Floats, predicted: Floats, groups: Codes | None) -> str:
    units = len(y) if groups is None else len(np.unique(groups))
    if units < LEAST:
        return f"fewer than {LEAST} {'items' if groups is None else 'groups'}"
    return "" if np.isfinite(y).all() and np.isfinite(predicted).all() else "a value is no finite number"


def half_widths(errors: Floats, predicted: Floats, parts: Codes, level: float, groups: Codes | None = None) -> Floats:
    """Return half the width of the interval of each item, calibrated on the other parts; infinite for too few items.

    Parameters
    ----------
    errors : array, shape (n,)
        Absolute.
    predicted, parts, groups : array, shape (n,)
    level : float
    """
    half = np.empty(len(errors))
    for part in np.unique(parts):
        own = parts == part
        units = int((~own).sum()) if groups is None else len(np.unique(groups[~own]))
        half[own] = half_widths_of(predicted[own], errors[~own], predicted[~own], parts[~own], level, units)
    return half


def half_widths_of(asked: Floats, errors: Floats, predicted: Floats, parts: Codes, level: float, units: int) -> Floats:
    """Return half the width of the intervals around predictions of new items, shape (m,).

    Parameters
    ----------
    asked : array, shape (m,)
        The predictions.
    errors, predicted, parts : array, shape (n,)
        Of the items that calibrate them.
    level : float
    units : int
        Items, or groups of them, that calibrate.
    """
    size = np.empty(len(errors))
    for part in np.unique(parts):
        # What calibrates must not tell its own size of error either.
        own = parts == part
        size[own] = typical_error(predicted[~own], errors[~own], predicted[own])
    new = typical_error(predicted, errors, asked)
    edges = _edges(size, units)
    return _conformal(errors, size, _class(size, edges), new, _class(new, edges), level)


def typical_error(predicted: Floats, errors: Floats, asked: Floats) -> Floats:
    """Return the mean error among the items with the most similar predictions, shape (m,), larger than 0.

    Examples
    --------
    >>> predicted, errors = np.arange(100.0), np.repeat([1.0, 3.0], 50)
    >>> typical_error(predicted, errors, np.array([10.0, 90.0])).round(2).tolist()
    [1.02, 3.02]
    """
    order = np.argsort(predicted, kind="stable")
    ordered = predicted[order]
    # Equal predictions stand for each other, whatever their order.
    first = np.flatnonzero(np.append(True, np.diff(ordered) != 0))
    sizes = np.diff(np.append(first, len(ordered)))
    total = np.append(0.0, np.cumsum(np.repeat(np.add.reduceat(errors[order], first) / sizes, sizes)))
    window = min(len(errors), max(LEAST_SIMILAR, round(SIMILAR * len(errors))))
    # Among equal predictions the middle one.
    middle = (np.searchsorted(ordered, asked, "left") + np.searchsorted(ordered, asked, "right")) // 2
    start = np.clip(middle - window // 2, 0, len(errors) - window)
    # Where all similar ones were hit exactly, the next one may be off all the same.
    least = 0.01 * total[-1] / len(errors) or 1.0
    return np.asarray((total[start + window] - total[start]) / window + least)


def _edges(size: Floats, units: int) -> list[float]:
    """Return where classes of difficulty end, by quantiles of the items that calibrate."""
    ordered, number = np.sort(size), min(CLASSES, max(1, units // PER_CLASS))
    edges: list[float] = []
    begin = 0
    for edge in np.quantile(ordered, np.arange(1, number) / number).tolist():
        below = int(np.searchsorted(ordered, edge))
        # Where many sizes are equal, quantiles part next to nothing from them.
        if min(below - begin, len(ordered) - below) >= PER_CLASS // 2:
            edges.append(edge)
            begin = below
    return edges


def _class(size: Floats, edges: list[float]) -> NDArray[np.intp]:
    return np.searchsorted(edges, size, side="right")


def _conformal(
    errors: Floats, size: Floats, classes: NDArray[np.intp], new: Floats, new_classes: NDArray[np.intp], level: float
) -> Floats:
    """Return half widths for new sizes of error, by the errors of items in the same class over their own sizes."""
    import warnings

    from crepes import ConformalRegressor

    regressor = ConformalRegressor().fit(errors, sigmas=size, bins=classes)
    # A hair less, for (1 - 0.9) * 10 is just below one, and would cost a rank.
    confidence = level - 1e-12
    with warnings.catch_warnings():
        # Too few items: the width is infinite, and the caller says so.
        warnings.simplefilter("ignore", UserWarning)
        ends = regressor.predict_int(np.zeros(len(new)), sigmas=new, bins=new_classes, confidence=confidence)
    return np.asarray(ends[:, 1])


def _random_parts(n: int, seed: int, groups: Codes | None) -> NDArray[np.intp]:
    generator = np.random.Generator(np.random.PCG64(seed))
    codes = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    return np.asarray((generator.permutation(int(codes.max()) + 1) % PARTS)[codes])


def _coverage(inside: NDArray[np.bool_], parts: int, groups: Codes | None) -> tuple[float, float, float]:
    """Return the coverage with an interval for that of fresh items: it rests on the errors that calibrate a part."""
    everything = np.full(len(inside), True)
    effect = 1.0 if groups is None else design_effect(everything, ~inside, np.unique(groups, return_inverse=True)[1])
    found = Estimate.of_rate(int(inside.sum()), len(inside), effect * parts / (parts - 1))
    return found.value, found.low, found.high


def _lowest(inside: NDArray[np.bool_], folds: Codes, groups: Codes | None) -> tuple[float, float, float]:
    """Return the lowest coverage of a fold; its interval allows for that choice and for what calibrated the fold."""
    from scipy.stats import norm

    known, n = np.unique(folds), len(inside)
    worst = min(known.tolist(), key=lambda fold: float(inside[folds == fold].mean()))
    own = folds == worst
    count, total = int(inside[own].sum()), int(own.sum())
    effect = 1.0 if groups is None else design_effect(own, ~inside, np.unique(groups, return_inverse=True)[1])
    tail = (1 - LEVEL) / 2
    choice = float(norm.isf(tail / len(known)) / norm.isf(tail)) ** 2
    found = Estimate.of_rate(count, total, effect * choice * n / (n - total))
    return found.value, found.low, found.high


def _pinball(y: Floats, predicted: Floats, half: Floats, level: float) -> float:
    from sklearn.metrics import mean_pinball_loss

    tail = (1 - level) / 2
    low = mean_pinball_loss(y, predicted - half, alpha=tail)
    return float(low + mean_pinball_loss(y, predicted + half, alpha=1 - tail)) / 2


def _kept(errors: Floats, width: Floats, level: float, groups: Codes | None) -> Kept:
    shares = np.arange(1, POINTS + 1) / POINTS
    widths = np.unique(np.quantile(width, shares, method="inverted_cdf"))
    points = []
    everything = _pull(errors, np.full(len(errors), True))
    for most in widths:
        kept = width <= most
        left, pull = errors[kept], _pull(errors, kept)
        points.append(
            (
                float(most),
                len(left) / len(errors),
                math.sqrt(float((left**2).mean())),
                _half_interval(pull[kept] * len(left) / len(errors), None if groups is None else groups[kept]),
                _half_interval(everything - pull, groups),
                float(left.mean()),
                float(np.quantile(left, level, method="inverted_cdf")),
            )
        )
    names = ("width", "share", "rmse", "rmse_half", "fall_half", "mae", "within")
    return Kept(**{name: np.array(column) for name, column in zip(names, zip(*points, strict=True), strict=True)})


def _pull(errors: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Return what each item adds to the RMSE of the kept ones, by its linear change (delta method), shape (n,)."""
    square = float((errors[kept] ** 2).mean())
    if not square:
        return np.zeros(len(errors))
    return np.asarray(np.where(kept, errors**2 - square, 0.0) / (2 * math.sqrt(square) * kept.mean()))


def _half_interval(values: Floats, groups: Codes | None) -> float:
    """Return half the 95 % interval of a mean over items, or over groups of them; NaN for a single one."""
    from scipy.stats import t

    units = len(values) if groups is None else len(np.unique(groups))
    if units < 2:
        return math.nan
    return float(t.ppf((1 + LEVEL) / 2, units - 1)) * math.sqrt(item_variance(values[None], groups))
