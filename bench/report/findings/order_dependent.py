"""Predictions that depend on the company a row keeps."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "order-dependent"
TOLERANCE = 0.02
"""Change of a probability that half-width floats can explain: sums over a padded batch are added in another order."""
USUAL = "interquartile range of the targets"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model whose predictions change with the order or the size of batches."""
    for row in content.rows:
        if row.robustness is None:
            continue
        for change, what in (
            (row.robustness.order, f"the order of the {content.asked}"),
            (row.robustness.batch, "the batch size"),
        ):
            if change > TOLERANCE:
                moved = f"a probability changes by up to {change:.2f}"
                if content.task.prediction != "probability":
                    scale = "scale of its series" if content.task.prediction == "quantiles" else USUAL
                    moved = f"one changes by up to {100 * change:.0f} % of the {scale}"
                if content.task.prediction == "ranking":
                    moved = f"the lists of {100 * change:.0f} % of the users change"
                who = "user" if content.task.prediction == "ranking" else "item"
                yield (
                    f"Predictions of {row.scores.name} depend on {what}: {moved}. "
                    f"The same {who} would get another answer tomorrow."
                )
