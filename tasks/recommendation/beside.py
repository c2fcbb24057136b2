"""Tables of items and users: what can be read of an item, its title and tags, and further columns."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import column, infer_kinds
from bench.errors import DataError
from bench.ranking.files import SPACED
from bench.settings import DataSpec
from tasks.recommendation.ids import NOBODY, Named, named
from tasks.recommendation.reading import ITEM_NAMES, USER_NAMES, Log, usual_column
from tasks.tables import typed

TITLE_NAMES = (
    *("title", "movietitle", "booktitle", "producttitle", "itemtitle", "name", "itemname", "productname"),
    *("moviename", "artistname", "trackname", "songname", "prodname"),
)
TAG_NAMES = ("genres", "genre", "class", "tags", "tag", "categories", "category", "themes", "topics", "keywords")
SEPARATORS = "|;,"
"""Between tags; the first one that stands in the column."""
MOST_TAGS = 200
"""The most frequent are kept, and of these only what two items share."""
MOSTLY_TWICE = 0.5
"""Share of rows of an item that is there already from which the column of names is a wrong one."""
_MOVIELENS = re.compile(r"u[1-5ab]?\.(?:data|base)")
_BESIDE = {"ratings.dat": ("movies.dat", "users.dat"), "ratings.csv": ("movies.csv", "")}


@dataclass(frozen=True, kw_only=True, eq=False)
class Described:
    """What is known of items beside interactions, in the order of their labels."""

    items: Named
    """With those that the table alone names."""
    texts: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tagged: NDArray[np.bool_] | None = None
    table: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())


def tables_beside(spec: DataSpec) -> tuple[str, str]:
    """Return the paths of the tables of items and users: as given, or where usual layouts have them; empty if none."""
    path = Path(spec.path)
    items, users = _BESIDE.get(path.name, ("", ""))
    if path.suffix == ".inter":
        items, users = f"{path.stem}.item", f"{path.stem}.user"
    elif _MOVIELENS.fullmatch(path.name):
        items, users = "u.item", "u.user"
    found = [str(path.with_name(name)) if name and path.with_name(name).is_file() else "" for name in (items, users)]
    return spec.items_path or found[0], spec.users_path or found[1]


def describe_items(log: Log, spec: DataSpec, path: str, read: Callable[[str], pd.DataFrame]) -> Described:
    """Read the table of items.

    Parameters
    ----------
    log : Log
    spec : DataSpec
    path : str
        Of the table; empty where there is none.
    read : callable
        See `bench.registry.TaskType.load`.

    Raises
    ------
    DataError
        If no item of the interactions is in it, or a column is missing.
    """
    if not path and (spec.item_text or spec.item_id):
        raise DataError("data.item_text and data.item_id are columns of a table of items: give data.items_path=.")
    if not path:
        return Described(items=log.items)
    frame, ids, notes = _table(read(path), path, spec.item_id, (log.item_column, ITEM_NAMES), "item")
    _check_known(ids, log.items, path, "item")
    items = log.items.among(ids)
    notes += _never(log.items.labels, ids, items.labels, path)
    frame = _of(items.labels, ids, frame)
    title, tag = usual_column(frame, TITLE_NAMES), usual_column(frame, TAG_NAMES)
    parts = _parts(frame[tag], tag in frame.attrs[SPACED]) if tag else None
    words = {name: _text(column(frame, name, path)) for name in spec.item_text or _worded(frame, title, tag)}
    if parts is not None and tag in words:
        words[tag] = parts.str.join(", ")
    tags, tagged, on_tags = _tagged(parts, tag) if parts is not None else ((), None, ())
    texts, on_texts = _texts(words, title, len(frame), path)
    rest = frame[[name for name in frame.columns if name not in (title, tag, *words)]]
    return Described(
        items=items,
        texts=texts,
        titles=_titles(frame[title], items.labels) if title else (),
        tags=tags,
        tagged=tagged,
        table=typed(rest, {})[0] if len(rest.columns) else None,
        notes=(*notes, *on_texts, *on_tags),
    )


def read_users(
    log: Log, spec: DataSpec, path: str, read: Callable[[str], pd.DataFrame]
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Return the table of users in the order of their labels, and notes; None where there is none."""
    if not path:
        if spec.user_id:
            raise DataError("data.user_id is a column of a table of users: give data.users_path=.")
        return None, ()
    frame, ids, notes = _table(read(path), path, spec.user_id, (log.user_column, USER_NAMES), "user")
    _check_known(ids, log.users, path, "user")
    absent = int((pd.Index(ids).get_indexer(pd.Index(log.users.labels)) < 0).sum())
    unseen = len(ids) + absent - len(log.users.labels)
    if unseen:
        notes += (f"{path}: {unseen} of {len(ids)} users have no interaction and are left out.",)
    if absent:
        notes += (f"{path} lacks {absent} of {len(log.users.labels)} users with interactions.",)
    found = _of(log.users.labels, ids, frame)
    return (typed(found, {})[0] if len(found.columns) else None), notes


def _table(
    frame: pd.DataFrame, path: str, given: str, names: tuple[str, Sequence[str]], what: str
) -> tuple[pd.DataFrame, NDArray[Any], tuple[str, ...]]:
    """Return the columns of a table, a row for each different name, and these names."""
    name = given or (names[0] if names[0] in frame.columns else usual_column(frame, (*names[1], "id")))
    if not name:
        listed = ", ".join(list(frame.columns)[:20])
        raise DataError(f"Which column of {path} names the {what}? Give data.{what}_id=COLUMN. Columns: {listed}.")
    ids = named(column(frame, name, path), path)
    kept = (ids.codes != NOBODY) & ~pd.Series(ids.codes).duplicated().to_numpy()
    nameless, twice = int((ids.codes == NOBODY).sum()), int((~kept).sum()) - int((ids.codes == NOBODY).sum())
    if twice > MOSTLY_TWICE * len(kept):
        raise DataError(
            f"{path}: {twice} of {len(kept)} rows name an {what} in column {name!r} that another row names. A table of "
            f"{what}s has one row for each: give the right column by data.{what}_id=COLUMN."
        )
    notes = []
    if nameless:
        notes.append(f"{path}: {nameless} of {len(kept)} rows name no {what} and were dropped.")
    if twice:
        notes.append(f"{path}: {twice} rows are of {what}s that stand there already; the first row of each counts.")
    # Categories would be levels of the file, not of the rows that are left.
    rest = frame.loc[kept].drop(columns=name).reset_index(drop=True).astype(object).infer_objects()
    rest.attrs[SPACED] = frame.attrs.get(SPACED, [])
    return rest, ids.labels[ids.codes[kept]], tuple(notes)


def _check_known(ids: NDArray[Any], some: Named, path: str, what: str) -> None:
    """Refuse a table that names none of what interactions name."""
    if not (pd.Index(ids).get_indexer(pd.Index(some.labels)) >= 0).any():
        raise DataError(
            f"{path} has no row for any {what} of the interactions: these are called {some.labels[0]!r}, and those "
            f"{min(ids)!r}. Names have to agree to the letter, leading zeros included; the column is data.{what}_id."
        )


def _never(labels: NDArray[Any], ids: NDArray[Any], both: NDArray[Any], path: str) -> tuple[str, ...]:
    """Return notes on items that only one of the two sources names."""
    unseen, missing = len(both) - len(labels), len(both) - len(ids)
    said = (f"{path}: {unseen} of {len(ids)} items are in no interaction.",) if unseen else ()
    return said + ((f"{path} lacks {missing} of {len(labels)} items with interactions.",) if missing else ())


def _of(labels: NDArray[Any], ids: NDArray[Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each label, empty where the table has none."""
    places = pd.Index(ids).get_indexer(pd.Index(labels))
    found = frame.reindex(places)
    found.attrs[SPACED] = frame.attrs[SPACED]
    return found.reset_index(drop=True)


def _worded(frame: pd.DataFrame, title: str, tag: str) -> list[str]:
    """Return title, tags and whatever else is text."""
    kinds = infer_kinds(frame, {})
    prose = {name for name, kind in kinds.items() if kind == "text" and name not in frame.attrs[SPACED]}
    return [name for name in frame.columns if name in {title, tag} | prose]


def _titles(values: pd.Series, labels: NDArray[Any]) -> tuple[str, ...]:
    """Return what a person calls each item: by its label where it has no title."""
    titles = _text(values).to_numpy(object)
    return tuple(np.where(titles != "", titles, labels))


def _text(values: pd.Series) -> pd.Series:
    """Return what stands in each cell, empty where nothing does; lists are parted by commas."""
    return values.map(_plain).where(values.notna(), "").astype(object)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(str(one).strip() for one in value)
    return str(value).strip()


def _parts(values: pd.Series, spaced: bool) -> pd.Series:
    """Return the tags of each row as a list."""
    joined = _text(values)
    separator = (
        " " if spaced else next((sign for sign in SEPARATORS if joined.str.contains(sign, regex=False).any()), "")
    )
    parted = joined.str.split(separator) if separator else joined.map(lambda value: [value])
    return parted.map(lambda parts: [part.strip() for part in parts if part.strip()])


def _tagged(parts: pd.Series, name: str) -> tuple[tuple[str, ...], NDArray[np.bool_] | None, tuple[str, ...]]:
    """Return the tags, which item has which, and a note."""
    long = parts.explode().dropna()
    counts = long[~long.index.to_series().astype(str).add("\x1f" + long).duplicated()].value_counts()
    shared = counts[counts > 1].index[:MOST_TAGS]
    if not len(shared):
        return (), None, (f"Column {name!r} has no tag that two items share.",)
    tags = tuple(sorted(map(str, shared)))
    kept = long[long.isin(tags)]
    tagged = np.zeros((len(parts), len(tags)), dtype=bool)
    tagged[kept.index.to_numpy(), pd.Index(tags).get_indexer(pd.Index(kept))] = True
    left = f", the most frequent of {len(counts)}" if len(tags) < len(counts) else ""
    return tags, tagged, (f"Tags are those of column {name!r}: {len(tags)}{left}.",)


def _texts(words: dict[str, pd.Series], title: str, rows: int, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what can be read of each item, the title first, and a note."""
    names = sorted(words, key=lambda name: name != title)
    texts = pd.Series([""] * rows, dtype=object)
    for name in names:
        between = np.where((texts != "") & (words[name] != ""), ". ", "")
        texts = texts + between + words[name]
    empty = int((texts == "").sum())
    if empty == rows:
        return (), (f"{path}: no column says in words what an item is; name some by data.item_text=.",)
    shown = ", ".join(map(repr, names))
    return tuple(texts), (f"What is read of items: {shown} (data.item_text). {empty} of {rows} items have no text.",)
