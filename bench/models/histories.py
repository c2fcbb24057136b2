"""Panels as models of single series need them: one array of values, where each series starts, and answers row by row.

Nothing here loops over series: a panel may hold a hundred thousand.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.panel import SERIES, TIME, Forecasting

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Histories:
    """The known values of every series, one behind the other."""

    ids: pd.Index
    """Names of the series, in the order of the values."""
    values: Floats
    starts: NDArray[np.intp]
    """Where each series starts, shape (s + 1,): the last entry is the number of values."""
    stamps: NDArray[Any]
    """Time stamp of each value."""

    @classmethod
    def of(cls, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Return the histories in a panel, whose rows of a series stand together in the order of time.

        Raises
        ------
        ValueError
            If there is no row.
        """
        if not len(X):
            raise ValueError("there is no history to forecast from")
        codes, ids = pd.factorize(X[SERIES])
        order = None if (np.diff(codes) >= 0).all() else np.argsort(codes, kind="stable")
        values, stamps = np.asarray(y, dtype=np.float64), X[TIME].to_numpy()
        if order is not None:
            codes, values, stamps = codes[order], values[order], stamps[order]
        starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0, True])
        return cls(pd.Index(ids), values, starts, stamps)

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Number of values of each series."""
        return np.diff(self.starts)

    @property
    def origins(self) -> NDArray[Any]:
        """Last time stamp of each series."""
        return self.stamps[self.starts[1:] - 1]

    def series(self, place: int) -> Floats:
        """Return the values of one series."""
        return self.values[self.starts[place] : self.starts[place + 1]]

    def take(self, first: int, last: int) -> Self:
        """Return the series from one place to before another."""
        rows = slice(self.starts[first], self.starts[last])
        starts = self.starts[first : last + 1] - self.starts[first]
        return type(self)(self.ids[first:last], self.values[rows], starts, self.stamps[rows])

    def extended(self, later: Self) -> Self:
        """Return these histories with what others know beyond them, and with series that only those hold.

        Values from before the first known origin stay, even where the others have dropped them.
        """
        place = self.ids.get_indexer(later.ids)
        owner = np.repeat(np.arange(len(later)), later.lengths)
        known = place[owner] >= 0
        new = ~known | (later.stamps > self.origins[place[owner]])
        ids = self.ids.append(later.ids[place < 0])
        target = np.where(place >= 0, place, len(self) + np.cumsum(place < 0) - 1)
        codes = np.r_[np.repeat(np.arange(len(self)), self.lengths), target[owner][new]]
        order = np.argsort(codes, kind="stable")
        values, stamps = np.r_[self.values, later.values[new]], np.r_[self.stamps, later.stamps[new]]
        starts = np.r_[0, np.cumsum(np.bincount(codes, minlength=len(ids)))]
        return type(self)(ids, values[order], starts, stamps[order])


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What is forecast for every series, made when the history was known."""

    ids: pd.Index
    origins: NDArray[Any]
    """Last time stamp of each history."""
    values: Floats
    """Shape (s, horizon, 1 + levels): the point first."""
    asked: Forecasting

    def answer(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each row that is asked about, in its order.

        Raises
        ------
        ValueError
            If a series is unknown, or a step does not lie within the horizon behind its history.
        """
        place = self.ids.get_indexer(pd.Index(X[SERIES]))
        if (place < 0).any():
            strange = X[SERIES].iloc[int(np.argmax(place < 0))]
            raise ValueError(f"series {strange!r} has no history: it was neither fitted nor observed")
        steps = steps_behind(self.origins[place], X[TIME].to_numpy(), self.asked)
        if (steps == 0).any():
            row = int(np.argmax(steps == 0))
            raise ValueError(
                f"series {X[SERIES].iloc[row]!r} is asked for {X[TIME].iloc[row]}, which is not one of the "
                f"{self.asked.horizon} steps behind {pd.Series(self.origins).iloc[place[row]]}"
            )
        found = pd.DataFrame(self.values[place, steps - 1], columns=list(self.asked.columns))
        found.insert(0, SERIES, X[SERIES].to_numpy())
        found.insert(1, TIME, X[TIME].to_numpy())
        return found


def steps_behind(origins: NDArray[Any], stamps: NDArray[Any], asked: Forecasting) -> NDArray[np.intp]:
    """Return how many steps behind an origin each time stamp lies; 0 for what is no step of the horizon.

    Parameters
    ----------
    origins : array, shape (n,)
    stamps : array, shape (n,)
    asked : Forecasting
    """
    if not asked.freq:
        gaps: NDArray[np.intp] = (stamps - origins).astype(np.intp)
        return np.where((gaps >= 1) & (gaps <= asked.horizon), gaps, 0)
    from pandas.tseries.frequencies import to_offset

    offset = to_offset(asked.freq)
    different, own = np.unique(origins, return_inverse=True)
    steps = np.zeros(len(stamps), np.intp)
    for step in range(1, asked.horizon + 1):
        calendar = pd.DatetimeIndex(different) + step * offset
        steps[calendar.to_numpy()[own] == stamps] = step
    return steps


def normal_forecasts(mean: Floats, deviation: Floats, asked: Forecasting) -> Floats:
    """Return points and the quantiles of normal distributions.

    Parameters
    ----------
    mean : array, shape (..., horizon)
    deviation : array, shape (..., horizon)
        Standard deviation of the forecast's error.
    asked : Forecasting

    Returns
    -------
    array, shape (..., horizon, 1 + levels)
    """
    scores = np.array([0.0, *(NormalDist().inv_cdf(level) for level in asked.levels)])
    found: Floats = mean[..., None] + deviation[..., None] * scores
    return found
