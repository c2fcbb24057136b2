"""How scores grow with the training rows, and where the best two families cross."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.content import Content, Curve
from bench.report.figures.drawing import FIRST, MUTED, SECOND, Sheet, label_ends, render, short
from bench.report.figures.picture import Picture, label_scores
from bench.stats.curve import CurvePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curve_picture(content: Content) -> Picture:
    """Return how scores grow with the training rows, and where the best two families cross."""
    title, curve = "Learning curve", content.curve
    known = [point for point in curve.points if math.isfinite(point.mean)] if curve is not None else []
    if curve is None or not known:
        return Picture(name="curve", title=title, why="not measured yet; curve=true measures it")
    right = 0.35 + 0.085 * max(len(short(model, 24)) for model in _drawn(content, known))
    return Picture(
        name="curve",
        title=title,
        finding=crossing_sentence(curve),
        caption="Lines are means over draws of the training rows; bands reach from the least to the largest score. "
        "Models that learn nothing stand in the table only.",
        svg=render("curve", Sheet(height=3.7, right=right), lambda axes: _draw_curve(axes, content, curve, known)),
        headers=("model", "training rows", "mean", "least to largest"),
        rows=tuple(
            (p.model, f"{p.rows:.0f}", curve.unit.score(p.mean), curve.unit.scores(p.low, p.high)) for p in known
        ),
    )


def _drawn(content: Content, known: Sequence[CurvePoint]) -> list[str]:
    """Return the models that are drawn: a floor, far below and flat, would squash the others."""
    models = list(dict.fromkeys(point.model for point in known))
    above = [model for model in models if (row := content.row(model)) is None or row.scores.role != "floor"]
    return above or models


def crossing_sentence(curve: Curve) -> str:
    """Say where the best stable model overtakes the best pretrained one."""
    found = curve.crossing
    if found is None:
        return "There is no pair of a pretrained and a stable model to compare."
    if math.isnan(found.rows):
        ahead = found.zoo if found.lead_last > 0 else found.stable
        return (
            f"{found.zoo} and {found.stable} do not cross between {found.first_rows:.0f} and {found.last_rows:.0f} "
            f"training rows; at the end {ahead} leads by {curve.unit.amount(abs(found.lead_last))}."
        )
    span = "" if math.isnan(found.low) else f" (95 % interval {found.low:.0f} to {found.high:.0f})"
    return f"{found.stable} overtakes {found.zoo} at {found.rows:.0f} training rows{span}."


def _draw_curve(axes: "Axes", content: Content, curve: Curve, known: Sequence[CurvePoint]) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    found, at = curve.crossing, curve.unit.axis
    looks = {found.stable: (FIRST, "-", "o"), found.zoo: (SECOND, "--", "s")} if found else {}
    ends = []
    for model in _drawn(content, known):
        mine = sorted((point for point in known if point.model == model), key=lambda point: point.rows)
        colour, dash, marker = looks.get(model, (MUTED, "-", ""))
        rows = [point.rows for point in mine]
        axes.plot(rows, [at(p.mean) for p in mine], dash, marker=marker, color=colour, ms=5,
                  linewidth=2 if marker else 1, alpha=1 if marker else 0.7)  # fmt: skip
        if marker:
            band = ([at(p.low) for p in mine], [at(p.high) for p in mine])
            axes.fill_between(rows, *band, color=colour, alpha=0.12, linewidth=0)
        ends.append((at(mine[-1].mean), short(model, 24), colour))
    sizes = sorted({point.rows for point in known})
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{size:.0f}" for size in sizes])
    axes.set_xlabel("training rows")
    label_scores(axes.yaxis, curve.unit)
    if found is not None and math.isfinite(found.rows):
        _mark_crossing(axes, found.rows, found.low, found.high)
    label_ends(axes, ends)


def _mark_crossing(axes: "Axes", rows: float, low: float, high: float) -> None:
    if math.isfinite(low):
        axes.axvspan(low, high, color=MUTED, alpha=0.14, linewidth=0)
    axes.axvline(rows, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    axes.annotate(f"{rows:.0f} rows", (rows, 1), (0, 4), axes.get_xaxis_transform(), "offset points", color=MUTED,
                  ha="center")  # fmt: skip
