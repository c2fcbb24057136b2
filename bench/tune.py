"""Tuning inside one cell: a study on inner folds of its training rows, scored by the task's own metric."""

import contextlib
import hashlib
import json
import math
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.answers import ask, checked
from bench.errors import ModelError
from bench.provenance import code_hash
from bench.study import Search, inner_folds, search
from bench.types import Cell, Context, ModelChoice

if TYPE_CHECKING:
    from bench.cell import CellInputs

SHARE_OF_CELL = 0.7
"""Of the seconds of a cell; the rest is for the fit with what was found."""


def tuned_params(
    cell: Cell, choice: ModelChoice, defaults: Any, context: Context, inputs: "CellInputs"
) -> tuple[Any, dict[str, Any]]:
    """Return the parameters that a search on inner folds of the training rows finds, and what reports say of it.

    Parameters
    ----------
    cell : Cell
    choice : ModelChoice
        With a space.
    defaults : object
        Parameters that the search starts from.
    context : Context
    inputs : CellInputs
    """
    dataset, task, train = inputs.dataset, inputs.task, inputs.split(cell.repeat, cell.fold).train
    X, y, kind = dataset.X.iloc[train].reset_index(drop=True), dataset.y[train], task.prediction
    metric = metrics.metric(task.metrics[0])
    sign = 1.0 if metric.greater_is_better else -1.0

    def score(params: Any, fit: NDArray[np.intp], held_out: NDArray[np.intp]) -> float:
        model = choice.spec.build(params, context)
        with contextlib.suppress(ModelError):
            model.fit(X.iloc[fit].reset_index(drop=True), y[fit])
            answer = ask(model, X.iloc[held_out].reset_index(drop=True), kind)
            return sign * metric.score(y[held_out], checked(answer, model, len(held_out), len(dataset.classes), kind))
        return math.nan

    def part(values: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if values is None else values[train]

    groups, stamps = part(dataset.groups), part(dataset.time)
    folds = inner_folds(y, context.seed, stratified=kind == "probability", groups=groups, time=stamps)
    found = search(
        choice.spec,
        defaults,
        folds,
        score,
        trials=inputs.trials,
        seconds=SHARE_OF_CELL * inputs.cell_seconds,
        seed=context.seed,
        journal=_study_path(cell, choice, inputs),
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


def _study_path(cell: Cell, choice: ModelChoice, inputs: "CellInputs") -> Path | None:
    """Return where the search of a cell is kept: a name that holds all that moves it, but the number of trials."""
    if inputs.studies is None:
        return None
    made = [inputs.dataset.fingerprint, inputs.seed, asdict(cell), inputs.task.metrics, code_hash(choice.spec.build)]
    name = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]
    return inputs.studies / cell.task / cell.data / f"{cell.model}-{cell.repeat}-{cell.fold}-{cell.seed}-{name}.journal"
