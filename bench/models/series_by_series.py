"""A panel, series by series, by models that know one series: several at a time, and no failure ends the others.

A series that no member can forecast is answered for by its last season, and counted. What a member forecasts from a
history hangs on nothing else, no seed and no other series, and is remembered: models share members.
"""

import hashlib
import inspect
import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models import error_growth, statistical
from bench.models.benchmarks import last_season
from bench.models.histories import Floats, Forecasts, Histories, normal_forecasts
from bench.models.statistical import Local, State
from bench.panel import Forecasting
from bench.types import Arrays, Context

FIRST, CHUNK = 8, 16
"""Series that tell how long the others take, and of one order to a process: few, because the last ones wait for it."""
WORTH_SECONDS = 1.0
"""Of work still to do, from which other processes are worth their start."""
LATE = "time was up"
NOTHING_KEPT = "without a fit to go on with"
COMBINED: Mapping[str, Callable[..., Any]] = {"mean": np.nanmean, "median": np.nanmedian}
LIBRARIES = ("numpy", "scipy", "statsforecast", "statsmodels")


@dataclass(frozen=True)
class Order:
    """What is done with each series; plain data, so that it travels to other processes."""

    member: Local
    asked: Forecasting
    until: float
    """On the monotonic clock: no series is begun later."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a member makes of a few series."""

    values: Floats
    """Shape (series, horizon, 1 + levels); NaN where it has no answer."""
    reasons: list[str]
    """Why it has none; empty where it has one."""
    states: list[State | None]
    """What is kept of each fit; None where there was none, and no entry at all where forecasts were remembered."""

    @classmethod
    def joined(cls, parts: Sequence["Part"]) -> "Part":
        """Return one part of the series of all."""
        return cls(
            np.concatenate([one.values for one in parts]),
            [reason for one in parts for reason in one.reasons],
            [state for one in parts for state in one.states],
        )


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
    states: list[list[State | None]] = field(default_factory=list)
    """Of each member."""
    left_out: pd.Index = field(default_factory=lambda: pd.Index([]))
    """Series that no member could forecast."""

    @property
    def fallbacks_(self) -> int:
        """Number of series that the last season answers for."""
        return len(self.left_out)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit every series, and forecast it: what a forecast needs besides is not kept."""
        self.histories = Histories.of(X, y)
        until = time.monotonic() + self.seconds
        return self._answer([self._first(member, until) for member in self.members])

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Forecast every series from later history, with the parameters that it has."""
        assert self.histories is not None
        until = time.monotonic() + self.seconds
        for number, member in enumerate(self.members):
            if not self.states[number]:
                # Its forecasts were remembered, and its parameters were not.
                self.states[number] = self._over_series(member, None, until).states
        known = len(self.histories)
        self.histories = self.histories.extended(Histories.of(X, y))
        # What was never fitted has nothing to go on with.
        new: list[State | None] = [None] * (len(self.histories) - known)
        states = [[*kept, *new] for kept in self.states]
        return self._answer([self._over_series(*each, until) for each in zip(self.members, states, strict=True)])

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""
        assert self.forecasts is not None
        return self.forecasts.answer(X)

    def _first(self, member: Local, until: float) -> Part:
        """Return what a member makes of histories that it has not met, or what it once made of them."""
        if self.context.remember is None:
            return self._over_series(member, None, until)
        made: list[Part] = []

        def arrays() -> Arrays | None:
            made.append(self._over_series(member, None, until))
            # What the clock cut does not repeat.
            reasons = made[0].reasons
            return None if LATE in reasons else {"values": made[0].values, "reasons": np.array(reasons, dtype=str)}

        found = self.context.remember(self._key(member), arrays)
        if made:
            return made[0]
        assert found is not None
        return Part(found["values"], found["reasons"].tolist(), [])

    def _key(self, member: Local) -> str:
        """Return a hash of all that moves the forecasts of a member."""
        assert self.histories is not None
        assert self.context.forecasting is not None
        asked = self.context.forecasting
        code = [inspect.getsource(module) for module in (statistical, error_growth, sys.modules[__name__])]
        digest = hashlib.sha256(repr((member, asked.horizon, asked.levels, code)).encode())
        digest.update(repr([version(name) for name in LIBRARIES]).encode())
        digest.update(self.histories.values.tobytes())
        digest.update(self.histories.starts.tobytes())
        return digest.hexdigest()[:32]

    def _over_series(self, member: Local, states: Sequence[State | None] | None, until: float) -> Part:
        assert self.histories is not None
        assert self.context.forecasting is not None
        order = Order(member, self.context.forecasting, until)
        return Part.joined(list(_parts(order, self.histories, states, self.context.threads)))

    def _answer(self, parts: Sequence[Part]) -> Self:
        assert self.histories is not None
        assert self.context.forecasting is not None
        asked, histories = self.context.forecasting, self.histories
        self.states = [part.states for part in parts]
        with warnings.catch_warnings():
            # Of a series that no member has an answer for.
            warnings.simplefilter("ignore", RuntimeWarning)
            values = COMBINED[self.combined]([part.values for part in parts], axis=0)
        empty = np.isnan(values).any(axis=(1, 2))
        if empty.any():
            mean, deviation, _ = last_season(histories, asked)
            values[empty] = normal_forecasts(mean[empty], deviation[empty], asked)
        self.left_out = histories.ids[np.flatnonzero(empty)]
        failed = Counter(
            f"{member.name}, {reason}"
            for member, part in zip(self.members, parts, strict=True)
            for reason in part.reasons
            if reason
        )
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


def _parts(order: Order, histories: Histories, states: Sequence[State | None] | None, threads: int) -> Iterator[Part]:
    """Yield what becomes of the series, in their order; the clock decides where that is done, and nothing else."""
    from threadpoolctl import threadpool_limits

    ends = [0, *range(FIRST, len(histories), CHUNK), len(histories)]
    work = (
        (histories.take(first, last), None if states is None else states[first:last]) for first, last in pairwise(ends)
    )
    # Matrices of single series are small: threads inside of them would wait for one another.
    with threadpool_limits(1):
        begun = time.monotonic()
        yield part_of(order, next(work))
        left = (time.monotonic() - begun) * (len(histories) / FIRST - 1)
        if threads == 1 or left < WORTH_SECONDS:
            yield from (part_of(order, one) for one in work)
            return
    yield from _elsewhere(order, work, threads)


def _elsewhere(
    order: Order, work: Iterator[tuple[Histories, Sequence[State | None] | None]], threads: int
) -> Iterator[Part]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from threadpoolctl import threadpool_limits

    # What is loaded here need not be loaded there, which takes seconds; where processes cannot be forked, it is.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(threads, mp_context=context, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield from pool.map(partial(part_of, order), work)


def part_of(order: Order, work: tuple[Histories, Sequence[State | None] | None]) -> Part:
    """Return what a member makes of a few series.

    Parameters
    ----------
    order : Order
    work : tuple
        Histories, and what was kept of the fit to each of them: None for all where they are to be fitted.
    """
    histories, before = work
    asked = order.asked
    values = np.full((len(histories), asked.horizon, 1 + len(asked.levels)), np.nan)
    reasons, states = [""] * len(histories), list(before or [None] * len(histories))
    # The libraries warn of single series, and would do so a hundred thousand times.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for place in range(len(histories)):
            y = histories.series(place)
            if y.min() == y.max():
                # No model has anything to find, and most libraries fail.
                values[place] = y[0]
            elif before is not None and states[place] is None:
                reasons[place] = NOTHING_KEPT
            elif time.monotonic() > order.until:
                reasons[place] = LATE
            else:
                try:
                    values[place], states[place] = _one(order, y, states[place])
                except Exception as error:
                    # MemoryError ends the cell; what a library raises for odd series does not.
                    if isinstance(error, MemoryError):
                        raise
                    reasons[place] = (str(error).strip().partition("\n")[0] or type(error).__name__)[:120]
    return Part(values, reasons, states)


def _one(order: Order, y: Floats, state: State | None) -> tuple[Floats, State]:
    """Return the forecasts of one series, and what is kept of the fit."""
    model = order.member.fit(y) if state is None else order.member.resumed(state, y)
    answer = order.member.forecast(model, order.asked)
    if not np.isfinite(answer).all():
        raise ValueError("forecasts that are no numbers")
    return answer, order.member.kept(model)
