"""What single predictions of values say of a model: churn, errors, and what intervals around them hold.

On several folds models are compared fold by fold, and what other test items would do to a fold's score is kept as one
number. On one split only the items can tell a difference from noise: there the absolute error of each is kept, as one
of 65,536 steps up to the largest, two bytes an item and seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.item_files import digests_of, in_order, number, pack_codes, unpack_codes, whole_runs
from bench.predictions import Predictions, Truth
from bench.stats.bootstrap import item_variance
from bench.stats.churn import excess_value_churn, value_churn
from bench.stats.intervals import Intervals, Kept, prediction_intervals
from bench.types import Record

Floats = NDArray[np.floating]

STEPS = 2**16 - 1
SAME = 1e-9
"""Churn below which two fits are the same: sums that were added in another order."""
LINEAR = ("rmse", "mae")
"""Metrics that are a mean over items, or close to one: see `score_by_item`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorItems:
    """Figures of one model over the items of its test parts."""

    digests: str
    """As in `bench.items.Items`."""
    seeds: int
    """Of the first repeat, on which all figures are."""
    churn: tuple[float, float, float]
    """Mean absolute difference of two seeds over the interquartile range of the targets, with its interval; NaN for
    one seed."""
    excess_churn: tuple[float, float, float]
    """Mean absolute difference of two seeds on the scale from what their errors force to the most they allow."""
    item_variance: Mapping[str, float]
    """By metric: variance of a fold's score under other test items, the part that all seeds share."""
    errors: Floats | None
    """Absolute errors of one split, shape (seeds, rows), in the order of rows; None where there are several folds."""
    groups: NDArray[np.intp] | None = None
    """As in `bench.items.Items`."""
    intervals: Intervals | None = None
    """Of the first seed; None where they were never measured."""


def intervals_of(items: Any, level: float) -> Intervals | None:
    """Return the intervals among such figures that were made for this level; None where there are none."""
    found = items.intervals if isinstance(items, ErrorItems) else None
    # Six digits are kept of a level.
    return found if found is not None and math.isclose(found.level, level, rel_tol=1e-5) else None


def measure_errors(
    records: Sequence[Record], predictions: Predictions, truth: Truth, seed: int, level: float
) -> ErrorItems | None:
    """Return the figures of one model, or None where a prediction is missing or a cell failed.

    Parameters
    ----------
    records : sequence of Record
        All of one model.
    predictions : Predictions
    truth : Truth
    seed : int
        Of what is drawn for intervals.
    level : float
        Of the intervals.
    """
    found: dict[int, dict[int, Floats]] = {}
    whole = whole_runs(records, truth)
    first = min((record.repeat for record in whole), default=0)
    for record in sorted(whole, key=lambda r: (r.seed, r.fold)):
        rows = truth.tests.get((record.repeat, record.fold))
        values = predictions.load(record) if record.status == "ok" else None
        if values is None or rows is None or values.shape != rows.shape:
            return None
        if record.repeat == first:
            found.setdefault(record.seed, {})[record.fold] = values
    if not found:
        return None
    folds = sorted(next(iter(found.values())))
    rows = np.concatenate([truth.tests[first, fold] for fold in folds])
    order = np.argsort(rows)
    values = np.stack([np.concatenate([by_fold[fold] for fold in folds])[order] for by_fold in found.values()])
    fold_of = np.repeat(folds, [len(truth.tests[first, fold]) for fold in folds])[order]
    rows = rows[order]
    y, groups = truth.y[rows], None if truth.groups is None else truth.groups[rows]
    churn, excess = value_churn(values, y, groups), excess_value_churn(values, y)
    # In this order a value that is not a number stays one.
    still = churn.value < SAME
    return ErrorItems(
        digests=digests_of(records),
        seeds=len(values),
        churn=(0.0, 0.0, 0.0) if still else (churn.value, churn.low, churn.high),
        # Nothing changed, so nothing changed in excess.
        excess_churn=(0.0, 0.0, 0.0) if still else (excess.value, excess.low, excess.high),
        item_variance=_item_variance(found, folds, first, truth),
        errors=np.abs(values - y) if len(truth.tests) == 1 else None,
        groups=None if groups is None else in_order(groups),
        # One deployment: the first seed.
        intervals=prediction_intervals(y, values[0], fold_of, level, seed, groups),
    )


def score_by_item(errors: Floats, metric: str) -> Floats | None:
    """Return what each item adds to a score, shape (S, n): turned, and with the score as its mean.

    The root of a mean is none. Of RMSE it is its linear part in the squared errors, whose mean over items is the RMSE
    itself and whose variance is the one that the delta method gives.

    Returns
    -------
    array or None
        None for other metrics.

    Examples
    --------
    >>> score_by_item(np.array([[3.0, 4.0, 0.0, 0.0]]), "rmse").round(2).tolist()
    [[-3.05, -4.45, -1.25, -1.25]]
    """
    match metric:
        case "mae":
            return -errors
        case "rmse":
            root = np.sqrt(np.square(errors).mean(axis=1, keepdims=True))
            return np.asarray(-(root + np.square(errors) / np.where(root > 0, root, 1.0)) / 2)
        case _:
            return None


def as_content(items: ErrorItems) -> dict[str, Any]:
    """Return the figures as JSON has them."""
    content: dict[str, Any] = {
        "prediction": "value",
        "digests": items.digests,
        "seeds": items.seeds,
        "churn": items.churn,
        "excess_churn": items.excess_churn,
        "item_variance": dict(items.item_variance),
    }
    if items.groups is not None:
        content["groups"] = pack_codes(items.groups)
    if items.errors is not None:
        largest = float(items.errors.max()) or 1.0
        # The seeds of an item side by side: where they agree, they pack well.
        steps = np.round(items.errors.T / largest * STEPS).astype(np.intp)
        content["errors"] = {"largest": largest, "steps": pack_codes(steps.ravel(), "<u2")}
    if items.intervals is not None:
        content["intervals"] = _interval_content(items.intervals)
    return content


def of_content(content: Mapping[str, Any]) -> ErrorItems:
    """Return the figures behind such a content.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is damaged.
    """
    groups = unpack_codes(content["groups"]) if "groups" in content else None
    errors, seeds = None, int(content["seeds"])
    if "errors" in content:
        steps = unpack_codes(content["errors"]["steps"], "<u2").reshape(-1, seeds).T
        errors = steps / STEPS * float(content["errors"]["largest"])
    if groups is not None and errors is not None and len(groups) != errors.shape[1]:
        raise ValueError(f"{len(groups)} group codes, {errors.shape[1]} expected")
    spans = {name: tuple(map(number, content[name])) for name in ("churn", "excess_churn")}
    return ErrorItems(
        digests=content["digests"],
        seeds=seeds,
        churn=_three(spans["churn"]),
        excess_churn=_three(spans["excess_churn"]),
        item_variance={name: number(value) for name, value in content["item_variance"].items()},
        errors=errors,
        groups=groups,
        intervals=_intervals_of_content(content["intervals"]) if "intervals" in content else None,
    )


def _interval_content(intervals: Intervals) -> dict[str, Any]:
    if intervals.kept is None:
        return {"level": intervals.level, "why": intervals.why}
    kept = {name: values.tolist() for name, values in vars(intervals.kept).items()}
    return {**{name: value for name, value in vars(intervals).items() if name != "why"}, "kept": kept}


def _intervals_of_content(content: Mapping[str, Any]) -> Intervals:
    if "why" in content:
        return Intervals(level=float(content["level"]), why=str(content["why"]))
    points = {one.name: np.array([number(value) for value in content["kept"][one.name]]) for one in fields(Kept)}
    if len({len(values) for values in points.values()}) != 1 or not len(points["share"]):
        raise ValueError("columns of unequal length")
    return Intervals(
        level=float(content["level"]),
        coverage=_three(tuple(map(number, content["coverage"]))),
        lowest=_three(tuple(map(number, content["lowest"]))),
        mean_width=float(content["mean_width"]),
        median_width=float(content["median_width"]),
        pinball=float(content["pinball"]),
        kept=Kept(**points),
    )


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    one, two, three = values
    return one, two, three


def _item_variance(
    found: Mapping[int, Mapping[int, Floats]], folds: Sequence[int], repeat: int, truth: Truth
) -> dict[str, float]:
    """Return the mean over folds of the variance of a fold's score, by metric."""
    variances: dict[str, list[float]] = {name: [] for name in LINEAR}
    for fold in folds:
        rows = truth.tests[repeat, fold]
        errors = np.abs(np.stack([by_fold[fold] for by_fold in found.values()]) - truth.y[rows])
        for name in LINEAR:
            scores = score_by_item(errors, name)
            assert scores is not None
            variances[name].append(item_variance(scores, None if truth.groups is None else truth.groups[rows]))
    return {name: float(np.mean(values)) for name, values in variances.items()}
