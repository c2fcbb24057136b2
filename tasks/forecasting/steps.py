"""Steps that are asked for by name (``data.freq=``): every time stamp stands for the one that it lies in."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from tasks.forecasting.frequency import DAY, MONTHS, WEEKDAYS, Grid, Ints, Step, Unit, alias_of, starts_of

EXAMPLES = "h, 15min, D, B, W, MS, QS or YS"
MONTHS_OF = {"M": 1, "Q": 3, "Y": 12}
BEFORE_WEEK = 3
"""Days from a Monday to the first day of 1970, a Thursday."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One step, and where the first one begins, in nanoseconds, months or business days since 1970."""

    step: Step
    begin: int
    at_end: bool
    """Whether the last day names a step, as that of weeks, ``ME``, ``QE`` and ``YE`` does."""

    def index(self, times: NDArray[np.datetime64]) -> Ints:
        """Return the number of the step that each time lies in; weekends belong to the Friday before."""
        if self.step.unit == "business day":
            days = np.busday_offset(times.astype("datetime64[D]"), 0, roll="backward")
            return np.asarray(np.busday_count(np.datetime64(0, "D"), days), np.int64)
        return (_units(times, self.step.unit) - self.begin) // self.step.size

    def named(self, index: Ints) -> Ints:
        """Return what names steps, in the units of `Grid.first`."""
        match self.step.unit:
            case "business day":
                days: NDArray[np.datetime64] = np.busday_offset(np.datetime64(0, "D"), index)
                return np.asarray(days.astype("datetime64[ns]").astype(np.int64))
            case "month":
                return self.begin + index * self.step.size + (self.step.size - 1 if self.at_end else 0)
        return self.begin + index * self.step.size + (self.step.size - DAY if self.at_end else 0)


def check_alias(alias: str) -> None:
    """Refuse what is no pandas alias of one step.

    Parameters
    ----------
    alias : str

    Raises
    ------
    DataError
        With examples.
    """
    _asked(alias, np.zeros(1, "datetime64[ns]"))


def grid_of(alias: str, codes: NDArray[np.intp], stamps: pd.Series, source: str) -> Grid:
    """Return the grid of steps that are asked for.

    Parameters
    ----------
    alias : str
        pandas' alias of one step.
    codes : array, shape (n,)
        Series of each row, ascending.
    stamps : Series, shape (n,)
        Ascending within each series.
    source : str
        For errors.

    Returns
    -------
    Grid
        With a place for each row, which several rows may share.

    Raises
    ------
    DataError
        If time stamps are whole numbers.
    """
    if not pd.api.types.is_datetime64_any_dtype(stamps):
        raise DataError(
            f"{source}: time stamps are whole numbers, of which nobody knows how long they are: data.freq={alias} is "
            "for dates. Leave it out, or give a column with dates by data.time=COLUMN."
        )
    times = stamps.to_numpy("datetime64[ns]")
    asked = _asked(alias, times)
    index, starts = asked.index(times), starts_of(codes)
    first = asked.named(index[starts])
    months = asked.step.unit == "month"
    freq = "B" if asked.step.unit == "business day" else alias_of(asked.step, first, months and asked.at_end)
    return Grid(
        step=asked.step, freq=freq, place=index - index[starts][codes], first=first, at_end=months and asked.at_end
    )


def cut_short(alias: str, codes: NDArray[np.intp], stamps: pd.Series) -> int:
    """Return how many series begin or end within a step, so that its sum is of a part.

    Parameters
    ----------
    alias : str
    codes : array, shape (n,)
        Series of each row, ascending.
    stamps : Series, shape (n,)
        Ascending within each series.

    Returns
    -------
    int
        Series to which the usual distance of their rows would add one before the first or behind the last, in the same
        step.
    """
    times = stamps.to_numpy("datetime64[ns]")
    asked = _asked(alias, times)
    starts = starts_of(codes)
    ends = np.r_[starts[1:], len(codes)] - 1
    gaps = pd.Series(times).groupby(codes).diff()
    usual = gaps.where(gaps > pd.Timedelta(0)).groupby(codes).median().to_numpy("timedelta64[ns]")
    lone = np.isnat(usual)
    usual = np.where(lone, np.timedelta64(0, "ns"), usual)
    before, behind = times[starts] - usual, times[ends] + usual
    part = (asked.index(before) == asked.index(times[starts])) | (asked.index(behind) == asked.index(times[ends]))
    return int((part & ~lone).sum())


def _units(times: NDArray[np.datetime64], unit: Unit) -> Ints:
    return times.astype("datetime64[M]" if unit == "month" else "datetime64[ns]").astype(np.int64)


def _asked(alias: str, times: NDArray[np.datetime64]) -> Asked:
    """Return a step by its alias; those that fill no day or year evenly begin with the first time."""
    offset = _offset_of(alias)
    name, count = offset.name.partition("-")[0], int(offset.n)
    if isinstance(offset, pd.offsets.Tick | pd.offsets.Day):
        size = count * DAY if name == "D" else int(offset.nanos)
        return _beginning(Step(unit="time", size=size), 0, DAY, DAY % size == 0, times)
    if name == "B":
        return Asked(step=Step(unit="business day", size=1), begin=0, at_end=False)
    if name == "W":
        begin = (WEEKDAYS.index(offset.name.partition("-")[2]) + 1 - BEFORE_WEEK) * DAY
        step = Step(unit="time", size=7 * DAY * count)
        return _beginning(step, begin, 7 * DAY, count == 1, times, at_end=True)
    unit, ends = MONTHS_OF[name[0]], name[1] == "E"
    step = Step(unit="month", size=unit * count)
    month = MONTHS.index(offset.name.partition("-")[2]) + int(ends) if unit > 1 else 0
    return _beginning(step, month % unit, unit, 12 % step.size == 0, times, at_end=ends)


def _beginning(
    step: Step, begin: int, unit: int, even: bool, times: NDArray[np.datetime64], at_end: bool = False
) -> Asked:
    if not even:
        begin += (int(_units(times, step.unit).min()) - begin) // unit * unit
    return Asked(step=step, begin=begin, at_end=at_end)


def _offset_of(alias: str) -> pd.offsets.BaseOffset:
    """Return what pandas understands, if it is a step of which a grid can be made."""
    try:
        with warnings.catch_warnings():
            # Letters that pandas gives up are refused with those that it keeps.
            warnings.simplefilter("error", FutureWarning)
            offset = pd.tseries.frequencies.to_offset(alias)
    except (ValueError, FutureWarning):
        offset = None
    known = ("B", "W", "MS", "ME", "QS", "QE", "YS", "YE")
    tick = isinstance(offset, pd.offsets.Tick | pd.offsets.Day)
    if offset is None or offset.n < 1 or not (tick or offset.name.partition("-")[0] in known):
        raise DataError(f"data.freq={alias} is no step that pandas has an alias for. Examples are {EXAMPLES}.")
    if offset.name == "B" and offset.n > 1:
        raise DataError(f"data.freq={alias}: steps of several business days are not known. Give B, or W.")
    return offset
