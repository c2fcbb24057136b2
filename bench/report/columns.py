"""The columns of the tables that every report shows, and the cells of one model in each."""

import math

from bench.metrics import metric
from bench.report.content import Content, Row
from bench.report.units import unit_of
from bench.report.wording import count, estimate, points, score_estimate, seconds, share, size_estimate
from bench.stats.comparison import OVER_FOLDS
from bench.stats.estimate import Estimate
from bench.stats.seconds import one_two_five
from bench.stats.table import ModelScores
from bench.stats.unit import Unit

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


def cells_of(row: Row, content: Content) -> tuple[str, ...]:
    """Return one row of the table, in the order of `HEADERS`."""
    scores, card, unit = row.scores, row.stability, content.unit
    if not scores.cells.size:
        return (scores.name, scores.role, "?", "?", "?", "?", "?", "?", _not_run(scores), "?", "?")
    difference, verdict = _against(row, content)
    low, high = row.interval
    spread = "" if math.isnan(low) else f" ±{unit.size((high - low) / 2)}"
    mark = "the floor's" if scores.all_failed else row.folds_run
    return (
        scores.name,
        scores.role,
        unit.score(scores.best),
        unit.score(scores.mean) + spread + (f" ({mark})" if mark else ""),
        unit.score(card.dependable.value),
        unit.size(card.total_sd.value),
        share(card.churn.value),
        difference,
        verdict,
        card.grade,
        seconds(one_two_five(row.cost.latency_p50_ms / 1000)) if row.cost else "?",
    )


def _not_run(scores: ModelScores) -> str:
    return f"{scores.failed} of {scores.ran + scores.not_run} failed" if scores.failed else "not run"


def _against(row: Row, content: Content) -> tuple[str, str]:
    """Return the difference to the reference and the verdict, with what was not run or failed."""
    scores, against, unit = row.scores, row.against, content.unit
    if scores.name == content.task.reference:
        difference, verdict = "", "reference"
    else:
        difference = _with_interval(unit.change(against.difference), unit.changes(against.low, against.high))
        verdict = against.verdict
    total = scores.ran + scores.not_run
    if scores.not_run:
        verdict = f"{verdict}; {scores.ran} of {count(total, 'cell')}"
    if scores.failed:
        verdict = f"{verdict}; {scores.failed} of {total} failed"
    if row.exposure == "exposed":
        verdict = f"{verdict}; exposed"
    return difference, verdict


def _with_interval(value: str, span: str) -> str:
    return value if span == "?" else f"{value} ({span})"


COST_HEADERS = (
    "model", "cold start", "fit", "p50", "p95", "a second at 1", "at 32", "at 1000", "predict 1,000", "price of 1,000",
    "peak MB", "artefact MB", "packages", "their MB",
)  # fmt: skip


OF_USERS = {
    "a second at 1": "users a second at 1", "predict 1,000": "1,000 users", "price of 1,000": "price of 1,000 users",
}  # fmt: skip


def cost_headers(content: Content) -> tuple[str, ...]:
    """Return `COST_HEADERS`; what asks a recommender is a user."""
    names = OF_USERS if content.task.prediction == "ranking" else {}
    return tuple(names.get(header, header) for header in COST_HEADERS)


def cost_cells(row: Row, hourly_price: float) -> tuple[str, ...]:
    """Return one row of the cost table, in the order of `cost_headers`; figures rounded to 1-2-5 steps."""
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


def split_headers(content: Content) -> tuple[str, ...]:
    """Return the headers of the table that compares models over the items of one split."""
    headers = ("model", "difference to the reference", "method")
    return (*headers, "McNemar p") if content.task.prediction == "probability" else headers


def split_title(content: Content) -> str:
    """Return what stands over it."""
    return "Against the reference" if content.task.prediction == "quantiles" else "One split, item by item"


def split_about(content: Content) -> str:
    """Return what its columns mean."""
    about = "On the same test items as the reference."
    if content.task.prediction == "quantiles":
        return f"{about.replace('test items', 'series and windows')} How the interval was made stands beside it."
    if content.task.prediction != "probability":
        # bench.items.score_by_item
        return f"{about} Items are drawn anew; the RMSE of a draw is taken by its linear change (delta method)."
    return (
        f"{about} McNemar's test (mid-p) asks of the first seed of both whether they are "
        "right equally often; it knows of no margin, and of one model at a time."
    )


def split_rows(content: Content) -> list[tuple[str, ...]]:
    """Return a row, in the order of `split_headers`, for every model compared over the items of one split."""
    columns = len(split_headers(content))
    return [
        (row.scores.name, _against(row, content)[0], row.against.method, _p_value(row))[:columns]
        for row in content.rows
        if row.against.method not in ("", OVER_FOLDS)
        and row.scores.name != content.task.reference
        # Of lists it stands beside how many users are better off.
        and content.task.prediction != "ranking"
    ]


def _p_value(row: Row) -> str:
    if math.isnan(row.against.mcnemar):
        return "? (not for items in groups)"
    return "below 0.001" if row.against.mcnemar < 0.001 else f"{row.against.mcnemar:.3f}"


LOSSES = ("brier", "log_loss")
"""Metrics of probabilities: no shares, so not in points, and shown with what confidence is worth."""


def other_metrics(content: Content) -> tuple[str, ...]:
    """Return the metrics that do not decide and are no losses of probabilities.

    Of lists those alone that any model has, and not what stands in tables of its own: what lists are like, and the
    diagnostic among sampled items.
    """
    names = tuple(name for name in content.task.metrics[1:] if name not in LOSSES)
    if content.task.prediction != "ranking":
        return names
    known = {name for row in content.rows for name in row.others} - {"ndcg_sampled"}
    told = {name for row in content.rows if row.lists is not None for name in row.lists.figures}
    return tuple(name for name in names if name in known - told)


def other_cells(row: Row, content: Content) -> tuple[str, ...]:
    """Return the means of `other_metrics`, each in its unit."""
    reference = content.row(content.task.reference)

    def typical(name: str) -> float:
        # As for the primary metric; see bench.report.read.
        usual = reference.others.get(name, math.nan) if reference is not None else math.nan
        sizes = [abs(one.others[name]) for one in content.rows if name in one.others]
        return max(min(sizes, default=usual), abs(usual) / 10)

    return tuple(unit_of(name, typical(name)).plain(row.others.get(name, math.nan)) for name in other_metrics(content))


def others_in_points(content: Content) -> bool:
    """Return whether all of them are in points."""
    return all(metric(name).in_points for name in other_metrics(content))


def place(row: Row) -> tuple[str, str]:
    """Return the probabilities to be the best and to be on the Pareto front."""
    known = row.standing
    if row.scores.role == "floor":
        return "? (floor)", "?"
    if known is None and row.scores.all_failed:
        return "? (every cell failed)", "?"
    if known is None and row.scores.partial:
        return "? (too few folds)", "?"
    if known is None and len(row.scores.folds) == 1:
        return "? (one split, predictions not kept)", "?"
    return ("?", "?") if known is None else (f"{known.p_best:.2f}", f"{known.membership:.2f}")


def confidence_headers(content: Content) -> tuple[str, ...]:
    """Return the headers of the table that says what confidence is worth."""
    losses = tuple(metric(name).label for name in LOSSES if name in content.task.metrics)
    if not _knows_items(content):
        return ("model", *losses)
    return (
        "model",
        *losses,
        "log loss of one seed, after a temperature",
        "calibration error",
        "perfect stays below",
        "AUGRC",
        "risk at 80 %",
        "risk at 90 %",
        f"coverage at risk {100 * content.settings.target_risk:g} %",
    )


def confidence_cells(row: Row, content: Content) -> tuple[str, ...]:
    """Return one row of it, in the order of `confidence_headers`."""
    losses = tuple(
        unit_of(name, math.nan).plain(_mean_of(row, name, content)) for name in LOSSES if name in content.task.metrics
    )
    items = row.items
    if not _knows_items(content):
        return (row.label, *losses)
    if items is None:
        why = "? (predictions not kept)" if row.scores.cells.size else "?"
        why = "? (every cell failed)" if row.scores.all_failed else why
        return (row.label, *losses, why, *("?",) * 6)
    value, low, high = items.calibration_error
    loss = unit_of("log_loss", math.nan)
    rescaled = "? (one fold)" if math.isnan(items.log_loss_rescaled) else loss.plain(items.log_loss_rescaled)
    return (
        row.label,
        *losses,
        f"{loss.plain(items.log_loss)} → {rescaled}",
        estimate(Estimate(value=value, low=low, high=high, method="")),
        points(items.calibration_null),
        f"{100 * items.augrc:.3f}",
        *(f"{100 * items.accepted.risk_at(coverage):.2f} %" for coverage in (0.8, 0.9)),
        share(items.accepted.coverage_at(content.settings.target_risk)),
    )


def confidence_about(content: Content) -> str:
    """Return what the columns of that table mean, and of which runs they are."""
    losses = " and ".join(metric(name).label for name in LOSSES if name in content.task.metrics)
    if not _knows_items(content):
        return "Means over all cells. Predictions are not kept here, so nothing is said of calibration and of coverage."
    return (
        (f"{losses[:1].upper()}{losses[1:]}: means over all cells. The rest is" if losses else "All is")
        + " of the first seed of the first repeat, its folds together; the temperature of a fold is fitted on the "
        "others. Calibration error, what perfect probabilities would stay below in 95 of 100 samples, and AUGRC in "
        "points. Risk at 80 %: wrong among the answers if the least confident fifth goes to a human. Coverage at risk "
        f"{100 * content.settings.target_risk:g} %: how many can be answered with no more of them wrong "
        "(`report.target_risk`)."
    )


def _knows_items(content: Content) -> bool:
    return any(row.items is not None for row in content.rows)


def _mean_of(row: Row, name: str, content: Content) -> float:
    """Return the mean of a loss over all cells, also where it is the metric that decides, whose sign was turned."""
    return -row.scores.mean if name == content.task.metrics[0] else row.others.get(name, math.nan)


CARD_HEADERS = (
    "model", "seed SD", "training-data SD", "total SD", "churn %", "excess churn", "best cell, deflated",
    "worst fold", "worst quarter",
    "failures %", "loss when perturbed", "time spread %", "grades",
)  # fmt: skip


def card_headers(content: Content) -> tuple[str, ...]:
    """Return `CARD_HEADERS`; parts of interactions are splits, not folds."""
    return tuple(f"worst {content.part}" if header == "worst fold" else header for header in CARD_HEADERS)


def card_cells(row: Row, unit: Unit) -> tuple[str, ...]:
    """Return one stability card as a row, in the order of `card_headers`; scores and their spread in ``unit``."""
    card = row.stability
    return (
        row.label,
        *(size_estimate(one, unit) for one in (card.seed_sd, card.training_sd, card.total_sd)),
        estimate(card.churn),
        estimate(card.excess_churn, "{:.2f}".format),
        *(score_estimate(one, unit) for one in (card.deflated_best, card.worst_fold, card.tail_mean)),
        estimate(card.failure_rate),
        size_estimate(card.robustness, unit),
        estimate(card.time_spread),
        ", ".join(f"{name} {letter}" for name, letter in card.grades.items()) + f": {card.grade}",
    )
