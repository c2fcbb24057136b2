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
QUARTER = r"^(\d{4})[ -]?[Qq]([1-4])$"
YEARS = (1700, 2200)
"""Whole numbers between them are years; pandas has no dates far beyond."""
SECONDS = (5 * 10**8, 41 * 10**8)
"""Since 1970: from 1985 to 2099."""
Read = tuple[pd.Series, tuple[str, ...]]


def read_stamps(values: pd.Series, source: str) -> Read:
    """Return ``datetime64[ns]`` stamps without a zone, or ``int64`` where they are whole numbers, and notes.

    Parameters
    ----------
    values : Series
        Dates, numbers, or either as text.
    source : str
        For errors.

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
        if low >= YEARS[0] and high <= YEARS[1]:
            return pd.to_datetime(text, format="%Y"), said("years")
        for scale, shape in ((1, "Unix time in seconds"), (1000, "Unix time in milliseconds")):
            if low >= scale * SECONDS[0] and high <= scale * SECONDS[1]:
                return pd.Timestamp(0) + pd.to_timedelta(numbers / scale, unit="s"), said(shape)
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
    quarters = levels.str.extract(QUARTER)
    if quarters.notna().all(axis=None):
        months = 3 * quarters[1].astype(int) - 2
        return pd.to_datetime(quarters[0] + "-" + months.astype(str), format="%Y-%m"), ("Time stamps are quarters.",)
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
    return found, (note,) if note else ()


def _without_zone(levels: pd.Series, source: str) -> Read:
    local, _ = _parsed(levels.str.replace(ZONE, "", regex=True), source)
    if (local == local.dt.normalize()).all():
        return local, ("Time zones are left out: all time stamps are days.",)
    return _parsed(levels, source)[0], ("Time stamps with a zone are in UTC.",)


def _dates(values: pd.Series) -> Read:
    if values.dt.tz is None:
        return values, ()
    local = values.dt.tz_localize(None)
    if (local == local.dt.normalize()).all():
        return local, ("Time zones are left out: all time stamps are days.",)
    return values.dt.tz_convert("UTC").dt.tz_localize(None), ("Time stamps with a zone are in UTC.",)


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
