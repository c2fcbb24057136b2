"""Panels of time series: what is asked of forecasts, what a model may know at an origin, and what was held out.

A panel is a long frame: a row is one step of one series, rows of a series stand together in the order of time. Knows no
model, no metric and no disk.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError, ModelError

if TYPE_CHECKING:
    from bench.types import Dataset

SERIES, TIME, POINT = "unique_id", "ds", "point"
"""Columns of every panel, and of every forecast: the series, the time stamp, and the point forecast."""

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Quantile levels that are asked for where a run names none."""


@dataclass(frozen=True, kw_only=True)
class Forecasting:
    """What is asked of forecasts: the part of the protocol that models are told."""

    horizon: int
    """Steps to forecast."""
    season: int
    """Steps of a season; 1 where there is none."""
    freq: str
    """pandas' alias of one step; empty where time stamps are whole numbers."""
    levels: tuple[float, ...] = LEVELS
    """Quantile levels, ascending."""
    known: tuple[str, ...] = ()
    """Columns whose values are known for the steps to forecast."""
    past: tuple[str, ...] = ()
    """Columns that are known up to the origin only."""
    static: tuple[str, ...] = ()
    """Columns with one value a series."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a forecast behind series and time: the point forecast, then a column a level."""
        return (POINT, *map(quantile_column, self.levels))


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """Where the origins of forecasts lie: the part of the protocol that models are not told."""

    windows: int = 0
    """Origins; 0 takes the budget's folds."""
    step: int = 0
    """Steps between two origins; 0 takes the horizon."""
    refit_every: int = 1
    """Origins after which models are fitted anew; 0 fits at the first one only."""
    context: int = 0
    """Steps of history at most; 0 gives all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """The held-out values of one window, and what scores of forecasts need beside them."""

    y: NDArray[np.floating]
    """True values, shape (n,), rows of a series together in the order of time; NaN where nothing was observed."""
    series: NDArray[np.intp]
    """Series of each row: 0..s-1 by first appearance, shape (n,)."""
    step: NDArray[np.intp]
    """Steps ahead of the origin, from 1, shape (n,)."""
    scale: NDArray[np.floating]
    """Mean absolute seasonal difference of each series' training part, shape (s,); NaN where the part is too short."""
    squared_scale: NDArray[np.floating]
    """Mean squared seasonal difference, shape (s,)."""
    levels: tuple[float, ...]


def series_of(dataset: "Dataset") -> int:
    """Return the number of series of a panel."""
    return len(np.unique(_asked(dataset)[1]))


def quantile_column(level: float) -> str:
    """Return the name of a forecast's column.

    Examples
    --------
    >>> quantile_column(0.1), quantile_column(0.025)
    ('q0.1', 'q0.025')
    """
    return f"q{level:g}"


def known_at_origin(dataset: "Dataset", rows: NDArray[np.intp]) -> Any:
    """Return the inputs of rows to predict: of a panel without the columns that nobody knows at the origin.

    Parameters
    ----------
    dataset : Dataset
    rows : array, shape (n,)
    """
    X = dataset.X.iloc[rows].reset_index(drop=True)
    return without_past(X, dataset.forecasting) if dataset.forecasting is not None else X


def without_past(X: Any, forecasting: Forecasting) -> Any:
    """Return rows of a panel without the columns that are known up to the origin only."""
    return X.drop(columns=list(forecasting.past))


def frame_of(X: pd.DataFrame, values: NDArray[np.floating], forecasting: Forecasting) -> pd.DataFrame:
    """Return forecasts of rows as a model hands them over.

    Parameters
    ----------
    X : DataFrame, n rows
        What was asked about.
    values : array, shape (n, 1 + levels)
    forecasting : Forecasting
    """
    found = pd.DataFrame(values, columns=list(forecasting.columns))
    found.insert(0, SERIES, X[SERIES].to_numpy())
    found.insert(1, TIME, X[TIME].to_numpy())
    return found


LEAST_HISTORY = 3
"""Steps of the shortest training part of a series; one step more than a season, where that is longer."""
INNER_SERIES = 100
"""Held-out series that inner windows should have together, where there are so many."""
MOST_INNER_WINDOWS = 5
ROUNDING = 1e-12
"""Share of the largest value of a series below which a mean difference is one of rounding."""


def least_history(season: int) -> int:
    """Return how many steps a series must have before an origin to be forecast from there."""
    return max(LEAST_HISTORY, season + 1)


def inner_windows(dataset: "Dataset", train: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return inner windows of a training part: rows to fit and rows to forecast, the earliest origin first.

    A panel of many series has one; the fewer there are, the more windows, each a horizon before the next. A series that
    is too short for one is fitted there, and not forecast.

    Parameters
    ----------
    dataset : Dataset
    train : array, shape (n,)
        Rows of the training part.

    Returns
    -------
    list of (array, array)
        Places within ``train``.

    Raises
    ------
    ModelError
        If every series is too short.
    """
    forecasting, groups = _asked(dataset)
    groups = groups[train]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    sizes = np.diff(np.r_[starts, len(groups)])
    place = np.arange(len(groups)) - np.repeat(starts, sizes)
    to_end = np.repeat(sizes, sizes) - place
    wanted = min(MOST_INNER_WINDOWS, -(-INNER_SERIES // len(starts)))
    found = []
    for back in range(wanted, 0, -1):
        last = (back - 1) * forecasting.horizon
        long_enough = sizes - last - forecasting.horizon >= least_history(forecasting.season)
        inside = (to_end > last) & (to_end <= last + forecasting.horizon) & np.repeat(long_enough, sizes)
        if inside.any():
            found.append((np.flatnonzero(to_end > last + forecasting.horizon), np.flatnonzero(inside)))
    if not found:
        steps = forecasting.horizon + least_history(forecasting.season)
        raise ModelError(f"No series has the {steps} steps before the origin that a window within them takes.")
    return found


def _asked(dataset: "Dataset") -> tuple[Forecasting, NDArray[Any]]:
    """Return what is asked of a panel, and the series of its rows."""
    if dataset.forecasting is None or dataset.groups is None:
        raise BenchError(f"{dataset.name} is no panel of time series.")
    return dataset.forecasting, dataset.groups


def held_of(dataset: "Dataset", train: NDArray[np.intp], test: NDArray[np.intp]) -> Held:
    """Return what a window holds out; scales are of its own training part.

    Parameters
    ----------
    dataset : Dataset
        With ``forecasting`` and ``groups``, the codes of the series.
    train, test : array
        Rows before the origin, and rows to forecast.
    """
    asked, groups = _asked(dataset)
    codes, first, series = np.unique(groups[test], return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    y = dataset.y.astype(np.float64)
    if dataset.observed is not None:
        y = np.where(dataset.observed, y, np.nan)
    absolute, squared = _scales(y[train], groups[train], asked.season, codes)
    by_appearance = np.argsort(first)
    return Held(
        y=y[test],
        series=order[series],
        step=_steps(order[series]),
        scale=absolute[by_appearance],
        squared_scale=squared[by_appearance],
        levels=asked.levels,
    )


def _scales(
    y: NDArray[np.floating], groups: NDArray[Any], season: int, codes: NDArray[Any]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the mean absolute and the mean squared seasonal difference of the named series; NaN where there is none.

    Seasons that differ by no more than rounding are equal: their scale is zero.

    References
    ----------
    Hyndman & Koehler 2006, Another look at measures of forecast accuracy, section 2.5.
    """
    place = np.minimum(np.searchsorted(codes, groups), len(codes) - 1)
    named = codes[place] == groups
    gaps = y[season:] - y[:-season]
    used = (groups[season:] == groups[:-season]) & np.isfinite(gaps) & named[season:]
    own, gaps = place[season:][used], gaps[used]
    counts = np.bincount(own, minlength=len(codes)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        absolute = np.bincount(own, np.abs(gaps), len(codes)) / counts
        squared = np.bincount(own, np.square(gaps), len(codes)) / counts
    largest = np.zeros(len(codes))
    np.maximum.at(largest, place[named], np.abs(np.nan_to_num(y[named])))
    equal = absolute <= ROUNDING * largest
    return np.where(equal, 0.0, absolute), np.where(equal, 0.0, squared)


def _steps(series: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each row within its series, from 1; rows of a series stand together."""
    starts = np.flatnonzero(np.r_[True, np.diff(series) != 0])
    return np.arange(len(series)) - np.repeat(starts, np.diff(np.r_[starts, len(series)])) + 1
