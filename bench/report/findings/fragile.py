"""Small changes of the inputs that cost more than matters."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "fragile"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model that surely loses more than the margin under a change that leaves labels alone."""
    for row in content.rows:
        loss = row.stability.robustness
        if row.scores.role != "floor" and loss.low > content.task.margin:
            kind = loss.method.partition(",")[0]
            yield (
                f"{row.scores.name} loses {100 * loss.value:.1f} points (95 % CI {100 * loss.low:.1f} to "
                f"{100 * loss.high:.1f}) under the change called {kind}, which leaves every label as it is. Clean its "
                "inputs the same way in training and in use, or choose another model."
            )
