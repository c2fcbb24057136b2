"""Intervals of values as every report words them: the table, and what handing over the widest ones is worth."""

import math
from collections.abc import Callable
from dataclasses import replace

from bench.report.content import Content, Row
from bench.report.wording import share
from bench.settings import ReportSettings
from bench.stats.intervals import Intervals, Kept
from bench.stats.unit import Unit

NOT_MEASURED = "intervals were not measured: the predictions of these models are not kept here"
MOST = 0.8
"""Share of the items that the sentence keeps."""


def with_intervals(content: Content) -> list[tuple[Row, Intervals, Kept]]:
    """Return the models that have intervals."""
    found = [(row, row.intervals, row.intervals.kept) for row in content.rows if row.intervals is not None]
    return [(row, intervals, kept) for row, intervals, kept in found if kept is not None]


def unit_of_target(content: Content) -> Unit:
    """Return how errors and widths are printed: three digits of the smallest error, or of a tenth of the usual one."""
    reference = content.row(content.task.reference)
    errors = {row.scores.name: float(kept.rmse[-1]) for row, _, kept in with_intervals(content)}
    usual = errors.get(reference.scores.name, math.nan) if reference is not None else math.nan
    least = min((size for size in errors.values() if size), default=math.nan)
    return Unit.own("error", -1.0, 10 * (least if math.isnan(usual) else max(least, usual / 10)))


def interval_headers(content: Content) -> tuple[str, ...]:
    """Return the headers of the table of intervals."""
    return (
        "model", f"inside {_level(content)} intervals", "lowest fold", "median width", "mean width", "pinball loss",
        "RMSE", "RMSE at 80 %", "RMSE at 50 %", "MAE", "MAE at 80 %",
    )  # fmt: skip


def interval_cells(row: Row, content: Content) -> tuple[str, ...]:
    """Return one row of it, in the order of `interval_headers`."""
    found, rest = row.intervals, ("?",) * (len(interval_headers(content)) - 2)
    if found is None:
        return (row.label, _why_none(row), *rest)
    if found.kept is None:
        return (row.label, f"? ({found.why})", *rest)
    show, kept = unit_of_target(content).size, found.kept
    return (
        row.label,
        _share(found.coverage),
        "? (one split)" if math.isnan(found.lowest[0]) else _share(found.lowest),
        *(show(value) for value in (found.median_width, found.mean_width)),
        # A small part of the errors.
        _finer(unit_of_target(content)).size(found.pinball),
        *(_rmse(kept, kept.at(part), show) for part in (1.0, 0.8, 0.5)),
        *(show(float(kept.mae[kept.at(part)])) for part in (1.0, 0.8)),
    )


def interval_about(content: Content) -> str:
    """Return what the columns of that table mean."""
    units = "groups" if content.grouped else "items"
    calibrated = "the errors of the other folds"
    if not any(math.isfinite(found.lowest[0]) for _, found, _ in with_intervals(content)):
        calibrated = "the errors of the other four of five random parts of the test items"
    return (
        f"Of the first seed of the first repeat, its folds together, in units of the target. An interval is as wide as "
        f"{calibrated} make it, and wider where similar predictions were further off; nothing was fitted for it. "
        f"Inside: how many true values lie in their {_level(content)} interval (`report.interval_level`), with 95 % "
        f"intervals over {units}; for the lowest fold, as the lowest of so many. Pinball loss: mean of both ends; "
        "narrow intervals that hold have a small one. RMSE at 80 %: of what is left if the fifth with the widest "
        "intervals goes to a human. The level holds on average over items like these (exchangeable ones), and need not "
        "hold for each kind of them."
    )


def interval_sentence(row: Row, content: Content) -> str:
    """Return what the intervals of a model are and what to hand to a human; empty where they were not measured."""
    found, level = row.intervals, _level(content)
    if found is None:
        return ""
    if found.kept is None:
        return f"{row.scores.name} has no {level} intervals: {found.why}."
    unit = unit_of_target(content)
    value, low, high = found.coverage
    return (
        f"The {level} intervals of {row.scores.name} are {unit.size(found.median_width)} wide at the median, and hold "
        f"{share(value)} of the true values (95 % interval {100 * low:.1f} to {share(high)}). "
        f"{_handed_over(found.kept, unit, content.settings)}Holds for items like these only (exchangeable ones)."
    )


def _handed_over(kept: Kept, unit: Unit, settings: ReportSettings) -> str:
    at = kept.at(MOST)
    out = 1 - float(kept.share[at])
    if out < 0.05:
        return "They are too much alike to tell which items to hand over. "
    rest, half, everything = (float(value) for value in (kept.rmse[at], kept.fall_half[at], kept.rmse[-1]))
    fall = everything - rest
    if not fall > half:
        return (
            f"Their widths do not surely tell large errors from small ones: without the widest {100 * out:.0f} % the "
            f"RMSE is {unit.size(rest)}, with them {unit.size(everything)}. "
        )
    span = f" (95 % interval of the fall {unit.size(fall - half)} to {unit.size(fall + half)})"
    mae = unit.size(float(kept.mae[-1])), unit.size(float(kept.mae[at]))
    return (
        f"Hand what is wider than {unit.size(float(kept.width[at]))} to a human, {100 * out:.0f} % or "
        f"{out * settings.requests_per_day:.0f} of {settings.requests_per_day} a day: the RMSE of the rest falls from "
        f"{unit.size(everything)} to {unit.size(rest)}{span}, the MAE from {mae[0]} to {mae[1]}. "
    )


def tolerance_sentence(row: Row, content: Content) -> str:
    """Return how much can go out within the error that the user allows; empty where none is named."""
    tolerance = content.settings.tolerance
    if not tolerance or row.intervals is None or row.intervals.kept is None:
        return ""
    out, level = row.intervals.kept.share_within(tolerance), _level(content)
    if not out:
        return f"{row.scores.name} can answer nothing with {level} of it off by no more than {tolerance:g}."
    name, them = row.scores.name, f"{level} of them off by no more than {tolerance:g}"
    return f"{name} can answer {share(out)} of the items with {them}."


def _finer(unit: Unit) -> Unit:
    return replace(unit, decimals=unit.decimals + 1)


def _level(content: Content) -> str:
    return f"{100 * content.settings.interval_level:g} %"


def _why_none(row: Row) -> str:
    if row.scores.all_failed:
        return "? (every cell failed)"
    return "? (not measured)" if row.scores.cells.size else "?"


def _share(found: tuple[float, float, float]) -> str:
    value, low, high = found
    return share(value) if math.isnan(low) else f"{share(value)} ({100 * low:.1f} to {share(high)})"


def _rmse(kept: Kept, at: int, show: Callable[[float], str]) -> str:
    rmse, half = float(kept.rmse[at]), float(kept.rmse_half[at])
    return show(rmse) if math.isnan(half) else f"{show(rmse)} ({_ends(rmse, half, show)})"


def _ends(value: float, half: float, show: Callable[[float], str]) -> str:
    return f"{show(max(0.0, value - half))} to {show(value + half)}"
