"""Columns beside the target: known for the future, known up to the origin, or of one value a series.

A column that tells the target is refused among those that are known for the future: it is what is to be forecast. One
that tells a later target is refused anywhere, for it does so at every origin.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from bench.settings import DataSpec
from tasks.forecasting.copies import refuse_copies
from tasks.forecasting.gaps import Panel, blanked, carried, taken_from
from tasks.tables import typed

Part = Literal["known", "past", "static"]


@dataclass(frozen=True, kw_only=True)
class CovariateColumns:
    """Columns for every row of a panel: floats, or strings (None where missing)."""

    frame: pd.DataFrame
    known: tuple[str, ...]
    past: tuple[str, ...]
    static: tuple[str, ...]
    kinds: dict[str, str]
    notes: tuple[str, ...]


def read_covariates(columns: pd.DataFrame, panel: Panel, spec: DataSpec, horizon: int, season: int) -> CovariateColumns:
    """Return the columns with their types and parts.

    Parameters
    ----------
    columns : DataFrame
        By row of the source.
    panel : Panel
    spec : DataSpec
    horizon, season : int
        In steps; see `tasks.forecasting.copies.refuse_copies`.

    Returns
    -------
    CovariateColumns
        A row for each row of the panel.

    Raises
    ------
    DataError
        If a static column changes within a series, a known one has holes, or one tells the target too early.
    """
    for name in sorted(set(spec.known) & set(spec.static)):
        raise DataError(f"{panel.source}: {name!r} is in data.known and in data.static. Leave one out.")
    frame, kinds, notes = typed(columns, {name: kind for name, kind in spec.kinds.items() if name in columns})
    out: dict[str, pd.Series] = {}
    parts: dict[Part, list[str]] = {"known": [], "past": [], "static": []}
    idle = []
    for name in frame.columns:
        values = _plain(frame[name], kinds[name])
        if name not in {*spec.known, *spec.static} and _is_idle(values):
            idle.append(name)
            continue
        part, out[name] = _parted(name, values, panel, spec)
        parts[part].append(name)
        if part != "static":
            # Before its holes are filled.
            refuse_copies(name, taken_from(values, panel), panel, part == "known", horizon, season)
    return CovariateColumns(
        frame=pd.DataFrame(out, index=pd.RangeIndex(len(panel.codes))),
        known=tuple(parts["known"]),
        past=tuple(parts["past"]),
        static=tuple(parts["static"]),
        kinds={name: kinds[name] for name in out},
        notes=(*notes, *_notes(parts, idle, spec)),
    )


def _parted(name: str, values: pd.Series, panel: Panel, spec: DataSpec) -> tuple[Part, pd.Series]:
    """Return what is known of a column when, and its values for every row of the panel."""
    taken = taken_from(values, panel)
    if name in spec.known:
        return "known", _without_holes(name, values, taken, panel, spec.fill)
    if name in spec.static or _is_static(taken, panel):
        return "static", _one_a_series(name, taken, panel)
    return "past", taken


def _notes(parts: dict[Part, list[str]], idle: list[str], spec: DataSpec) -> Iterator[str]:
    if idle:
        yield f"Dropped, because they hold one value or none: {', '.join(map(repr, idle))}."
    words: dict[Part, str] = {"past": "known up to the origin only", "static": "of one value a series"}
    more: dict[Part, str] = {
        "past": "; few models use such columns. If coming values are known, as of prices and holidays, "
        "data.known=[COLUMN,...] says so"
    }
    for part, meaning in words.items():
        if names := [name for name in parts[part] if name not in spec.static]:
            yield f"Taken for {meaning}: {', '.join(map(repr, names))}{more.get(part, '')}."


def _plain(values: pd.Series, kind: str) -> pd.Series:
    """Return floats or strings: a date becomes its days since 1970."""
    if kind == "date":
        return ((values - pd.Timestamp(0)) / pd.Timedelta(days=1)).astype(np.float64)
    return blanked(values.astype(object), values.isna().to_numpy()) if kind == "text" else values


def _is_idle(values: pd.Series) -> bool:
    present = values.dropna()
    return present.empty or (present.nunique() == 1 and len(present) == len(values))


def _span(values: pd.Series, panel: Panel) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the least and largest code of a column's values in each series; equal where there is one value."""
    codes = pd.factorize(values)[0]
    starts = np.flatnonzero(np.r_[True, panel.codes[1:] != panel.codes[:-1]])
    largest = np.maximum.reduceat(codes, starts)
    return np.minimum.reduceat(np.where(codes < 0, codes.max(initial=0), codes), starts), largest


def _is_static(values: pd.Series, panel: Panel) -> bool:
    low, high = _span(values, panel)
    return len(low) > 1 and bool((low >= high).all())


def _one_a_series(name: str, values: pd.Series, panel: Panel) -> pd.Series:
    low, high = _span(values, panel)
    if (moving := low < high).any():
        series = panel.names[np.unique(panel.codes)[moving]]
        raise DataError(
            f"{panel.source}: column {name!r} has several values in {len(series)} series, such as {series[0]}. "
            "Leave it out of data.static, or name it in data.known if it is known for the steps to forecast."
        )
    first: pd.Series = values.groupby(panel.codes).transform("first")
    return blanked(first.astype(values.dtype), first.isna().to_numpy())


def _without_holes(name: str, values: pd.Series, taken: pd.Series, panel: Panel, fill: str) -> pd.Series:
    holes = taken.isna().to_numpy()
    if not holes.any():
        return taken
    series, shown = panel.worst(holes)
    if not fill:
        raise DataError(
            f"{panel.source}: {name!r} is to be known for the steps to forecast, and {series} of {len(panel.names)} "
            f"series have no value for {int(holes.sum())} of {len(holes)} steps: {shown}. Leave it out of data.known, "
            "or fill it from the past by data.fill=forward|zero."
        )
    filled = carried(values, panel, fill == "zero")
    if filled.isna().any():
        series, shown = panel.worst(filled.isna().to_numpy())
        raise DataError(
            f"{panel.source}: {name!r} has no value at the beginning of {series} series, where none is before it: "
            f"{shown}. Leave it out of data.known, or give data.fill=zero."
        )
    return filled
