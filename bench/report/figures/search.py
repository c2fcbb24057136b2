"""How far searches get with more trials, and what is left of it on rows that they did not see."""

import math
from typing import TYPE_CHECKING

from bench.report.content import Content, Row
from bench.report.figures.drawing import FIRST, MUTED, SECOND, THIRD, Sheet, label_ends, render, short
from bench.report.figures.picture import Picture
from bench.report.searches import tuned_rows
from bench.stats.search import Tuning, steps_to

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = ((FIRST, "-", "o"), (SECOND, "--", "s"), (THIRD, "-.", "^"))
"""Of the models that gain most on the outer folds; the others are grey."""


def search_picture(content: Content) -> Picture:
    """Return the expected best of so many trials, as a gain over the defaults on inner folds."""
    title, found = (
        "Expected best of so many trials",
        [pair for pair in tuned_rows(content) if math.isfinite(pair[1].inner[0])],
    )
    if not found:
        return Picture(name="search", title=title, why="nothing was tuned; tune=true does")
    found = sorted(found, key=lambda pair: -pair[1].gain.mean if pair[1].default else math.inf)
    unit, right = content.unit, 0.35 + 0.085 * max(len(short(row.scores.name, 24)) for row, _ in found)
    return Picture(
        name="search",
        title=title,
        finding=_finding(content, *found[0]),
        caption="Means over the searches of all cells, on the inner folds that they saw.",
        svg=render("search", Sheet(height=3.2, right=right), lambda axes: _draw(axes, content, found)),
        headers=("model", "trials", "mean gain", "least to largest"),
        rows=tuple(
            (row.scores.name, str(trials), unit.change(mean), unit.changes(low, high))
            for row, tuning in found
            for trials in steps_to(tuning.trials[1])
            for mean, low, high in [tuning.gain_of_best(trials)]
        ),
    )


def _finding(content: Content, row: Row, tuning: Tuning) -> str:
    unit, trials = content.unit, tuning.trials[1]
    gain = tuning.gain_of_best(trials)[0]
    left = f", of which {unit.change(tuning.gain.mean)} show on the outer folds" if tuning.default else ""
    return f"{row.scores.name} gains {unit.change(gain)} {unit.name} on inner folds in {trials} trials{left}."


def _draw(axes: "Axes", content: Content, found: list[tuple[Row, Tuning]]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    at, ends = content.unit.axis, []
    for place, (row, tuning) in enumerate(found):
        colour, dash, marker = LOOKS[place] if place < len(LOOKS) else (MUTED, "-", "")
        trials = range(1, tuning.trials[1] + 1)
        gains = [at(tuning.gain_of_best(number)[0]) for number in trials]
        axes.plot(trials, gains, dash, marker=marker, color=colour, ms=5, linewidth=2 if marker else 1,
                  markevery=[step - 1 for step in steps_to(len(trials))])  # fmt: skip
        ends.append((gains[-1], short(row.scores.name, 24), colour))
    steps = steps_to(max(tuning.trials[1] for _, tuning in found))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([str(step) for step in steps])
    axes.set_xlabel("trials, the defaults first")
    unit = content.unit
    axes.set_ylabel(f"gain on inner folds ({unit.name})")
    if unit.sign < 0:
        axes.set_ylabel(f"change of {unit.label} on inner folds")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{0.0 - value:.6g}"))
    label_ends(axes, ends)
