"""Series that a library gave up on and answered for by something simpler, without an error."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.wording import share

CODE = "answered-by-simpler"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every model part of whose forecasts are those of a simpler one."""
    for row in content.rows:
        if row.forecasts is not None and row.forecasts.fallbacks > 0:
            where = "series, counted in every window," if row.forecasts.series > 1 else "windows"
            yield (
                f"For {share(row.forecasts.fallbacks)} of the {where} {row.scores.name} answered by a simpler model, "
                "for its own failed there: its scores are those of a mixture."
            )
