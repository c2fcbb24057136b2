"""Files of interactions as recommender research keeps them: RecBole's atomic files, and the layouts of MovieLens.

Users and items come out as categories, so that twenty million rows fit into memory; all values are as they stand.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.delimited import parse_delimited

SPACED = "spaced"
"""Attribute of a frame: its columns whose values are parted by spaces."""
GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""Flags at the end of a row of ``u.item``."""
RATINGS = ("user_id", "item_id", "rating", "timestamp")
LAYOUTS: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("::", 4): RATINGS,
    ("\t", 4): RATINGS,
    ("::", 3): ("item_id", "title", "genres"),
    ("::", 5): ("user_id", "gender", "age", "occupation", "zip_code"),
    ("|", 5): ("user_id", "age", "gender", "occupation", "zip_code"),
    ("|", 24): ("item_id", "title", "release_date", "video_release_date", "imdb_url", *GENRES),
}
"""Columns of files without a header, by their separator and number of fields."""
HEADER = b"userId,movieId,rating,timestamp"
"""First line of the interactions of later ones, which are CSV."""
_MOVIELENS = re.compile(r"u[1-5ab]?\.(data|base|test|item|user)|(ratings|movies|users)\.dat")


def is_movielens(name: str, content: bytes = b"") -> bool:
    """Return whether a file is called as one of MovieLens that has no header, or begins with the header of the others.

    Examples
    --------
    >>> [is_movielens(name) for name in ("u.data", "ua.base", "movies.dat", "ratings.csv", "my.data")]
    [True, True, True, False, False]
    """
    return _MOVIELENS.fullmatch(name) is not None or content.startswith(HEADER)


def read_atomic(content: bytes) -> pd.DataFrame:
    """Return the table of an atomic file: columns by their names, without the types of the header.

    Columns of several values (``token_seq``) stand in ``attrs`` under `SPACED`.

    Raises
    ------
    ValueError
        If the header has no types, or rows have another number of fields.
    """
    header = content.partition(b"\n")[0].decode("utf-8-sig").rstrip("\r")
    parts = [name.rpartition(":") for name in header.split("\t")]
    if any(not name for name, _, _ in parts):
        raise ValueError("its first line has to name columns with their types, such as user_id:token")
    names, kinds = [name for name, _, _ in parts], [kind for _, _, kind in parts]
    numbers = [name for name, kind in zip(names, kinds, strict=True) if kind == "float"]
    tokens = [name for name, kind in zip(names, kinds, strict=True) if kind == "token"]
    frame = _table(content, names, numbers, tokens, skipped=1)
    frame.attrs[SPACED] = [name for name, kind in zip(names, kinds, strict=True) if kind == "token_seq"]
    return frame


def read_movielens(content: bytes) -> pd.DataFrame:
    """Return a table of MovieLens, whichever it is; genres are in one column, parted by ``|``.

    Raises
    ------
    ValueError
        If it has none of the known layouts.
    """
    if content.startswith(HEADER):
        names = HEADER.decode().split(",")
        return _table(content, names, names[2:], names[:2], ",", skipped=1)
    content = _in_utf8(content)
    first = content.partition(b"\n")[0].decode(errors="replace")
    separator = next((sign for sign in ("::", "\t", ",", "|") if sign in first), "")
    if separator == ",":
        return parse_delimited(content.decode().replace("\r\n", "\n"))
    fields = first.count(separator) + 1 if separator else 1
    columns = LAYOUTS.get((separator, fields))
    if columns is None:
        raise ValueError(f"no layout of MovieLens has {fields} fields parted by {separator or 'anything'!r}")
    if separator == "::":
        content, separator = content.replace(b"::", b"\t"), "\t"
    if columns == RATINGS:
        return _table(content, columns, ["rating", "timestamp"], ["user_id", "item_id"])
    frame = _table(content, columns, [], [], separator)
    return _with_genres(frame) if fields == 24 else frame


def _in_utf8(content: bytes) -> bytes:
    """Return the bytes in UTF-8: older files are in Latin-1."""
    try:
        content.isascii() or content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1").encode()
    return content


def _table(
    content: bytes,
    names: Sequence[str],
    numbers: Sequence[str],
    tokens: Sequence[str],
    separator: str = "\t",
    skipped: int = 0,
) -> pd.DataFrame:
    """Return a table without quotes: strings, but floats and categories where that is asked for and possible."""
    import pyarrow as pa
    from pyarrow import csv

    types: dict[str, Any] = dict.fromkeys(names, pa.string())
    types |= dict.fromkeys(tokens, pa.dictionary(pa.int32(), pa.string()))
    read = csv.ReadOptions(column_names=list(names), skip_rows=skipped)
    parse = csv.ParseOptions(delimiter=separator, quote_char=False, double_quote=False)
    try:
        convert = csv.ConvertOptions(column_types=types | dict.fromkeys(numbers, pa.float64()), null_values=[""])
        table = csv.read_csv(io.BytesIO(content), read, parse, convert)
    except pa.ArrowInvalid:
        # What is no number is for the task to name, with its column.
        convert = csv.ConvertOptions(column_types=types, null_values=[""])
        table = csv.read_csv(io.BytesIO(content), read, parse, convert)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _with_genres(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of items with one column of genres in place of their flags."""
    genres = np.full(len(frame), "", dtype=object)
    for name in GENRES[1:]:
        genres = genres + np.where(frame[name] == "1", f"{name}|", "").astype(object)
    return frame.drop(columns=list(GENRES)).assign(genres=pd.Series(genres).str.rstrip("|"))
