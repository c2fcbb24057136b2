"""From files to a long table: which column is the series, the time and the target, and which shape a file has.

Three shapes are known: a row a step of a series (long), a column a series (wide), and one series. What is not named is
inferred where only one answer fits, and said.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import column, first_strings
from bench.errors import DataError
from bench.settings import DataSpec
from tasks.forecasting import synthetic
from tasks.forecasting.stamps import hint_on_clocks, looks_like_time, read_stamps

ID_NAMES = ("unique_id", "item_id", "series_id", "series", "ts_id", "id")
TIME_NAMES = ("ds", "date", "time", "timestamp", "datetime", "period", "month", "week", "day", "quarter", "year")
TARGET_NAMES = ("y", "target", "value")
ROW_NAMES = ("", "index", "rownames", "row", "unnamed: 0")
"""Of columns that only number the rows of a file."""
COMMAS = r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*"
"""A number with a decimal comma."""
PART = "\x1fpart"
"""Column of the published part: no file has one of this name."""


@dataclass(frozen=True, kw_only=True)
class Long:
    """A row a step, in the order of the source."""

    ids: pd.Series
    time: pd.Series
    target: pd.Series
    covariates: pd.DataFrame
    test: NDArray[np.bool_] | None
    notes: tuple[str, ...]


def read_long(spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Long:
    """Read a panel in any of its shapes.

    Parameters
    ----------
    spec : DataSpec
    read : callable
        See `bench.registry.TaskType.load`.

    Returns
    -------
    Long
        With notes on what was inferred.

    Raises
    ------
    DataError
        If a column is missing, or it cannot be told which one is meant.
    """
    source = spec.name or spec.path
    frame, notes = _without_row_numbers(_with_parts(spec, read), spec)
    time, said = _time_column(frame, spec, source)
    notes += said
    for name in (*spec.known, *spec.static):
        column(frame, name, source)
    name, said = _id_column(frame, time, spec, source)
    notes += said
    target, said = _column_to_forecast(frame, {time, name}, spec, source)
    if not target:
        frame, name, target = _melted(frame, time, spec, source)
    notes += said
    if not name:
        frame, name = frame.assign(**{"\x1fid": target}), "\x1fid"
    used = {time, name, target, PART}
    return Long(
        ids=_ids(frame[name], spec, source),
        time=frame[time],
        target=frame[target],
        covariates=frame[[other for other in frame.columns if other not in used]],
        test=frame[PART].to_numpy(bool) if PART in frame else None,
        notes=notes,
    )


def _with_parts(spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Return the table with the published part marked, where there is one."""
    if spec.path.startswith(synthetic.SCHEME):
        return synthetic.generate(spec.path)
    frame = read(spec.path)
    if spec.format == "fcomp":
        marked = frame.assign(**{PART: frame["part"] == "test"})
        return marked.drop(columns=["part", "period", "type"]).dropna(axis="columns", how="all")
    if not spec.test_path:
        return frame
    part = read(spec.test_path)
    for name in frame.columns:
        column(part, name, spec.test_path)
    both = [frame.assign(**{PART: False}), part[list(frame.columns)].assign(**{PART: True})]
    return pd.concat(both, ignore_index=True)


def _without_row_numbers(frame: pd.DataFrame, spec: DataSpec) -> tuple[pd.DataFrame, tuple[str, ...]]:
    named = {spec.id, spec.time, spec.target, *spec.known, *spec.static}
    gone = []
    for name in frame.columns:
        if name.lower() not in ROW_NAMES or name in named:
            continue
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if (numbers - numbers.iloc[0] == np.arange(len(frame))).all():
            gone.append(name)
    said = f"Dropped, because they only number the rows: {', '.join(map(repr, gone))}."
    return frame.drop(columns=gone), (said,) if gone else ()


def _time_column(frame: pd.DataFrame, spec: DataSpec, source: str) -> tuple[str, tuple[str, ...]]:
    if spec.time:
        column(frame, spec.time, source)
        return spec.time, ()
    taken = {spec.id, spec.target, *spec.known, *spec.static, PART}
    free = [name for name in frame.columns if name not in taken]
    named = [name for name in free if name.lower() in TIME_NAMES]
    dated = [name for name in free if not pd.api.types.is_numeric_dtype(frame[name]) and _is_date(frame[name])]
    for found in (named, dated):
        if len(found) == 1:
            return found[0], (f"Time stamps are in column {found[0]!r}: it alone looks like them.",)
    shown = ", ".join(named or dated) or "none looks like one"
    raise DataError(
        f"Which column of {source} holds the time? Give data.time=COLUMN ({shown}). Columns: {_listed(frame)}."
    )


def _is_date(values: pd.Series) -> bool:
    text = first_strings(values.dropna())
    # Numbers may be dates, but only a name says so.
    return bool(len(text) and pd.to_numeric(text, errors="coerce").isna().any()) and looks_like_time(text)


def _id_column(frame: pd.DataFrame, time: str, spec: DataSpec, source: str) -> tuple[str, tuple[str, ...]]:
    """Return the column that names the series; empty where there is one series, or a column a series."""
    if spec.id:
        column(frame, spec.id, source)
        return spec.id, ()
    taken = {time, spec.target, *spec.known, *spec.static, PART}
    free = [name for name in frame.columns if name not in taken]
    named = [name for name in free if name.lower() in ID_NAMES and not frame[name].is_unique]
    shared = bool(frame[time].duplicated().any())
    words = [name for name in free if _is_words(frame[name])] if shared else []
    for found in (named, words):
        if len(found) == 1 and not frame.duplicated([found[0], time]).any():
            return found[0], (f"Series are told apart by column {found[0]!r}: no other one does.",)
    if not shared:
        return "", ()
    if spec.duplicates:
        return "", ()
    repeated = frame[time].duplicated(keep=False)
    if hint := _turned_back(frame[time], source):
        raise DataError(f"{source}: {int(repeated.sum())} of {len(frame)} rows share their time stamp.{hint}")
    raise DataError(
        f"{source}: {int(repeated.sum())} of {len(frame)} rows share their time stamp with another one, such as "
        f"{frame[time][repeated].iloc[0]}. If the file holds several series, name the column that tells them apart by "
        f"data.id=COLUMN (several at once have to be joined into one); if rows are parts of one value, "
        f"data.duplicates=sum. Columns: {_listed(frame)}."
    )


def _turned_back(times: pd.Series, source: str) -> str:
    try:
        return hint_on_clocks(read_stamps(times, source)[0], times.duplicated().to_numpy(bool))
    except DataError:
        return ""


def _is_words(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return False
    return bool(pd.to_numeric(values.drop_duplicates(), errors="coerce").isna().mean() > 0.5)


def _column_to_forecast(
    frame: pd.DataFrame, taken: set[str], spec: DataSpec, source: str
) -> tuple[str, tuple[str, ...]]:
    """Return the column to forecast; empty where every column is a series."""
    if spec.target:
        column(frame, spec.target, source)
        return spec.target, ()
    free = [one for one in frame.columns if one not in taken | {*spec.known, *spec.static, PART}]
    free = [one for one in free if not _is_blank(frame[one])]
    numeric = [one for one in free if not _is_words(frame[one])]
    named = [one for one in numeric if one.lower() in TARGET_NAMES]
    for found in (named, numeric):
        if len(found) == 1:
            return found[0], (f"To be forecast: column {found[0]!r}.",)
    if len(numeric) > 1 and not spec.id and "" in taken and len(numeric) == len(free):
        shown = f"{', '.join(numeric[:3])}{' and so on' if len(numeric) > 3 else ''}"
        said = f"Each of {len(numeric)} columns is taken for a series ({shown}); data.target=COLUMN forecasts one."
        return "", (said,)
    hint = next((hint for name in free if (hint := hint_on_commas(frame[name]))), "")
    raise DataError(
        f"Which column of {source} is to be forecast? Give data.target=COLUMN.{hint} Columns: {_listed(frame)}."
    )


def hint_on_commas(values: pd.Series) -> str:
    """Return how numbers with a decimal comma are read, for errors; empty where a column holds none."""
    text = first_strings(values.dropna())
    if not len(text) or not text.str.fullmatch(COMMAS).any():
        return ""
    return f" Column {values.name!r} holds numbers with a decimal comma: data.decimal=, reads them."


def _is_blank(values: pd.Series) -> bool:
    return first_strings(values.dropna(), 1).empty


def _melted(frame: pd.DataFrame, time: str, spec: DataSpec, source: str) -> tuple[pd.DataFrame, str, str]:
    """Return a long table of a wide one; known columns belong to every series."""
    if spec.static:
        raise DataError(f"{source} has a column a series, where data.static= means nothing. Leave it out.")
    beside = [time, *spec.known, *([PART] if PART in frame else [])]
    melted = frame.melt(id_vars=beside, var_name="\x1fid", value_name="\x1fvalue")
    return melted, "\x1fid", "\x1fvalue"


def _ids(values: pd.Series, spec: DataSpec, source: str) -> pd.Series:
    if pd.api.types.is_float_dtype(values) and (values == values.round()).all():
        values = values.astype("int64")
    codes, levels = pd.factorize(values.astype(object))
    names = pd.Series(levels).astype(str)
    blank = (codes < 0) | (names.str.strip() == "").to_numpy(bool)[codes]
    if blank.any():
        raise DataError(
            f"{source}: {int(blank.sum())} of {len(values)} rows name no series in {spec.id!r}. Drop these rows."
        )
    return pd.Series(names.to_numpy(object)[codes], index=values.index)


def _listed(frame: pd.DataFrame, most: int = 20) -> str:
    names = [name for name in frame.columns if name != PART]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
