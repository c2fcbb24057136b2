"""Tables of the page: text cells with headers and a caption, worded as in the other reports."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from bench.metrics import metric
from bench.report.columns import (
    HEADERS,
    cells_of,
    confidence_cells,
    confidence_headers,
    cost_cells,
    cost_headers,
    other_cells,
    other_metrics,
    others_in_points,
    place,
    split_about,
    split_headers,
    split_rows,
)
from bench.report.content import Content, Row
from bench.report.figures.picture import Picture
from bench.report.forecasts import Part, parts
from bench.report.intervals import interval_cells, interval_headers, with_intervals
from bench.report.pretraining import some_names
from bench.report.searches import tables
from bench.report.wording import estimate, moved, score_estimate, share, size_estimate, threshold
from bench.stats.estimate import Estimate
from bench.stats.unit import Unit

TEXTS = frozenset(
    (
        "model",
        "role",
        "verdict",
        "grade",
        "true class",
        "predicted class",
        "licence",
        "key of its table",
        "method",
        "exposure",
    )
)
"""Headers of columns that hold words and not figures."""
LONG = frozenset(("cells, by fold", "cells, by split", "summary", "trained on", "source", "why it matters"))
"""Headers of columns whose text may need several lines."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as the template takes it."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: str = ""
    """First cell of the row that stands out."""
    texts: frozenset[str] = TEXTS
    long: frozenset[str] = LONG


def of_picture(picture: Picture) -> Table:
    """Return the values of a figure."""
    return Table(caption=f"{picture.title}: values", headers=picture.headers, rows=picture.rows)


def scores_table(content: Content) -> Table:
    """Return the table that every report shows."""
    return Table(
        caption=f"{_scores_caption(content)}, the best mean first",
        headers=HEADERS,
        rows=tuple(cells_of(row, content) for row in content.rows),
        marked=content.decision.pick,
    )


def _scores_caption(content: Content) -> str:
    return f"In points of the {content.unit.label}" if content.unit.in_points else content.unit.label


def split_table(content: Content) -> Table:
    """Return how each model compares with the reference over the items of one split; without rows where it does not."""
    rows = tuple(split_rows(content))
    return Table(caption=split_about(content), headers=split_headers(content), rows=rows, marked=content.decision.pick)


def others_table(content: Content) -> Table:
    """Return the metrics that do not decide, and the place on the Pareto front."""
    names = other_metrics(content)
    return Table(
        caption=f"Means over all cells{', in points' * others_in_points(content)}",
        headers=("model", *(metric(name).heading for name in names), "P(best)", "on the front"),
        rows=tuple((row.label, *other_cells(row, content), *place(row)) for row in content.rows),
        marked=content.decision.pick,
    )


def confidence_table(content: Content) -> Table:
    """Return what the probabilities of each model are worth."""
    return Table(
        caption="What confidence is worth",
        headers=confidence_headers(content),
        rows=tuple(confidence_cells(row, content) for row in content.rows),
        marked=content.decision.pick,
    )


def intervals_table(content: Content) -> Table:
    """Return what the intervals of each model hold; without rows where none were measured."""
    rows = content.rows if with_intervals(content) else ()
    return Table(
        caption="What intervals hold, and what is left when the widest are handed over",
        headers=interval_headers(content),
        rows=tuple(interval_cells(row, content) for row in rows),
        marked=content.decision.pick,
    )


def forecast_tables(content: Content) -> list[tuple[str, Table]]:
    """Return what forecasts say beside their scores, each with what it means; none where none were measured."""
    return part_tables(parts(content), content)


def part_tables(found: Sequence[Part], content: Content) -> list[tuple[str, Table]]:
    """Return parts as tables, each with what it means."""
    texts, pick = TEXTS | {"hardest series", "value", "other protocol"}, content.decision.pick
    return [
        (part.about, Table(caption=part.title, headers=part.headers, rows=part.rows, marked=pick, texts=texts))
        for part in found
    ]


def plans_table(content: Content) -> Table:
    """Return the deferral plan of every model that has one."""
    return Table(
        caption="Deferral plans; costs of one item, in units of cost",
        headers=("model", "threshold", "automated", "wrong among them", "cost", "model only", "human only"),
        rows=tuple(_plan(row) for row in content.rows if row.deferral is not None),
        marked=content.decision.pick,
    )


def _plan(row: Row) -> tuple[str, ...]:
    plan = row.deferral
    assert plan is not None
    error = plan.error
    span = "" if math.isnan(error.low) else f" ({share(error.low)} to {share(error.high)})"
    return (
        row.scores.name,
        "none (a human for all)" if math.isinf(plan.threshold) else threshold(plan.threshold),
        share(plan.automated),
        f"{share(error.value)}{span}" if error.measured else f"? ({error.why})",
        f"{plan.cost:.3g}",
        f"{plan.cost_model_only:.3g}",
        f"{plan.cost_human_only:.3g}",
    )


def tuning_tables(content: Content) -> list[Table]:
    """Return what searches bought and found; none where nothing was tuned."""
    return [Table(caption=caption, headers=headers, rows=tuple(rows)) for caption, headers, rows in tables(content)]


def changes_table(content: Content) -> Table:
    """Return what small changes of the inputs do to every model that was probed."""
    probed = [row for row in content.rows if row.robustness is not None]
    kinds = tuple(dict.fromkeys(kind for row in probed if row.robustness for kind in row.robustness.perturbed))
    return Table(
        caption=f"Score on changed inputs, and {_what_changes(content)}",
        headers=("model", "clean", *kinds, f"{content.asked} reversed", "one by one"),
        rows=tuple(_changes(row, kinds, content) for row in content.rows),
        marked=content.decision.pick,
    ) if probed else Table(caption="", headers=(), rows=())  # fmt: skip


def _what_changes(content: Content) -> str:
    if content.task.prediction == "probability":
        return "the share of items whose prediction flips"
    if content.task.prediction == "quantiles":
        return "the largest change of a forecast, on the scale of its series"
    if content.task.prediction == "ranking":
        return "how much of a list is another (one minus the Jaccard index)"
    return "how far predictions move, as a share of the interquartile range of the targets"


def _changes(row: Row, kinds: Sequence[str], content: Content) -> tuple[str, ...]:
    found = row.robustness
    if found is None:
        return row.scores.name, "? (not probed)", *("?",) * (len(kinds) + 2)
    unit = content.unit
    pairs = [found.perturbed.get(kind) for kind in kinds]
    cells = ["?" if pair is None else f"{unit.plain(pair[0])} ({moved(pair[1], content)})" for pair in pairs]
    return row.scores.name, unit.plain(found.clean), *cells, f"{found.order:.3g}", f"{found.batch:.3g}"


def costs_table(content: Content) -> Table:
    """Return the cost of every model; without rows where no machine class has any."""
    rows = content.rows if content.machine else ()
    return Table(
        caption="Rounded to steps of 1, 2 and 5",
        headers=cost_headers(content),
        rows=tuple(cost_cells(row, content.settings.hourly_price) for row in rows),
        marked=content.decision.pick,
    )


def models_table(content: Content) -> Table:
    """Return what is known of each model beside its scores."""

    def cells(row: Row) -> tuple[str, ...]:
        about = row.about
        weights = about.get("weights_mb")
        return (
            row.scores.name,
            str(about.get("summary") or "?"),
            str(about.get("licence") or "?"),
            row.exposure,
            some_names(str(about.get("trained_on") or "?").split(", ")),
            (row.declared.source if row.declared is not None else "") or "?",
            "?" if weights is None else f"{weights:g}",
            row.key[:16] or "?",
        )

    return Table(
        caption="The models",
        headers=(
            *("model", "summary", "licence", "exposure", "trained on", "source"),
            *("weights MB", "key of its table"),
        ),
        rows=tuple(cells(row) for row in content.rows),
        marked=content.decision.pick,
    )


@dataclass(frozen=True, kw_only=True)
class Component:
    """One line of a stability card."""

    label: str
    value: str
    note: str
    """How it was measured, or why it was not."""
    letter: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """How stable one model is."""

    name: str
    role: str
    grade: str
    components: tuple[Component, ...]


LABELS = {
    "seed_sd": "seed SD",
    "training_sd": "training-data SD",
    "total_sd": "total SD",
    "churn": "churn (%)",
    "excess_churn": "excess churn",
    "worst_fold": "worst fold",
    "tail_mean": "worst quarter",
    "failure_rate": "failures (%)",
    "dependable": "dependable",
    "time_spread": "time spread (%)",
    "robustness": "loss when perturbed",
}
GRADED = {"total_sd": "total SD", "excess_churn": "churn", "failure_rate": "failures", "robustness": "robustness"}
"""Component of the card and its name among the grades."""


_SCORES = ("deflated_best", "worst_fold", "tail_mean", "dependable")
_SIZES = ("seed_sd", "training_sd", "total_sd", "robustness")


def _component(name: str, found: Estimate, unit: Unit) -> str:
    """Return the value of one component; what is neither a score nor a spread of scores in per cent."""
    if name in _SCORES:
        return score_estimate(found, unit)
    if name in _SIZES:
        return size_estimate(found, unit)
    return estimate(found, "{:.2f}".format) if name == "excess_churn" else estimate(found)


def card(row: Row, unit: Unit, fold: str = "fold") -> Card:
    """Return the stability card of one model; ``fold`` is what a part of the data is called."""
    found = row.stability
    estimates = {one.name: getattr(found, one.name) for one in fields(found)}
    return Card(
        name=row.scores.name,
        role=f"{row.scores.role}, {row.folds_run}" if row.folds_run else row.scores.role,
        grade=found.grade,
        components=tuple(
            Component(
                label=LABELS.get(name, name.replace("_", " ")).replace("fold", fold),
                value=_component(name, one, unit),
                note=(one.method if one.measured else one.why).replace("fold", fold),
                letter=found.grades.get(GRADED.get(name, ""), ""),
            )
            for name, one in estimates.items()
            if isinstance(one, Estimate)
        ),
    )
