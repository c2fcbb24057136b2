"""From a column to time stamps: dates in the forms that files have them in, or whole numbers."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from tasks.labels import DAY_AND_MONTH, parsed_dates

ZONE = re.compile(r"(?<=\d)\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$")
"""A zone behind a time of day."""
TIME_OF_DAY = r"\d{1,2}:\d{2}"
PERIOD = r"^(\d{4})[ -]?([QqMm])(\d{1,2})$"
"""A quarter or a month, as statistical offices write them."""
WEEK = r"^(\d{4})-?[Ww](\d{2})$"
NUMBERED_WEEK = r"\d{4}(?:0[1-9]|[1-4]\d|5[0-3])"
PERIODS_A_YEAR = {"Q": 4, "M": 12}
YEARS = (1700, 2200)
"""Whole numbers between them are years; pandas has no dates far beyond."""
SECONDS = (5 * 10**8, 41 * 10**8)
"""Since 1970: from 1985 to 2099."""
HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
SUMMER = np.timedelta64(100, "D")
"""Clocks are changed less often."""
NIGHT = (23, 0, 1, 2, 3)
"""Hours at which clocks go back."""
EAST = ((11, 15), (21, 24))
"""Hours of UTC at which midnight comes in summer where clocks change, in Auckland and Sydney, Athens and London: a day
that begins then is the next one."""
AS_DAYS = "Time stamps are taken for days: an hour that they differ by where clocks change is left out."
Read = tuple[pd.Series, tuple[str, ...]]


def read_stamps(values: pd.Series, source: str) -> Read:
    """Read time stamps: ``datetime64[ns]`` without a zone, or ``int64`` where they are whole numbers.

    Parameters
    ----------
    values : Series
        Dates, numbers, or either as text.
    source : str
        For errors.

    Returns
    -------
    stamps : Series
        In the order of ``values``.
    notes : tuple of str
        On how they were read, where they could be read otherwise.

    Raises
    ------
    DataError
        If a row has no time stamp, or one that cannot be told.
    """
    name = str(values.name)
    if missing := int(_absent(values).sum()):
        raise DataError(f"{source}: column {name!r} has no time stamp in {missing} of {len(values)} rows. Drop these.")
    codes, levels = pd.factorize(values if _typed(values) else values.astype(object))
    different = pd.Series(levels if _typed(values) else np.asarray(levels, object), name=name)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        found, notes = _dates(different)
    elif not _typed(values) and pd.api.types.infer_dtype(different) in ("datetime", "date", "datetime64"):
        # Objects of Python: a zone stands in their text.
        found, notes = _of_text(different.map(str), source)
    else:
        numbers = pd.to_numeric(different, errors="coerce").astype(np.float64)
        found, notes = _of_numbers(numbers, source) if np.isfinite(numbers).all() else _of_text(different, source)
    kind = np.dtype("datetime64[ns]" if pd.api.types.is_datetime64_any_dtype(found) else "int64")
    return pd.Series(found.to_numpy().astype(kind)[codes], index=values.index, name=name), notes


def looks_like_time(values: pd.Series) -> bool:
    """Return whether a column holds dates: of type or as text, or numbers that are written dates or years."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return True
    try:
        found = read_stamps(values.iloc[:200], "")[0]
    except DataError:
        return False
    return pd.api.types.is_datetime64_any_dtype(found)


def hint_on_clocks(stamps: pd.Series, twice: NDArray[np.bool_]) -> str:
    """Return what to do about an hour that is there twice because clocks went back; empty if there is another reason.

    Parameters
    ----------
    stamps : Series
        Of all rows, without a zone.
    twice : array of bool
        Rows whose time stamp is there already.

    Returns
    -------
    str
        For errors. Rows are there twice in one hour of one night a year, and there are rows of other hours.
    """
    if not pd.api.types.is_datetime64_any_dtype(stamps.dtype) or (stamps == stamps.dt.normalize()).all():
        return ""
    again = np.unique(stamps.to_numpy("datetime64[ns]")[twice])
    nights, at = np.unique(again.astype("datetime64[D]"), return_inverse=True)
    hours = (again - nights[at]) // HOUR
    years = nights.astype("datetime64[Y]")
    one_hour = all(len(np.unique(hours[at == night])) == 1 for night in range(len(nights)))
    if not len(nights) or len(np.unique(years)) < len(nights) or not one_hour or not np.isin(hours, NIGHT).all():
        return ""
    return (
        f" They are an hour of {', '.join(map(str, nights[:3]))}, when clocks went back: write time stamps in UTC, or "
        "with their zone. Else data.duplicates=mean makes one of both, and data.fill= stands for the hour that spring "
        "lacks."
    )


def _absent(values: pd.Series) -> pd.Series:
    return values.isna() if _typed(values) else values.isna() | (values.astype(str).str.strip() == "")


def _typed(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)


def _of_numbers(numbers: pd.Series, source: str) -> Read:
    """Return dates that numbers stand for (20240131, 202401, 2024, seconds since 1970, 2024.25), or whole numbers."""
    whole = bool((numbers == numbers.round()).all())
    example, low, high = numbers.iloc[len(numbers) // 2], numbers.min(), numbers.max()

    def said(shape: str) -> tuple[str, ...]:
        return (f"Time stamps such as {example:.10g} are read as {shape}.",)

    if whole:
        text = numbers.map("{:.0f}".format)
        for pattern, form, shape in ((r"\d{8}", "%Y%m%d", "days (YYYYMMDD)"), (r"\d{6}", "%Y%m", "months (YYYYMM)")):
            dates = pd.to_datetime(text.where(text.str.fullmatch(pattern)), format=form, errors="coerce")
            if dates.notna().all() and dates.dt.year.between(*YEARS).all():
                return dates, said(shape)
        if (
            text.str.fullmatch(r"\d{4}(?:0[1-9]|[1-4]\d|5[0-3])").all()
            and 100 * YEARS[0] <= low <= high < 100 * YEARS[1]
        ):
            return _weeks(text.str[:4], text.str[4:], str(numbers.name), source), said("ISO weeks (YYYYWW)")
        if low >= YEARS[0] and high <= YEARS[1]:
            return pd.to_datetime(text, format="%Y"), said("years")
        for scale, shape in ((1, "Unix time in seconds"), (1000, "Unix time in milliseconds")):
            if low >= scale * SECONDS[0] and high <= scale * SECONDS[1]:
                found, notes = _of_clock(pd.Timestamp(0) + pd.to_timedelta(numbers / scale, unit="s"))
                return found, (*said(shape), *notes)
        return numbers.astype("int64"), ()
    months = 12 * numbers
    if low >= YEARS[0] and high <= YEARS[1] and bool((abs(months - months.round()) < 0.05).all()):
        count = months.round().astype("int64") - 12 * 1970
        return pd.Series(count.to_numpy().astype("datetime64[M]").astype("datetime64[ns]")), said("years and twelfths")
    odd = numbers[numbers != numbers.round()].iloc[0]
    raise DataError(
        f"{source}: column {numbers.name!r} holds {odd:.10g}, which is neither a date nor a whole number. Write time "
        "stamps as 2024-01-31, or number the steps."
    )


def _of_text(levels: pd.Series, source: str) -> Read:
    levels = levels.astype(str).str.strip()
    weeks = levels.str.extract(WEEK)
    if weeks.notna().all(axis=None):
        return _weeks(weeks[0], weeks[1], str(levels.name), source), ("Time stamps are ISO weeks.",)
    periods = levels.str.extract(PERIOD)
    if periods.notna().all(axis=None):
        return _periods(levels, periods, source)
    timed = levels.str.contains(TIME_OF_DAY)
    zoned = timed & levels.str.contains(ZONE)
    if zoned.any() and not zoned.all():
        raise DataError(
            f"{source}: column {levels.name!r} has a time zone in {int(zoned.sum())} of {len(levels)} different time "
            f"stamps ({levels[zoned].iloc[0]}) and none in the others ({levels[~zoned].iloc[0]}). Write all of them "
            "with one, or none."
        )
    if zoned.any():
        return _without_zone(levels, source)
    found, note = _parsed(levels, source)
    found, notes = _of_clock(found) if timed.all() else (found, ())
    return found, (*([note] if note else []), *notes)


def _weeks(years: pd.Series, weeks: pd.Series, name: str, source: str) -> pd.Series:
    """Return the Mondays of ISO weeks."""
    mondays = pd.to_datetime(years + weeks + "1", format="%G%V%u", errors="coerce")
    # pandas takes a week too many for the first one of the next year.
    if (bad := mondays.dt.isocalendar().week.ne(weeks.astype(int)).fillna(True)).any():
        raise DataError(
            f"{source}: column {name!r} holds week {weeks[bad].iloc[0]} of {years[bad].iloc[0]}, and by ISO 8601 there "
            "is none. Write the first day of each week instead, as 2024-01-29."
        )
    return mondays


def _periods(levels: pd.Series, parts: pd.DataFrame, source: str) -> Read:
    """Return the first days of quarters or months, from their year, letter and number."""
    letter, number = parts[1].str.upper(), parts[2].astype(int)
    most = letter.map(PERIODS_A_YEAR)
    if (bad := ~number.between(1, most)).any() or letter.nunique() > 1:
        shown = levels[bad].iloc[0] if bad.any() else f"{levels[letter == 'Q'].iloc[0]} beside months"
        raise DataError(
            f"{source}: column {levels.name!r} holds {shown}: no quarter from 1 to 4, or month from 1 to 12, as all "
            "others. Write time stamps as 2024-01-31."
        )
    months = (12 // most) * (number - 1) + 1
    words = "quarters" if letter.iloc[0] == "Q" else "months"
    return pd.to_datetime(parts[0] + "-" + months.astype(str), format="%Y-%m"), (f"Time stamps are {words}.",)


def _without_zone(levels: pd.Series, source: str) -> Read:
    local, _ = _parsed(levels.str.replace(ZONE, "", regex=True), source)
    return _of_zone(local, _parsed(levels, source)[0])


def _dates(values: pd.Series) -> Read:
    if values.dt.tz is None:
        return _of_clock(values)
    return _of_zone(values.dt.tz_localize(None), values.dt.tz_convert("UTC").dt.tz_localize(None))


def _of_zone(local: pd.Series, utc: pd.Series) -> Read:
    """Return days where stamps are midnights, or one time of the day, by the clock; else times in UTC."""
    days = local.dt.normalize()
    if (local == days).all():
        return local, ("Time zones are left out: all time stamps are days.",)
    if (local - days).nunique() == 1 < (utc - utc.dt.normalize()).nunique():
        return days, (AS_DAYS,)
    found, notes = _of_clock(utc)
    return found, notes or ("Time stamps with a zone are in UTC.",)


def _of_clock(stamps: pd.Series) -> Read:
    """Return days where stamps are one time of the day but for an hour in summer; else the stamps as they are.

    So are midnights of a zone in UTC: an hour earlier in its summer.
    """
    times = np.sort(stamps.dropna().to_numpy("datetime64[ns]"))
    hours = times - times.astype("datetime64[D]")
    different = np.unique(hours)
    if len(different) != 2 or (different[1] - different[0]) not in (HOUR, DAY - HOUR):
        return stamps, ()
    changed = times[1:][hours[1:] != hours[:-1]]
    if (np.diff(changed) < SUMMER).any():
        return stamps, ()
    early = different[0] if different[1] - different[0] == HOUR else different[1]
    days = (stamps - early).dt.normalize()
    if days.nunique() < len(times):
        return stamps, ()
    later = days + DAY
    next_day = any(first * HOUR <= early < last * HOUR for first, last in EAST)
    return (later if next_day and (_weekdays(later) or not _weekdays(days)) else days), (AS_DAYS,)


def _weekdays(days: pd.Series) -> bool:
    return bool((days.dt.dayofweek < 5).all())


def _parsed(levels: pd.Series, source: str) -> tuple[pd.Series, str]:
    """Return dates, with the day first where only so their steps are even."""
    found, guessed = parsed_dates(levels)
    if (bad := found.isna()).any():
        raise DataError(_no_dates(levels, bad, source))
    if not guessed:
        return found, ""
    other = pd.to_datetime(levels, errors="coerce", format="mixed", dayfirst=True, utc=True).dt.tz_localize(None)
    if other.notna().all() and _even(other) and not _even(found):
        return other, f"Column {levels.name!r}: {guessed.replace('month/day', 'day/month')}"
    return found, f"Column {levels.name!r}: {guessed}"


def _even(stamps: pd.Series) -> bool:
    """Return whether all different stamps are a day, a week or some months apart."""
    sorted_ = np.sort(stamps.to_numpy())
    months = np.diff(sorted_.astype("datetime64[M]").astype(np.int64))
    same_day = len(np.unique(pd.DatetimeIndex(sorted_).day)) == 1
    return len(np.unique(np.diff(sorted_))) == 1 or (same_day and len(np.unique(months)) == 1)


def _no_dates(levels: pd.Series, bad: pd.Series, source: str) -> str:
    shown = ", ".join(repr(value) for value in levels[bad].head(3))
    parts = levels.str.extract(DAY_AND_MONTH).dropna()
    first, second = (_number(parts[at]) for at in (0, 2))
    said = f"{source}: column {levels.name!r} holds {int(bad.sum())} different values that are no dates ({shown})."
    if (first > 12).any() and (second > 12).any():
        return f"{said} The day comes first in some and the month in others: write all of them as 2024-01-31."
    return f"{said} Mend them, drop their rows, or give the column with the time by data.time=."


def _number(values: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(values).to_numpy(np.float64)
