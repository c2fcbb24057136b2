"""Small changes of the inputs that cost more than matters."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "fragile"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model that surely loses more than the margin under a change that leaves labels alone."""
    for row in content.rows:
        loss = row.stability.robustness
        if row.scores.role != "floor" and loss.low > content.margin:
            target = "label" if content.task.prediction == "probability" else "target"
            kind = loss.method.partition(",")[0]
            low, high = (content.unit.size(end, 1) for end in (loss.low, loss.high))
            yield (
                f"{row.scores.name} loses {content.unit.amount(loss.value, 1)} (95 % CI {low} to {high}) under the "
                f"change called {kind}, which leaves every {target} as it is. Clean its inputs the same way in "
                "training and in use, or choose another model."
            )
