"""Numbers and sentences as every report words them."""

import math

from bench.report.content import Check, Content, Row
from bench.stats.decision import what_is_needed


def points(value: float) -> str:
    """Return a score in points of the metric, two decimals; a question mark where there is none.

    Examples
    --------
    >>> points(0.97123), points(float("nan"))
    ('97.12', '?')
    """
    return "?" if math.isnan(value) else f"{100 * value:.2f}"


def interval(low: float, high: float, sign: bool = False) -> str:
    """Return an interval in points; a question mark where there is none."""
    if math.isnan(low):
        return "?"
    return f"{100 * low:+.2f} to {100 * high:+.2f}" if sign else f"{100 * low:.2f} to {100 * high:.2f}"


def seconds(value: float) -> str:
    """Return a rounded duration with its unit.

    Examples
    --------
    >>> seconds(0.002), seconds(20.0), seconds(float("nan"))
    ('2 ms', '20 s', '?')
    """
    if math.isnan(value):
        return "?"
    return f"{value:g} s" if value >= 1 else f"{1000 * value:g} ms"


HEADERS = (
    "model",
    "role",
    "best cell",
    "mean (95 % interval)",
    "dependable",
    "against the reference",
    "verdict",
    "fit",
    "predict 1,000",
)


def cells_of(row: Row, reference: str) -> tuple[str, ...]:
    """Return one row of the table, in the order of `HEADERS`."""
    scores, against = row.scores, row.against
    if not scores.cells.size:
        return scores.name, scores.role, "?", "?", "?", "?", "not run", "?", "?"
    if scores.name == reference:
        difference, verdict = "", "reference"
    else:
        span = interval(against.low, against.high, sign=True)
        value = "?" if math.isnan(against.difference) else f"{100 * against.difference:+.2f}"
        difference, verdict = _with_interval(value, span), against.verdict
    total = scores.ran + scores.not_run
    if scores.not_run:
        verdict = f"{verdict}; {scores.ran} of {total} cells"
    if scores.failed:
        verdict = f"{verdict}; {scores.failed} of {total} failed"
    return (
        scores.name,
        scores.role,
        points(scores.best),
        _with_interval(points(row.mean.mean), interval(*row.mean.interval())),
        points(scores.dependable),
        difference,
        verdict,
        seconds(scores.fit_seconds),
        seconds(scores.cost),
    )


def _with_interval(value: str, span: str) -> str:
    return value if span == "?" else f"{value} ({span})"


def recommendation(content: Content) -> str:
    """Return the recommendation as a paragraph of Markdown."""
    decision = content.decision
    if not decision.pick:
        return f"**Nothing to ship.** {decision.because[0]} Look at the data before trying larger models."
    sure = "" if math.isnan(decision.confidence) else f" (confidence {decision.confidence:.2f})"
    text = f"**Ship `{decision.pick}`**{sure}: {'; '.join(decision.because)}."
    if not math.isnan(decision.price):
        # One split gives no expectation.
        how = "on this split" if math.isnan(decision.confidence) else "expected"
        text += f" Price: {100 * max(0.0, decision.price):.2f} points, {how}."
    if decision.runner_up:
        text += f" Prefer `{decision.runner_up}` if {decision.would_change_if}."
    return text


def undecided(content: Content) -> list[str]:
    """Return a line for every verdict "cannot tell": what these splits can find, and what would find the margin."""
    return [
        f"{row.scores.name}: cannot tell; "
        f"{what_is_needed(row.against.detectable, row.against.folds_needed, content.task.margin)}."
        for row in content.rows
        if row.against.verdict == "cannot tell" and not math.isnan(row.against.detectable)
    ]


def protocol(content: Content) -> str:
    """Return what was measured, in one sentence."""
    about, inputs = content.facts["about"], content.facts["inputs"]
    seeds = _count(about["budget"]["seeds"], "seed")
    if content.task.protocol == "published":
        how = f"the published train and test parts, {seeds}"
    else:
        how = " x ".join((_count(inputs["folds"], "fold"), _count(about["repeats"], "repeat"), seeds))
    return (
        f"{content.task.metrics[0]} in points; {content.data}, {about['rows']} rows, {about['classes']} classes; "
        f"{how}; the margin is {_count(100 * content.task.margin, 'point')}"
    )


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def check_line(check: Check) -> str:
    """Return a published figure beside the measured one, as one line."""
    one = check.expected
    word = "met" if check.met else "MISSED"
    return (
        f"{word}: {one.model} {points(check.measured)}, expected {points(one.score)} "
        f"(tolerance {100 * one.tolerance:g}): {one.source}"
    )
