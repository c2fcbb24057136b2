"""Lists: accuracy against what they cover and how popular it is, whom they serve, and scores from window to window."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import metric
from bench.ranking.list_items import ACTIVITY, ListItems, UserSlice
from bench.report.content import Content
from bench.report.figures.drawing import (
    INK,
    MUTED,
    PAPER,
    Sheet,
    label_ends,
    label_points,
    legend_above,
    render,
    short,
)
from bench.report.figures.picture import Line, Picture, followed, label_scores, window
from bench.report.lists import NOT_MEASURED, Known, with_lists
from bench.report.units import unit_of
from bench.report.wording import count, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Followed = Sequence[tuple[Line, ListItems]]


def list_pictures(content: Content) -> list[Picture]:
    """Return every picture of lists; each says why it is missing where it is, but windows, which not all splits are."""
    made = [
        _against(content, "coverage", "Accuracy against coverage", 1.0),
        _against(content, "popularity", "Accuracy against popularity", -1.0),
        activity_picture(content),
    ]
    return [*made, windows_picture(content)] if content.task.protocol == "global_time" else made


def _followed(content: Content) -> Followed:
    """Return the models that the report follows, as far as their lists were measured."""
    return [(line, line.row.lists) for line in followed(content) if line.row.lists is not None]


def _against(content: Content, figure: str, title: str, better: float) -> Picture:
    """Return the score of every model against a figure of its lists, of which more (1) or less (-1) is wanted."""
    known = [
        (row, items)
        for row, items in with_lists(content)
        if math.isfinite(items.figures.get(figure, math.nan)) and math.isfinite(row.scores.mean)
    ]
    if not known:
        return Picture(name=figure, title=title, why=NOT_MEASURED)
    front = _front(known, figure, better)
    unit, label = unit_of(figure, math.nan), metric(figure).label
    most = "much" if better > 0 else "little"
    others = [row for row, _ in known if row.scores.name not in front]
    means = [row.scores.mean for row, _ in known]
    low = window(means, max(means), 5 * content.margin)
    shown = [(row, items) for row, items in known if row.scores.mean >= low]
    far = [
        f"{row.scores.name} ({content.unit.score(row.scores.mean)}, {label} {unit.plain(items.figures[figure])})"
        for row, items in known
        if row.scores.mean < low
    ]
    return Picture(
        name=figure,
        title=title,
        finding=(
            f"No other model has both a better score and {'more' if better > 0 else 'less'} {label} than "
            f"{' and '.join([', '.join(front[:-1]), front[-1]]) if len(front) > 1 else front[0]}."
        ),
        caption=f"Filled: the front of a high score and {most} {label}"
        + ("; hollow: a filled one has the better of both." if others else ".")
        + (f" Far below, not drawn: {', '.join(far)}." if far else ""),
        svg=render(
            figure, Sheet(height=3.9, right=0.5), lambda axes: _draw_against(axes, content, shown, figure, front)
        ),
        headers=("model", content.unit.label, label, "on the front"),
        rows=tuple(
            (
                row.scores.name,
                content.unit.score(row.scores.mean),
                unit.plain(items.figures[figure]),
                "yes" if row.scores.name in front else "no",
            )
            for row, items in known
        ),
    )


def _front(known: Known, figure: str, better: float) -> list[str]:
    """Return the models that no other one beats in both, the best score first."""
    places = {row.scores.name: (row.scores.mean, better * items.figures[figure]) for row, items in known}
    beaten = {
        name
        for name, one in places.items()
        for other in places.values()
        if other != one and other[0] >= one[0] and other[1] >= one[1]
    }
    return sorted(places.keys() - beaten, key=lambda name: (-places[name][0], name))


def _draw_against(axes: "Axes", content: Content, known: Known, figure: str, front: Sequence[str]) -> None:
    colours = {line.name: line.colour for line in followed(content)}
    unit = unit_of(figure, math.nan)
    spots = {
        row.scores.name: (unit.factor * items.figures[figure], content.unit.axis(row.scores.mean))
        for row, items in known
    }
    line = sorted(spots[name] for name in front if name in spots)
    axes.plot([x for x, _ in line], [y for _, y in line], color=MUTED, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
    for name, (x, y) in spots.items():
        look = {} if name in front else {"markerfacecolor": PAPER}
        axes.plot([x], [y], "o", color=colours.get(name, INK), ms=8, mew=1.6, **look)  # type: ignore[arg-type]
    for low, high, setter in (
        (*_ends([x for x, _ in spots.values()]), axes.set_xlim),
        (*_ends([y for _, y in spots.values()]), axes.set_ylim),
    ):
        setter(low, high)
    axes.set_xlabel(f"{metric(figure).label} (points)" if unit.in_points else metric(figure).label)
    label_scores(axes.yaxis, content.unit)
    order = sorted(spots, key=lambda name: (name not in colours, name))
    label_points(axes, [(*spots[name], short(name), colours.get(name, MUTED)) for name in order])


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that leave room for marks and labels."""
    room = max(max(values) - min(values), 1e-9)
    return min(values) - 0.14 * room, max(values) + 0.14 * room


def activity_picture(content: Content) -> Picture:
    """Return the score of users with shorter and longer histories."""
    title, known = "Score by history", [(line, items) for line, items in _followed(content) if _quarters(items)]
    if not known:
        return Picture(name="activity", title=title, why=NOT_MEASURED)
    line, items = known[0]
    quarters = _quarters(items)
    lowest = min(quarters, key=lambda one: one.ndcg[0])
    return Picture(
        name="activity",
        title=title,
        finding=(
            f"{line.name} serves the {count(lowest.users, 'user')} with {lowest.label} before least well: "
            f"NDCG {points(lowest.ndcg[0])}."
        ),
        caption="Quarters of the users by the number of their interactions before the test part, with 95 % intervals "
        "over users.",
        svg=render("activity", Sheet(height=3.6, top=0.4), lambda axes: _draw_activity(axes, known)),
        headers=("history", "users", *(line.name for line, _ in known)),
        rows=tuple((one.label, str(one.users), *(_cell(items, one.label) for _, items in known)) for one in quarters),
    )


def _quarters(items: ListItems) -> list[UserSlice]:
    return [one for one in items.slices if one.by == ACTIVITY]


def _cell(items: ListItems, label: str) -> str:
    found = next((one.ndcg for one in _quarters(items) if one.label == label), (math.nan,) * 3)
    return "?" if math.isnan(found[0]) else f"{points(found[0])} ({points(found[1])} to {points(found[2])})"


def _draw_activity(axes: "Axes", known: Followed) -> None:
    labels = [one.label for one in _quarters(known[0][1])]
    for place, (line, items) in enumerate(known):
        at = np.arange(len(labels)) + 0.09 * (place - (len(known) - 1) / 2)
        values = 100 * np.array([one.ndcg for one in _quarters(items)])
        away = np.nan_to_num(np.abs(values[:, 1:] - values[:, :1]).T)
        axes.errorbar(at, values[:, 0], yerr=away, fmt=line.marker, linestyle=line.dash, color=line.colour, ms=6,
                      elinewidth=1.2, linewidth=1.1, label=short(line.name))  # fmt: skip
    axes.set_ylim(0, None)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xticks(
        range(len(labels)), [label.replace(" interactions", "").replace(" interaction", "") for label in labels]
    )
    axes.set_xlabel("interactions before")
    axes.set_ylabel("NDCG (points)")
    legend_above(axes)


def windows_picture(content: Content) -> Picture:
    """Return the score in each stretch of time."""
    title, name = "Score by window", content.task.metrics[0]
    known = [(line, items) for line, items in _followed(content) if items.parts(name) is not None]
    if not known:
        return Picture(name="windows", title=title, why=NOT_MEASURED)
    means = {line.name: _by_window(items, name) for line, items in known}
    first = known[0][0].name
    if len(means[first]) < 2:
        return Picture(name="windows", title=title, why="there is one window alone (data.windows, budget.folds)")
    show, factor = content.unit.plain, content.unit.factor
    right = 0.4 + 0.085 * max(len(short(line.name, 24)) for line, _ in known)
    return Picture(
        name="windows",
        title=title,
        finding=f"{first} goes from {show(means[first][0])} in the first window to {show(means[first][-1])} in the "
        "last.",
        caption="Mean over the users of each window and over seeds; models are fitted anew on all that came before.",
        svg=render(
            "windows", Sheet(height=3.4, right=right), lambda axes: _draw_windows(axes, known, means, factor, content)
        ),
        headers=("model", *(f"window {at + 1}" for at in range(len(means[first])))),
        rows=tuple((line.name, *map(show, means[line.name])) for line, _ in known),
    )


def _by_window(items: ListItems, name: str) -> list[float]:
    parts = items.parts(name)
    return [] if parts is None else [float(one) for one in parts.by_window.mean(axis=1)]


def _draw_windows(
    axes: "Axes", known: Followed, means: dict[str, list[float]], factor: float, content: Content
) -> None:
    ends = []
    for line, _ in known:
        values = factor * np.array(means[line.name])
        axes.plot(np.arange(1, len(values) + 1), values, line.dash, marker=line.marker, color=line.colour, ms=6)
        ends.append((float(values[-1]), short(line.name, 24), line.colour))
    axes.set_ylim(0, None)
    axes.set_xticks(range(1, len(next(iter(means.values()))) + 1))
    axes.set_xlabel("window, the earliest first")
    label_scores(axes.yaxis, content.unit)
    label_ends(axes, ends)
