"""Forecasts: examples as fans, errors by step and by kind of series, and what the quantiles hold."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.fans import Fan
from bench.forecast_items import ForecastItems
from bench.report.content import Content
from bench.report.figures.drawing import FIRST, INK, MUTED, Sheet, label_ends, legend_above, render, short
from bench.report.figures.picture import Line, Picture, followed
from bench.report.forecasts import NOT_MEASURED
from bench.report.wording import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Known = Sequence[tuple[Line, ForecastItems]]

PANEL, GAP = 1.75, 0.55
"""Height of one example, and what lies between two, in inches."""
BEYOND = 1.5
"""How far bands are drawn beyond values and points, as a multiple of the range of these."""


def forecast_pictures(content: Content) -> list[Picture]:
    """Return every picture of forecasts; each says why it is missing where it is."""
    return [fans_picture(content), steps_picture(content), levels_picture(content), kinds_picture(content)]


def _known(content: Content) -> Known:
    """Return the models that the report follows, as far as their forecasts were measured."""
    return [(line, line.row.forecasts) for line in followed(content) if line.row.forecasts is not None]


def fans_picture(content: Content) -> Picture:
    """Return the best, the median and the worst series of the pick, with what was forecast of them."""
    title, known = "Best, median and worst series", _known(content)
    if not known or not known[0][1].fans:
        return Picture(name="fans", title=title, why=NOT_MEASURED)
    line, items = known[0]
    fans = items.fans
    height = len(fans) * PANEL + (len(fans) - 1) * GAP + 1.2
    ends = f" The bands reach from the {_ends(items.levels)}." if len(items.levels) > 1 else ""
    return Picture(
        name="fans",
        title=title,
        finding=f"MASE of {line.name}: "
        + ", ".join(f"{fan.error:.3g} on {fan.series} ({fan.which})" for fan in fans)
        + ".",
        caption=f"The last window, first seed; steps are counted from its origin.{ends}{_cut(fans)}",
        svg=render("fans", Sheet(height=height, top=0.65), lambda axes: _draw_fans(axes, fans, items.levels)),
        headers=("series", "step", "true value", "forecast", *(f"{level:g}" for level in items.levels)),
        rows=tuple(row for fan in fans for row in _fan_rows(fan)),
    )


def _ends(levels: Sequence[float]) -> str:
    pairs = [(low, high) for low, high in zip(levels, reversed(levels), strict=True) if low < high]
    return " and ".join(f"{low:g} to the {high:g} quantile" for low, high in pairs[:: max(1, len(pairs) - 1)])


def _fan_rows(fan: Fan) -> list[tuple[str, ...]]:
    columns = (fan.y, fan.point, *fan.quantiles)
    return [
        (
            f"{fan.series} ({fan.which})",
            str(step + 1),
            *("?" if math.isnan(one[step]) else f"{one[step]:.6g}" for one in columns),
        )
        for step in range(len(fan.y))
    ]


def _draw_fans(axes: "Axes", fans: Sequence[Fan], levels: Sequence[float]) -> None:
    axes.set_axis_off()
    whole = len(fans) * PANEL + (len(fans) - 1) * GAP
    for place, fan in enumerate(fans):
        bottom = whole - (place + 1) * PANEL - place * GAP
        panel = axes.inset_axes((0, bottom / whole, 1, PANEL / whole))
        _draw_fan(panel, fan, levels)
        panel.set_title(f"{fan.which}: {short(fan.series)}, MASE {fan.error:.3g}", loc="left", fontsize=10.5, color=INK)
        if place == len(fans) - 1:
            panel.set_xlabel("steps from the origin")
    handles, labels = panel.get_legend_handles_labels()
    assert labels
    legend_above(axes, handles)


def _draw_fan(axes: "Axes", fan: Fan, levels: Sequence[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    before, ahead = np.arange(1 - len(fan.history), 1), np.arange(1, len(fan.y) + 1)
    # The outermost bands are the faintest.
    for low, high in zip(range(len(levels)), reversed(range(len(levels))), strict=True):
        if low < high:
            axes.fill_between(ahead, fan.quantiles[low], fan.quantiles[high], color=FIRST, alpha=0.13, linewidth=0)
    axes.plot(before, fan.history, "-", color=MUTED, linewidth=1.2)
    joined = (np.r_[before[-1:], ahead], [*fan.history[-1:], *fan.y])
    axes.plot(*joined, "-", color=INK, linewidth=1.4, label="what came")
    axes.plot(ahead, fan.point, "--", color=FIRST, linewidth=1.8, label="forecast")
    axes.axvline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.set_ylim(*_window(fan))


def _window(fan: Fan) -> tuple[float, float]:
    """Return the ends of the axis: those of values and points, and of quantiles as far as these squash nothing."""
    (low, high), room = _seen(fan)
    quantiles = np.array(fan.quantiles).ravel()
    if len(quantiles):
        low, high = (
            max(min(low, float(quantiles.min())), low - BEYOND * room),
            min(max(high, float(quantiles.max())), high + BEYOND * room),
        )
    return low - 0.05 * room, high + 0.05 * room


def _seen(fan: Fan) -> tuple[tuple[float, float], float]:
    """Return the least and the largest of values and points, and how far they lie apart, which is never zero."""
    values = np.array([*fan.history, *fan.y, *fan.point])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    return (low, high), max(high - low, 1e-9 * max(abs(low), abs(high)), np.finfo(float).tiny)


def _cut(fans: Sequence[Fan]) -> str:
    """Return which bands the axis cuts, as a sentence; empty where they are whole."""
    names = []
    for fan in fans:
        (low, high), room = _seen(fan)
        quantiles = np.array(fan.quantiles).ravel()
        if len(quantiles) and (quantiles.min() < low - BEYOND * room or quantiles.max() > high + BEYOND * room):
            names.append(f"{fan.series} ({fan.which})")
    if not names:
        return ""
    return (
        f" The bands of {', '.join(names)} reach beyond values and points by more than {BEYOND:g} times the range of "
        "these, and are cut there; the table has all of them."
    )


def steps_picture(content: Content) -> Picture:
    """Return how errors grow with the steps from the origin."""
    title, known = "Error by step", _known(content)
    if not known:
        return Picture(name="steps", title=title, why=NOT_MEASURED)
    line, items = known[0]
    first, last = float(items.by_step[0, 0]), float(items.by_step[0, -1])
    steps = items.by_step.shape[1]
    right = 0.4 + 0.085 * max(len(short(line.name, 24)) for line, _ in known)
    return Picture(
        name="steps",
        title=title,
        finding=f"The scaled error of {line.name} is {first:.3f} one step ahead, and {last:.3f} at step {steps}.",
        caption="Mean absolute error on the scale of each series, over series, windows and seeds.",
        svg=render("steps", Sheet(height=3.4, right=right), lambda axes: _draw_steps(axes, known)),
        headers=("model", *(f"step {step + 1}" for step in range(steps))),
        rows=tuple((line.name, *(f"{one:.3f}" for one in items.by_step[0])) for line, items in known),
    )


def _draw_steps(axes: "Axes", known: Known) -> None:
    from matplotlib.ticker import MaxNLocator

    ends = []
    for line, items in known:
        errors = items.by_step[0]
        marker = line.marker if len(errors) <= 30 else ""
        axes.plot(np.arange(1, len(errors) + 1), errors, line.dash, marker=marker, color=line.colour, ms=4)
        ends.append((float(errors[-1]), short(line.name, 24), line.colour))
    axes.set_ylim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))
    axes.set_xlabel("steps ahead")
    axes.set_ylabel("scaled error")
    label_ends(axes, ends)


def levels_picture(content: Content) -> Picture:
    """Return the share of true values up to each quantile, against its level."""
    title, known = "What quantiles hold", [one for one in _known(content) if one[1].levels]
    if not known:
        return Picture(
            name="levels", title=title, why=NOT_MEASURED if not _known(content) else "no quantile was asked for"
        )
    line, items = known[0]
    gaps = items.coverage - np.array(items.levels)
    worst = int(np.abs(gaps).argmax())
    return Picture(
        name="levels",
        title=title,
        finding=(
            f"Of the true values {share(float(items.coverage[worst]))} lie at or below the {items.levels[worst]:g} "
            f"quantile of {line.name}, which is furthest off."
        ),
        caption="On the diagonal a quantile holds the share that it says. A line that is flatter than it belongs to "
        "intervals that are too narrow, a steeper one to intervals that are too wide.",
        svg=render("levels", Sheet(height=3.8), lambda axes: _draw_levels(axes, known)),
        headers=("model", *(f"{level:g}" for level in items.levels)),
        rows=tuple((line.name, *(share(float(one)) for one in items.coverage)) for line, items in known),
    )


def _draw_levels(axes: "Axes", known: Known) -> None:
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    for line, items in known:
        levels = 100 * np.array(items.levels)
        axes.plot(levels, 100 * items.coverage, line.dash, marker=line.marker, color=line.colour, ms=5,
                  label=short(line.name))  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xlabel("level of the quantile (%)")
    axes.set_ylabel("true values up to it (%)")
    axes.legend(loc="upper left")


def kinds_picture(content: Content) -> Picture:
    """Return the error by length, by strength of the season and by intermittency of the series."""
    title, known = "Error by kind of series", [one for one in _known(content) if one[1].slices]
    if not known:
        return Picture(name="kinds", title=title, why=NOT_MEASURED)
    line, items = known[0]
    kinds = [(one.character, one.label) for one in items.slices]
    hardest = max(items.slices, key=lambda one: one.error)
    freq = f" All have the frequency {items.freq}." if items.freq else ""
    left = 0.3 + 0.085 * max(len(label) for _, label in kinds)
    height = 0.95 + 0.27 * len(kinds) + 0.34 * len(set(dict(kinds)))
    return Picture(
        name="kinds",
        title=title,
        finding=(
            f"{line.name} has its largest MASE, {hardest.error:.3f}, on {hardest.series} series: "
            f"{hardest.character} {hardest.label}."
        ),
        caption=f"Kinds are those of what came before the last origin.{freq}",
        svg=render("kinds", Sheet(height=height, left=left, top=0.4), lambda axes: _draw_kinds(axes, known)),
        headers=("character", "value", "series", *(line.name for line, _ in known)),
        rows=tuple(
            (character, label, str(items.slices[at].series), *(_error_of(one, character, label) for _, one in known))
            for at, (character, label) in enumerate(kinds)
        ),
    )


def _error_of(items: ForecastItems, character: str, label: str) -> str:
    found = next((one.error for one in items.slices if (one.character, one.label) == (character, label)), math.nan)
    return "?" if math.isnan(found) else f"{found:.3f}"


def _draw_kinds(axes: "Axes", known: Known) -> None:
    places, at, character = {}, 0.0, ""
    for one in known[0][1].slices:
        if one.character != character:
            character = one.character
            axes.annotate(character, (0, at), (2, 0), axes.get_yaxis_transform(), "offset points", color=INK,
                          va="center_baseline", fontweight="bold")  # fmt: skip
            at += 1.0
        places[one.character, one.label] = at
        at += 1.0
    for line, items in known:
        mine = [one for one in items.slices if (one.character, one.label) in places]
        axes.plot([one.error for one in mine], [places[one.character, one.label] for one in mine], line.marker,
                  color=line.colour, ms=6, alpha=0.9, label=short(line.name))  # fmt: skip
    axes.set_ylim(at - 0.5, -0.6)
    axes.set_xlim(0, None)
    axes.set_yticks(list(places.values()), [label for _, label in places])
    axes.set_xlabel("MASE")
    legend_above(axes)
