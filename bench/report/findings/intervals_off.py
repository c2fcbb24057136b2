"""Intervals that hold more or fewer of the true values than they say, over all items or in one fold."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.wording import share

CODE = "intervals-off"


def find(content: Content) -> Iterator[str]:
    """Yield a text for the pick and the runner-up where coverage is surely not the level, or surely low in a fold."""
    for row in content.rows:
        found = row.intervals
        if found is None or row.scores.name not in (content.decision.pick, content.decision.runner_up):
            continue
        level = f"{100 * found.level:g} %"
        (value, low, high), (worst, least, most) = found.coverage, found.lowest
        # Comparisons with a value that is not a number are false.
        if low > found.level or high < found.level:
            yield (
                f"The {level} intervals of {row.scores.name} hold {share(value)} of the true values (95 % CI "
                f"{share(low)} to {share(high)}): their width is not to be trusted."
            )
        elif most < found.level:
            yield (
                f"The {level} intervals of {row.scores.name} hold {share(value)} of all true values, and in one fold "
                f"{share(worst)} (95 % CI, as the lowest of its folds, {share(least)} to {share(most)}): its errors "
                "differ between parts of the data, so that on new data intervals can be as much too narrow."
            )
