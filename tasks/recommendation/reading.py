"""From a file to interactions: which columns are the user, the item, the time and the rating, and what they hold.

What is not named is found by usual names, and said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import column
from bench.errors import DataError
from bench.settings import DataSpec
from tasks.recommendation import synthetic
from tasks.recommendation.ids import NOBODY, Named, named
from tasks.recommendation.stamps import read_times

USER_NAMES = (
    *("user", "userid", "uid", "customer", "customerid", "clientid", "client", "memberid", "member", "reviewerid"),
    *("readerid", "reader", "buyerid", "buyer", "accountid", "account", "visitorid", "visitor", "sessionid", "session"),
    *("customeremail", "useremail", "email"),
)
ITEM_NAMES = (
    *("item", "itemid", "iid", "movieid", "movie", "productid", "product", "parentasin", "asin", "articleid"),
    *("article", "sku", "stockcode", "bookid", "book", "isbn", "trackid", "track", "songid", "song", "artistid"),
    *("artist", "gameid", "game", "businessid", "newsid", "contentid", "animeid", "recipeid", "courseid"),
    *("pageid", "page", "url"),
)
TIME_NAMES = (
    *("timestamp", "time", "datetime", "date", "ts", "unixreviewtime", "eventtime", "createdat", "created"),
    *("orderdate", "invoicedate", "purchasedate", "reviewdate", "day"),
)
RATING_NAMES = ("rating", "ratings", "userrating", "bookrating", "stars", "score", "overall", "rate")


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """Interactions, a row each; arrays are aligned, shape (n,)."""

    source: str
    user_column: str
    item_column: str
    users: Named
    items: Named
    times: NDArray[np.number] | None
    dated: bool
    """Whether times are seconds since 1970."""
    ratings: NDArray[np.float64] | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of interactions."""
        return len(self.users.codes)

    def take(self, rows: NDArray[Any], *notes: str) -> Self:
        """Return some of the rows, with further notes; labels stay."""
        return replace(
            self,
            users=replace(self.users, codes=self.users.codes[rows]),
            items=replace(self.items, codes=self.items.codes[rows]),
            times=None if self.times is None else self.times[rows],
            ratings=None if self.ratings is None else self.ratings[rows],
            notes=(*self.notes, *notes),
        )


def read_log(spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Log:
    """Read interactions.

    Parameters
    ----------
    spec : DataSpec
    read : callable
        See `bench.registry.TaskType.load`.

    Returns
    -------
    Log
        In the order of the source; every row names a user and an item.

    Raises
    ------
    DataError
        If a column is missing, or holds what it must not.
    """
    source = spec.name or spec.path
    frame = synthetic.generate(spec.path) if spec.path.startswith(synthetic.SCHEME) else read(spec.path)
    columns, notes = _columns(frame, spec, source)
    users, items = (named(frame[columns[what]], source) for what in ("user", "item"))
    kept, said = _rows_of_somebody({"user": users, "item": items}, columns, source)
    frame = frame if kept.all() else frame[kept].reset_index(drop=True)
    name = columns["time"]
    times, dated, on_times = read_times(frame[name], source) if name else (None, False, ())
    ratings, on_ratings = _ratings(frame, columns["rating"], spec, source)
    log = Log(
        source=source,
        item_column=columns["item"],
        user_column=columns["user"],
        users=replace(users, codes=users.codes[kept]),
        items=replace(items, codes=items.codes[kept]),
        times=times,
        dated=dated,
        ratings=ratings,
        notes=(*notes, *said, *on_times, *on_ratings),
    )
    return _with_all_ratings(log, spec)


def normal(name: str) -> str:
    """Return a name as lists of usual names have it.

    Examples
    --------
    >>> normal("userId"), normal("Invoice Date"), normal("parent_asin")
    ('userid', 'invoicedate', 'parentasin')
    """
    return "".join(sign for sign in name.lower() if sign.isalnum())


def usual_column(frame: pd.DataFrame, names: Sequence[str], taken: Sequence[str] = ()) -> str:
    """Return the first column that has one of the names, the first of which are the surest; empty if none has."""
    free = {normal(name): str(name) for name in reversed(list(frame.columns)) if name not in taken}
    return next((free[name] for name in names if name in free), "")


def _columns(frame: pd.DataFrame, spec: DataSpec, source: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the columns of user, item, time and rating; empty for a time or a rating that is not there."""
    usual = {"user": USER_NAMES, "item": ITEM_NAMES, "time": TIME_NAMES, "rating": RATING_NAMES}
    found = {what: getattr(spec, what) for what in usual}
    for name in filter(None, found.values()):
        column(frame, name, source)
    guessed = []
    for what, names in usual.items():
        if not found[what]:
            found[what] = usual_column(frame, names, [name for name in found.values() if name])
            guessed += [f"{what} {found[what]!r}"] if found[what] else []
        if not found[what] and what in ("user", "item"):
            listed = ", ".join(list(frame.columns)[:20])
            raise DataError(f"Which column of {source} names the {what}? Give data.{what}=COLUMN. Columns: {listed}.")
    given = [name for name in found.values() if name]
    if twice := [name for name in given if given.count(name) > 1]:
        raise DataError(f"{source}: column {twice[0]!r} cannot be two of user, item, time and rating at once.")
    return found, (f"Columns are found by their names: {', '.join(guessed)}.",) if guessed else ()


def _rows_of_somebody(
    found: dict[str, Named], columns: dict[str, str], source: str
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which rows name a user and an item, and notes on the others."""
    notes, kept = [], np.ones(len(found["user"].codes), dtype=bool)
    for what, some in found.items():
        present = some.codes != NOBODY
        if not present.any():
            raise DataError(f"{source}: no row has a value in column {columns[what]!r}.")
        if not present.all():
            notes.append(f"{int((~present).sum())} of {len(present)} rows name no {what} and were dropped.")
        kept &= present
    if not kept.any():
        raise DataError(f"{source}: no row names both a user and an item.")
    return kept, tuple(notes)


def _ratings(
    frame: pd.DataFrame, name: str, spec: DataSpec, source: str
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the ratings as floats, NaN where a cell is empty; None where there are none, or none that can be used."""
    needs = f"data.at_least={spec.at_least:g}" if spec.at_least is not None else "data.weights=rating"
    needed = spec.at_least is not None or spec.weights == "rating"
    if not name:
        if needed:
            listed = ", ".join(list(frame.columns)[:20])
            raise DataError(f"{needs} needs ratings: which column of {source}? Give data.rating=COLUMN of {listed}.")
        return None, ()
    values = frame[name]
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    odd = values[~np.isfinite(numbers)]
    odd = odd[odd.notna() & (odd.astype(str).str.strip() != "")]
    if not len(odd):
        return numbers, ()
    shown = ", ".join(map(repr, sorted(set(odd.astype(str)))[:3]))
    if needed or spec.rating:
        raise DataError(
            f"{source}: column {name!r} holds {len(odd)} values that are no numbers ({shown}). Write ratings as "
            "numbers, or leave data.rating, data.at_least and data.weights out: then every row is positive."
        )
    return None, (f"Column {name!r} is not used: {len(odd)} of its values are no numbers ({shown}).",)


def _with_all_ratings(log: Log, spec: DataSpec) -> Log:
    """Drop rows that lack a rating where one is needed, and say of the others what becomes of them."""
    ratings = log.ratings
    if ratings is None:
        return log
    if spec.at_least is not None or spec.weights == "rating":
        rated = np.isfinite(ratings)
        if not rated.any():
            raise DataError(f"{log.source}: no row has a rating.")
        dropped = f"{int((~rated).sum())} of {len(log)} rows have no rating and were dropped."
        return log if rated.all() else log.take(np.flatnonzero(rated), dropped)
    if not np.isfinite(ratings).any():
        return replace(log, ratings=None)
    low, high = np.nanmin(ratings), np.nanmax(ratings)
    below = f" {int((ratings < 0).sum())} of them are negative, and count as well." if low < 0 else ""
    note = (
        f"Ratings from {low:g} to {high:g} are not used: every interaction is positive. data.at_least= keeps the high "
        f"ones only.{below}"
    )
    return replace(log, ratings=None, notes=(*log.notes, note))
