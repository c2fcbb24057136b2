"""From a column to time stamps that interactions are put in order by: seconds since 1970, or numbers as they stand."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from tasks.forecasting.stamps import read_stamps

SECOND = 10**9
"""Nanoseconds."""
UNIX = ((1, "seconds"), (10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds"))
YEARS = (3 * 10**8, 41 * 10**8)
"""Seconds from 1979 to 2099: smaller numbers are steps of some kind, and no dates."""


def read_times(values: pd.Series, source: str) -> tuple[NDArray[np.number] | None, bool, tuple[str, ...]]:
    """Return time stamps, whether they are seconds since 1970, and notes.

    Parameters
    ----------
    values : Series
        Dates, numbers, or either as text.
    source : str
        For errors.

    Returns
    -------
    times : array, shape (n,), or None
        None where all are equal, and tell nothing.
    dated : bool
    notes : tuple of str

    Raises
    ------
    DataError
        If a row has none, or they have no common form.
    """
    numbers = _numbers(values, source)
    if numbers is None:
        try:
            stamps, notes = read_stamps(values, source)
        except DataError as error:
            raise DataError(f"{error} Without data.time, protocol=random needs none.") from error
        if pd.api.types.is_datetime64_any_dtype(stamps):
            found, dated = _compact(stamps.to_numpy("datetime64[ns]").astype(np.int64) / SECOND), True
        else:
            found, dated = stamps.to_numpy(), False
    else:
        found, dated, notes = _of_unix(numbers, values, source)
    if len(found) > 1 and (found == found[0]).all():
        return None, dated, (f"Time stamps are left out: all in column {values.name!r} are the same.",)
    return found, dated, notes


def _numbers(values: pd.Series, source: str) -> NDArray[np.number] | None:
    """Return the values as numbers; None where one is another text, or they are dates as numbers."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return None
    numbers = pd.to_numeric(values, errors="coerce")
    absent = values.isna() | (values.astype(str).str.strip() == "") if numbers.isna().any() else numbers.isna()
    absent |= numbers.isin([np.inf, -np.inf])
    if missing := int(absent.sum()):
        raise DataError(
            f"{source}: column {values.name!r} has no time stamp in {missing} of {len(values)} rows. Drop these rows; "
            "without data.time, protocol=random needs none."
        )
    if not np.isfinite(numbers.to_numpy(np.float64)).all():
        return None
    found = numbers.to_numpy()
    low, high = float(found.min()), float(found.max())
    written = 1800_01_01 <= low <= high <= 2199_12_31 and bool((found == found.round()).all())
    # 20240131 is a day, and only a little above it Unix time begins.
    return None if written else _compact(found)


def _of_unix(
    numbers: NDArray[np.number], values: pd.Series, source: str
) -> tuple[NDArray[np.number], bool, tuple[str, ...]]:
    """Return Unix time in seconds, and of other numbers themselves."""
    inside = {unit: (numbers >= YEARS[0] * scale) & (numbers <= YEARS[1] * scale) for scale, unit in UNIX}
    unit = max(inside, key=lambda one: int(inside[one].sum()))
    if inside[unit].all():
        scale = next(scale for scale, one in UNIX if one == unit)
        if scale == 1:
            return numbers, True, ()
        return _compact(numbers / scale), True, (f"Time stamps are Unix time in {unit}.",)
    # What is nothing or of another unit would stand at one end of time, and be trained on or tested as such.
    odd = (~inside[unit] & (np.logical_or.reduce(list(inside.values())) | (numbers <= 0))) & inside[unit].any()
    if odd.any():
        raise DataError(
            f"{source}: column {values.name!r} is Unix time in {unit} in {int(inside[unit].sum())} rows, and not so in "
            f"{int(odd.sum())}, such as {numbers[odd][0]:.15g}. Write all time stamps in one unit, and drop rows "
            "without one."
        )
    return numbers, False, ()


def _compact(numbers: NDArray[np.number]) -> NDArray[np.number]:
    """Return whole numbers as such."""
    if numbers.dtype.kind == "f" and (numbers == np.round(numbers)).all() and np.abs(numbers).max(initial=0) < 2**53:
        return numbers.astype(np.int64)
    return numbers
