"""Rows that are there twice, steps that are not there, and targets without a value: refused, or mended as asked.

What is filled comes from the past of the same series alone, and is marked: no score is taken of it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError

FILLS = ("forward", "zero", "seasonal")
MERGES = ("sum", "mean", "first", "last")


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Rows of all series, those of one together, by place; arrays have shape (n,)."""

    source: str
    names: NDArray[np.object_]
    """Of all series, shape (s,)."""
    codes: NDArray[np.intp]
    place: NDArray[np.int64]
    y: NDArray[np.float64]
    """NaN where there is no value."""
    rows: NDArray[np.intp]
    """Row of the source that each is from; -1 for a step that the source lacks."""
    test: NDArray[np.bool_] | None
    observed: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_], *notes: str) -> "Panel":
        """Return some rows, with further notes."""
        return replace(
            self,
            codes=self.codes[rows],
            place=self.place[rows],
            y=self.y[rows],
            rows=self.rows[rows],
            test=None if self.test is None else self.test[rows],
            notes=(*self.notes, *notes),
        )

    def worst(self, where: NDArray[np.bool_], most: int = 3) -> tuple[int, str]:
        """Return how many series have such rows, and the names of those that have most, with their numbers of rows."""
        counts = np.bincount(self.codes[where], minlength=len(self.names))
        order = np.argsort(-counts, kind="stable")[: min(most, int((counts > 0).sum()))]
        shown = ", ".join(f"{self.names[code]} ({counts[code]})" for code in order)
        more = int((counts > 0).sum()) - len(order)
        return int((counts > 0).sum()), shown + (f" and {more} more" if more else "")


def without_duplicates(panel: Panel, how: str, hint: str) -> Panel:
    """Return one row a step, made of several as asked.

    Parameters
    ----------
    panel : Panel
    how : str
        One of ``MERGES``; empty to refuse such rows.
    hint : str
        For errors: why there may be such rows.

    Returns
    -------
    Panel
        With a note where rows were merged.

    Raises
    ------
    DataError
        If there are such rows, and nothing says what becomes of them.
    """
    again = np.r_[False, (panel.codes[1:] == panel.codes[:-1]) & (panel.place[1:] == panel.place[:-1])]
    if not again.any():
        return panel
    series, shown = panel.worst(again)
    if not how:
        raise DataError(
            f"{panel.source}: {series} of {len(panel.names)} series have several rows for one step, "
            f"{int(again.sum())} more than steps: {shown}.{hint} Say what becomes of them by "
            f"data.duplicates={'|'.join(MERGES)}."
        )
    values = pd.Series(panel.y).groupby(np.cumsum(~again) - 1)
    y = values.sum(min_count=1) if how == "sum" else values.agg(how)
    note = f"{int(again.sum())} rows of {series} series were merged into others of the same step ({how}): {shown}."
    keep = np.r_[~again[1:], True] if how == "last" else ~again
    return replace(panel.take(keep, note), y=np.asarray(y, np.float64))


def trimmed(panel: Panel) -> Panel:
    """Return the panel from the first to the last value of each series; what lies outside is no gap.

    Parameters
    ----------
    panel : Panel
        With a row a step at most.

    Returns
    -------
    Panel
        With notes on what was cut off; series without a value are not in its rows.

    Raises
    ------
    DataError
        If no series has a value.
    """
    present = np.isfinite(panel.y)
    if not present.any():
        raise DataError(f"{panel.source}: no row has a value to forecast.")
    places = pd.Series(panel.place[present]).groupby(panel.codes[present]).agg(["min", "max"])
    bounds = places.reindex(np.arange(len(panel.names)))
    low, high = (bounds[name].to_numpy(np.float64)[panel.codes] for name in ("min", "max"))
    notes = []
    if empty := int(bounds["min"].isna().sum()):
        _, shown = panel.worst(np.isnan(low))
        notes.append(f"{empty} of {len(panel.names)} series have no value at all and were dropped: {shown}.")
    for where, words in ((panel.place < low, "before the first"), (panel.place > high, "behind the last")):
        if where.any():
            series, shown = panel.worst(where)
            notes.append(f"Rows {words} value of a series were cut off, in {series} of them: {shown}.")
    return panel.take((panel.place >= low) & (panel.place <= high), *notes)


def completed(panel: Panel, fill: str, season: int) -> Panel:
    """Return the panel with a row and a value for every step, filled as asked.

    Parameters
    ----------
    panel : Panel
        From the first to the last value of each series: see `trimmed`.
    fill : str
        One of ``FILLS``; empty to refuse missing steps and values.
    season : int
        In steps.

    Returns
    -------
    Panel
        With ``observed`` and a note where something was filled.

    Raises
    ------
    DataError
        If steps or values are missing, and nothing says how to fill them.
    """
    panel, missing = _with_all_steps(panel)
    holes = ~np.isfinite(panel.y)
    if not holes.any():
        return panel
    series, shown = panel.worst(holes)
    share = f"{int(holes.sum())} of {len(holes)} steps ({100 * holes.mean():.1f} %)"
    if not fill:
        raise DataError(
            f"{panel.source}: {series} of {len(panel.names)} series lack values for {share}, {missing} of them without "
            f"a row: {shown}. Fill them from the past of each series by data.fill={'|'.join(FILLS)}."
        )
    note = f"{share} have no value, in {series} series: {shown}. They are filled ({fill}), and not scored."
    return replace(panel, y=_filled(panel, holes, fill, season), observed=~holes, notes=(*panel.notes, note))


def _with_all_steps(panel: Panel) -> tuple[Panel, int]:
    """Return the panel with the steps that it lacks, and their number."""
    starts = np.flatnonzero(np.r_[True, panel.codes[1:] != panel.codes[:-1]])
    ends = np.r_[starts[1:], len(panel.codes)] - 1
    lengths = panel.place[ends] - panel.place[starts] + 1
    total = int(lengths.sum())
    missing = total - len(panel.codes)
    if not missing:
        return panel, 0
    if total > 50 * len(panel.codes):
        raise DataError(
            f"{panel.source}: between their first and last time stamps the series have {total} steps, and rows for "
            f"{len(panel.codes)} of them. Aggregate the rows to longer steps: those of dates by data.freq= and "
            "data.duplicates=."
        )
    begins = np.cumsum(lengths) - lengths
    order = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(panel.codes)]))
    at = begins[order] + panel.place - panel.place[starts][order]
    source = np.full(total, -1)
    source[at] = np.arange(len(at))
    before = np.maximum.accumulate(np.where(source >= 0, source, 0))
    found = panel.take(before)
    places = np.repeat(panel.place[starts] - begins, lengths) + np.arange(total)
    return replace(
        found,
        place=places,
        y=np.where(source >= 0, found.y, np.nan),
        rows=np.where(source >= 0, found.rows, -1),
    ), missing


def _filled(panel: Panel, holes: NDArray[np.bool_], fill: str, season: int) -> NDArray[np.float64]:
    if fill == "zero":
        return np.where(holes, 0.0, panel.y)
    at = np.arange(len(panel.y))
    # The first value of every series is there.
    forward = panel.y[np.maximum.accumulate(np.where(holes, 0, at))]
    if fill == "forward":
        return forward
    y = panel.y.copy()
    before = at - season
    inside = (before >= 0) & (panel.codes[np.maximum(before, 0)] == panel.codes)
    y[holes & ~inside] = forward[holes & ~inside]
    left = np.flatnonzero(holes & inside)
    while len(left):
        y[left] = y[before[left]]
        left = left[~np.isfinite(y[left])]
    return y


def carried(values: pd.Series, panel: Panel, zero: bool) -> pd.Series:
    """Return a covariate of the source for every row of the panel, its holes filled from the past of the series.

    Parameters
    ----------
    values : Series
        By row of the source.
    panel : Panel
    zero : bool
        Whether holes become 0, or an empty text, instead of the last value.

    Returns
    -------
    Series, shape (n,)
        Missing where nothing is before a hole.
    """
    taken = taken_from(values, panel)
    if zero:
        return taken.fillna("" if taken.dtype == object else 0.0)
    return taken.groupby(panel.codes).ffill()


def taken_from(values: pd.Series, panel: Panel) -> pd.Series:
    """Return a column of the source for every row of the panel, missing where the source has no row."""
    return blanked(values.take(np.maximum(panel.rows, 0)).reset_index(drop=True), panel.rows < 0)


def blanked(values: pd.Series, absent: NDArray[np.bool_]) -> pd.Series:
    """Return a column with some values missing: None among strings, NaN among numbers."""
    if values.dtype != object:
        return values.where(~absent)
    strings = values.to_numpy(object, copy=True)
    strings[absent] = None
    return pd.Series(strings, index=values.index, dtype=object)
