"""Figures that are taken after the cells: what single predictions say, and what each model costs and shrugs off."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

import numpy as np

from bench import registry
from bench.agenda import LOST
from bench.cell import CellInputs
from bench.errors import DiskError
from bench.executor.serve import Answer
from bench.executor.worker import Crew, Worker
from bench.forecast_items import ForecastItems
from bench.forecast_metrics import BY_SERIES
from bench.item_errors import ErrorItems, intervals_of
from bench.items import measure, read_items, write_items
from bench.predictions import Predictions
from bench.probe import ProbeRequest, probe
from bench.results import Store, read_measured, write_measured
from bench.settings import ReportSettings
from bench.tested import inputs_of, items_of, rows_behind
from bench.types import Cost, Record, Robustness, seed_for

START_SECONDS = 120.0
POLL_SECONDS = 0.05


def measure_items(
    store: Store,
    keys: Mapping[str, str],
    predictions: Predictions,
    fingerprint: str,
    root_seed: int,
    level: float = ReportSettings.interval_level,
    anew: bool = False,
) -> None:
    """Write what single predictions say of every model whose predictions are at hand; the rest stays as it is.

    Parameters
    ----------
    store : Store
    keys : mapping
        Key of each model's table.
    predictions : Predictions
    fingerprint : str
        Of the data set.
    root_seed : int
    level : float
        Of the intervals of values: those of another level are measured again.
    anew : bool
        Measure again what was measured already.
    """
    truth, metric = predictions.load_truth(fingerprint), store.metrics[0]
    for model, key in keys.items():
        records = list(store.read(model, key).values())
        path = store.items(model)
        current = read_items(path, records)
        if not records or (_whole(current, level, metric) and not anew):
            continue
        items = measure(records, predictions, truth, model, root_seed, level, metric) if truth is not None else None
        if items is not None:
            write_items(path, items)
        elif current is None:
            # Figures of other predictions must not stand beside this table.
            path.unlink(missing_ok=True)


def _whole(items: Any, level: float, metric: str) -> bool:
    """Return whether figures hold what a report of this level and primary metric needs."""
    if isinstance(items, ErrorItems):
        return intervals_of(items, level) is not None
    if isinstance(items, ForecastItems):
        return metric not in BY_SERIES or items.parts(metric) is not None
    return items is not None


def worth_measuring(records: Iterable[Record]) -> set[str]:
    """Return models whose cost says something: with a score, and with no cell that there was no time for.

    What was begun only is not compared with the others yet, and its cost is measured once it is.
    """
    rows = list(records)
    late = {one.model for one in rows if one.status == "skipped" and not one.reason.startswith(LOST)}
    return {one.model for one in rows if one.status == "ok"} - late


def probe_models(
    models: Sequence[str],
    store: Store,
    keys: Mapping[str, str],
    inputs: CellInputs,
    rows: int,
    limit: float,
    anew: bool = False,
) -> dict[str, str]:
    """Measure cost and robustness of models, one after the other, each in a fresh process.

    Parameters
    ----------
    models : sequence of str
    store : Store
    keys : mapping
        Key of each model's table.
    inputs : CellInputs
    rows : int
        Items of the first fold's test part that are predicted: rows, or series.
    limit : float
        Seconds for one model.
    anew : bool
        Replace costs that were measured already.

    Returns
    -------
    dict
        Why a model could not be measured.
    """
    request = _request(inputs, rows)
    failed = {}
    with Crew() as crew:
        for model in models:
            if read_measured(store.robustness(model), keys[model], Robustness) is None:
                # Figures of another key must not stay beside this table if the probe fails.
                store.robustness(model).unlink(missing_ok=True)
            # A fresh process for each model: the second one would find everything loaded.
            worker = crew.start(probe, inputs)
            answer = _answer_within(worker, ProbeRequest(model=model, **request), limit)
            crew.end(worker)
            if isinstance(answer.value, DiskError):
                raise answer.value
            if answer.kind in ("refused", "broken"):
                failed[model] = str(answer.value)
                continue
            cost, robustness = answer.value
            if anew or read_measured(store.cost(model), keys[model], Cost) is None:
                write_measured(store.cost(model), keys[model], cost)
            write_measured(store.robustness(model), keys[model], robustness)
    return failed


def _answer_within(worker: Worker, order: ProbeRequest, limit: float) -> Answer:
    """Give an order to a worker that is starting; return its answer, or why there is none after ``limit`` seconds."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        alive = worker.alive
        answer = worker.answer()
        if answer is not None and answer.kind == "ready":
            worker.ask(order)
            end = time.monotonic() + limit
        elif answer is not None:
            return answer
        elif not alive or worker.mute:
            return Answer("broken", f"the process died with exit code {worker.wait()}")
        wait([worker.answers], timeout=POLL_SECONDS)
    return Answer("broken", f"stopped after {limit:g} s" if worker.ready else "the process did not start")


def _request(inputs: CellInputs, rows: int) -> dict[str, Any]:
    split = inputs.splits[0]
    generator = np.random.default_rng(seed_for(inputs.seed, "probe", inputs.task.type))
    items = items_of(inputs.dataset, split)
    some = np.sort(generator.choice(len(items), min(rows, len(items)), replace=False))
    chosen = rows_behind(inputs.dataset, split, [items[one] for one in some])
    kind = registry.task_type(inputs.task.type)
    tested = inputs_of(inputs.dataset, replace(split, test=chosen))
    reference = next(choice for choice in inputs.models if choice.name == inputs.task.reference)
    return {
        "rows": chosen,
        "perturbed": kind.perturbed(tested, seed_for(inputs.seed, "perturb", inputs.task.type)),
        "core": reference.spec.libraries,
    }
