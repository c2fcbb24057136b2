"""Whether predictions from elsewhere are sound: every test row once, and numbers that can be what was asked for."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.answers import SUM_TOLERANCE
from bench.errors import DataError

SHOWN = 3
NEGLIGIBLE = 1e-6
"""By how much a service may be beyond 0 or 1 when it prints."""


def id_column(table: pd.DataFrame, name: str) -> str:
    """Return the column of the ids: as exported, as Azure calls it, or as Vertex AI calls its key.

    Raises
    ------
    DataError
        With the columns that there are, if there is none.
    """
    lower = {column.lower(): column for column in table.columns}
    for candidate in (name, f"{name}_orig", "key"):
        if candidate in lower:
            return lower[candidate]
    columns = ", ".join(map(repr, list(table.columns)[:12]))
    raise DataError(
        f"there is no column {name!r}, without which nobody knows which row is which: services may return rows in "
        f"another order. Have it passed through with the inputs. Columns: {columns}."
    )


def positions(found: Sequence[str], wanted: Sequence[str], elsewhere: Mapping[str, str], hint: str) -> NDArray[np.intp]:
    """Return where each wanted id stands.

    Parameters
    ----------
    found : sequence of str
        Ids of the returned rows.
    wanted : sequence of str
        Ids of the test rows, in their order.
    elsewhere : mapping
        Split of every id of the export.
    hint : str
        What may be the cause of a missing id.

    Raises
    ------
    DataError
        If an id is there twice, is missing, or is none of this split.
    """
    at = {one: row for row, one in enumerate(found)}
    ours = set(wanted)
    if strange := [one for one in dict.fromkeys(found) if one not in ours]:
        others = sorted({elsewhere[one] for one in strange if one in elsewhere})
        whose = f" They belong to {', '.join(others)}: were folders mixed up?" if others else ""
        raise DataError(f"{_count(strange, 'id')} not of this split: {_first(strange)}.{whose}")
    if len(at) < len(found):
        twice = [one for one, times in zip(*np.unique(list(found), return_counts=True), strict=True) if times > 1]
        raise DataError(
            f"{_count(twice, 'id')} there more than once: {_first(twice)}. Leave the files of one job, or name them by "
            "predictions=PATTERN."
        )
    if missing := [one for one in wanted if one not in at]:
        raise DataError(
            f"{len(missing)} of {len(wanted)} test rows have no prediction: {_first(missing)}. Every row of test.csv "
            f"needs one.{hint}"
        )
    return np.array([at[one] for one in wanted], dtype=np.intp)


def probabilities(raw: pd.DataFrame, ids: Sequence[str]) -> NDArray[np.float64]:
    """Return probabilities that sum to one, shape (n, classes); what printing rounded off is made good.

    Raises
    ------
    DataError
        If a cell holds no number from 0 to 1, or a row does not sum to one within a thousandth.
    """
    p = _numbers(raw, ids)
    outside = (p.min(axis=1) < -NEGLIGIBLE) | (p.max(axis=1) > 1 + NEGLIGIBLE)
    _refuse(outside, ids, f"hold values from {p.min():.4g} to {p.max():.4g}, and probabilities lie between 0 and 1")
    p = np.clip(p, 0.0, 1.0)
    sums = p.sum(axis=1)
    off = np.abs(sums - 1)
    _refuse(off > SUM_TOLERANCE, ids, f"have probabilities that do not sum to one (off by up to {off.max():.4g})")
    return np.asarray(p / sums[:, None])


def values(raw: pd.DataFrame, ids: Sequence[str]) -> NDArray[np.float64]:
    """Return finite numbers, shape (n,).

    Raises
    ------
    DataError
        If a cell holds none.
    """
    return _numbers(raw, ids)[:, 0]


def _numbers(raw: pd.DataFrame, ids: Sequence[str]) -> NDArray[np.float64]:
    numbers = np.column_stack([pd.to_numeric(raw[name], errors="coerce").to_numpy(np.float64) for name in raw.columns])
    bad = ~np.isfinite(numbers)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        _refuse(bad.any(axis=1), ids, f"hold no number, such as {str(raw.iat[row, column])!r}")
    return numbers


def _refuse(bad: NDArray[np.bool_], ids: Sequence[str], what: str) -> None:
    if bad.any():
        first = [ids[row] for row in np.flatnonzero(bad)[:SHOWN]]
        raise DataError(f"{int(bad.sum())} of {len(ids)} rows {what}: {_first(first, int(bad.sum()))}.")


def _first(ids: Sequence[str], count: int = 0) -> str:
    more = (count or len(ids)) - min(len(ids), SHOWN)
    return ", ".join(map(str, ids[:SHOWN])) + (f" and {more} more" if more else "")


def _count(ids: Sequence[str], what: str) -> str:
    return f"{len(ids)} {what} is" if len(ids) == 1 else f"{len(ids)} {what}s are"
