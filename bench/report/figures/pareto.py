"""Score against cost, marked by how surely a model lies on the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.content import Content, Row
from bench.report.figures.drawing import INK, MUTED, PAPER, Sheet, label_points, render, short
from bench.report.figures.picture import Picture, followed, label_scores, scored, window
from bench.report.wording import seconds
from bench.stats.unit import Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pareto_picture(content: Content) -> Picture:
    """Return score against cost, marked by how surely a model lies on the Pareto front."""
    title = "Score against cost"
    rows = [row for row in scored(content) if row.scores.cost > 0]
    if not rows:
        return Picture(name="pareto", title=title, why="no cost was measured")
    front = [row.scores.name for row in rows if row.standing is not None and row.standing.membership >= 0.5]
    without = [row.scores.name for row in scored(content) if row not in rows]
    unit = content.unit
    low = window([row.scores.mean for row in rows], rows[0].scores.mean, 5 * content.margin)
    shown, far = [row for row in rows if row.scores.mean >= low], [row for row in rows if row.scores.mean < low]
    beyond = ", ".join(f"{row.scores.name} ({unit.score(row.scores.mean)}, {seconds(row.scores.cost)})" for row in far)
    return Picture(
        name="pareto",
        title=title,
        finding=f"More likely than not on the front of score, stability and cost: {', '.join(front) or 'no model'}."
        if any(row.standing is not None for row in rows)
        else "Who is on the front of score, stability and cost is not known of one split without its predictions.",
        caption=(
            "Filled: on the Pareto front with a probability of 0.5 or more; hollow: 0.1 to 0.5; small and grey: less, "
            "or not known."
            + (f" Far below, not drawn: {beyond}." if far else "")
            + (f" No cost: {', '.join(without)}." if without else "")
        ),
        svg=render("pareto", Sheet(height=3.9, right=0.5), lambda axes: _draw_pareto(axes, content, shown)),
        headers=("model", "mean", "predict 1,000", "on the front", "P(best)", "expected regret"),
        rows=tuple(
            (row.scores.name, unit.score(row.scores.mean), seconds(row.scores.cost), *_standing(row, unit))
            for row in rows
        ),
    )


def _standing(row: Row, unit: Unit) -> tuple[str, str, str]:
    known = row.standing
    return ("?", "?", "?") if known is None else (
        f"{known.membership:.2f}", f"{known.p_best:.2f}", unit.size(known.regret)
    )  # fmt: skip


def _draw_pareto(axes: "Axes", content: Content, rows: Sequence[Row]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    colours = {line.name: line.colour for line in followed(content)}
    costs, means = [row.scores.cost for row in rows], [content.unit.axis(row.scores.mean) for row in rows]
    room = max(max(means) - min(means), content.unit.axis(content.margin))
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / 1.8, max(costs) * 1.8)
    axes.set_ylim(min(means) - 0.14 * room, max(means) + 0.12 * room)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if max(costs) / min(costs) > 100 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    # Within a decade the library would label minor ticks too, in powers of ten.
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time for 1,000 predictions")
    label_scores(axes.yaxis, content.unit)
    for row in rows:
        colour, member = colours.get(row.scores.name, INK), row.standing.membership if row.standing else 0.0
        look = {"color": MUTED, "ms": 5} if member < 0.1 else {"color": colour, "ms": 8.5, "mew": 1.6}
        hollow = {"markerfacecolor": PAPER} if 0.1 <= member < 0.5 else {}
        axes.plot([row.scores.cost], [content.unit.axis(row.scores.mean)], "o", **look, **hollow)  # type: ignore[arg-type]
    first = {line.name: number for number, line in enumerate(followed(content))}
    order = sorted(rows, key=lambda row: first.get(row.scores.name, len(first)))
    label_points(
        axes,
        [
            (
                row.scores.cost,
                content.unit.axis(row.scores.mean),
                short(row.scores.name),
                colours.get(row.scores.name, MUTED),
            )
            for row in order
        ],
    )
