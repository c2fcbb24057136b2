"""What kind of series a panel holds: how long, how seasonal, how intermittent; and errors by kind.

References
----------
Hyndman & Athanasopoulos 2021, Forecasting: Principles and Practice, sections 3.4 (classical decomposition), 4.3
(strength of seasonality) and 9.1 (0.64, from which on a series is taken for seasonal).
Syntetos, Boylan & Croston 2005, On the categorization of demand patterns (mean interval between demands, 1.32).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

LENGTH, STRENGTH, INTERVAL = "length", "strength of the season", "steps per value other than zero"
CUTS: Mapping[str, tuple[float, ...]] = {STRENGTH: (0.3, 0.64), INTERVAL: (1.32,)}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Series of one kind."""

    character: str
    label: str
    series: int
    error: float
    """Mean over these series."""


def characters(y: Floats, groups: NDArray[np.integer], season: int) -> dict[str, Floats]:
    """Return the figures of each series of a panel, shape (s,) each, in the order of appearance.

    Parameters
    ----------
    y : array, shape (n,)
        Rows of a series together, in the order of time.
    groups : array, shape (n,)
    season : int
        Steps of a season; below 2 no series is seasonal.
    """
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    sizes = np.diff(np.r_[starts, len(y)])
    demands = np.add.reduceat((y != 0).astype(float), starts)
    with np.errstate(divide="ignore"):
        interval = sizes / demands
    return {LENGTH: sizes.astype(float), STRENGTH: seasonal_strength(y, sizes, season), INTERVAL: interval}


def seasonal_strength(y: Floats, sizes: NDArray[np.integer], season: int) -> Floats:
    """Return the strength of the season of each series, from 0 to 1; NaN where there are no two whole seasons of it.

    One minus the variance of the remainder over that of the remainder and the season, of a classical decomposition. The
    variances are unbiased: as they stand, two seasons of noise would have a strength of one half.

    Parameters
    ----------
    y : array, shape (n,)
    sizes : array, shape (s,)
        Rows of each series, which stand one behind the other.
    season : int
    """
    series = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    if season < 2:
        return np.full(len(sizes), np.nan)
    level = np.bincount(series, y) / sizes
    spread = np.sqrt(np.bincount(series, np.square(y - level[series])) / sizes)
    scaled = (y - level[series]) / np.where(spread > 0, spread, 1.0)[series]
    half = season // 2
    inside = np.flatnonzero((place >= half) & (place < sizes[series] - half))
    detrended, of = scaled[inside] - _trend(scaled, inside, season), series[inside]
    phases = of * season + place[inside] % season
    count = np.bincount(of, minlength=len(sizes))
    with np.errstate(invalid="ignore", divide="ignore"):
        pattern = np.bincount(phases, detrended, len(sizes) * season) / np.bincount(
            phases, minlength=len(sizes) * season
        )
        middle = np.bincount(of, detrended, len(sizes)) / count
        rest = np.bincount(of, np.square(detrended - pattern[phases]), len(sizes)) / (count - season)
        whole = np.bincount(of, np.square(detrended - middle[of]), len(sizes)) / (count - 1)
        strength = np.clip(1 - rest / whole, 0.0, 1.0)
    strength[whole <= np.finfo(float).eps] = 0.0
    strength[count < 2 * season] = np.nan
    return np.asarray(strength)


def _trend(y: Floats, rows: NDArray[np.intp], season: int) -> Floats:
    """Return the centred moving average over a season, at rows that have half a season on both sides."""
    sums, half = np.r_[0.0, np.cumsum(y)], season // 2
    if season % 2:
        return np.asarray((sums[rows + half + 1] - sums[rows - half]) / season)
    both = sums[rows + half] - sums[rows - half] + sums[rows + half + 1] - sums[rows - half + 1]
    return np.asarray(both / (2 * season))


def slices(found: Mapping[str, Floats], errors: Floats) -> tuple[Slice, ...]:
    """Return the mean error, of errors of shape (s,), by each character; series without an error count nowhere.

    Examples
    --------
    >>> made = slices({INTERVAL: np.array([1.0, 1.1, 4.0])}, np.array([0.5, 0.7, 2.0]))
    >>> [(one.label, one.series, round(one.error, 3)) for one in made]
    [('up to 1.32', 2, 0.6), ('more than 1.32', 1, 2.0)]
    """
    made = []
    for character, values in found.items():
        known = np.isfinite(errors) & ~np.isnan(values)
        if not known.any():
            continue
        cuts = CUTS.get(character) or _thirds(values[known])
        bins = np.searchsorted(cuts, values, side="left")
        for number, label in enumerate(_labels(cuts)):
            mine = known & (bins == number)
            if mine.any():
                made.append(
                    Slice(character=character, label=label, series=int(mine.sum()), error=float(errors[mine].mean()))
                )
    return tuple(made)


def _thirds(values: Floats) -> tuple[float, ...]:
    """Return the largest values of the lower two thirds; fewer where values repeat."""
    cuts = np.quantile(values, (1 / 3, 2 / 3), method="inverted_cdf")
    return tuple(sorted({float(cut) for cut in cuts if cut < values.max()}))


def _labels(cuts: Sequence[float]) -> list[str]:
    if not cuts:
        return ["all"]
    ends = [f"{cut:g}" for cut in cuts]
    between = [f"more than {low}, up to {high}" for low, high in pairwise(ends)]
    return [f"up to {ends[0]}", *between, f"more than {ends[-1]}"]


def history_before(rows: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the rows before the first of ``rows`` of each series that has some, in order.

    Parameters
    ----------
    rows : array, shape (m,)
        Of a window.
    groups : array, shape (n,)
        Series of all rows.
    """
    first = np.full(int(groups.max()) + 1, -1, dtype=np.intp)
    # Of rows that are assigned twice the last one stays: the earliest.
    first[groups[rows[::-1]]] = rows[::-1]
    return np.flatnonzero(np.arange(len(groups)) < first[groups])
