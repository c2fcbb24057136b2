"""Which classes are taken for which: a map of all of them, or the most frequent confusions of very many classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.content import Content
from bench.report.figures.confidence import NO_ITEMS, Known, with_items
from bench.report.figures.drawing import FONT_SIZE, INK, LINE, PAPER, Sheet, legend_above, render, short
from bench.report.figures.picture import Line, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12
"""Bars of a figure."""
MAPPED = 25
"""Classes up to which a map of all pairs can be read."""

Pair = tuple[int, int]
Counts = dict[Pair, float]


def confusion_pictures(content: Content, labels: Sequence[str]) -> list[Picture]:
    """Return which classes the pick and the runner-up take for which, in one figure or in one for each."""
    known = with_items(content)[:2]
    if not known:
        return [Picture(name="confusion", title="Confusions", why=NO_ITEMS)]
    counts = [{(true, guess): items for true, guess, items in one.confusion} for _, one in known]
    seen = [code for one in counts for pair in one for code in pair]
    classes = max([int(content.facts["about"]["classes"]), *(code + 1 for code in seen)])
    if classes > MAPPED:
        return [_bars(known, labels)]
    most = max([items for one in counts for items in one.values()], default=0.0)
    names = [_name(code, labels) for code in range(classes)]
    places = ("confusion", "confusion-second")
    return [_map(place, line, one, most, names) for place, (line, _), one in zip(places, known, counts, strict=False)]


def _map(place: str, line: Line, counts: Counts, most: float, names: Sequence[str]) -> Picture:
    """Return a map of all pairs; ``most`` is the number of items of the darkest field of all maps."""
    title = f"What {line.name} takes for what"
    if not counts:
        return Picture(name=place, title=title, why=f"{line.name} made no mistake")
    pairs = sorted(counts, key=lambda pair: (-counts[pair], pair))
    texts, total = [short(name, 16) for name in names], sum(counts.values())
    margin = 0.085 * max(map(len, texts))
    left, bottom = 0.65 + margin, 0.6 + margin
    field = min(0.45, (6.4 - left) / len(names))
    size = field * len(names)
    sheet = Sheet(height=0.15 + size + bottom, left=left, right=6.6 - left - size, top=0.15, bottom=bottom)
    true, guess = (names[code] for code in pairs[0])
    return Picture(
        name=place,
        title=title,
        finding=(
            f"{line.name} makes {_count(total)} mistakes; most often it takes {true} for {guess}, "
            f"{_count(counts[pairs[0]])} times."
        ),
        caption=(
            "A row is a true class, a column the predicted one; numbers are items, means over seeds and repeats. Right "
            "answers, on the diagonal, are left out. The darkest field is that of the most frequent confusion of the "
            "models shown."
        ),
        svg=render(place, sheet, lambda axes: _draw_map(axes, line, counts, most, texts, 72 * field)),
        headers=("true class", "predicted class", "items"),
        rows=tuple((names[true], names[guess], _count(counts[true, guess])) for true, guess in pairs),
    )


def _draw_map(axes: "Axes", line: Line, counts: Counts, most: float, texts: Sequence[str], points: float) -> None:
    """Draw fields that are ``points`` wide."""
    from matplotlib.patches import Rectangle

    places = range(len(texts))
    for code in places:
        axes.add_patch(Rectangle((code - 0.5, code - 0.5), 1, 1, color=LINE, alpha=0.6, linewidth=0))
    for (true, guess), items in counts.items():
        # By the root, so that a single item can still be seen.
        depth = 0.12 + 0.88 * (items / most) ** 0.5
        axes.add_patch(Rectangle((guess - 0.5, true - 0.5), 1, 1, color=line.colour, alpha=depth, linewidth=0))
        number = _count(items) if items < 10 else f"{items:.0f}"
        axes.annotate(
            number, (guess, true), ha="center", va="center_baseline", fontsize=min(8.5, 0.42 * points),
            color=PAPER if depth > 0.6 else INK,
        )  # fmt: skip
    axes.set_xlim(-0.5, len(texts) - 0.5)
    axes.set_ylim(len(texts) - 0.5, -0.5)
    size = min(FONT_SIZE, 0.8 * points)
    axes.set_xticks(places, texts, rotation=90, fontsize=size)
    axes.set_yticks(places, texts, fontsize=size)
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.grid(visible=False)
    for edge in np.arange(len(texts) + 1) - 0.5:
        axes.axhline(edge, color=LINE, linewidth=0.5)
        axes.axvline(edge, color=LINE, linewidth=0.5)
    axes.spines["bottom"].set_visible(False)


def _bars(known: Known, labels: Sequence[str]) -> Picture:
    """Return the most frequent confusions of the pick, beside those of the runner-up."""
    title = "Most frequent confusions"
    counts = [{(true, guess): items for true, guess, items in one.confusion} for _, one in known]
    pairs = sorted(counts[0], key=lambda pair: (-counts[0][pair], pair))[:MOST]
    line = known[0][0]
    if not pairs:
        return Picture(name="confusion", title=title, why=f"{line.name} made no mistake")
    texts = [f"{short(_name(true, labels), 16)} → {short(_name(guess, labels), 16)}" for true, guess in pairs]
    total, top = sum(counts[0].values()), sum(counts[0][pair] for pair in pairs)
    true, guess = (_name(code, labels) for code in pairs[0])
    sheet = Sheet(height=1.0 + 0.32 * len(pairs), left=0.35 + 0.085 * max(map(len, texts)), top=0.4)
    return Picture(
        name="confusion",
        title=title,
        finding=(
            f"{line.name} takes {true} for {guess} most often, {_count(counts[0][pairs[0]])} times; the {len(pairs)} "
            f"most frequent of {len(counts[0])} confusions make {100 * top / total:.0f} % of its {_count(total)} "
            "mistakes."
        ),
        caption="Items whose true class stands on the left of the arrow; means over seeds and repeats. "
        f"The upper bar is {line.name}.",
        svg=render("confusion", sheet, lambda axes: _draw(axes, known, counts, pairs, texts)),
        headers=("true class", "predicted class", *(line.name for line, _ in known)),
        rows=tuple(
            (_name(pair[0], labels), _name(pair[1], labels), *(_count(one.get(pair, 0.0)) for one in counts))
            for pair in pairs
        ),
    )


def _count(items: float) -> str:
    """Return a mean number of items: whole where the seeds agree, and of hundreds."""
    return f"{items:.0f}" if items >= 100 or items == round(items) else f"{items:.1f}"


def _name(code: int, labels: Sequence[str]) -> str:
    return labels[code] if 0 <= code < len(labels) else f"class {code}"


def _draw(axes: "Axes", known: Known, counts: Sequence[Counts], pairs: Sequence[Pair], texts: Sequence[str]) -> None:
    places = np.arange(len(pairs))
    height = 0.62 / len(known)
    for number, ((line, _), one) in enumerate(zip(known, counts, strict=True)):
        values = [one.get(pair, 0.0) for pair in pairs]
        at = places + (number - (len(known) - 1) / 2) * height
        axes.barh(
            at, values, height * 0.86, color=line.colour, alpha=1 if number == 0 else 0.55, label=short(line.name, 24)
        )
    axes.set_yticks(places, texts)
    axes.set_ylim(len(pairs) - 0.45, -0.55)
    axes.grid(axis="y", visible=False)
    for label in axes.get_yticklabels():
        label.set_color(INK)
    axes.set_xlabel("items")
    legend_above(axes)
