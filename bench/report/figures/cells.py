"""Every cell of every model, with mean, interval and dependable score."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.content import Content, Row
from bench.report.figures.drawing import INK, MUTED, PAPER, Sheet, legend_above, render, short
from bench.report.figures.picture import Picture, followed, label_scores, scored, window
from bench.report.wording import FEWER_FOLDS
from bench.stats.unit import Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scores_picture(content: Content) -> Picture:
    """Return every cell of every model, with mean, interval and dependable score."""
    title, rows = "Scores of all cells", scored(content)
    if not rows:
        return Picture(name="cells", title=title, why="no model has a score")
    labels = [short(row.label, 26 if row.label == row.scores.name else 40) for row in rows]
    sheet = Sheet(height=0.95 + 0.42 * len(rows), left=0.35 + 0.085 * max(map(len, labels)), right=0.75, top=0.4)
    pick = content.decision.pick
    return Picture(
        name="cells",
        title=title,
        finding=_scores_finding(content, rows),
        caption=(
            f"A dot is one {content.part} with one seed. The band is the margin around the reference: what lies in it "
            "makes no difference that matters. An arrow at the edge stands for values further left."
            + (f" {FEWER_FOLDS}" if any(row.folds_run for row in rows) else "")
        ),
        svg=render("cells", sheet, lambda axes: _draw_scores(axes, content, rows, labels)),
        headers=("model", "mean", "95 % interval", "dependable", f"cells, by {content.part}"),
        rows=tuple(
            (
                row.label + (" (pick)" if row.scores.name == pick else ""),
                content.unit.score(row.scores.mean),
                content.unit.scores(*row.interval),
                content.unit.score(row.scores.dependable.value),
                "; ".join(", ".join(map(content.unit.score, fold)) for fold in row.scores.cells),
            )
            for row in rows
        ),
    )


def _scores_finding(content: Content, rows: Sequence[Row]) -> str:
    best, last, unit = rows[0], rows[-1], content.unit
    text = f"{best.scores.name} has the {unit.best} mean, {unit.score(best.scores.mean)}"
    pick = content.row(content.decision.pick)
    if pick is not None and pick is not best:
        text += f"; the pick, {pick.scores.name}, has {unit.score(pick.scores.mean)}"
    return f"{text}; the {unit.worst} is {last.scores.name} with {unit.score(last.scores.mean)}."


def _draw_scores(axes: "Axes", content: Content, rows: Sequence[Row], labels: Sequence[str]) -> None:
    colours = {line.name: line.colour for line in followed(content)}
    low, high = (content.unit.axis(end) for end in _limits(rows, content.margin))
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.grid(axis="y", visible=False)
    axes.set_yticks(range(len(rows)), labels)
    label_scores(axes.xaxis, content.unit)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_color(INK)
        label.set_fontweight("bold" if row.scores.name == content.decision.pick else "normal")
    reference = content.row(content.task.reference)
    if reference is not None and math.isfinite(reference.scores.mean):
        at, margin = content.unit.axis(reference.scores.mean), content.unit.axis(content.margin)
        axes.axvspan(at - margin, at + margin, color=MUTED, alpha=0.10, linewidth=0)
        axes.axvline(at, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
    for place, row in enumerate(rows):
        _draw_row(axes, row, place, colours.get(row.scores.name, MUTED), content.unit)
    legend_above(axes, _score_handles())


def _limits(rows: Sequence[Row], margin: float) -> tuple[float, float]:
    """Return the ends of the axis: those of cells and means, with some room for wide intervals."""
    cells = [float(cell) for row in rows for cell in row.scores.cells.flat if math.isfinite(cell)]
    values = [*cells, *(row.scores.mean for row in rows), *(row.scores.dependable.value for row in rows)]
    low = window(values, max(row.scores.mean for row in rows), 5 * margin)
    high = max(cells)
    room = max(high - low, 2 * margin)
    near = [row.interval for row in rows if row.scores.mean >= low]
    ends = [end for span in near for end in span if math.isfinite(end)]
    low, high = max(min([low, *ends]), low - 0.3 * room), min(max([high, *ends]), high + 0.3 * room)
    return low - 0.04 * room, high + 0.04 * room


def _draw_row(axes: "Axes", row: Row, place: int, colour: str, unit: Unit) -> None:
    scores, (left, right) = row.scores, axes.get_xlim()
    folds, seeds = scores.cells.shape
    # Seeds lie side by side, so that equal scores do not hide each other.
    lanes = np.broadcast_to(np.linspace(-0.24, -0.06, seeds) if seeds > 1 else [-0.15], (folds, seeds))
    axes.plot(
        (unit.factor * scores.cells).ravel(), (place + lanes).ravel(), "o", color=colour, alpha=0.5, ms=3.6, mew=0
    )
    mean, below = unit.axis(scores.mean), place + 0.17
    if mean < left:
        at = left + 0.02 * (right - left)
        axes.plot([at], [place], "<", color=colour, ms=6)
        text = f"mean {unit.score(scores.mean)}, left of this axis"
        axes.annotate(text, (at, place), (8, 0), textcoords="offset points", color=MUTED, va="center_baseline")
        return
    low, high = (unit.axis(end) for end in row.interval)
    if math.isfinite(low):
        axes.plot([low, high], [below, below], "-", color=colour, linewidth=1.6)
    axes.plot([mean], [below], "D", color=colour, ms=5.5)
    dependable = unit.axis(scores.dependable.value)
    if dependable >= left:
        axes.plot([dependable], [below], ">", color=colour, markerfacecolor=PAPER, ms=6, mew=1.2)
    if min(np.nanmin(unit.factor * scores.cells), dependable if math.isfinite(dependable) else mean) < left:
        axes.plot([left + 0.02 * (right - left)], [place], "<", color=colour, ms=6)
    axes.annotate(
        unit.score(scores.mean),
        (1, place),
        (6, 0),
        axes.get_yaxis_transform(),
        "offset points",
        color=INK,
        va="center_baseline",
    )


def _score_handles() -> list[Any]:
    from matplotlib.lines import Line2D

    def mark(label: str, **look: object) -> Line2D:
        return Line2D([], [], label=label, color=MUTED, **look)  # type: ignore[arg-type]

    return [
        mark("cell", marker="o", linestyle="none", ms=4, alpha=0.6),
        mark("mean", marker="D", linestyle="none", ms=5),
        mark("95 % interval", linestyle="-", linewidth=1.6),
        mark("dependable", marker=">", linestyle="none", ms=6, markerfacecolor=PAPER),
    ]
