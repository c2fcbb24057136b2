"""Examples of forecasts: what a series did, and what was said of it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.item_files import number
from bench.panel import Held

Floats = NDArray[np.floating]

HISTORY = 120
"""Steps of the past that are kept at most: two seasons or three horizons, whichever is more."""


@dataclass(frozen=True, kw_only=True)
class Fan:
    """One series and its forecast from one origin."""

    which: str
    """``best``, ``median`` or ``worst``."""
    series: str
    error: float
    """MASE of the series over all windows and seeds."""
    history: tuple[float, ...]
    """What came right before the origin."""
    y: tuple[float, ...]
    """What came then; NaN where nothing was observed."""
    point: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    """By level, the lowest first."""


def chosen_fans(
    errors: Floats,
    names: list[str],
    held: Held,
    predicted: Floats,
    past: list[Floats],
    season: int,
) -> tuple[Fan, ...]:
    """Return the best, the median and the worst series of a window.

    Parameters
    ----------
    errors : array, shape (s,)
        Of each series of the window; NaN where it has none.
    names : list of str
    held : Held
    predicted : array, shape (n, 1 + levels)
    past : list of arrays
        What came before the origin.
    season : int
    """
    order = np.argsort(errors, kind="stable")[: int(np.isfinite(errors).sum())]
    if not len(order):
        return ()
    places = {"best": int(order[0]), "median": int(order[(len(order) - 1) // 2]), "worst": int(order[-1])}
    steps = min(HISTORY, max(2 * season, 3 * int(held.step.max(initial=1))))
    made: dict[int, Fan] = {}
    for which, at in places.items():
        rows = held.series == at
        # Of fewer than three series, one is shown once.
        made[at] = Fan(
            which=made[at].which if at in made else which,
            series=names[at],
            error=float(errors[at]),
            history=tuple(past[at][-steps:].tolist()),
            y=tuple(held.y[rows].tolist()),
            point=tuple(predicted[rows, 0].tolist()),
            quantiles=tuple(tuple(column.tolist()) for column in predicted[rows, 1:].T),
        )
    return tuple(made.values())


def fan_content(fan: Fan) -> dict[str, Any]:
    """Return a fan as JSON has it."""
    return asdict(fan)


def fan_of(content: dict[str, Any]) -> Fan:
    """Return the fan behind such a content."""
    rows = {name: tuple(map(number, content[name])) for name in ("history", "y", "point")}
    quantiles = tuple(tuple(map(number, one)) for one in content["quantiles"])
    if {len(rows["y"]), *map(len, quantiles)} != {len(rows["point"])}:
        raise ValueError("a fan of unequal lengths")
    return Fan(**{**content, "error": number(content["error"]), **rows, "quantiles": quantiles})
