"""Small changes of the inputs that cost more than matters."""

import math
from collections.abc import Iterator

from bench.report.content import Content
from bench.stats.estimate import Estimate

CODE = "fragile"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model that surely loses more than the margin under a change that leaves labels alone."""
    for row in content.rows:
        loss = row.stability.robustness
        if row.scores.role != "floor" and _least(loss) > content.margin:
            target = "label" if content.task.prediction == "probability" else "target"
            kind = loss.method.partition(",")[0]
            low, high = (content.unit.size(end, 1) for end in (loss.low, loss.high))
            span = "" if math.isnan(loss.low) else f" (95 % CI {low} to {high})"
            remedy = "Clean its inputs the same way in training and in use, or choose another model."
            if content.task.prediction == "ranking":
                remedy = "See that the histories it is asked by are whole, or choose another model."
            yield (
                f"{row.scores.name} loses {content.unit.amount(loss.value, 1)}{span} under the "
                f"change called {kind}, which leaves every {target} as it is. {remedy}"
            )


def _least(loss: Estimate) -> float:
    return loss.value if math.isnan(loss.low) else loss.low
