"""The steps of a panel: found from its time stamps, with the season and the horizon that are usual for them.

Seasons are those of GluonTS, horizons those of the M4 competition, and of GIFT-Eval below an hour.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from tasks.forecasting.usual import is_usual, refusal

Unit = Literal["number", "time", "month", "business day"]
Ints = NDArray[np.int64]
DAY = 24 * 3600 * 10**9
"""In nanoseconds."""
HOUR, MINUTE, SECOND = DAY // 24, DAY // 1440, DAY // 86400
ALIASES = {DAY: "D", HOUR: "h", MINUTE: "min", SECOND: "s", 10**6: "ms", 10**3: "us", 1: "ns"}
SHORTEST_MONTH = 28 * DAY
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
STEPS_TO_TELL = 3
"""Equal steps from which a series tells its frequency."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: how long, and of what."""

    unit: Unit
    size: int
    """Nanoseconds, months, business days, or the difference of two numbers."""

    @property
    def words(self) -> str:
        """Return what people call it."""
        named = {("month", 1): "monthly", ("month", 3): "quarterly", ("month", 6): "half-yearly"}
        named |= {("month", 12): "yearly", ("time", 7 * DAY): "weekly", ("time", DAY): "daily"}
        named |= {("time", HOUR): "hourly", ("time", MINUTE): "by the minute", ("business day", 1): "business-daily"}
        if (self.unit, self.size) in named:
            return named[self.unit, self.size]
        if self.unit == "time":
            return f"every {_offset(self.size)}"
        return f"every {self.size} months" if self.unit == "month" else f"in steps of {self.size}"

    @property
    def season(self) -> int:
        """Return the usual number of steps of a season: of a year, a week, or a day; 1 where there is none."""
        match self.unit:
            case "month":
                return 12 // self.size if self.size < 12 and 12 % self.size == 0 else 1
            case "business day":
                return 5
            case "time" if self.size == DAY:
                return 7
            case "time" if self.size < MINUTE:
                return max(1, HOUR // self.size)
            case "time" if self.size < DAY and DAY % self.size == 0:
                return DAY // self.size
        return 1

    @property
    def horizon(self) -> int:
        """Return the usual number of steps to forecast."""
        match self.unit:
            case "month":
                return {1: 18, 3: 8, 6: 4}.get(self.size, 6)
            case "number":
                return 8
            case "business day":
                return 10
            case "time" if self.size >= 7 * DAY:
                return 13
            case "time" if self.size < MINUTE:
                return 60
            case "time" if self.size < DAY:
                return 48
        return 14


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The steps on which all time stamps of a panel lie."""

    step: Step
    freq: str
    """pandas' alias; empty for whole numbers."""
    place: Ints
    """Steps of each row behind the first row of its series, shape (n,)."""
    first: Ints
    """Where each series begins, in units of the step, shape (s,)."""
    at_end: bool = False
    """Whether time stamps are the last days of months."""

    def stamps(self, codes: NDArray[np.intp], place: Ints) -> NDArray[Any]:
        """Return time stamps of series at places, shape (n,): ``datetime64[ns]``, or ``int64`` of numbered steps."""
        at: Ints = self.first[codes]
        match self.step.unit:
            case "number":
                return at + place
            case "time":
                return (at + place * self.step.size).astype("datetime64[ns]")
            case "business day":
                days: NDArray[np.datetime64] = np.busday_offset((at // DAY).astype("datetime64[D]"), place)
                return np.asarray(days.astype("datetime64[ns]") + (at % DAY).astype("timedelta64[ns]"))
        months = (at + place * self.step.size + int(self.at_end)).astype("datetime64[M]").astype("datetime64[D]")
        return np.asarray((months - int(self.at_end)).astype("datetime64[ns]"))


def find_grid(
    codes: NDArray[np.intp], stamps: pd.Series, names: NDArray[np.object_], source: str, filled: bool
) -> Grid:
    """Return the grid of a panel.

    Parameters
    ----------
    codes : array, shape (n,)
        Series of each row, ascending.
    stamps : Series, shape (n,)
        Ascending within each series.
    names : array, shape (s,)
    source : str
        For errors.
    filled : bool
        Whether missing steps are to be filled, so that a coarser series may be one with gaps.

    Returns
    -------
    Grid
        With a place for each row.

    Raises
    ------
    DataError
        If there are several frequencies, or time stamps between the steps.
    """
    if not pd.api.types.is_datetime64_any_dtype(stamps):
        return _numbered(codes, stamps.to_numpy(np.int64), names, source, filled)
    times = stamps.to_numpy("datetime64[ns]")
    ns, days = times.astype(np.int64), times.astype("datetime64[D]")
    months = times.astype("datetime64[M]").astype(np.int64)
    ends = bool((days + 1 == (days + 1).astype("datetime64[M]").astype("datetime64[D]")).all())
    by_month = _by_month(codes, ns, days, ends)
    if not by_month and not filled:
        _refuse_months_among(codes, ns, days, names, source)
    values, unit = (months, "month") if by_month else (ns, "time")
    step = _common(codes, {cast(Unit, unit): values}, names, source, filled)
    place, first = _placed(codes, values, step, names, source, ns=ns), values[starts_of(codes)]
    if step == Step(unit="time", size=DAY) and _on_business_days(codes, days):
        place = np.busday_count(days[starts_of(codes)][codes], days).astype(np.int64)
        return Grid(step=Step(unit="business day", size=1), freq="B", place=place, first=first)
    return Grid(step=step, freq=alias_of(step, first, ends), place=place, first=first, at_end=ends)


def _numbered(codes: NDArray[np.intp], values: Ints, names: NDArray[np.object_], source: str, filled: bool) -> Grid:
    """Return the grid of whole numbers; steps of more than one are numbered anew."""
    step = _common(codes, {"number": values}, names, source, filled)
    lowest = values.min() if step.size > 1 else 0
    place = _placed(codes, values, step, names, source, (values - lowest) % step.size != 0)
    return Grid(step=step, freq="", place=place, first=(values[starts_of(codes)] - lowest) // step.size)


def _offset(size: int) -> str:
    """Return pandas' name of a number of nanoseconds."""
    unit, alias = next((unit, alias) for unit, alias in ALIASES.items() if size % unit == 0)
    return alias if size == unit else f"{size // unit}{alias}"


def starts_of(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first row of each series."""
    return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])


def _steps(codes: NDArray[np.intp], values: Ints) -> tuple[NDArray[np.intp], Ints]:
    """Return series and size of every step from one time stamp to the next later one."""
    own = (codes[1:] == codes[:-1]) & (values[1:] > values[:-1])
    return codes[1:][own], np.diff(values)[own]


def _by_month(codes: NDArray[np.intp], ns: Ints, days: NDArray[np.datetime64], ends: bool) -> bool:
    """Return whether steps are months: few are shorter, and they are of one day, the last one, or of no one length."""
    sizes = _steps(codes, ns)[1]
    if len(sizes) == 0 or np.quantile(sizes, 0.1, method="lower") < SHORTEST_MONTH:
        return False
    return len(np.unique(_day_of_month(days))) == 1 or ends or bool((sizes % sizes.min() != 0).any())


def _day_of_month(days: NDArray[np.datetime64]) -> Ints:
    since: NDArray[np.timedelta64] = days - days.astype("datetime64[M]").astype("datetime64[D]")
    return since.astype(np.int64)


def _refuse_months_among(
    codes: NDArray[np.intp], ns: Ints, days: NDArray[np.datetime64], names: NDArray[np.object_], source: str
) -> None:
    """Refuse series of months among such of a fixed length, beside which they would look like one with gaps."""
    own, sizes = _steps(codes, ns)
    if len(sizes) == 0:
        return
    starts, rows = starts_of(own), starts_of(codes)
    day = _day_of_month(days)
    one_day = (np.minimum.reduceat(day, rows) == np.maximum.reduceat(day, rows))[own[starts]]
    long = np.minimum.reduceat(sizes, starts) >= SHORTEST_MONTH
    uneven = np.minimum.reduceat(sizes, starts) < np.maximum.reduceat(sizes, starts)
    found = own[starts][one_day & long & uneven & (np.bincount(own)[own[starts]] >= STEPS_TO_TELL)]
    if len(found):
        others = np.setdiff1d(codes, found)
        raise DataError(
            f"{source} holds series of several frequencies: {len(found)} in steps of months (such as "
            f"{names[found[0]]}), {len(others)} in shorter ones (such as {names[others[0]]}). Keep one of them, by "
            "data.where= or a file for each."
        )


def _common(
    codes: NDArray[np.intp], units: dict[Unit, Ints], names: NDArray[np.object_], source: str, filled: bool
) -> Step:
    """Return the step that the series have in common: of those with equal steps, or the most frequent one."""
    unit: Unit = next(iter(units))
    own, sizes = _steps(codes, units[unit])
    if len(sizes) == 0:
        raise DataError(
            f"{source}: no series has two different time stamps. Is the column that names the series the right one? "
            "Give it by data.id=COLUMN."
        )
    starts = starts_of(own)
    lows, highs, counts = np.minimum.reduceat(sizes, starts), np.maximum.reduceat(sizes, starts), np.bincount(own)
    even = (lows == highs) & (counts[counts > 0] >= STEPS_TO_TELL)
    # Of series with gaps the most frequent step tells.
    different, frequency = np.unique(sizes, return_counts=True)
    found = Counter({int(different[frequency.argmax()]): 0})
    found.update(lows[even].tolist())
    if not found.total():
        return Step(unit=unit, size=next(iter(found)))
    finest = min(found)
    if any(size % finest or not filled for size in found if size > finest and found[size]):
        examples = {size: names[own[starts]][even & (lows == size)] for size in found}
        raise DataError(_several(unit, found, examples, source))
    return Step(unit=unit, size=finest)


def _several(unit: Unit, found: Counter[int], examples: dict[int, NDArray[np.object_]], source: str) -> str:
    each = [
        Step(unit=unit, size=size).words + (f" ({count} series, such as {examples[size][0]})" if count else "")
        for size, count in sorted(found.items())[:4]
    ]
    return (
        f"{source} holds series of several frequencies: {', '.join(each)}. Keep one of them, by data.where= or a "
        "file for each. If the coarser ones lack steps, data.fill= makes them whole."
    )


def _placed(
    codes: NDArray[np.intp],
    values: Ints,
    step: Step,
    names: NDArray[np.object_],
    source: str,
    odd: NDArray[np.bool_] | None = None,
    ns: Ints | None = None,
) -> Ints:
    """Return the places of time stamps, or refuse those between the steps."""
    behind = values - values[starts_of(codes)][codes]
    if odd is None:
        odd = behind % step.size != 0
    if odd.any():
        words = step.words if step.unit != "time" or is_usual(step.size) or odd.mean() < 0.5 else ""
        raise DataError(f"{source}: {refusal(codes, odd, names, words, ns)}")
    return behind // step.size


def _on_business_days(codes: NDArray[np.intp], days: NDArray[np.datetime64]) -> bool:
    """Return whether daily stamps leave out weekends, and one would have been among them."""
    starts = starts_of(codes)
    ends = np.r_[starts[1:], len(codes)] - 1
    weekend = bool((np.busday_count(days[starts], days[ends]) < (days[ends] - days[starts]).astype(int)).any())
    return weekend and bool(np.is_busday(days).all())


def alias_of(step: Step, first: Ints, ends: bool) -> str:
    """Return pandas' name of a step."""
    if step.unit == "time":
        if step.size == 7 * DAY and len(weekdays := np.unique((first // DAY + 3) % 7)) == 1:
            return f"W-{WEEKDAYS[weekdays[0]]}"
        return _offset(step.size)
    letter = "E" if ends else "S"
    if step.size == 1:
        return f"M{letter}"
    if step.size in (3, 12) and len(phases := np.unique(first % step.size)) == 1:
        # A quarter is named by its first month when it starts there, by its last one when it ends there.
        month = phases[0] + (9 if step.size == 3 and ends else 0)
        return f"{'Q' if step.size == 3 else 'Y'}{letter}-{MONTHS[month]}"
    return f"{step.size}M{letter}"
