"""Users and items as codes: the places of their labels among all labels in ascending order."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError

NOBODY = -1
"""Code of a row that names nobody."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Named:
    """Codes of some rows, and the labels behind them."""

    codes: NDArray[np.int32]
    """`NOBODY` where a row names none, shape (n,)."""
    labels: NDArray[Any]
    """Different strings, ascending."""

    def among(self, more: NDArray[Any]) -> Self:
        """Return the same rows with further labels among the others.

        Parameters
        ----------
        more : array of str
            Different ones.
        """
        new = more[pd.Index(self.labels).get_indexer(pd.Index(more)) < 0]
        if not len(new):
            return self
        found = _sorted(self.codes, np.concatenate([self.labels, new]))
        return type(self)(codes=found.codes, labels=found.labels)


def named(values: pd.Series, source: str) -> Named:
    """Return codes and labels of a column: text as it stands, whole numbers by their digits.

    Parameters
    ----------
    values : Series
        Any type; an empty cell names nobody.
    source : str
        For errors.

    Raises
    ------
    DataError
        If a value is no name, such as a list.
    """
    if pd.api.types.is_float_dtype(values):
        values = _whole(values, source)
    try:
        codes, levels = pd.factorize(values)
    except TypeError as error:
        raise DataError(
            f"{source}: column {values.name!r} holds values that name nobody ({error}). Each row needs one user and "
            "one item: write a row for each element of a list."
        ) from error
    # Of mixed types, as in JSON lines: 7 and "7" are one.
    again, labels = pd.factorize(pd.Series(np.asarray(levels, dtype=object)).map(str))
    blank = pd.Series(labels, dtype=object).str.strip().eq("").to_numpy(bool)
    places = np.where(blank, NOBODY, np.cumsum(~blank) - 1)
    known = np.append(places[again], NOBODY)
    try:
        return _sorted(known[codes], np.asarray(labels, dtype=object)[~blank])
    except UnicodeEncodeError as error:
        raise DataError(
            f"{source}: column {values.name!r} holds {error.object!r}, half of a sign that no encoding has. Mend or "
            "drop these rows."
        ) from error


def _whole(values: pd.Series, source: str) -> pd.Series:
    """Return numbers with gaps, which are read as fractions, as whole ones."""
    present = values.dropna()
    if (odd := present != present.round()).any():
        raise DataError(
            f"{source}: column {values.name!r} holds {present[odd].iloc[0]:g}, and a name is a text or a whole number. "
            "Is this the right column?"
        )
    return values.astype("Int64")


def _sorted(codes: NDArray[np.integer], labels: NDArray[Any]) -> Named:
    """Return codes by the place of their labels in ascending order."""
    order = _ascending(labels)
    places = np.empty(len(labels) + 1, dtype=np.int32)
    places[order] = np.arange(len(labels), dtype=np.int32)
    places[-1] = NOBODY
    return Named(codes=places[codes], labels=labels[order])


def _ascending(labels: NDArray[Any]) -> NDArray[np.intp]:
    """Return the order of strings by their code points, as Python sorts them."""
    import pyarrow as pa
    import pyarrow.compute

    # Several times as fast as objects of Python, and in UTF-8 the order is the same.
    found: NDArray[np.intp] = pyarrow.compute.sort_indices(pa.array(labels, pa.large_string())).to_numpy()
    return found
