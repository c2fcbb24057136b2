"""What is left of the errors when items with wide intervals are handed over."""

from bench.report.content import Content
from bench.report.figures.confidence import draw_kept
from bench.report.figures.drawing import Sheet, render, short
from bench.report.figures.picture import Line, Picture, followed
from bench.report.intervals import NOT_MEASURED, unit_of_target
from bench.stats.intervals import Kept

SHOWN = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
"""Shares of the table."""


def width_picture(content: Content) -> Picture:
    """Return the error among the answers, as the items with the widest intervals are handed over."""
    title = "Errors of the answers that go out"
    known = [
        (line, line.row.intervals.kept)
        for line in followed(content)
        if line.row.intervals is not None and line.row.intervals.kept is not None
    ]
    if not known:
        return Picture(name="width", title=title, why=NOT_MEASURED)
    (first, kept), unit = known[0], unit_of_target(content)
    everything, most = (unit.size(float(kept.rmse[kept.at(part)])) for part in (1.0, 0.8))
    right = 0.4 + 0.085 * max(len(short(line.name, 24)) for line, _ in known)
    lines = [(line, (100 * kept.share).tolist(), kept.rmse.tolist()) for line, kept in known]
    return Picture(
        name="width",
        title=title,
        finding=(
            f"If {first.name} answers everything, its RMSE is {everything}; if it hands over the fifth with the widest "
            f"intervals, that of the rest is {most}."
        ),
        caption="Towards the left fewer items are answered, those with the narrowest intervals. A line that does not "
        "fall to the left belongs to widths that say nothing of errors.",
        svg=render(
            "width", Sheet(height=3.6, right=right), lambda axes: draw_kept(axes, lines, "RMSE of the answered")
        ),
        headers=("model", "error", *(f"{100 * part:.0f} % answered" for part in SHOWN)),
        rows=tuple(_values(line, kept, name, content) for line, kept in known for name in ("RMSE", "MAE")),
    )


def _values(line: Line, kept: Kept, name: str, content: Content) -> tuple[str, ...]:
    unit, errors = unit_of_target(content), kept.rmse if name == "RMSE" else kept.mae
    return (line.name, name, *(unit.size(float(errors[kept.at(part)])) for part in SHOWN))
