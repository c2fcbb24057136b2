"""How tables are read: kinds of columns, values that are none, columns that tell nothing.

Columns come out with one type for each kind: ``float64`` numbers (NaN where missing), ``datetime64`` dates, ``object``
categories and ``string`` texts (None where missing). Nothing is fitted here, so no row tells of another one but by what
is dropped for every row alike.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import column, first_strings, infer_kinds
from bench.errors import DataError
from bench.settings import DataSpec
from tasks.labels import group_codes, only_target, parsed_dates, time_stamps

STRAY_VALUES = 5
"""Different values that are no number, which a column of numbers may hold: "?", "n/a", "unknown"."""
STRAY_SHARE = 0.1
DATE = (
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[ -]?[A-Za-z]{3,9}\.?,?[ -]?\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}"
)
THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
"""A number with commas between its thousands."""
DIGIT = re.compile(r"\d")
"""Neither numbers nor dates lack one, and looking for it costs little where columns are many."""
SEQUENCE = 20
"""Rows from which a column of consecutive numbers, or of values that never repeat, only names the rows."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with its target apart."""

    X: pd.DataFrame
    target: pd.Series
    """Rows without a target are not here."""
    name: str
    """Of the target."""
    kinds: dict[str, str]
    groups: NDArray[np.integer] | None = None
    time: NDArray[np.generic] | None = None
    test: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = field(default=())


def read_table(spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Table:
    """Read a table, and its test part where there is one.

    Parameters
    ----------
    spec : DataSpec
    read : callable
        See `bench.registry.TaskType.load`.

    Raises
    ------
    DataError
        If a column is missing, no row has a target, or no column is left to learn from.
    """
    source = spec.name or spec.path
    frame = read(spec.path)
    test = np.zeros(len(frame), bool)
    if spec.test_path:
        part = read(spec.test_path)
        for name in frame.columns:
            column(part, name, spec.test_path)
        test = np.concatenate([test, np.ones(len(part), bool)])
        frame = pd.concat([frame, part[list(frame.columns)]], ignore_index=True)
    target = spec.target or only_target(frame, source)
    values = column(frame, target, source)
    missing = values.isna() | (values.astype(str).str.strip() == "")
    notes: tuple[str, ...] = ()
    if missing.any():
        notes += (f"{missing.sum()} of {len(frame)} rows have no {target!r} and were dropped.",)
    if missing.all():
        raise DataError(f"{source}: no row has a value in column {target!r}.")
    frame, values, test = (
        frame[~missing].reset_index(drop=True),
        values[~missing].reset_index(drop=True),
        test[~missing],
    )
    groups, time = None, None
    if spec.groups:
        groups, said = group_codes(column(frame, spec.groups, source), spec.groups)
        notes += (
            f"Rows of one {spec.groups!r} never stand in both parts; the column itself is not learned from.",
            *said,
        )
    if spec.time:
        time, said = time_stamps(column(frame, spec.time, source), spec.time)
        notes += (
            f"Folds follow {spec.time!r}: no training row is later than a test row; it is not learned from.",
            *said,
        )
    X = frame.drop(columns=[name for name in {target, spec.groups, spec.time} if name])
    X, kinds, said = typed(X, spec.kinds)
    X, kinds, dropped = without_idle_columns(X, kinds)
    if X.columns.empty:
        raise DataError(f"{source}: no column is left to learn from. {' '.join(dropped)}")
    return Table(
        X=X,
        target=values,
        name=target,
        kinds=kinds,
        groups=groups,
        time=time,
        test=test if spec.test_path else None,
        notes=(*notes, *said, *dropped),
    )


def typed(frame: pd.DataFrame, overrides: dict[str, str]) -> tuple[pd.DataFrame, dict[str, str], tuple[str, ...]]:
    """Return the columns with the type of their kind, the kinds, and notes on values that became missing."""
    kinds = infer_kinds(frame, {name: kind for name, kind in overrides.items() if name in frame})
    out, notes = {}, []
    for name, kind in kinds.items():
        values, given = frame[name], name in overrides
        if kind == "category" and not given:
            kind = "number" if _is_mostly_number(values) else "date" if _is_date(values) else kind
        kinds[name] = kind
        out[name], note = _converted(values, kind)
        if note:
            notes.append(f"Column {name!r}: {note}")
    return pd.DataFrame(out, index=frame.index), kinds, tuple(notes)


def without_idle_columns(
    X: pd.DataFrame, kinds: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str], tuple[str, ...]]:
    """Drop columns that are empty, hold one value, or name each row; return what is left, and notes."""
    why: dict[str, list[str]] = {"are empty": [], "hold one value": [], "only name or number the rows": []}
    for name in X.columns:
        present = X[name].dropna()
        if present.empty:
            why["are empty"].append(name)
        elif present.nunique() == 1 and len(present) == len(X):
            why["hold one value"].append(name)
        elif _names_rows(present, kinds[name]) and len(present) == len(X):
            why["only name or number the rows"].append(name)
    gone = [name for names in why.values() for name in names]
    notes = tuple(f"Dropped, because they {reason}: {_some(names)}." for reason, names in why.items() if names)
    return X.drop(columns=gone), {name: kind for name, kind in kinds.items() if name not in gone}, notes


def _converted(values: pd.Series, kind: str) -> tuple[pd.Series, str]:
    match kind:
        case "number":
            numbers, stray = _numbers(values)
            infinite = int(np.isinf(numbers).sum())
            said = [f"{infinite} infinite values count as missing"] if infinite else []
            if len(stray):
                said.append(f"{len(stray)} values that are no numbers count as missing ({_some(sorted(set(stray)))})")
            return numbers.replace([np.inf, -np.inf], np.nan), f"{'; '.join(said)}." if said else ""
        case "boolean":
            truth = {"true": 1.0, "false": 0.0}
            flags = _by_level(values, lambda levels: levels.str.strip().str.lower().map(truth).astype(np.float64))
            odd = values[flags.isna()]
            odd = odd[~_absent(odd)].astype(str)
            shown = _some(sorted(set(odd)))
            return flags, f"{len(odd)} values neither true nor false count as missing ({shown})." if len(odd) else ""
        case "date":
            stamps, order = _dates(values)
            bad = int((~_absent(values[stamps.isna()])).sum())
            said = [f"{bad} values that are no dates count as missing."] if bad else []
            return stamps, " ".join([*said, *([order] if order else [])])
        case "text":
            return values.map(str).mask(_absent(values)).astype("string"), ""
        case _:
            # Equal values are one object, which matters where rows are many.
            levels = _by_level(values, lambda levels: levels.mask(levels.str.strip() == ""))
            return levels.astype(object).where(levels.notna() & values.notna(), None), ""  # type: ignore[call-overload]


def _by_level(values: pd.Series, convert: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Return what ``convert`` makes of the values as strings; each different one is converted once."""
    codes, levels = pd.factorize(values.astype(object).map(str))
    found: pd.Series = convert(pd.Series(levels)).take(codes).set_axis(values.index)
    return found


def _absent(values: pd.Series) -> pd.Series:
    return values.isna() | (values.astype(str).str.strip() == "")


def _numbers(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the numbers, NaN where there is none, and the values that are neither numbers nor blank, as strings."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    odd = values[numbers.isna()]
    odd = odd[~_absent(odd)]
    if odd.empty:
        return numbers, odd
    bare = pd.to_numeric(_without_signs(odd.astype(str)), errors="coerce").astype(np.float64)
    numbers[odd.index] = bare
    return numbers, odd[bare.isna()].astype(str)


def _without_signs(strings: pd.Series) -> pd.Series:
    # Money, shares and thousands: $12, 5% and 1,234.50 are numbers to whoever wrote them.
    bare = strings.str.strip().str.replace(r"^[$€£]|%$", "", regex=True).str.strip()
    commas = bare[bare.str.fullmatch(r"[+-]?[\d.,]*,[\d.,]*")]
    # One comma that parts no thousands, and none may.
    if commas.str.fullmatch(THOUSANDS).all():
        bare[commas.index] = commas.str.replace(",", "")
    return bare


def _is_mostly_number(values: pd.Series) -> bool:
    counts = values.dropna().astype(object).map(str).value_counts()
    counts = counts[counts.index.str.strip() != ""]
    if not any(map(DIGIT.search, counts.index)):
        return False
    stray = counts[_numbers(counts.index.to_series())[1].index]
    return len(counts) > 0 and len(stray) <= STRAY_VALUES and stray.sum() <= STRAY_SHARE * counts.sum()


def _is_date(values: pd.Series) -> bool:
    first = first_strings(values.dropna()).str.strip()
    if first.empty or not DIGIT.search(first.iloc[0]) or not first.str.fullmatch(DATE).all():
        return False
    return bool(_dates(values[~_absent(values)])[0].notna().mean() > 0.9)


def _dates(values: pd.Series) -> tuple[pd.Series, str]:
    """Return the dates, and a note where the order of their parts is a guess."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, errors="coerce", utc=True).dt.tz_localize(None), ""
    if pd.api.types.is_numeric_dtype(values):
        return _numbered_dates(values), ""
    codes, levels = pd.factorize(values.astype(object).map(str))
    stamps, said = parsed_dates(pd.Series(levels))
    return stamps.take(codes).set_axis(values.index), said


def _numbered_dates(values: pd.Series) -> pd.Series:
    """Return the dates that numbers like 20240131 are."""
    present = values.dropna().astype(np.float64)
    strings = present.map("{:.10g}".format)
    stamps = pd.to_datetime(strings.where(strings.str.fullmatch(r"\d{8}")), format="%Y%m%d", errors="coerce")
    if stamps.isna().any():
        raise DataError(
            f"Column {values.name!r} holds {strings[stamps.isna()].iloc[0]}, which is no date. Numbers are dates in "
            "the form 20240131 only: write dates as 2024-01-31, or leave the column out of data.kinds."
        )
    return stamps.reindex(values.index)


def _names_rows(present: pd.Series, kind: str) -> bool:
    if len(present) < SEQUENCE or present.nunique() < len(present):
        return False
    if kind == "category":
        return True
    whole = kind == "number" and bool((present == present.round()).all())
    return whole and float(present.max() - present.min()) == len(present) - 1


def _some(names: list[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
