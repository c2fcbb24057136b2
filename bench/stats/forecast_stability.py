"""How stable forecasts are: over windows, seeds and series, and from one origin to the next.

Errors are scaled ones, smaller is better, of windows x seeds or of series. Churn between seeds is that of
`bench.stats.churn.forecast_churn`.

References
----------
Van Belle, Crevits & Verbeke 2023, Improving forecast stability using deep learning (what is said of the same step from
two origins in a row).
Rockafellar & Uryasev 2000, Optimization of Conditional Value-at-Risk (the mean of the worst tenth).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import LEVEL, Estimate

Floats = NDArray[np.floating]

WORST = 0.1
"""Share of the series that are the worst ones."""
TAIL = 0.95


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    """How far the error of one model moves."""

    mean: float
    over_windows: float
    """Standard deviation over windows of the mean over seeds; NaN for a single window."""
    over_seeds: float
    """Standard deviation over seeds within a window, pooled; NaN for a single seed."""
    worst_window: int
    """Place of the window with the largest error."""
    worst: float
    """Its error."""


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The far end of errors relative to the reference's, before anything is clipped."""

    percentile: float
    """The 95th."""
    largest: float
    where: int
    """Place of the largest one."""
    beyond: int
    """Ratios above the bound at which they are clipped."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """Point forecasts of one seed from one origin, shape (n,) each."""

    rows: NDArray[np.integer]
    """Tell the steps of all series apart, over windows."""
    series: NDArray[np.integer]
    """Codes that all windows share."""
    point: Floats
    scale: Floats
    """Of the series of each row; NaN where it has none."""


def dispersion(cells: Floats) -> Dispersion:
    """Return how far the errors of cells, shape (windows, seeds), lie apart; a window of NaN has none.

    Examples
    --------
    >>> found = dispersion(np.array([[1.0, 1.2], [0.8, 1.0]]))
    >>> round(found.over_windows, 3), round(found.over_seeds, 3), found.worst_window, round(found.worst, 3)
    (0.141, 0.141, 0, 1.1)
    """
    known = np.flatnonzero(np.isfinite(cells).any(axis=1))
    cells = cells[known]
    by_window = np.nanmean(cells, axis=1)
    windows, seeds = cells.shape
    worst = int(by_window.argmax())
    return Dispersion(
        mean=float(by_window.mean()),
        over_windows=float(by_window.std(ddof=1)) if windows > 1 else math.nan,
        over_seeds=math.sqrt(float(np.nanvar(cells, axis=1, ddof=1).mean())) if seeds > 1 else math.nan,
        worst_window=int(known[worst]),
        worst=float(by_window[worst]),
    )


def worst_tenth(by_series: Floats) -> float:
    """Return the mean of the largest tenth of the errors of series, rounded up; NaN where there are none.

    Examples
    --------
    >>> worst_tenth(np.arange(1.0, 21.0))
    19.5
    """
    known = np.sort(by_series[np.isfinite(by_series)])
    return float(known[-math.ceil(WORST * len(known)) :].mean()) if len(known) else math.nan


def tail(relative: Floats, bound: float) -> Tail:
    """Return the far end of relative errors, shape (n,), of series or of data sets.

    Parameters
    ----------
    relative : array
        As `bench.stats.skill.raw_ratios` has them; NaN where there is none.
    bound : float
        Above which they are clipped.

    Examples
    --------
    >>> found = tail(np.array([0.9, 1.1, 1e13, 1.0]), bound=100.0)
    >>> found.largest, found.where, found.beyond
    (10000000000000.0, 2, 1)
    """
    known = np.flatnonzero(~np.isnan(relative))
    if not len(known):
        return Tail(percentile=math.nan, largest=math.nan, where=-1, beyond=0)
    values = relative[known]
    return Tail(
        # Of the values themselves: between a sound one and one that explodes lies nothing that was forecast.
        percentile=float(np.quantile(values, TAIL, method="inverted_cdf")),
        largest=float(values.max()),
        where=int(known[values.argmax()]),
        beyond=int((values > bound).sum()),
    )


def revision(windows: Sequence[Said]) -> Estimate:
    """Return the mean absolute change of a forecast from one origin to the next, on the scale of each series.

    Parameters
    ----------
    windows : sequence of Said
        The earliest origin first.

    Returns
    -------
    Estimate
        Mean over series; the interval is for other series. Not measured where no step was forecast from two origins in
        a row.
    """
    changes: list[Floats] = [np.empty(0)]
    series: list[NDArray[np.integer]] = [np.empty(0, dtype=np.intp)]
    for before, after in pairwise(windows):
        _, at, now = np.intersect1d(before.rows, after.rows, assume_unique=True, return_indices=True)
        changes.append(np.abs(after.point[now] - before.point[at]) / after.scale[now])
        series.append(after.series[now])
    change, codes = np.concatenate(changes), np.concatenate(series)
    if not len(change):
        why = "one window" if len(windows) < 2 else "no step is forecast from two origins in a row"
        return Estimate.not_measured(f"{why}; a step between origins that is smaller than the horizon measures it")
    known = np.isfinite(change)
    if not known.any():
        return Estimate.not_measured("no series has a scale")
    _, place = np.unique(codes[known], return_inverse=True)
    return _mean_over_series(np.bincount(place, change[known]) / np.bincount(place))


def _mean_over_series(values: Floats) -> Estimate:
    from scipy.stats import t

    mean, count = float(values.mean()), len(values)
    if count < 2:
        return Estimate(value=mean, low=math.nan, high=math.nan, method="as observed: one series")
    half = float(t.ppf((1 + LEVEL) / 2, count - 1)) * float(values.std(ddof=1)) / math.sqrt(count)
    return Estimate(value=mean, low=max(0.0, mean - half), high=mean + half, method="t over series")
