"""From a panel to the histories that pretrained forecasters read, and from their quantiles to a frame of forecasts.

A zero-shot model learns nothing from a panel: to fit is to keep the last steps of every series. A series is forecast
from its own history; those beside it only fill a batch. Knows no library that holds weights.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.histories import steps_behind
from bench.models.quantile_levels import at_levels, last_value
from bench.panel import POINT, SERIES, TIME, Forecasting, quantile_column

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Levels that most pretrained forecasters were trained for."""


@dataclass(frozen=True, kw_only=True)
class History:
    """The last steps of one series, and what is known beside them."""

    target: NDArray[np.float64]
    """Shape (steps,)."""
    origin: Any = None
    """Time stamp of the last of them."""
    past: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Covariates of the same steps."""
    future: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Those covariates that are known for the steps to forecast, shape (horizon,)."""


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """Loaded weights, ready to be asked."""

    levels: tuple[float, ...]
    """Quantile levels that they give, ascending, with the median among them."""
    quantiles: Callable[[Sequence[History], int], NDArray[np.floating]]
    """From the histories of a batch and a horizon to quantiles, shape (histories, horizon, levels)."""


@dataclass(kw_only=True)
class ZeroShot:
    """A pretrained forecaster of single series: it keeps the end of each, and reads it when it is asked."""

    load: Callable[[], Pretrained]
    """Loads verified weights; pickles, as they themselves do not travel with the model."""
    asked: Forecasting
    batch_size: int
    """Series that are read at once."""
    context: int
    """Steps of a series that are read at most: the last ones."""
    least: int = 1
    """Steps without which the weights cannot be asked."""
    covariates: bool = False
    """Whether covariates are read."""
    side_by_side: int = 0
    """Batches that run at once, on a thread each: faster for small networks. 0 gives one batch all threads."""
    fallbacks_: int = 0
    """Series with fewer than the ``least`` steps among those that were last asked about: their last value goes on."""
    _weights: Pretrained | None = None
    _histories: dict[str, History] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the weights."""
        return {**self.__dict__, "_weights": None}

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Load the weights, and keep the end of every series."""
        self._open()
        columns = (*self.asked.known, *self.asked.past) if self.covariates else ()
        self._histories, cut = histories(X, y, self.context, columns)
        if cut:
            warnings.warn(f"Of {cut} series only the last {self.context} steps are read.", stacklevel=2)
        return self

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> None:
        """Keep the end of every series as it is now."""
        self.fit(X, y)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return forecasts of the series in ``X``.

        Raises
        ------
        ValueError
            If a series was not fitted, or is asked about at another time than the steps of the horizon.
        """
        codes, names = pd.factorize(X[SERIES].astype(str))
        if strange := [name for name in names if name not in self._histories]:
            raise ValueError(f"The series {strange[0]!r} was not fitted.")
        origins = np.array([self._histories[name].origin for name in names])
        steps = steps_behind(origins[codes], X[TIME].to_numpy(), self.asked) - 1
        if (steps < 0).any():
            row = X.iloc[int(np.argmax(steps < 0))]
            raise ValueError(
                f"The series {row[SERIES]!r} is asked about at {row[TIME]}, which is not one of the "
                f"{self.asked.horizon} steps behind its history."
            )
        asked = self._with_futures(X, codes, names, steps)
        values = self._forecasts(asked)[codes, steps]
        columns = {POINT: values[:, 0]}
        columns |= {quantile_column(level): values[:, 1 + at] for at, level in enumerate(self.asked.levels)}
        return pd.DataFrame({SERIES: X[SERIES].to_numpy(), TIME: X[TIME].to_numpy(), **columns})

    def _open(self) -> Pretrained:
        if self._weights is None:
            self._weights = self.load()
        return self._weights

    def _with_futures(
        self, X: pd.DataFrame, codes: NDArray[np.intp], names: pd.Index, steps: NDArray[np.intp]
    ) -> list[History]:
        """Return the histories of the named series, with the covariates of the rows that are asked about."""
        kept = [self._histories[name] for name in names]
        known = [name for name in self.asked.known if self.covariates and name in X.columns]
        if not known:
            return kept
        rows = np.lexsort((steps, codes))
        parts = np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1)
        values = {name: X[name].to_numpy() for name in known}
        return [
            replace(one, future={name: values[name][part] for name in known})
            for one, part in zip(kept, parts, strict=True)
        ]

    def _forecasts(self, asked: Sequence[History]) -> NDArray[np.float64]:
        """Return the median, then the quantiles of all levels, shape (series, horizon, 1 + levels)."""
        weights, levels = self._open(), (0.5, *self.asked.levels)
        out = np.empty((len(asked), self.asked.horizon, len(levels)))
        lengths = np.array([len(one.target) for one in asked])
        short = np.flatnonzero(lengths < self.least)
        self.fallbacks_ = len(short)
        for at in map(int, short):
            out[at] = last_value(asked[at].target, self.asked.horizon, levels)

        def forecast(rows: NDArray[np.intp]) -> None:
            found = weights.quantiles([asked[int(row)] for row in rows], self.asked.horizon)
            out[rows] = at_levels(np.asarray(found, dtype=np.float64), weights.levels, levels)

        parts = batches(lengths, self.least, self.batch_size)
        if not self.side_by_side:
            list(map(forecast, parts))
            return out
        with _one_thread_a_batch(), ThreadPoolExecutor(self.side_by_side) as pool:
            list(pool.map(forecast, parts))
        return out


def histories(
    X: pd.DataFrame, y: NDArray[Any], most: int, columns: Sequence[str] = ()
) -> tuple[dict[str, History], int]:
    """Return the last steps of every series of a panel, and how many series are longer than that.

    Parameters
    ----------
    X : DataFrame
    y : array, shape (n,)
    most : int
        Steps that are kept.
    columns : sequence of str
        Covariates to keep.

    Examples
    --------
    >>> panel = pd.DataFrame({SERIES: ["a", "a", "b"], TIME: [2, 1, 1]})
    >>> kept, cut = histories(panel, np.array([5.0, 4.0, 7.0]), most=1)
    >>> kept["a"].target, cut
    (array([5.]), 1)
    """
    codes, names = pd.factorize(X[SERIES].astype(str))
    order = np.lexsort((X[TIME].to_numpy(), codes))
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    starts = np.r_[0, ends[:-1]]
    values, stamps = np.asarray(y, dtype=np.float64)[order], X[TIME].to_numpy()[order]
    past = {name: X[name].to_numpy()[order] for name in columns}
    kept = {}
    for name, start, end in zip(names, starts, ends, strict=True):
        place = slice(max(start, end - most), end)
        kept[str(name)] = History(
            target=values[place].copy(),
            origin=stamps[end - 1],
            past={column: cells[place] for column, cells in past.items()},
        )
    return kept, int((ends - starts > most).sum())


def batches(lengths: NDArray[np.intp], least: int, size: int) -> Iterator[NDArray[np.intp]]:
    """Yield the places of series that are long enough, alike in length, so that little of a batch is padding.

    Examples
    --------
    >>> [rows.tolist() for rows in batches(np.array([3, 9, 1, 8]), 2, 2)]
    [[1, 3], [0]]
    """
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] >= least]
    for at in range(0, len(order), size):
        yield order[at : at + size]


def left_padded(asked: Sequence[History]) -> NDArray[np.float32]:
    """Return targets that end together, NaN before their first step, shape (series, steps of the longest)."""
    out = np.full((len(asked), max(len(one.target) for one in asked)), np.nan, np.float32)
    for row, one in enumerate(asked):
        out[row, out.shape[1] - len(one.target) :] = one.target
    return out


@contextlib.contextmanager
def _one_thread_a_batch() -> Iterator[None]:
    """Keep operators of small networks from waiting for each other's threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def how_to_get(weights: str, repository: str, files: Sequence[str] = ("config.json", "model.safetensors")) -> str:
    """Say how to get weights that no run can fetch, or return an empty string where they are there.

    Parameters
    ----------
    weights : str
        Address of a local folder.
    repository : str
        On the hub.
    files : sequence of str
        That are needed of it.
    """
    scheme, _, place = weights.partition(":")
    if scheme != "dir" or Path(place).expanduser().exists():
        return ""
    return (
        f"There are no weights in {place}. Get them by: hf download {repository} {' '.join(files)} --local-dir "
        f"{place} && python -m bench zoo lock '{weights}'"
    )


def device() -> str:
    """Return where torch models run on this machine."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
