"""Which classes are taken for which: the most frequent confusions, readable with any number of classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.content import Content
from bench.report.figures.confidence import NO_ITEMS, Known, with_items
from bench.report.figures.drawing import INK, Sheet, legend_above, render, short
from bench.report.figures.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12

Pair = tuple[int, int]


def confusion_picture(content: Content, labels: Sequence[str]) -> Picture:
    """Return the most frequent confusions of the pick, beside those of the runner-up."""
    title, known = "Most frequent confusions", with_items(content)[:2]
    if not known:
        return Picture(name="confusion", title=title, why=NO_ITEMS)
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


def _draw(
    axes: "Axes", known: Known, counts: Sequence[dict[Pair, float]], pairs: Sequence[Pair], texts: Sequence[str]
) -> None:
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
