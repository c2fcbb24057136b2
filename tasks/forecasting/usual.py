"""The usual steps of time series, and which of them uneven time stamps are nearest to."""

import numpy as np
from numpy.typing import NDArray

SECONDS = {
    "s": 1,
    "min": 60,
    "5min": 300,
    "15min": 900,
    "30min": 1800,
    "h": 3600,
    "6h": 6 * 3600,
    "D": 86400,
    "W": 7 * 86400,
    "MS": 365.2425 / 12 * 86400,
    "QS": 365.2425 / 4 * 86400,
    "YS": 365.2425 * 86400,
}
"""By pandas' alias."""


def nearest_usual(gaps: NDArray[np.int64]) -> str:
    """Return pandas' alias of the usual step that is nearest to the median of some gaps, by their ratio.

    Parameters
    ----------
    gaps : array
        In nanoseconds, above 0; one at least.

    Examples
    --------
    >>> nearest_usual(np.array([80_000, 86_000, 90_000]) * 10**9)
    'D'
    """
    seconds = float(np.median(gaps)) / 1e9
    return min(SECONDS, key=lambda alias: abs(np.log(seconds / SECONDS[alias])))


def is_usual(size: int) -> bool:
    """Return whether people have steps of so many nanoseconds: weeks, or parts of a day in seconds or minutes."""
    seconds, rest = divmod(size, 10**9)
    part_of_day = SECONDS["D"] % max(1, seconds) == 0 and (seconds == 1 or seconds % 60 == 0)
    return not rest and (part_of_day or seconds % SECONDS["W"] == 0)


def refusal(
    codes: NDArray[np.intp],
    odd: NDArray[np.bool_],
    names: NDArray[np.object_],
    words: str,
    ns: NDArray[np.int64] | None,
) -> str:
    """Return what is wrong with time stamps between the steps, and what to do.

    Parameters
    ----------
    codes : array, shape (n,)
        Series of each row, ascending.
    odd : array of bool, shape (n,)
        Rows with such stamps.
    names : array, shape (s,)
    words : str
        What the steps are called; empty where most stamps lie between such steps as nobody has.
    ns : array of int or None, shape (n,)
        The stamps in nanoseconds; None where they are whole numbers.
    """
    counts, rows = (np.bincount(one, minlength=len(names)) for one in (codes[odd], codes))
    worst = np.argsort(-counts, kind="stable")[: min(3, int((counts > 0).sum()))]
    shown = ", ".join(f"{names[code]} ({counts[code]} of {rows[code]})" for code in worst)
    do = "the rows to even steps"
    if ns is not None:
        later = (codes[1:] == codes[:-1]) & (ns[1:] > ns[:-1])
        do = (
            f"them by data.freq={nearest_usual(np.diff(ns)[later])} data.duplicates=sum (of what adds up, as sales) "
            "or mean (of measurements)"
        )
    several = " If the file holds several series, tell them apart by data.id=COLUMN first." if len(names) == 1 else ""
    steps = f"steps are {words}, and" if words else "no even steps fit, for"
    return (
        f"{steps} {int((counts > 0).sum())} of {len(names)} series have time stamps between them: {shown}. Aggregate "
        f"{do}, or give the column with even ones by data.time=COLUMN.{several}"
    )
