"""Forecasts of single series that are beyond all measure, which an average of clipped ratios would hide."""

from collections.abc import Iterator

from bench.metrics import metric
from bench.report.content import Content
from bench.report.forecasts import tails, with_forecasts
from bench.stats.skill import BOUNDS

CODE = "exploding-forecasts"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model whose error is more than a hundred times the reference's on a series."""
    known = with_forecasts(content)
    for model, (name, end) in tails(content, known).items() if known else ():
        if end.beyond:
            items = next(items for row, items in known if row.scores.name == model)
            where = "series" if items.series > 1 else "windows"
            yield (
                f"The {metric(name).label} of {model} is more than {BOUNDS[1]:g} times that of "
                f"{content.task.reference} on {end.beyond} of the {where}, up to {end.largest:.3g} times; its largest "
                f"one is on {items.worst[name]}. See what it forecasts there before its mean is believed."
            )
