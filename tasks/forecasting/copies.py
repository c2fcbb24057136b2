"""Columns that tell the target: what is to be forecast under another name, on another scale, or at another step.

Values that were filled tell nothing here. What known targets tell as well, such as a trend or the calendar of a target
without noise, is let through; what is hidden in noise, in a flag, or in several columns together is not found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError
from tasks.forecasting.gaps import Panel

Floats = NDArray[np.float64]
SAME = 0.9
"""Share of equal values from which a column is a copy of the target."""
IN_ORDER = 0.95
"""Share of neighbours in the order of the target that are in the order of a column, from which that tells the target.
A correlation of 0.999 is less."""
LEAST_EQUAL, LEAST_SAME = 3, 10
"""Rows without which nothing is a copy: where all are equal, and where some are not."""
LEAST_IN_ORDER, LEAST_KNOWN = 25, 10
"""Rows without which no order tells of steps to forecast, and of known ones."""
DIFFERENT = 5
"""Values that a series must have on average for their order to tell anything: flags have two."""
DIFFERENT_SCALED, DIFFERENT_ROUNDED = 4, 10
"""Values that such copies must have: any two lie on a line, and many a flag is a rounded target."""
CLOSE = 0.01
"""Of the usual change from one step to the next: values that are nearer are equal."""
TINY = 1e-12
"""Of the largest value: rounding errors of sums."""
MOST_ROWS, MOST_ALIKE = 50_000, 5_000
"""First rows that are looked at for copies, and for what is like one."""
NUMBER = r"([-+]?\d[\d.,]*)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Values of every row; NaN where there is none."""

    values: Floats
    moves: Floats
    """From the last value of the series before; NaN for the first one."""
    codes: NDArray[np.intp]
    """Series of each row, ascending."""
    tiny: float

    @classmethod
    def of(cls, values: Floats, codes: NDArray[np.intp]) -> "Track":
        """Return values with their moves."""
        last: Floats = np.asarray(pd.Series(values).groupby(codes).ffill(), np.float64)
        largest = float(np.abs(values[np.isfinite(values)]).max(initial=0))
        return cls(values=values, moves=values - _before(last, codes, 1), codes=codes, tiny=TINY * largest)

    def first(self, rows: int) -> "Track":
        """Return the first rows."""
        return Track.of(self.values[:rows], self.codes[:rows])

    def changes(self) -> "Track":
        """Return the differences between neighbouring steps."""
        changes = Track.of(self.values - _before(self.values, self.codes, 1), self.codes)
        return Track(values=changes.values, moves=changes.moves, codes=self.codes, tiny=self.tiny)

    def before(self, steps: int) -> "Track":
        """Return for each row what was so many steps before; of later steps where negative."""
        values, moves = (_before(one, self.codes, steps) for one in (self.values, self.moves))
        return Track(values=values, moves=moves, codes=self.codes, tiny=self.tiny)

    @cached_property
    def moved(self) -> NDArray[np.bool_]:
        """Rows whose value differs from the one before."""
        return np.abs(self.moves) > self.tiny

    @cached_property
    def gap(self) -> float:
        """What values may differ by that are equal."""
        moves = np.abs(self.moves[self.moved])
        return CLOSE * float(np.median(moves)) if len(moves) else 0.0


def refuse_copies(name: str, values: pd.Series, panel: Panel, known: bool, horizon: int, season: int) -> None:
    """Refuse a column that tells the target of a step that is to be forecast.

    Parameters
    ----------
    name : str
    values : Series
        Floats or strings, for every row of the panel; missing where the source has no value.
    panel : Panel
    known : bool
        Whether the column is known for the steps to forecast: it tells them too if it is the target of its own step, or
        of less than a horizon before. Else it does by its last rows before an origin, if it is a later target.
    horizon, season : int
        In steps; the later targets that are looked at lie within the longer of them.

    Raises
    ------
    DataError
        If there is such a column.
    """
    codes = panel.codes[:MOST_ROWS]
    seen = panel.y if panel.observed is None else np.where(panel.observed, panel.y, np.nan)
    y, x = Track.of(seen[:MOST_ROWS], codes), Track.of(numbers_in(values.iloc[:MOST_ROWS]), codes)
    if not y.moved.any() or not x.moved.any():
        return
    leads = sorted(range(1 - horizon if known else 1, max(horizon, season) + 1), key=abs)
    told = range(horizon, horizon + 2 * season + 1) if known else range(max(horizon, season) + season + 1)
    less = x.first(MOST_ALIKE), y.first(MOST_ALIKE)
    found = chain(
        _equal(x, y, leads, () if known else told), _alike(*less, leads, told), _in_order(*less, leads, told)
    )  # fmt: skip
    for what, ahead in found:
        raise DataError(f"{panel.source}: {what.format(repr(name), _when(ahead))}, {_why(ahead)}")


def _when(ahead: int) -> str:
    if ahead == 0:
        return "of the same step"
    return f"{abs(ahead)} step{'s' * (abs(ahead) > 1)} {'later' if ahead > 0 else 'earlier'}"


def _why(ahead: int) -> str:
    advice = (
        "Take it out of the file."
        if ahead > 0
        else "Leave it out of data.known; it is then used up to the origin only."
    )
    return f"and some of it is not known at an origin: it is what is to be forecast. {advice}"


def numbers_in(values: pd.Series) -> Floats:
    """Return the first number in each text, or numbers as they are; NaN where there is none.

    Examples
    --------
    >>> numbers_in(pd.Series(["101.2 eur", "EUR 1,050", "1.050,5", "none"])).tolist()
    [101.2, 1050.0, 1050.5, nan]
    """
    if values.dtype != object:
        return values.to_numpy(np.float64)
    codes, levels = pd.factorize(values)
    found = pd.Series(levels, dtype=object).astype(str).str.extract(NUMBER)[0]
    plain = found.str.replace(r"\.(?=\d{3},)|,(?=\d{3}(?:\D|$))", "", regex=True).str.replace(",", ".")
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    return np.append(numbers, np.nan)[codes]


def _before(values: Floats, codes: NDArray[np.intp], steps: int) -> Floats:
    """Return for each row the value so many rows before it in its series; NaN where there is none."""
    found = np.full(len(values), np.nan)
    if abs(steps) < len(values):
        at, of = slice(max(steps, 0), len(values) + min(steps, 0)), slice(max(-steps, 0), len(values) - max(steps, 0))
        found[at] = np.where(codes[at] == codes[of], values[of], np.nan)
    return found


def _equal(x: Track, y: Track, leads: Sequence[int], told: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Find the steps whose target a column is, if it is no known target as well."""
    for ahead in leads:
        if _is_copy(x.before(ahead), y):
            if any(_is_copy(x.before(-lag), y) for lag in told):
                return
            yield "{} is the target {}", ahead


def _alike(x: Track, y: Track, leads: Sequence[int], told: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Find the steps whose target a column is but for its scale, its decimals, or a sum over steps."""
    for of_column, a, of_target, b in _pairs(x, y):
        for _, ahead in _equal(a, b, leads, told):
            yield f"{of_column} is {of_target}the target {{}}", ahead
        for ahead in leads:
            if _is_scaled(a.before(ahead), b):
                if any(_is_scaled(a.before(-lag), b) for lag in told):
                    break
                yield f"{of_column} is {of_target}the target {{}} on another scale", ahead
    for how, rounded in _roundings(x, y).items():
        for what, ahead in _equal(x, rounded, leads, told):
            yield f"{what}, {how}", ahead


def _pairs(x: Track, y: Track) -> Iterator[tuple[str, Track, str, Track]]:
    """Return a column and its changes beside the target and its changes, each with words."""
    columns, targets = {"{}": x, "the change of {}": x.changes()}, {"": y, "the change of ": y.changes()}
    for (of_column, a), (of_target, b) in product(columns.items(), targets.items()):
        yield of_column, a, of_target, b


def _is_scaled(x: Track, y: Track) -> bool:
    """Return whether a column is a line through the target."""
    both = x.moved & y.moved
    if both.sum() <= SAME * (x.moved | y.moved)[np.isfinite(x.values) & np.isfinite(y.values)].sum() or not both.any():
        return False
    slope = float(np.median(x.moves[both] / y.moves[both]))
    offset = float(np.median(x.values[both] - slope * y.values[both]))
    line = Track(values=offset + slope * y.values, moves=slope * y.moves, codes=y.codes, tiny=abs(slope) * y.tiny)
    return _is_copy(x, line, DIFFERENT_SCALED)


def _roundings(x: Track, y: Track) -> dict[str, Track]:
    """Return the target with as many decimals as a column has, where it has more and there are enough values."""
    known = x.values[np.isfinite(x.values)]
    if len(np.unique(known)) < DIFFERENT_ROUNDED:
        return {}
    for scale in 10.0 ** np.arange(-6, 7):
        if np.abs(known * scale - np.rint(known * scale)).max(initial=0) < 1e-6:
            ways = {"rounded": np.rint, "rounded down": np.floor, "rounded up": np.ceil}
            return {name: Track.of(way(y.values * scale) / scale, y.codes) for name, way in ways.items()}
    return {}


def _is_copy(x: Track, y: Track, different: int = 2) -> bool:
    """Return whether values are equal where one of them moves: where none does, equal ones tell nothing."""
    gap = y.gap
    moving = (np.abs(x.moves) > gap) | (np.abs(y.moves) > gap)
    rows = np.isfinite(x.values) & np.isfinite(y.values) & moving
    if rows.sum() < LEAST_EQUAL or not gap:
        return False
    same = float((np.abs(x.values - y.values)[rows] <= gap).mean())
    if same <= SAME or (same < 1 and rows.sum() < LEAST_SAME):
        return False
    found = min(len(np.unique(one.values[rows])) for one in (x, y))
    # A flag may well go with a target of two values, but for some rows.
    return found >= different and (found > 2 or same == 1)


def _in_order(x: Track, y: Track, leads: Sequence[int], told: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Find the steps at which a column, or its changes, are in the order of the target, or of its changes.

    Scales and offsets of a series do not matter to that, nor does a sum over its steps.
    """
    for of_column, a, of_target, b in _pairs(x, y):
        order = np.lexsort((b.values, b.codes))
        for ahead in leads:
            if not _share(a.before(ahead), b, order, LEAST_IN_ORDER) > IN_ORDER:
                continue
            known = [_share(a.before(-lag), b, order, LEAST_KNOWN) for lag in told]
            # What tells as much of known steps tells of a trend or a calendar; a past that is too short tells neither.
            if np.nanmax([*known, -1.0]) > IN_ORDER or np.isnan(known).all():
                break
            yield f"{of_column} rises and falls with {of_target}the target {{}}", ahead


def _share(a: Track, b: Track, order: NDArray[np.intp], least: int) -> float:
    """Return the share of neighbours in the order of ``b`` that ``a`` has in that order; NaN of too few.

    0 where the two do not move at the same steps, or series have too few different values.
    """
    both = a.moved & b.moved
    rows = np.isfinite(a.values) & np.isfinite(b.values) & (a.moved | b.moved)
    if rows.sum() < least:
        return float("nan")
    if both.sum() <= SAME * rows.sum():
        return 0.0
    kept = order[rows[order]]
    own = b.codes[kept][1:] == b.codes[kept][:-1]
    up, along = (_signs(one, kept)[own] for one in (b, a))
    if len(up) < least:
        return float("nan")
    if np.count_nonzero(up * along) < (DIFFERENT - 1) * (len(kept) - len(up)):
        return 0.0
    return float(max((along == up).mean(), (along == -up).mean()))


def _signs(track: Track, rows: NDArray[np.intp]) -> Floats:
    """Return whether values rise (1), fall (-1) or stay (0) from each row to the next."""
    steps = np.diff(track.values[rows])
    return np.where(np.abs(steps) > track.tiny, np.sign(steps), 0.0)
