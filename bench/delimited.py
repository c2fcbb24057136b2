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
_POINT = r"[€$£]?\s?[+-]?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\s?[€$£%]?"
_COMMA_THOUSANDS = r"[€$£]?\s?[+-]?[1-9]\d{0,2}(?:,\d{3})+\s?[€$£%]?"
_POINT_THOUSANDS = _COMMA_THOUSANDS.replace(",\\d", r"\.\d")
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
    if (decimal or ("," if separator == ";" else ".")) == ",":
        return _with_points(frame, given=bool(decimal))
    return frame


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


def _with_points(frame: pd.DataFrame, given: bool) -> pd.DataFrame:
    """Return the table with points in the columns whose numbers have a decimal comma: 1.234,50 € becomes 1234.50.

    Where the decimal comma was not ``given``, 1,250 could be a thousand: what other columns hold decides.
    """
    columns = {name: frame[name].fillna("").str.strip() for name in frame.columns}
    commas = {name for name, values in columns.items() if _mostly(values, _COMMA, ",")}
    sure = given or any(_holds_other(columns[name], _COMMA, ",", _COMMA_THOUSANDS) for name in commas)
    if not sure and any(
        _mostly(values, _POINT, ".") and _holds_other(values, _POINT, ".", _POINT_THOUSANDS)
        for values in columns.values()
    ):
        return frame
    for name, values in columns.items():
        if name in commas or (sure and _parts_thousands_by_points(values)):
            numbers = values.str.fullmatch(_COMMA)
            bare = values.str.replace(r"[.\s€$£]", "", regex=True).str.replace(",", ".")
            frame[name] = frame[name].mask(numbers, bare)
    return frame


def _mostly(values: pd.Series, number: str, sign: str) -> bool:
    """Return whether the values are such numbers but for a few, and some hold the sign."""
    if not values.str.contains(sign, regex=False).any():
        return False
    return bool(values[values != ""].str.fullmatch(number).mean() >= SHARE)


def _holds_other(values: pd.Series, number: str, sign: str, thousands: str) -> bool:
    """Return whether some number holds the sign and is none that the sign parts into thousands."""
    signed = values[values.str.contains(sign, regex=False)]
    return bool((signed.str.fullmatch(number) & ~signed.str.fullmatch(thousands)).any())


def _parts_thousands_by_points(values: pd.Series) -> bool:
    """Return whether small whole numbers stand beside such with points between their thousands: 950 and 1.250."""
    small, grouped = (values.str.fullmatch(pattern) for pattern in (r"[+-]?\d{1,3}", _POINT_THOUSANDS))
    return bool(small.any() and grouped.any() and (small | grouped | (values == "")).all())
