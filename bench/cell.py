"""One cell: build, fit, predict, check, score. Nothing a model does gets out of here but a record."""

import contextlib
import json
import math
import os
import random
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.answers import Asked, ask, checked, crossed, kept
from bench.building import Rows, context_of, fit_choice, go_on
from bench.errors import BenchError, DiskError, ModelError, OvertimeError, one_line
from bench.files import full_disk
from bench.members import NO_REPEAT, TOLD
from bench.memory import Memory
from bench.predictions import Predictions, prediction_digest
from bench.ranking.held import Relevant
from bench.ranking.metrics import defects
from bench.tested import inputs_of, truth_of
from bench.types import Cell, Dataset, Model, ModelChoice, Record, Split, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo, go_offline

KEPT_WARNINGS = 20


@dataclass(frozen=True, kw_only=True)
class CellInputs:
    """What all cells of a run share; pickled once for each worker."""

    task: Task
    dataset: Dataset
    splits: tuple[Split, ...]
    models: tuple[ModelChoice, ...]
    zoo: Zoo
    features: FeatureCache
    predictions: Predictions | None
    """Where predictions are kept; None keeps none."""
    seed: int
    """Root seed."""
    threads: int
    logs: Path
    studies: Path | None = None
    """Where the searches of tuned models are kept; None keeps none."""
    trials: int = 20
    cell_seconds: float = math.inf
    memory: Memory | None = None
    """Where models keep what takes no seed; None computes everything."""

    @property
    def charged_seconds(self) -> float:
        """What everything that was read instead of computed once took."""
        return self.features.charged_seconds + (self.memory.charged_seconds if self.memory else 0.0)

    def choice(self, model: str) -> ModelChoice:
        """Return a model by its name in tables."""
        return next(choice for choice in self.models if choice.name == model)

    def split(self, repeat: int, fold: int) -> Split:
        """Return a split by its place."""
        return next(split for split in self.splits if (split.repeat, split.fold) == (repeat, fold))


def run_cell(cell: Cell, inputs: CellInputs) -> Record:
    """Run one cell, and leave the traceback of a failure in the logs.

    Raises
    ------
    DiskError
        If the disk is full or cannot be written; beside Ctrl-C the only thing that ends a run.
    """
    record = Record(model=cell.model, repeat=cell.repeat, fold=cell.fold, seed=cell.seed, status="failed")
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            record = _fit_and_score(cell, inputs, record)
        except (DiskError, KeyboardInterrupt):
            raise
        except ModelError as error:
            record = replace(record, status="invalid", reason=one_line(error))
        except BaseException as error:
            if full_disk(error, inputs.logs):
                raise DiskError(f"{cell.model} could not write: the disk is full. Make space, and go on.") from error
            record = replace(record, **_what_was_raised(error))
            _log(cell, inputs.logs)
    if record.status != "ok":
        record = replace(record, fit_seconds=time.perf_counter() - started)
    said = dict.fromkeys(one_line(w.message) for w in caught if _matters(w.category))
    if any(NO_REPEAT in one for one in said):
        record = replace(record, found={**record.found, TOLD: True})
    return replace(record, warnings=tuple(said)[:KEPT_WARNINGS])


def _what_was_raised(error: BaseException) -> dict[str, Any]:
    """Return the status and the reason of a model that raised an error of any kind."""
    said = one_line(error)
    if not isinstance(error, BenchError):
        said = one_line(f"{type(error).__name__}: {said}".removesuffix(": "))
    if isinstance(error, OvertimeError):
        return {"status": "timeout", "reason": said}
    if _ran_out_of_memory(error):
        return {"status": "oom", "reason": f"The model ran out of memory ({said})."}
    return {"status": "failed", "reason": said}


def _fit_and_score(cell: Cell, inputs: CellInputs, record: Record) -> Record:
    choice, split = inputs.choice(cell.model), inputs.split(cell.repeat, cell.fold)
    dataset, kind = inputs.dataset, inputs.task.prediction
    context = context_of(choice, cell, inputs, inputs.features)
    X_test, asked = inputs_of(dataset, split), Asked.of(dataset, kind)
    go_offline()
    with thread_limit(inputs.threads), no_network(), as_before():
        # For models that draw from a global state against all advice.
        np.random.seed(context.seed)
        random.seed(context.seed)
        choice = replace(choice, params=choice.spec.params(**json.loads(cell.params)))
        charged, started = inputs.charged_seconds, time.perf_counter()
        made = fit_choice(choice, cell, inputs, context, Rows.of(dataset, split.fitted))
        if split.fit is not None and dataset.forecasting is not None:
            go_on(choice, made, context, Rows.of(dataset, split.train))
        fitted = time.perf_counter()
        fit_seconds = fitted - started + inputs.charged_seconds - charged
        charged = inputs.charged_seconds
        raw = ask(made.model, X_test, kind)
        predict_seconds = time.perf_counter() - fitted + inputs.charged_seconds - charged
        if choice.spec.at_once:
            fit_seconds, predict_seconds = fit_seconds + predict_seconds, math.nan
        answer = checked(raw, made.model, X_test, asked)
    # Scored as they are kept, so that everything can be computed anew from the kept ones.
    predicted = kept(answer, kind)
    if inputs.predictions is not None:
        inputs.predictions.save(cell, predicted)
    truth = truth_of(dataset, split)
    scores = metrics.scores(inputs.task.metrics, truth, predicted)
    if missing := [name for name, score in scores.items() if not np.isfinite(score)]:
        raise ModelError(f"The {missing[0]} of its predictions is not a number.")
    return replace(
        record,
        status="ok",
        scores=scores,
        n_train=len(split.train if dataset.forecasting is not None else split.fitted),
        n_test=len(split.test),
        digest=prediction_digest(predicted),
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        found={**made.found, **_told_of_forecasts(made.model, raw, asked), **_told_of_lists(truth, predicted)},
    )


def _told_of_forecasts(model: Model, raw: Any, asked: Asked) -> dict[str, Any]:
    """Return what is wrong with sound forecasts: quantiles that cross, and series that a simpler model answered for."""
    if asked.forecasting is None:
        return {}
    fallbacks = int(getattr(model, "fallbacks_", 0))
    return {"forecasts": {"crossed": crossed(raw, asked.forecasting), "fallbacks": fallbacks}}


def _told_of_lists(truth: Any, lists: Any) -> dict[str, Any]:
    """Return what is wrong with lists of items: short ones, none at all, and items that stand in one twice."""
    return {"lists": defects(truth, lists)} if isinstance(truth, Relevant) else {}


_libraries: Any = None
_modules = 0


def thread_limit(threads: int) -> contextlib.AbstractContextManager[Any]:
    """Limit the threads of the numerical libraries that are loaded by now."""
    global _libraries, _modules
    from threadpoolctl import ThreadpoolController

    # Looking for libraries takes 2 ms, which is more than all else that is done for a cell.
    if _libraries is None or _modules != len(sys.modules):
        _libraries, _modules = ThreadpoolController(), len(sys.modules)
    limit: contextlib.AbstractContextManager[Any] = _libraries.limit(limits=threads)
    return limit


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Undo what a model does to its process, and the next one or the run would meet."""
    folder, variables, mode = Path.cwd(), dict(os.environ), os.umask(0o022)
    os.umask(mode)
    try:
        with np.errstate():
            yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(folder)
        os.umask(mode)
        # Variables that libraries add when they are first loaded stay.
        os.environ.update({name: value for name, value in variables.items() if os.environ.get(name) != value})


_offline = False
_hook_installed = False


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Make every attempt of this process, in any thread, to reach another machine an error that names it."""
    global _hook_installed, _offline
    if not _hook_installed:
        # An audit hook sees sockets of any library; it cannot be removed, so a flag switches it.
        sys.addaudithook(_refuse_network)
        _hook_installed = True
    before, _offline = _offline, True
    try:
        yield
    finally:
        _offline = before


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.getaddrinfo") or not _offline:
        return
    target = arguments[1] if event == "socket.connect" else arguments[0]
    host = target[0] if isinstance(target, tuple) else target
    if isinstance(target, (str, bytes)) and event == "socket.connect":
        return  # A Unix socket: this machine.
    if str(host) not in ("127.0.0.1", "::1", "localhost"):
        raise ModelError(
            f"The model tried to reach {host} over the network. Cells run offline: fetch weights beforehand."
        )


def log_path(cell: Cell, folder: Path) -> Path:
    """Return where the traceback and the output of a cell go."""
    name = f"{cell.task}-{cell.data}-{cell.budget}-{cell.model}-{cell.repeat}-{cell.fold}-{cell.seed}.log"
    return folder / name


def _log(cell: Cell, folder: Path) -> None:
    # A full disk must not turn a failed row into a crash.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # Behind what the cell printed, where that goes to the same file.
        with log_path(cell, folder).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(traceback.format_exc())


def _ran_out_of_memory(error: BaseException) -> bool:
    # Torch and LightGBM raise errors of their own.
    said = one_line(error).lower()
    return isinstance(error, MemoryError) or any(
        phrase in said for phrase in ("can't allocate memory", "out of memory", "bad_alloc", "bad allocation")
    )


def _matters(category: type[Warning]) -> bool:
    return not issubclass(category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning))
