"""Panels of time series: what is asked of forecasts, what a model may know at an origin, and what was held out.

A panel is a long frame: a row is one step of one series, rows of a series stand together in the order of time. Knows no
model, no metric and no disk.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bench.types import Dataset, Split

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
    return X.drop(columns=list(dataset.forecasting.past)) if dataset.forecasting is not None else X


def held_of(dataset: "Dataset", split: "Split") -> Held:
    """Return what a window holds out; scales are of its own training part.

    Parameters
    ----------
    dataset : Dataset
        With ``forecasting`` and ``groups``, the codes of the series.
    split : Split
    """
    asked, groups = dataset.forecasting, dataset.groups
    assert asked is not None
    assert groups is not None
    codes, first, series = np.unique(groups[split.test], return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    y = dataset.y.astype(np.float64)
    if dataset.observed is not None:
        y = np.where(dataset.observed, y, np.nan)
    absolute, squared = _scales(y[split.train], groups[split.train], asked.season, codes)
    by_appearance = np.argsort(first)
    return Held(
        y=y[split.test],
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

    References
    ----------
    Hyndman & Koehler 2006, Another look at measures of forecast accuracy, section 2.5.
    """
    gaps = y[season:] - y[:-season]
    own = groups[season:]
    used = (own == groups[:-season]) & np.isfinite(gaps)
    place = np.searchsorted(codes, own[used])
    inside = (place < len(codes)) & (codes[np.minimum(place, len(codes) - 1)] == own[used])
    place, gaps = place[inside], gaps[used][inside]
    counts = np.bincount(place, minlength=len(codes)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        absolute = np.bincount(place, np.abs(gaps), len(codes)) / counts
        squared = np.bincount(place, np.square(gaps), len(codes)) / counts
    return absolute, squared


def _steps(series: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each row within its series, from 1; rows of a series stand together."""
    starts = np.flatnonzero(np.r_[True, np.diff(series) != 0])
    return np.arange(len(series)) - np.repeat(starts, np.diff(np.r_[starts, len(series)])) + 1


def origins(X: pd.DataFrame) -> pd.Series:
    """Return the last time stamp of every series, by its id."""
    last: pd.Series = X.groupby(SERIES, sort=False, observed=True)[TIME].max()
    return last
