"""Scores of forecasts, as free functions on what a window holds out and what was said of it.

Predictions have shape (n, 1 + levels), the point forecast first. What is scaled is divided, series by series, by the
mean absolute seasonal difference of the window's own training part; a series without one, or with one of zero, has no
scaled error: it is left out, and `undefined` counts it. Scaled scores are means over series, so that no series counts
more for being long or large. A quantile loss carries the factor 2, so that at the level 0.5 it is the absolute error.

Errors of series come from utilsforecast; what is pooled over all series is its metric of a single series.

References
----------
Hyndman & Koehler 2006, Another look at measures of forecast accuracy (MASE).
Makridakis, Spiliotis & Assimakopoulos 2022, M5 accuracy competition (RMSSE: the root is taken of each series).
Koenker & Bassett 1978, Regression Quantiles (the loss of a quantile).
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.panel import POINT, SERIES, Held, quantile_column

Floats = NDArray[np.floating]
Scaled = Literal["mase", "rmsse", "sql", "bias", "width_80"]

BY_SERIES = ("mase", "rmsse", "wape", "smape", "wql", "sql", "width_80", "bias")
"""Scores that are made of what each series adds to them."""

TARGET, TAIL = "y", 0.1
"""Column of the true values for utilsforecast, and the share beyond either end of an interval of 80 %."""


def mase(held: Held, predicted: Floats) -> float:
    """Return the mean over series of the mean absolute scaled error; NaN where no series has a scale.

    Examples
    --------
    >>> held = Held(y=np.array([3.0, 5.0]), series=np.array([0, 0]), step=np.array([1, 2]), scale=np.array([2.0]),
    ...             squared_scale=np.array([4.0]), levels=())
    >>> mase(held, np.array([[4.0], [8.0]]))
    1.0
    """
    return _mean(by_series(held, predicted, "mase"))


def rmsse(held: Held, predicted: Floats) -> float:
    """Return the mean over series of the root of the mean squared scaled error; fev takes the root of the mean."""
    return _mean(by_series(held, predicted, "rmsse"))


def sql(held: Held, predicted: Floats) -> float:
    """Return the mean over series and levels of the scaled quantile loss; NaN where no level is asked for."""
    return _mean(by_series(held, predicted, "sql"))


def bias(held: Held, predicted: Floats) -> float:
    """Return the mean over series of the mean scaled error; above zero where forecasts are too high."""
    return _mean(by_series(held, predicted, "bias"))


def width_80(held: Held, predicted: Floats) -> float:
    """Return the mean over series of the scaled width from the 0.1 to the 0.9 quantile; NaN where one is not asked."""
    return _mean(by_series(held, predicted, "width_80"))


def smape(held: Held, predicted: Floats) -> float:
    """Return the mean over series of the symmetric error: |error| / (|y| + |forecast|), from 0 to 1.

    As utilsforecast has it; fev and the competitions print twice that, the latter in per cent. A zero that is forecast
    as zero is no error.
    """
    from utilsforecast import losses

    return _mean(_spread(held, losses.smape(_frame(held, predicted), [POINT])))


def wape(held: Held, predicted: Floats) -> float:
    """Return the sum of absolute errors over the sum of absolute true values; NaN where these are all zero."""
    from utilsforecast import losses

    return _pooled(losses.wape(_frame(held, predicted, pooled=True), [POINT]))


def wql(held: Held, predicted: Floats) -> float:
    """Return the sum of quantile losses, averaged over levels, over the sum of absolute true values.

    NaN where these are all zero, or no level is asked for.
    """
    from utilsforecast import losses

    if not held.levels or not np.nansum(np.abs(held.y)):
        return math.nan
    frame = _frame(held, predicted, pooled=True)
    return _pooled(losses.scaled_crps(frame, {POINT: _columns(held)}, np.array(held.levels)))


def coverage_80(held: Held, predicted: Floats) -> float:
    """Return the share of true values from the 0.1 to the 0.9 quantile; NaN where one of these is not asked for."""
    from utilsforecast import losses

    ends = _interval(held)
    if ends is None:
        return math.nan
    names = dict(zip(ends, (f"{POINT}-lo-80", f"{POINT}-hi-80"), strict=True))
    return _pooled(losses.coverage(_frame(held, predicted, pooled=True).rename(columns=names), [POINT], 80))


def by_series(held: Held, predicted: Floats, name: Scaled) -> Floats:
    """Return a scaled score of each series, shape (s,); NaN where it has none.

    Parameters
    ----------
    held : Held
    predicted : array, shape (n, 1 + levels)
    name : str
    """
    from utilsforecast import losses

    frame, scale = _frame(held, predicted), _divisor(held.scale)
    match name:
        case "mase":
            return _spread(held, losses.mae(frame, [POINT])) / scale
        case "rmsse":
            return np.asarray(np.sqrt(_spread(held, losses.mse(frame, [POINT])) / _divisor(held.squared_scale)))
        case "bias":
            return _spread(held, losses.bias(frame, [POINT])) / scale
        case "sql":
            if not held.levels:
                return np.full(len(scale), np.nan)
            found = losses.mqloss(frame, {POINT: _columns(held)}, np.array(held.levels))
            return 2 * _spread(held, found) / scale
        case "width_80":
            ends = _interval(held)
            if ends is None:
                return np.full(len(scale), np.nan)
            frame[POINT] = frame[ends[1]] - frame[ends[0]]
            return _spread(held, frame.groupby(SERIES)[[POINT]].mean().reset_index()) / scale


def parts_by_series(held: Held, predicted: Floats, name: str) -> tuple[Floats, Floats | None]:
    """Return what each series adds to a score, shape (s,), and to the sum that it is a share of, if it is a ratio.

    Parameters
    ----------
    held : Held
    predicted : array, shape (n, 1 + levels)
    name : str
        One of `BY_SERIES`.

    Returns
    -------
    values : array, shape (s,)
        NaN where a series adds nothing. The score is their mean, or their sum over that of the weights.
    weights : array, shape (s,), or None
    """
    from utilsforecast import losses

    match name:
        case "wape" | "wql":
            return _sums(held, predicted[:, :1] if name == "wape" else predicted[:, 1:], held.levels, name == "wql")
        case "smape":
            return _spread(held, losses.smape(_frame(held, predicted), [POINT])), None
        case "mase" | "rmsse" | "sql" | "bias" | "width_80":
            return by_series(held, predicted, name), None
    raise ValueError(f"{name} is not made of what series add to it")


def _sums(held: Held, said: Floats, levels: tuple[float, ...], by_level: bool) -> tuple[Floats, Floats]:
    """Return sums of absolute errors, or of quantile losses averaged over levels, and of absolute true values."""
    seen = np.isfinite(held.y)
    y, series, count = held.y[seen], held.series[seen], len(held.scale)
    # The loss of the median is the absolute error.
    taken = list(zip(levels if by_level else (0.5,), said.T, strict=True))
    total = np.zeros(len(y))
    for level, column in taken:
        gap = y - column[seen]
        total += 2 * np.maximum(level * gap, (level - 1) * gap) / len(taken)
    none = (np.bincount(series, minlength=count) == 0) | (not taken)
    return np.where(none, np.nan, np.bincount(series, total, count)), np.asarray(np.bincount(series, np.abs(y), count))


def undefined(held: Held) -> int:
    """Return how many series scaled scores leave out: without a scale, with one of zero, or with nothing observed."""
    observed = np.bincount(held.series[np.isfinite(held.y)], minlength=len(held.scale)) > 0
    return int((~(observed & (held.scale > 0))).sum())


def _frame(held: Held, predicted: Floats, pooled: bool = False) -> Any:
    """Return what was observed beside what was said of it, as utilsforecast has it; pooled it is one series."""
    import pandas as pd

    seen = np.isfinite(held.y)
    series = np.zeros(int(seen.sum()), dtype=np.intp) if pooled else held.series[seen]
    columns = {name: predicted[seen, place] for place, name in enumerate((POINT, *_columns(held)))}
    return pd.DataFrame({SERIES: series, TARGET: held.y[seen], **columns})


def _columns(held: Held) -> list[str]:
    return [quantile_column(level) for level in held.levels]


def _interval(held: Held) -> tuple[str, str] | None:
    """Return the columns of the ends of an interval of 80 %; what lies between other quantiles is nobody's forecast."""
    ends = [level for level in held.levels if min(abs(level - TAIL), abs(level - 1 + TAIL)) < 1e-9]
    return (quantile_column(ends[0]), quantile_column(ends[1])) if len(ends) == 2 else None


def _spread(held: Held, found: Any) -> Floats:
    """Return a figure of each series from a frame that holds those with something observed."""
    values = np.full(len(held.scale), np.nan)
    values[found[SERIES].to_numpy()] = found[POINT].to_numpy()
    return values


def _pooled(found: Any) -> float:
    return float(found[POINT].iloc[0]) if len(found) else math.nan


def _divisor(scale: Floats) -> Floats:
    return np.where(scale > 0, scale, np.nan)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
