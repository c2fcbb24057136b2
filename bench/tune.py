"""Tuning inside one cell: a study on inner folds of its training rows, scored by the task's own metric."""

import contextlib
import hashlib
import json
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from bench import metrics
from bench.answers import Asked, ask, checked
from bench.errors import ModelError
from bench.files import clear_disk_errors
from bench.provenance import made_of
from bench.study import Search, search
from bench.tested import inner_splits, inputs_of, truth_of
from bench.types import Cell, Context, ModelChoice, Split

if TYPE_CHECKING:
    from bench.cell import CellInputs


def tuned_params(
    cell: Cell, choice: ModelChoice, context: Context, inputs: "CellInputs", seconds: float
) -> tuple[Any, dict[str, Any]]:
    """Return the parameters that a search on inner folds of the training rows finds, and what reports say of it.

    A model, its bag and an ensemble with it search the same: one does, and the others read its journal.

    Parameters
    ----------
    cell : Cell
    choice : ModelChoice
        With a space; its parameters are where the search starts.
    context : Context
    inputs : CellInputs
    seconds : float
        After which no trial is started.
    """
    dataset, task, kind = inputs.dataset, inputs.task, inputs.task.prediction
    metric = metrics.metric(task.metrics[0])
    sign = 1.0 if metric.greater_is_better else -1.0

    def score(params: Any, inner: Split) -> float:
        model = choice.spec.build(params, context)
        with contextlib.suppress(ModelError):
            model.fit(dataset.X.iloc[inner.fitted].reset_index(drop=True), dataset.y[inner.fitted])
            tested = inputs_of(dataset, inner)
            answer = checked(ask(model, tested, kind), model, tested, Asked.of(dataset, kind))
            return sign * metric.score(truth_of(dataset, inner), answer)
        return math.nan

    split = inputs.split(cell.repeat, cell.fold)
    folds = inner_splits(dataset, split, context.seed, stratified=kind == "probability")
    with _alone(_study_path(cell, choice, inputs), seconds) as (journal, left):
        found = search(
            choice.spec,
            choice.params,
            folds,
            score,
            trials=inputs.trials,
            seconds=left,
            seed=context.seed,
            journal=journal,
        )
    if found.stopped_by_clock:
        warnings.warn(
            f"The search stopped after {found.trials} of {inputs.trials} trials for want of time (budget.cell_seconds) "
            "and does not repeat exactly.",
            stacklevel=2,
        )
    return found.params, _as_found(found, inputs.trials)


def _as_found(found: Search, asked: int) -> dict[str, Any]:
    """Return a search as a record keeps it; scores are turned so that larger is better, null is none."""
    return {
        "params": asdict(found.params),
        "scores": [None if math.isnan(score) else score for score in found.scores],
        "given_up": found.given_up,
        "asked": asked,
        "stopped_by_clock": found.stopped_by_clock,
    }


@contextlib.contextmanager
def _alone(journal: Path | None, seconds: float) -> Iterator[tuple[Path | None, float]]:
    """Wait while another cell searches the same; give the journal, or none if that took all the time, and what is left.

    Two searches in one journal would take each other's trials for those of a process that was killed.
    """
    if journal is None:
        yield journal, seconds
        return
    started = time.monotonic()
    lock = FileLock(journal.with_suffix(".lock"))
    with clear_disk_errors(journal):
        journal.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=seconds if math.isfinite(seconds) else -1)
        except Timeout:
            journal = None
    try:
        yield journal, seconds - (time.monotonic() - started)
    finally:
        lock.release()


def _study_path(cell: Cell, choice: ModelChoice, inputs: "CellInputs") -> Path | None:
    """Return where a search is kept: a name that holds all that moves it."""
    if inputs.studies is None:
        return None
    train = inputs.split(cell.repeat, cell.fold).fitted
    task = inputs.task
    made = [
        *(inputs.dataset.fingerprint, inputs.seed, task.name, task.version, task.metrics),
        *(cell.repeat, cell.fold, cell.seed, hashlib.sha256(train.astype(np.int64).tobytes()).hexdigest()),
        # The same for a model, its bag and a member of an ensemble.
        made_of(choice, inputs.trials, inputs.zoo),
    ]
    name = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]
    place = f"{choice.spec.name}-{cell.repeat}-{cell.fold}-{cell.seed}"
    return inputs.studies / task.name / inputs.dataset.name / f"{place}-{name}.journal"
