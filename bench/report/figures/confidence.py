"""What confidence is worth: errors left at each coverage, and accuracy beside stated confidence."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.items import Items
from bench.report.content import Content
from bench.report.figures.drawing import INK, MUTED, Sheet, label_ends, render, short
from bench.report.figures.picture import Line, Picture, followed
from bench.report.wording import share, threshold
from bench.stats.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_ITEMS = "the predictions of these models are not kept here"
SHOWN = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
"""Coverages of the table."""

Known = Sequence[tuple[Line, Items]]


def with_items(content: Content) -> Known:
    """Return the models that the report follows, as far as their single predictions are known."""
    return [(line, line.row.items) for line in followed(content) if line.row.items is not None]


def risk_picture(content: Content) -> Picture:
    """Return the share of errors among the answers, as the least confident ones are handed over."""
    title, known = "Errors among the answers that go out", [one for one in with_items(content) if one[1].curve]
    if not known:
        return Picture(name="risk", title=title, why=NO_ITEMS)
    first, items = known[0]
    everything, most = (share(items.accepted.risk_at(coverage)) for coverage in (1.0, 0.8))
    right = 0.4 + 0.085 * max(len(short(line.name, 24)) for line, _ in known)
    return Picture(
        name="risk",
        title=title,
        finding=(
            f"If {first.name} answers everything, {everything} is wrong; if it hands over the least confident fifth, "
            f"{most} of what goes out."
        ),
        caption="Towards the left fewer items are answered, the most confident ones. "
        + ("The ring marks the threshold of the deferral plan." if _planned(first) else "No deferral plan to mark."),
        svg=render("risk", Sheet(height=3.6, right=right), lambda axes: _draw_risk(axes, known)),
        headers=("model", *(f"{100 * coverage:.0f} % answered" for coverage in SHOWN)),
        rows=tuple((line.name, *(share(one.accepted.risk_at(coverage)) for coverage in SHOWN)) for line, one in known),
    )


def _planned(line: Line) -> bool:
    return line.row.deferral is not None and math.isfinite(line.row.deferral.threshold)


def _draw_risk(axes: "Axes", known: Known) -> None:
    curves = [(line, [point for point in items.curve if point[1] > 0]) for line, items in known]
    lines = [(line, [100 * at for _, at, _ in curve], [100 * wrong / at for _, at, wrong in curve])
             for line, curve in curves]  # fmt: skip
    draw_kept(axes, lines, "wrong (% of the answered)")
    line, items = known[0]
    if _planned(line) and line.row.deferral is not None:
        _mark_threshold(axes, items, line, line.row.deferral.threshold)


def draw_kept(axes: "Axes", lines: Sequence[tuple[Line, Sequence[float], Sequence[float]]], what: str) -> None:
    """Draw what is wrong with the answers against how many there are, in per cent, a line a model."""
    ends, top = [], 0.0
    for line, answered, errors in lines:
        axes.plot(answered, errors, line.dash, color=line.colour)
        # Of a handful of items it says little, and would squash the rest.
        shown = (error for at, error in zip(answered, errors, strict=True) if at >= 20 or at == answered[-1])
        top = max(top, *shown)
        ends.append((errors[-1], short(line.name, 24), line.colour))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.12 * top or 1)
    axes.set_xlabel("answered by the model (% of the items)")
    axes.set_ylabel(what)
    label_ends(axes, ends)


def _mark_threshold(axes: "Axes", items: Items, line: Line, planned: float) -> None:
    at, errors = min(items.curve, key=lambda point: abs(point[0] - planned))[1:]
    if at <= 0:
        return
    axes.plot([100 * at], [100 * errors / at], "o", color=line.colour, markerfacecolor="none", ms=11, mew=1.6)
    axes.axvline(100 * at, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
    axes.annotate(
        f"confidence {threshold(planned)} or more", (100 * at, 1), (-6, -12), axes.get_xaxis_transform(),
        "offset points", color=INK, ha="right",
    )  # fmt: skip


def reliability_picture(content: Content) -> Picture:
    """Return accuracy against stated confidence, bin by bin."""
    title, known = "Stated confidence and accuracy", [one for one in with_items(content)[:2] if one[1].reliability]
    if not known:
        return Picture(name="reliability", title=title, why=NO_ITEMS)
    sizes = [count for _, items in known for _, _, count in items.reliability]
    size = f"{min(sizes)} items" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)} items"
    return Picture(
        name="reliability",
        title=title,
        finding=" ".join(map(_calibration_sentence, *zip(*known, strict=True))),
        caption=(
            f"A point is a bin of {size}, its bar the 95 % interval of the accuracy{_apart(known)}. On the diagonal "
            "confidence is accuracy; below it the model is too sure of itself."
        ),
        svg=render("reliability", Sheet(height=4.0), lambda axes: _draw_reliability(axes, known)),
        headers=("model", "mean confidence", "accuracy", "95 % interval", "items"),
        rows=tuple(
            (line.name, share(confidence), share(accuracy), _span(accuracy, count), str(count))
            for line, items in known
            for confidence, accuracy, count in items.reliability
        ),
    )


def _apart(known: Known) -> str:
    grouped = any(items.groups is not None for _, items in known)
    return ", as if the items of one group were independent" if grouped else ""


def _calibration_sentence(line: Line, items: Items) -> str:
    value, low, high = items.calibration_error
    if math.isnan(value):
        return f"The calibration error of {line.name} is not known."
    span = "" if math.isnan(low) else f" ({share(low)} to {share(high)})"
    word = "more" if value > items.calibration_null else "no more"
    return (
        f"Confidence and accuracy of {line.name} lie {share(value)} apart{span}, {word} than the "
        f"{share(items.calibration_null)} that perfect calibration would stay below."
    )


def _span(accuracy: float, count: int) -> str:
    rate = Estimate.of_rate(round(accuracy * count), count)
    return "?" if math.isnan(rate.low) else f"{share(rate.low)} to {share(rate.high)}"


def _draw_reliability(axes: "Axes", known: Known) -> None:
    from matplotlib.ticker import MaxNLocator

    bins = [one for _, items in known for one in items.reliability]
    most = max(count for _, _, count in bins)
    least = 100 * min(min(confidence, accuracy) for confidence, accuracy, _ in bins)
    start = max(0.0, 10 * math.floor((least - 3) / 10))
    axes.plot([start, 100], [start, 100], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    for line, items in known:
        for confidence, accuracy, count in items.reliability:
            rate = Estimate.of_rate(round(accuracy * count), count)
            ends = [100 * rate.low, 100 * rate.high]
            axes.plot([100 * confidence] * 2, ends, color=line.colour, linewidth=1.2, alpha=0.55)
            axes.plot([100 * confidence], [100 * accuracy], line.marker, color=line.colour,
                      ms=3 + 3.5 * math.sqrt(count / most), alpha=0.9)  # fmt: skip
        axes.plot([], [], line.marker, color=line.colour, label=short(line.name))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlim(start, 101)
    axes.set_ylim(start, 101)
    axes.set_xlabel("mean confidence (%)")
    axes.set_ylabel("accuracy (%)")
    axes.legend(loc="upper left")
