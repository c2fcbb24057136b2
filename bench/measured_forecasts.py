"""What single forecasts say of a model, computed once after its cells: see `bench.forecast_items`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.fans import chosen_fans
from bench.forecast_items import ForecastItems, Three
from bench.forecast_metrics import BY_SERIES, parts_by_series, undefined
from bench.item_files import digests_of, in_order, whole_runs
from bench.panel import Held
from bench.panel_truth import PanelTruth
from bench.predictions import Predictions, Truth
from bench.series_parts import WindowParts, together
from bench.stats.characters import characters, history_before, slices
from bench.stats.churn import excess_value_churn, forecast_churn
from bench.stats.forecast_stability import Said, revision
from bench.types import Record

Floats = NDArray[np.floating]

SAME = 1e-9
"""Churn below which two fits are the same: sums that were added in another order."""


def measure_forecasts(
    records: Sequence[Record], predictions: Predictions, truth: Truth, metric: str = ""
) -> ForecastItems | None:
    """Return the figures of one model, or None where a forecast is missing, a cell failed, or no series has a scale.

    Parameters
    ----------
    records : sequence of Record
        All of one model.
    predictions : Predictions
    truth : Truth
        Of a panel.
    metric : str
        The primary one, which is taken apart by series too.
    """
    panel, groups = truth.panel, truth.groups
    if panel is None or groups is None:
        return None
    whole = whole_runs(records, truth)
    first = min((record.repeat for record in whole), default=0)
    told = [(one.n_test, one.found["forecasts"]) for one in whole if "forecasts" in one.found]
    cells: list[_Cell] = []
    deciding: list[WindowParts] = []
    for record in sorted((one for one in whole if one.repeat == first), key=lambda one: (one.seed, one.fold)):
        held, rows = panel.windows.get((first, record.fold)), truth.tests.get((first, record.fold))
        p = predictions.load(record) if record.status == "ok" else None
        if p is None or held is None or rows is None or p.shape != (len(rows), 1 + len(held.levels)):
            return None
        # One at a time: the quantiles of a large panel fill the memory of a small machine.
        made = _Cell.of(record, held, rows, groups, p)
        shown = record.fold == max(fold for _, fold in truth.tests) and record.seed == min(one.seed for one in whole)
        cells.append(replace(made, predicted=p) if shown else made)
        if metric in BY_SERIES and metric not in made.scores:
            deciding.append(_parts(made, p, groups, metric))
    if not cells or not any(len(cell.codes) for cell in cells):
        return None
    found, size = _found(digests_of(records), cells, truth, panel), sum(n for n, _ in told) or math.nan
    parts = together(deciding)
    return replace(
        found,
        deciding={} if parts is None else {metric: parts},
        crossed=sum(one["crossed"] for _, one in told) / size,
        # Every series of a window has as many rows as there are steps.
        fallbacks=sum(one["fallbacks"] for _, one in told) * found.by_step.shape[1] / size,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cell:
    """What is kept of one forecast."""

    seed: int
    held: Held
    rows: NDArray[np.intp]
    codes: NDArray[np.intp]
    """Of the series that have a score."""
    scores: dict[str, Floats]
    point: Floats
    steps: Floats
    """Sums of scaled losses by step, and their numbers, shape (3, horizon)."""
    below: Floats
    """Number of true values up to each quantile; the last entry counts all."""
    pinball: Floats
    predicted: Floats | None = None
    """Of the last window and the first seed, for examples."""

    @classmethod
    def of(cls, record: Record, held: Held, rows: NDArray[np.intp], groups: NDArray[np.integer], p: Floats) -> "_Cell":
        # A column at a time, so that memory does not grow with the levels.
        scaled, seen = np.isfinite(held.y / _row_scales(held)), np.isfinite(held.y)
        series, step, scale = held.series[scaled], held.step[scaled] - 1, _row_scales(held)[scaled]
        rows_of = np.bincount(series, minlength=len(held.scale))
        known = rows_of > 0

        def gap(column: int) -> Floats:
            return np.asarray((held.y[scaled] - p[scaled, column]) / scale)

        def by_series(losses: Floats) -> Floats:
            return np.asarray(np.bincount(series, losses, len(rows_of))[known] / rows_of[known])

        absolute, total = np.abs(gap(0)), np.zeros(len(series))
        pinball = np.empty(len(held.levels))
        for place, level in enumerate(held.levels):
            loss = 2 * np.maximum(level * gap(place + 1), (level - 1) * gap(place + 1))
            pinball[place] = by_series(loss).mean() if known.any() else np.nan
            total += loss / len(held.levels)
        total = total if held.levels else np.full(len(total), np.nan)
        scores = {"mase": by_series(absolute), **({"sql": by_series(total)} if held.levels else {})}
        size = int(held.step.max(initial=1))
        firsts = np.unique(held.series, return_index=True)[1]
        return cls(
            seed=record.seed,
            held=held,
            rows=rows,
            codes=groups[rows[firsts[known]]].astype(np.intp),
            scores=scores,
            # A view would keep all quantiles.
            point=p[:, 0].copy(),
            steps=np.stack([np.bincount(step, one, size) for one in (absolute, total, np.ones(len(step)))]),
            below=np.array([*((held.y <= column)[seen].sum() for column in p.T[1:]), seen.sum()], dtype=float),
            pinball=pinball,
        )


def _parts(cell: _Cell, p: Floats, groups: NDArray[np.integer], metric: str) -> WindowParts:
    values, weights = parts_by_series(cell.held, p, metric)
    codes, known = groups[cell.rows[np.unique(cell.held.series, return_index=True)[1]]], ~np.isnan(values)
    return WindowParts(
        seed=cell.seed,
        codes=codes[known],
        values=values[known],
        weights=None if weights is None else weights[known],
    )


def _found(digests: str, cells: Sequence[_Cell], truth: Truth, panel: PanelTruth) -> ForecastItems:
    seeds = sorted({cell.seed for cell in cells})
    by_seed = [[cell for cell in cells if cell.seed == seed] for seed in seeds]
    windows = by_seed[0]
    scores = {
        name: np.stack([np.concatenate([cell.scores[name] for cell in own]) for own in by_seed])
        for name in windows[0].scores
    }
    steps, below = np.sum([cell.steps for cell in cells], axis=0), np.sum([cell.below for cell in cells], axis=0)
    codes = np.concatenate([cell.codes for cell in windows])
    means = {name: _mean_by_code(codes, values, len(panel.names)) for name, values in scores.items()}
    churn, excess = _churn(by_seed, truth)
    found = ForecastItems(
        digests=digests,
        seeds=len(seeds),
        levels=windows[0].held.levels,
        freq=panel.freq,
        block=-(-steps.shape[1] // panel.step),
        sizes=tuple(len(cell.codes) for cell in windows),
        left_out=sum(undefined(cell.held) for cell in windows),
        groups=in_order(codes),
        scores=scores,
        worst={name: panel.names[int(np.nanargmax(mean))] for name, mean in means.items()},
        churn=churn,
        excess_churn=excess,
        revision=revision([_said(cell, truth) for cell in windows]),
        by_step=steps[:2] / steps[2],
        coverage=below[:-1] / below[-1],
        pinball=np.mean([cell.pinball for cell in cells], axis=0),
        crossed=math.nan,
        fallbacks=math.nan,
        slices=(),
        fans=(),
    )
    return _with_series(found, windows[-1], means["mase"], truth, panel)


def _with_series(found: ForecastItems, last: _Cell, errors: Floats, truth: Truth, panel: PanelTruth) -> ForecastItems:
    """Return the figures with what the series before the last origin add: their kinds, and three examples."""
    assert truth.groups is not None
    assert last.predicted is not None
    before = history_before(last.rows, truth.groups)
    y, groups = truth.y[before].astype(float), truth.groups[before]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    kinds = characters(y, groups, panel.season)
    past = dict(zip(groups[starts].tolist(), np.split(y, starts[1:]), strict=True))
    codes = truth.groups[last.rows[np.unique(last.held.series, return_index=True)[1]]]
    fans = chosen_fans(
        errors[codes],
        [panel.names[code] for code in codes],
        last.held,
        last.predicted,
        [past[code] for code in codes.tolist()],
        panel.season,
    )
    return replace(found, slices=slices(kinds, errors[groups[starts]]), fans=fans)


def _mean_by_code(codes: NDArray[np.intp], scores: Floats, series: int) -> Floats:
    """Return the mean of each series over windows and seeds; NaN where it has none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(codes, scores.mean(axis=0), series) / np.bincount(codes, minlength=series))


def _said(cell: _Cell, truth: Truth) -> Said:
    assert truth.groups is not None
    return Said(rows=cell.rows, series=truth.groups[cell.rows], point=cell.point, scale=_row_scales(cell.held))


def _row_scales(held: Held) -> Floats:
    return np.asarray(np.where(held.scale > 0, held.scale, np.nan)[held.series])


def _churn(by_seed: Sequence[Sequence[_Cell]], truth: Truth) -> tuple[Three, Three]:
    """Return plain and excess churn over seeds."""
    windows = by_seed[0]
    y, scale = (
        np.concatenate(parts)
        for parts in zip(*((cell.held.y, _row_scales(cell.held)) for cell in windows), strict=True)
    )
    assert truth.groups is not None
    groups = np.concatenate([truth.groups[cell.rows] for cell in windows])
    points = np.stack([np.concatenate([cell.point for cell in own]) for own in by_seed])
    seen, scaled = np.isfinite(y), np.isfinite(y / scale)
    plain = forecast_churn(points[:, seen], y[seen], groups[seen])
    if plain.value < SAME:
        # Nothing changed, so nothing changed in excess.
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    excess = excess_value_churn((points / scale)[:, scaled], (y / scale)[scaled])
    # In this order a value that is not a number stays one.
    return (plain.value, plain.low, plain.high), (excess.value, excess.low, excess.high)
