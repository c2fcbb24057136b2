"""What every figure is made of: its finding in words, its values as a table, and whom it follows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.report.content import Content, Row
from bench.report.figures.drawing import FIRST, SECOND, THIRD
from bench.stats.unit import Unit

if TYPE_CHECKING:
    from matplotlib.axis import Axis


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure, or the reason why there is none."""

    name: str
    title: str
    finding: str = ""
    """What it shows, in words."""
    caption: str = ""
    """How to read it."""
    svg: str = ""
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """The values, as text."""
    why: str = ""
    """Why it is missing."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """How a model that the report follows is drawn: told apart by colour, by dashes and by marker."""

    row: Row
    part: str
    colour: str
    dash: str
    marker: str

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.row.scores.name


def followed(content: Content) -> list[Line]:
    """Return the pick, the runner-up and the reference; without a pick the best model and the reference."""
    best = content.best.scores.name if content.best is not None else ""
    decision = content.decision
    parts = {content.task.reference: "reference", decision.runner_up: "runner-up", decision.pick or best: "best"}
    if decision.pick:
        parts[decision.pick] = "pick"
    looks = {
        "pick": (FIRST, "-", "o"),
        "best": (FIRST, "-", "o"),
        "runner-up": (SECOND, "--", "s"),
        "reference": (THIRD, "-.", "^"),
    }
    found = [(row, part) for name, part in reversed(parts.items()) if (row := content.row(name)) is not None]
    return [
        Line(row=row, part=part, colour=looks[part][0], dash=looks[part][1], marker=looks[part][2])
        for row, part in found
    ]


def label_scores(axis: "Axis", unit: Unit) -> None:
    """Name the axis of scores, along which they get better; of an error the numbers fall."""
    from matplotlib.ticker import FuncFormatter

    axis.set_label_text(f"{unit.label} (points)" if unit.in_points else unit.label)
    if unit.sign < 0:
        axis.set_label_text(f"{unit.label}, smaller is better")
        axis.set_major_formatter(FuncFormatter(lambda at, _: f"{0.0 - at:.6g}"))


def scored(content: Content) -> list[Row]:
    """Return the rows that have a mean, the best first."""
    rows = [row for row in content.rows if row.scores.cells.size and math.isfinite(row.scores.mean)]
    return sorted(rows, key=lambda row: (-row.scores.mean, row.scores.name))


def window(values: Sequence[float], top: float, least: float) -> float:
    """Return where an axis may begin so that values far below the others do not squash them.

    It ends at the first gap that is twice as wide as everything above it.

    Examples
    --------
    >>> window([97.0, 96.0, 94.0, 51.0], top=97.0, least=1.0)
    94.0
    """
    falling = sorted((value for value in values if math.isfinite(value) and value <= top), reverse=True)
    for upper, lower in pairwise([top, *falling]):
        if upper - lower > 2 * max(top - upper, least):
            return upper
    return falling[-1] if falling else top
