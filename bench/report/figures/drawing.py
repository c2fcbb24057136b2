"""Drawings as inline SVG whose colours the page decides: the same content gives the same bytes.

Knows nothing of reports. Text stays text, so that it can be searched and copied, and is set in the page's own font.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that nobody would choose stand for the page's variables, which differ between light and dark.
INK, MUTED, LINE, PAPER, FIRST, SECOND, THIRD = (f"#01020{number}" for number in range(1, 8))
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    PAPER: "paper",
    FIRST: "first",
    SECOND: "second",
    THIRD: "third",
}

FONT_SIZE = 10.5
CHARACTER = 0.6 * FONT_SIZE
"""Width of a character in points, on the safe side: the browser's font is not known."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    # Names of models and classes are no formulas.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.minor.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Size and margins in inches."""

    width: float = 6.6
    height: float
    left: float = 0.65
    right: float = 0.3
    top: float = 0.3
    bottom: float = 0.55


def render(name: str, sheet: Sheet, draw: Callable[["Axes"], None]) -> str:
    """Return what ``draw`` draws as an ``<svg>`` element, its ids prefixed by ``name``."""
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # Signs that the measuring font does not have: the browser's fonts have them.
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(figsize=(sheet.width, sheet.height))
        left, bottom = sheet.left / sheet.width, sheet.bottom / sheet.height
        right, top = sheet.right / sheet.width, sheet.top / sheet.height
        draw(figure.add_axes((left, bottom, 1 - left - right, 1 - bottom - top)))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(buffer.getvalue(), name)


def _inline(text: str, name: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<(metadata|style).*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 focusable="false">', text, count=1)
    # Signs of text are escaped, so that what stands between < and > was written by the library alone.
    return re.sub(r"<[^>]+>", lambda found: _tag(found[0], name), text).strip()


def _tag(tag: str, name: str) -> str:
    if tag.startswith("<g "):
        tag = re.sub(r' id="[^"]*"', "", tag)
    tag = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", tag)
    return re.sub(r"#01020\d", lambda found: f"var(--{_VARIABLES[found[0]]})", tag)


def short(text: str, length: int = 30) -> str:
    r"""Return a label on one line, cut where it is too long.

    Examples
    --------
    >>> short("two\nlines"), short("abcdef", 4)
    ('two lines', 'abc…')
    """
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


def spread(wanted: Sequence[float], gap: float) -> NDArray[np.floating]:
    """Return places as near as can be to the wanted ones, in their order, at least ``gap`` apart.

    Examples
    --------
    >>> spread([1.0, 1.0, 5.0], 2.0).tolist()
    [0.0, 2.0, 5.0]
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    places = np.empty(len(order))
    if len(order):
        places[order] = isotonic_regression(np.asarray(wanted, dtype=float)[order] - steps).x + steps
    return places


def legend_above(axes: "Axes", handles: Sequence[Any] = ()) -> None:
    """Write the legend in one line over the drawing, from its left edge on."""
    found = handles or axes.get_legend_handles_labels()[0]
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(handles=found, loc="upper left", bbox_to_anchor=(0, 1), ncols=len(found), borderpad=0.4)


def label_ends(axes: "Axes", ends: Sequence[tuple[float, str, str]]) -> None:
    """Write a label, (y, text, colour), to the right of the axes for each line that ends there, without overlaps."""
    height = _size(axes)[1]
    low, high = axes.get_ylim()
    heights = [(y - low) / (high - low) * height for y, _, _ in ends]
    for (_, text, colour), place in zip(ends, spread(heights, 1.25 * FONT_SIZE), strict=True):
        axes.annotate(
            text, (1, 0), (6, float(place)), "axes fraction", "offset points", color=colour, va="center_baseline"
        )


def label_points(axes: "Axes", points: Sequence[tuple[float, float, str, str]]) -> None:
    """Write a label, (x, y, text, colour), beside each point, the first ones first, where it covers least."""
    width, height = _size(axes)
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [tuple(to_axes.transform((x, y)) * (width, height)) for x, y, _, _ in points]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    for (x, y), (_, _, text, colour) in zip(places, points, strict=True):
        boxes = list(_boxes_around(x, y, CHARACTER * len(text)))
        costs = [
            sum(_overlap(box, other) for other in taken) + 50 * _outside(box, width, height) + number
            for number, box in enumerate(boxes)
        ]
        box = boxes[int(np.argmin(costs))]
        taken.append(box)
        place = (box[0] - x, (box[1] + box[3]) / 2 - y)
        far = abs(place[1]) > 20
        axes.annotate(
            text, (x, y), place, "axes points", "offset points", color=colour, va="center_baseline",
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 4} if far else None,
        )  # fmt: skip


Box = tuple[float, float, float, float]


def _boxes_around(x: float, y: float, width: float) -> Iterator[Box]:
    """Yield boxes of a text of this width, the best reading places first."""
    half = 0.6 * FONT_SIZE
    for up in (0, 14, -14, 27, -27, 40, -40):
        for left in (x + 9, x - 9 - width, x - width / 2):
            if up or left != x - width / 2:
                yield left, y + up - half, left + width, y + up + half


def _overlap(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, across) * max(0.0, down)


def _outside(box: Box, width: float, height: float) -> float:
    return max(0.0, -box[0]) + max(0.0, box[2] - width - 15) + max(0.0, -box[1]) + max(0.0, box[3] - height)


def _size(axes: "Axes") -> tuple[float, float]:
    """Return width and height of the axes in points."""
    box = axes.get_window_extent().transformed(axes.get_figure(root=True).dpi_scale_trans.inverted())  # type: ignore[union-attr]
    return 72 * box.width, 72 * box.height
