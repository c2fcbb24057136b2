"""Columns as services can read them: names of plain letters, dates in ISO form, nothing where a value is missing."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import pandas as pd

PLAIN = r"[A-Za-z][A-Za-z0-9_]*"
"""What Vertex AI and BigQuery take for the name of a column."""
LONGEST = 120
"""Characters of a name."""


def plain_names(names: Sequence[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a plain name for every name, the same one where it is plain already; no two differ in capitals only.

    Parameters
    ----------
    names : sequence of str
        Different ones.
    taken : iterable of str
        Names that none may get.

    Examples
    --------
    >>> plain_names(["age", "Age", "price (EUR)", "größe", "値段", "2024"])
    {'age': 'age', 'Age': 'Age_2', 'price (EUR)': 'price_EUR', 'größe': 'grosse', '値段': 'column_5', '2024': 'c_2024'}
    """
    used = {name.lower() for name in taken}
    out: dict[str, str] = {}
    for at, name in enumerate(names, start=1):
        first = name if re.fullmatch(PLAIN, name) else _plain(name) or f"column_{at}"
        free = first = first[:LONGEST]
        number = 2
        while free.lower() in used:
            free, number = f"{first}_{number}", number + 1
        used.add(free.lower())
        out[name] = free
    return out


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")
    return f"c_{plain}" if plain[:1].isdigit() else plain


def as_written(values: pd.Series) -> pd.Series:
    """Return the strings that stand in the file; empty where a value is missing.

    Whole numbers have no fraction, so that a column of them is not taken for one of measurements.

    Examples
    --------
    >>> as_written(pd.Series([1.0, None, 3.0])).tolist(), as_written(pd.Series([1.5, 2.0])).tolist()
    (['1', '', '3'], ['1.5', '2.0'])
    >>> as_written(pd.Series(pd.to_datetime(["2024-01-31", None]))).tolist()
    ['2024-01-31', '']
    """
    missing = values.isna()
    if pd.api.types.is_datetime64_any_dtype(values):
        whole_days = bool((values.dropna() == values.dropna().dt.normalize()).all())
        strings = values.dt.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M:%S")
    elif pd.api.types.is_float_dtype(values):
        present = values.dropna()
        whole = bool((present == present.round()).all() and (present.abs() < 2**53).all())
        strings = present.map(lambda value: str(int(value)) if whole else repr(float(value))).reindex(values.index)
    else:
        strings = values.map(str, na_action="ignore")
    written: pd.Series = strings.astype(object).where(~missing, "")
    return written
