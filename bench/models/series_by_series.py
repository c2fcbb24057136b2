"""A panel, series by series, by models that know one series: several at a time, and no failure ends the others.

A series that no member can forecast is answered for by its last season, and counted.
"""

import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.benchmarks import last_season
from bench.models.histories import Floats, Forecasts, Histories, normal_forecasts
from bench.models.statistical import Local
from bench.panel import Forecasting
from bench.types import Context

FIRST, CHUNK = 8, 16
"""Series that tell how long the others take, and of one order to a process: few, because the last ones wait for it."""
WORTH_SECONDS = 1.0
"""Of work still to do, from which other processes are worth their start."""
LATE = "time was up"
COMBINED: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "median": np.median}

Kept = tuple[Any, ...]
"""What is kept of the members fitted to one series; None for one that failed."""


@dataclass(frozen=True)
class Order:
    """What is done with each series; plain data, so that it travels to other processes."""

    members: tuple[Local, ...]
    asked: Forecasting
    combined: str
    until: float
    """On the monotonic clock: no series is begun later."""


@dataclass(frozen=True, eq=False)
class Part:
    """What became of a few series."""

    values: Floats
    """Shape (series, horizon, 1 + levels); NaN where no member answered."""
    kept: list[Kept]
    failed: Counter[str]
    """Member and reason, with the number of series."""


@dataclass
class SeriesBySeries:
    """A forecaster of panels: the mean or the median of members that are fitted to each series by itself."""

    members: Sequence[Local]
    context: Context
    combined: str = "median"
    seconds: float = math.inf
    """After which no further series is fitted."""
    histories: Histories | None = None
    forecasts: Forecasts | None = None
    kept: list[Kept] = field(default_factory=list)
    left_out: pd.Index = field(default_factory=lambda: pd.Index([]))
    """Series that no member could forecast."""

    @property
    def fallbacks_(self) -> int:
        """Number of series that the last season answers for."""
        return len(self.left_out)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit every series, and forecast it: what a forecast needs besides is not kept."""
        self.histories = Histories.of(X, y)
        return self._answer([None] * len(self.histories))

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Forecast every series from later history, with the parameters that it has."""
        assert self.histories is not None
        known = len(self.histories)
        self.histories = self.histories.extended(Histories.of(X, y))
        # What was never fitted has nothing to go on with.
        return self._answer([*self.kept, *[()] * (len(self.histories) - known)])

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""
        assert self.forecasts is not None
        return self.forecasts.answer(X)

    def _answer(self, kept: Sequence[Kept | None]) -> Self:
        assert self.histories is not None
        assert self.context.forecasting is not None
        asked, histories = self.context.forecasting, self.histories
        order = Order(tuple(self.members), asked, self.combined, time.monotonic() + self.seconds)
        values = np.empty((len(histories), asked.horizon, 1 + len(asked.levels)))
        failed: Counter[str] = Counter()
        self.kept, done = [], 0
        for part in _parts(order, histories, kept, self.context.threads):
            values[done : done + len(part.kept)] = part.values
            self.kept += part.kept
            failed += part.failed
            done += len(part.kept)
        empty = ~np.isfinite(values).all(axis=(1, 2))
        if empty.any():
            mean, deviation, _ = last_season(histories, asked)
            values[empty] = normal_forecasts(mean[empty], deviation[empty], asked)
        self.left_out = histories.ids[np.flatnonzero(empty)]
        _tell(failed, self.fallbacks_, len(histories))
        self.forecasts = Forecasts(histories.ids, histories.origins, values, asked)
        return self


def _tell(failed: Counter[str], fallbacks: int, series: int) -> None:
    """Warn once of all that failed: a panel may hold a hundred thousand series."""
    if not failed:
        return
    said = "; ".join(f"{reason}: {count}" for reason, count in failed.most_common(5))
    late = " Which ones hangs on the clock, and does not repeat exactly." if any(LATE in why for why in failed) else ""
    warnings.warn(
        f"The last season answers for {fallbacks} of {series} series. Series that could not be fitted, by reason: "
        f"{said}.{late}",
        stacklevel=4,
    )


def _parts(order: Order, histories: Histories, kept: Sequence[Kept | None], threads: int) -> Iterator[Part]:
    """Yield what becomes of the series, in their order; the clock decides where that is done, and nothing else."""
    from threadpoolctl import threadpool_limits

    ends = [0, *range(FIRST, len(histories), CHUNK), len(histories)]
    work = ((histories.take(first, last), kept[first:last]) for first, last in pairwise(ends))
    # Matrices of single series are small: threads inside of them would wait for one another.
    with threadpool_limits(1):
        begun = time.monotonic()
        yield part_of(order, next(work))
        left = (time.monotonic() - begun) * (len(histories) / FIRST - 1)
        if threads == 1 or left < WORTH_SECONDS:
            yield from (part_of(order, one) for one in work)
            return
    yield from _elsewhere(order, work, threads)


def _elsewhere(order: Order, work: Iterator[tuple[Histories, Sequence[Kept | None]]], threads: int) -> Iterator[Part]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from threadpoolctl import threadpool_limits

    # What is loaded here need not be loaded there, which takes seconds; where processes cannot be forked, it is.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(threads, mp_context=context, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield from pool.map(partial(part_of, order), work)


def part_of(order: Order, work: tuple[Histories, Sequence[Kept | None]]) -> Part:
    """Return what becomes of a few series.

    Parameters
    ----------
    order : Order
    work : tuple
        Histories, and what was kept of each series: None where it is to be fitted.
    """
    histories, kept = work
    asked, failed = order.asked, Counter[str]()
    values = np.full((len(histories), asked.horizon, 1 + len(asked.levels)), np.nan)
    left: list[Kept] = []
    # The libraries warn of single series, and would do so a hundred thousand times.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for place in range(len(histories)):
            y = histories.series(place)
            if y.min() == y.max():
                # No model has anything to find, and most libraries fail.
                values[place] = y[0]
                left.append(())
                continue
            answers, remains = _one(order, y, kept[place], failed)
            left.append(remains)
            if answers:
                values[place] = COMBINED[order.combined](answers, axis=0)
    return Part(values, left, failed)


def _one(order: Order, y: Floats, kept: Kept | None, failed: Counter[str]) -> tuple[list[Floats], Kept]:
    """Return the sound answers for one series, and what is kept of each member."""
    answers: list[Floats] = []
    remains: list[Any] = []
    if kept == ():
        failed["without a fit to go on with"] += 1
        return answers, ()
    if time.monotonic() > order.until:
        failed[LATE] += 1
        return answers, ()
    for number, member in enumerate(order.members):
        before = None if kept is None else kept[number]
        remains.append(before)
        if kept is not None and before is None:
            continue
        try:
            model = member.fit(y) if before is None else member.resumed(before, y)
            answer = member.forecast(model, order.asked)
            if not np.isfinite(answer).all():
                raise ValueError("forecasts that are no numbers")
            remains[-1] = member.kept(model)
        except Exception as error:
            # MemoryError ends the cell; what a library raises for odd series does not.
            if isinstance(error, MemoryError):
                raise
            failed[f"{member.name}, {str(error).strip().partition(chr(10))[0] or type(error).__name__}"[:120]] += 1
            continue
        answers.append(answer)
    return answers, tuple(remains)
