"""Searches that end where they began, as far as the outer folds can tell."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "tuning-bought-nothing"


def find(content: Content) -> Iterator[str]:
    """Yield a text for every tuned model whose difference to its defaults surely lies within the margin."""
    unit = content.unit
    for row in content.rows:
        tuning = row.tuning
        if tuning is None or not tuning.default:
            continue
        low, high = tuning.gain.interval()
        if tuning.kept == len(tuning.searches):
            yield (
                f"Every search of {row.scores.name} kept the parameters of {tuning.default}: the defaults do as well."
            )
            continue
        # Of one split, or of none, there is no interval, and nothing is sure.
        if -content.margin < low and high < content.margin:
            yield (
                f"{row.scores.name} differs from {tuning.default} by {unit.change(tuning.gain.mean)} {unit.name} "
                f"(95 % CI {unit.changes(low, high)}), within the margin of {unit.margin(content.margin)}: the "
                "defaults do as well, and need no search."
            )
