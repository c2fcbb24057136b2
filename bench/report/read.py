"""From the tables of one folder to what a report says: the same files give the same report on any machine."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.errors import BenchError
from bench.exposure import Declaration, exposure_of
from bench.forecast_items import ForecastItems
from bench.item_errors import ErrorItems, intervals_of, score_by_item
from bench.items import Items, Measured, read_items
from bench.ranking.list_items import ListItems
from bench.report.churn import churn_estimates
from bench.report.content import Check, Content, Curve, Row, Standing
from bench.report.curve import crossing_sentence, curve_advice, read_curve
from bench.report.findings import find_all
from bench.report.forecasts import with_series
from bench.report.lists import with_users
from bench.report.searches import tuning_of
from bench.report.source import Source, check_scores
from bench.report.timings import best_covering
from bench.report.units import unit_of
from bench.results import Store, read_measured, read_provenance
from bench.settings import Expected, ReportSettings
from bench.stats.comparison import compare, score_interval
from bench.stats.decision import decide
from bench.stats.deferral import deferral
from bench.stats.front import front_of
from bench.stats.pareto import Front
from bench.stats.protocols import Tested
from bench.stats.stability import stability
from bench.stats.table import ModelFacts, ModelScores, Scoring, scores_by_model
from bench.stats.verdicts import Decision
from bench.stats.weights import Weights
from bench.types import Cost, Record, Robustness, Task, seed_for

OF_A_CURVE = Decision(
    pick="",
    confidence=math.nan,
    because=("A learning curve recommends nothing by itself: where two models cross enters the main run's report.",),
    price=math.nan,
    runner_up="",
    would_change_if="",
)


def read_content(folder: Path, results_dir: Path, machine: str, names: Sequence[str] = ()) -> Content | None:
    """Read the tables of one folder.

    Parameters
    ----------
    folder : Path
        ``<results_dir>/<task>/<data>/<budget>``.
    results_dir : Path
        Where the timings lie.
    machine : str
        Machine class whose timings are shown, if it has any for this folder; else the one that covers most models.
    names : sequence of str
        Models to show; all when empty.

    Returns
    -------
    Content or None
        None where there is no table of the reference, without which nothing can be compared.

    Raises
    ------
    BenchError
        If a file is not of this version.
    """
    with _of_this_version(folder):
        source, damaged = _source_of(folder, results_dir, machine, names)
        if source is None:
            return None
        content = _content(source)
        return replace(content, left_out=(*content.left_out, *damaged))


def read_tested(folder: Path, results_dir: Path, machine: str) -> Tested | None:
    """Return the models of one folder with what is recommended there, for comparison with other protocols.

    Parameters
    ----------
    folder, results_dir : Path
    machine : str
        As `read_content` takes them.

    Returns
    -------
    Tested or None
        None where there is no table of the reference.
    """
    with _of_this_version(folder):
        source, _ = _source_of(folder, results_dir, machine, ())
        if source is None:
            return None
        found = _read(source)
        return Tested(
            protocol=source.task.protocol,
            scores={model.name: model for model in found.scores if model.cells.size},
            test_train_ratio=found.scoring.test_train_ratio,
            pick=decide(found.scores, found.scoring, source.limits).pick,
        )


@contextmanager
def _of_this_version(folder: Path) -> Iterator[None]:
    """Say of a file that cannot be understood what to do about it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # A KeyError says nothing but the key.
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BenchError(
            f"{folder} holds a file that is not of this version: {what}. Restore it from git, or remove it to have its "
            "cells run again."
        ) from error


def _source_of(
    folder: Path, results_dir: Path, machine: str, names: Sequence[str]
) -> tuple[Source | None, tuple[str, ...]]:
    """Return the files of a folder, None without those of the reference, and which models' files are damaged."""
    found = {path.stem: read_provenance(path) for path in sorted(folder.glob("*.json"))}
    tables = {name: facts for name, facts in found.items() if (folder / f"{name}.csv").exists()}
    made = {name: facts for name, facts in tables.items() if {"key", "inputs", "about"} <= set(facts)}
    damaged = tuple(name for name in tables if name not in made and (not names or name in names))
    reference = next((facts["about"]["task"]["reference"] for facts in made.values()), "")
    if reference not in made:
        return None, damaged
    return Source(folder, results_dir, machine, made, reference, tuple(names)), damaged


def _content(source: Source) -> Content:
    found = _read(source)
    decision, front, curve = _decided(found)
    content = Content(
        task=source.task,
        data=source.data,
        budget=source.folder.name,
        facts=source.made[source.reference],
        machine=found.machine,
        rows=_rows(found, front),
        test_train_ratio=found.scoring.test_train_ratio,
        unit=found.scoring.unit,
        margin=found.scoring.margin,
        decision=decision,
        settings=source.settings,
        limits=source.limits,
        left_out=tuple(source.left_out),
        hidden=tuple(source.hidden),
        curve=curve,
        checks=_checks(source, found.scores, found.scoring, found.records),
    )
    return replace(content, findings=find_all(content))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """What the files of one folder say, before anything is decided."""

    source: Source
    machine: str
    store: Store
    keys: Mapping[str, str]
    records: Mapping[str, list[Record]]
    items: Mapping[str, Measured | None]
    facts: Mapping[str, ModelFacts]
    scoring: Scoring
    scores: Sequence[ModelScores]


def _read(source: Source) -> _Read:
    shown = source.shown
    keys = {name: source.key(name) for name in shown}
    machine = best_covering(source.results_dir / "timings", source.below, keys, source.wanted_machine)
    store = source.store(machine)
    whole = {name: list(store.read(name, keys[name]).values()) for name in shown}
    records = _of_this_run(source, whole)
    check_scores(records, source.task.metrics, source.folder)
    # Of all rows of a table: a narrower run of the reference does not make the others' figures false.
    items = {name: read_items(store.items(name), whole[name]) for name in shown}
    flat = [record for mine in records.values() for record in mine]
    scoring = _scoring(source.task, source.made[source.reference]["inputs"]["root_seed"], flat)
    facts = {name: _facts(source, name, store, items[name]) for name in shown}
    return _Read(
        source=source,
        machine=machine,
        store=store,
        keys=keys,
        records=records,
        items=items,
        facts=facts,
        scoring=scoring,
        scores=scores_by_model(flat, facts, scoring),
    )


def _of_this_run(source: Source, whole: Mapping[str, Sequence[Record]]) -> dict[str, list[Record]]:
    """Return the cells of a report: a table may hold those of a longer run that was given more seeds."""
    repeats, seeds = source.about["repeats"], source.about["budget"]["seeds"]
    # Of a learning curve the last step, with all training rows; the others stand in the curve.
    first = repeats - 1 if source.task.protocol == "curve" else 0
    return {
        name: [record for record in mine if first <= record.repeat < repeats and record.seed < seeds]
        for name, mine in whole.items()
    }


def _decided(found: _Read) -> tuple[Decision, Front, Curve | None]:
    source, scoring = found.source, found.scoring
    front = front_of(found.scores, scoring)
    made, hide = source.made[source.reference]["inputs"], source.settings.exposed != "show"
    curve = read_curve(source.folder, source.results_dir, source.task, made, hide)
    if source.task.protocol == "curve":
        return replace(OF_A_CURVE, also=crossing_sentence(curve)), front, curve
    decision = replace(decide(found.scores, scoring, source.limits), winner_changes=front.winner_changes)
    return replace(decision, also=curve_advice(curve, decision.pick)), front, curve


def _rows(found: _Read, front: Front) -> tuple[Row, ...]:
    """Return a row a model, the best mean first."""
    reference = next(model for model in found.scores if model.name == found.source.reference)
    standings = {
        member.model: Standing(membership=member.membership, p_best=member.p_best, regret=member.regret)
        for member in front.members
    }
    rows = [_row(found, model, reference, standings.get(model.name)) for model in found.scores]
    return tuple(sorted(rows, key=lambda row: (-_or_least(row.scores.mean), row.scores.name)))


def _row(found: _Read, model: ModelScores, reference: ModelScores, standing: Standing | None) -> Row:
    name, scoring, task = model.name, found.scoring, found.source.task
    items, robustness = found.items[name], _robustness(found.store, name, found.keys)
    return Row(
        key=found.keys[name],
        about=found.source.made[name]["about"],
        scores=model,
        mean=score_interval(model, scoring.test_train_ratio),
        against=compare(model, reference, task.metrics[0], scoring.margin, scoring.test_train_ratio),
        others=_mean_scores(found.records[name], task.metrics[1:]),
        stability=stability(model, churn_estimates(items, model), robustness, scoring),
        items=_of_classes(items),
        cost=found.facts[name].cost,
        robustness=robustness,
        deferral=_deferral(_of_classes(items), found.source.settings),
        intervals=intervals_of(items, found.source.settings.interval_level),
        forecasts=items if isinstance(items, ForecastItems) else None,
        lists=items if isinstance(items, ListItems) else None,
        standing=standing,
        weights=Weights.of(found.records[name]),
        declared=Declaration.of_table(found.source.made[name]),
        tuning=tuning_of(model, found.records[name], found.source.made, found.scores, scoring.test_train_ratio),
    )


def _scoring(task: Task, root_seed: int, records: Sequence[Record]) -> Scoring:
    metric = metrics.metric(task.metrics[0])
    usual = _usual_score(metric.name, task.reference, records)
    sizes = [(record.n_test, record.n_train) for record in records if record.n_train]
    return Scoring(
        metric=metric.name,
        sign=1.0 if metric.greater_is_better else -1.0,
        is_share=metric.is_share,
        reference=task.reference,
        floor=task.floor,
        margin=task.margin_at(usual),
        test_train_ratio=sum(t for t, _ in sizes) / sum(n for _, n in sizes) if sizes else math.nan,
        seed=seed_for(root_seed, "report", task.name),
        unit=unit_of(metric.name, _finest_score(metric.name, usual, records)),
        scale=1.0 if metric.in_points else abs(usual),
        least=metric.least,
    )


def _finest_score(name: str, usual: float, records: Sequence[Record]) -> float:
    """Return the smallest mean of a model, whose digits are to be seen; no less than a tenth of the reference's.

    Parameters
    ----------
    name : str
        Of the metric.
    usual : float
        The reference's mean.
    records : sequence of Record
    """
    by_model: dict[str, list[float]] = {}
    for record in records:
        if record.status == "ok":
            by_model.setdefault(record.model, []).append(record.scores[name])
    sizes = [abs(math.fsum(scores) / len(scores)) for scores in by_model.values()]
    return max(min(sizes, default=math.nan), abs(usual) / 10)


def _usual_score(name: str, reference: str, records: Sequence[Record]) -> float:
    """Return the reference's mean score over all cells; of all models where it has none, and NaN where nobody has."""
    ok = [record for record in records if record.status == "ok"]
    found = [record.scores[name] for record in ok if record.model == reference] or [one.scores[name] for one in ok]
    return math.fsum(found) / len(found) if found else math.nan


def _facts(source: Source, name: str, store: Store, items: Measured | None) -> ModelFacts:
    about, metric = source.made[name]["about"], source.task.metrics[0]
    facts = ModelFacts(
        role=about["role"],
        licence=about["licence"],
        weights_mb=about["weights_mb"],
        cost=read_measured(store.cost(name), source.key(name), Cost),
        by_item=_by_item(items, metric),
        item_variance=items.item_variance.get(metric, math.nan) if isinstance(items, ErrorItems) else math.nan,
        groups=items.groups if items is not None else None,
        exposure=exposure_of(source.made[name], source.data),
    )
    if isinstance(items, ListItems):
        return with_users(facts, items, metric)
    return with_series(facts, items, metric) if isinstance(items, ForecastItems) else facts


def _of_classes(items: Measured | None) -> Items | None:
    return items if isinstance(items, Items) else None


def _by_item(items: Measured | None, metric: str) -> NDArray[Any] | None:
    """Return the score of each item under the seeds of the first repeat, where the metric is a mean of such."""
    if isinstance(items, ErrorItems):
        return None if items.errors is None else score_by_item(items.errors, metric)
    # Rows that are right or wrong say something of a share of right ones, and of no other metric.
    if not isinstance(items, Items) or not metrics.metric(metric).is_share:
        return None
    first = min(repeat for repeat, _ in items.right)
    return np.stack([bits for (repeat, _), bits in sorted(items.right.items()) if repeat == first])


def _robustness(store: Store, name: str, keys: Mapping[str, str]) -> Robustness | None:
    return read_measured(store.robustness(name), keys[name], Robustness)


def _deferral(items: Items | None, settings: ReportSettings) -> Any:
    return deferral(items.accepted, settings.error_cost, settings.human_cost) if items is not None else None


def _checks(
    source: Source, scores: Sequence[ModelScores], scoring: Scoring, records: Mapping[str, Sequence[Record]]
) -> tuple[Check, ...]:
    means = {(model.name, ""): scoring.sign * model.mean for model in scores}
    for model, rows in records.items():
        means |= {(model, name): mean for name, mean in _mean_scores(rows, source.task.metrics).items()}
    # Of a narrower run, its own models only; a figure that no table can meet is always missed.
    return tuple(
        Check(expected=one, measured=means.get((one.model, one.metric), math.nan))
        for one in (Expected(**values) for values in source.about["expected"])
        if one.model in source.shown or one.model not in source.made
    )


def _mean_scores(records: Sequence[Record], names: Sequence[str]) -> dict[str, float]:
    ok = [record for record in records if record.status == "ok"]
    known = {name: [record.scores[name] for record in ok if name in record.scores] for name in names}
    return {name: math.fsum(scores) / len(scores) for name, scores in known.items() if scores}


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
