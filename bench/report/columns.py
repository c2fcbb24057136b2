"""The columns of the tables that every report shows, and the cells of one model in each."""

import math

from bench.report.content import Row
from bench.report.wording import estimate, interval, points, seconds, share
from bench.stats.table import one_two_five

HEADERS = (
    "model",
    "role",
    "best cell",
    "mean (95 %)",
    "dependable",
    "total SD",
    "churn",
    "against the reference",
    "verdict",
    "grade",
    "p50",
)


def cells_of(row: Row, reference: str) -> tuple[str, ...]:
    """Return one row of the table, in the order of `HEADERS`."""
    scores, card = row.scores, row.stability
    if not scores.cells.size:
        return (scores.name, scores.role, "?", "?", "?", "?", "?", "?", "not run", "?", "?")
    difference, verdict = _against(row, reference)
    low, high = row.mean.interval()
    return (
        scores.name,
        scores.role,
        points(scores.best),
        points(row.mean.mean) if math.isnan(low) else f"{points(row.mean.mean)} ±{100 * (high - low) / 2:.2f}",
        points(card.dependable.value),
        points(card.total_sd.value),
        share(card.churn.value),
        difference,
        verdict,
        card.grade,
        seconds(one_two_five(row.cost.latency_p50_ms / 1000)) if row.cost else "?",
    )


def _against(row: Row, reference: str) -> tuple[str, str]:
    """Return the difference to the reference and the verdict, with what was not run or failed."""
    scores, against = row.scores, row.against
    if scores.name == reference:
        difference, verdict = "", "reference"
    else:
        value = "?" if math.isnan(against.difference) else f"{100 * against.difference:+.2f}"
        difference = _with_interval(value, interval(against.low, against.high, sign=True))
        verdict = against.verdict
    total = scores.ran + scores.not_run
    if scores.not_run:
        verdict = f"{verdict}; {scores.ran} of {total} cells"
    if scores.failed:
        verdict = f"{verdict}; {scores.failed} of {total} failed"
    return difference, verdict


def _with_interval(value: str, span: str) -> str:
    return value if span == "?" else f"{value} ({span})"


COST_HEADERS = (
    "model", "cold start", "fit", "p50", "p95", "a second at 1", "at 32", "at 1000", "predict 1,000", "price of 1,000",
    "peak MB", "artefact MB", "packages", "their MB",
)  # fmt: skip


def cost_cells(row: Row, hourly_price: float) -> tuple[str, ...]:
    """Return one row of the cost table, in the order of `COST_HEADERS`; figures rounded to 1-2-5 steps."""
    cost, name = row.cost, row.scores.name
    per_thousand = row.scores.cost
    price = (
        "?"
        if math.isnan(per_thousand)
        else f"{one_two_five(per_thousand * hourly_price / 3600):.12f}".rstrip("0").rstrip(".")
    )
    if cost is None:
        plain = (seconds(row.scores.fit_seconds), *["?"] * 5, seconds(per_thousand), price)
        return (name, "?", *plain, *["?"] * 4)

    def step(value: float) -> str:
        return "?" if math.isnan(value) else f"{one_two_five(value):g}"

    return (
        name,
        seconds(one_two_five(cost.cold_start_seconds)),
        seconds(row.scores.fit_seconds),
        seconds(one_two_five(cost.latency_p50_ms / 1000)),
        seconds(one_two_five(cost.latency_p95_ms / 1000)),
        step(cost.throughput_1),
        step(cost.throughput_32),
        step(cost.throughput_1000),
        seconds(per_thousand),
        price,
        step(cost.peak_mb),
        step(cost.artefact_mb),
        str(cost.packages),
        step(cost.packages_mb),
    )


CARD_HEADERS = (
    "model", "seed SD", "training-data SD", "total SD", "churn %", "excess churn", "best cell, deflated",
    "worst fold", "worst quarter",
    "failures %", "loss when perturbed", "time spread %", "grades",
)  # fmt: skip


def card_cells(row: Row) -> tuple[str, ...]:
    """Return one stability card as a row, in the order of `CARD_HEADERS`; in points unless said otherwise."""
    card = row.stability
    return (
        row.scores.name,
        *map(estimate, (card.seed_sd, card.training_sd, card.total_sd, card.churn)),
        estimate(card.excess_churn, scale=1),
        *map(
            estimate,
            (card.deflated_best, card.worst_fold, card.tail_mean, card.failure_rate, card.robustness, card.time_spread),
        ),
        ", ".join(f"{name} {letter}" for name, letter in card.grades.items()) + f": {card.grade}",
    )
