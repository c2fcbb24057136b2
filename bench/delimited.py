"""Tables as text: CSV and TSV, as programs and spreadsheets write them.

Values stay strings. What a spreadsheet adds to a file is taken off: a first line that names the separator, columns
without a name and without a value, numbers with a decimal comma.
"""

import csv
import io
import re
import warnings
from typing import Any

import pandas as pd

SHARE = 0.9
"""Of the values of a column that have to be numbers with a comma for all such to be read so."""
_COMMA = r"[€$£]?\s?[+-]?(?:\d{1,3}(?:[.\s]\d{3})+|\d+)(?:,\d+)?(?:[eE][+-]?\d+)?\s?[€$£%]?"
_NAMES_SEPARATOR = re.compile(r'"?sep=(.)"?\n')


def parse_delimited(text: str, separator: str = "", decimal: str = "") -> pd.DataFrame:
    """Return the table, all its values as strings.

    Parameters
    ----------
    text : str
        With Unix line ends.
    separator : str
        A comma when empty, or what the first line names.
    decimal : str
        Decimal sign of numbers; when empty a comma where the separator is a semicolon, as spreadsheets write it where
        commas are decimal, and a point elsewhere.

    Raises
    ------
    ValueError, pandas.errors.ParserError
        If it is no such table; the message says what to do.
    """
    text = text.lstrip("\n")
    if named := _NAMES_SEPARATOR.match(text):
        text, separator = text[named.end() :], separator or named[1]
    separator = separator or ","
    if len(separator) > 1:
        raise ValueError(f"data.separator={separator} is more than one sign. Give one, such as ; or \\t")
    frame = _parsed(text, separator)
    frame.columns = frame.columns.str.strip()
    return _with_points(frame) if (decimal or ("," if separator == ";" else ".")) == "," else frame


def _parsed(text: str, separator: str) -> pd.DataFrame:
    header = text.partition("\n")[0]
    names = next(csv.reader([header], delimiter=separator))
    if twice := [name for at, name in enumerate(names) if name.strip() and name in names[:at]]:
        # pandas would call the second one x.1.
        raise ValueError(f"several columns are named {twice[0]!r}. Give each column a name of its own")
    with warnings.catch_warnings():
        # Without both, a row with one field too many would silently shift or lose a column.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = _read(text, separator, csv.QUOTE_MINIMAL)
            if separator == "\t" and _hold_one_row_each(text, len(frame)):
                # A TSV without quoting: a text that begins with a quotation mark must not swallow the next rows.
                frame = _read(text, separator, csv.QUOTE_NONE)
        except pd.errors.ParserWarning as error:
            hint = _other_separator(header, separator)
            raise ValueError(
                f"rows have more fields than the header{hint or '; quote texts that hold the separator'}"
            ) from error
    if len(frame.columns) == 1 and (hint := _other_separator(header, separator)):
        raise ValueError(f"the header has one column{hint}")
    return _without_nameless(frame, names)


def _read(text: str, separator: str, quoting: int) -> pd.DataFrame:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "index_col": False, "quoting": quoting}
    # Bytes, for StringIO takes four of them a character.
    frame: pd.DataFrame = pd.read_csv(io.BytesIO(text.encode()), sep=separator, **options)
    return frame


def _without_nameless(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Drop columns that have neither a name nor a value: a spreadsheet that was wider once exports them."""
    nameless = [at for at, name in enumerate(names) if not name.strip() and at < frame.shape[1]]
    empty = [at for at in nameless if (frame.iloc[:, at].fillna("").str.strip() == "").all()]
    return frame.drop(columns=frame.columns[empty]) if empty and len(nameless) > 1 else frame


def _hold_one_row_each(text: str, rows: int) -> bool:
    """Return whether a TSV has more lines than rows were found, and as many fields in each as in the header."""
    header, *lines = (line for line in text.split("\n") if line)
    return rows < len(lines) and all(line.count("\t") == header.count("\t") for line in lines)


def _other_separator(header: str, separator: str) -> str:
    found = [sign for sign in ";\t|," if sign != separator and sign in header]
    return f". Did you mean data.separator={found[0]!r}?" if found and separator not in header else ""


def _with_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with points in the columns whose numbers have a decimal comma: 1.234,50 € becomes 1234.50."""
    for name in frame.columns:
        values = frame[name].fillna("")
        if not values.str.contains(",", regex=False).any():
            continue
        numbers = values.str.strip().str.fullmatch(_COMMA)
        if numbers.sum() >= SHARE * (values.str.strip() != "").sum():
            frame[name] = values.mask(numbers, values.str.replace(r"[.\s€$£]", "", regex=True).str.replace(",", "."))
    return frame
