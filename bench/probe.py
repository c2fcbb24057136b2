"""Cost and robustness of one model, in a process of its own while nothing else runs.

Scoring cells share their process with what ran before, and their features come from a cache: neither is what a user of
the model would meet. A probe fits the model once more on the first fold and then only predicts.
"""

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.answers import ask
from bench.building import Rows, context_of, fit_choice, fit_plainly
from bench.cell import CellInputs, no_network
from bench.footprint import packages_beyond, peak_mb
from bench.panel import known_at_origin
from bench.robustness import robustness_of, scores_without_refit
from bench.tested import inputs_of, items_of, take
from bench.types import (
    Cell,
    Context,
    Cost,
    Dataset,
    Encoder,
    Model,
    ModelChoice,
    Prediction,
    Robustness,
    Split,
    Vectors,
)
from bench.zoo.store import go_offline

Items = Sequence[NDArray[np.intp]]
"""Places of the rows of each item."""

Served = Callable[[Items], Callable[[], Any]]
"""Given items, returns what answers for them: what is timed, without what comes before."""

FEW_ROWS = 20
FEW_INTERACTIONS = 2000
"""Of a fit that is for its cold start: a few rows would name hardly an item twice."""
FEW_SERIES, MOST_SERIES = 5, 100
"""Whose forecasts are timed one by one, and together: each is fitted beforehand."""
FITTING_SECONDS = 10.0
"""For fits of series that are then timed one by one: where each takes long, they are fewer."""
WARMING_UP, LATENCY_ITEMS = 5, 100
BATCHES = (1, 32, 1000)
REPEAT_SECONDS = 4.0
"""A measurement is repeated until it has taken this long, at least once and at most `REPEATS` times."""
REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """What is probed, on which rows."""

    model: str
    rows: NDArray[np.intp]
    """Test rows of the first fold."""
    perturbed: Mapping[str, Any]
    """The same rows after each kind of change, in the form of the data set's inputs."""
    core: tuple[str, ...]
    """Libraries that every user of the reference has."""


@dataclass
class Switch:
    """Vectors of frozen encoders: from the cache, or computed as a user would have to."""

    cached: Callable[[Encoder, Sequence[str]], Vectors]
    live: bool = False

    def __call__(self, encoder: Encoder, items: Sequence[str]) -> Vectors:
        """Return one row an item."""
        return encoder.encode(items, _say_nothing) if self.live else self.cached(encoder, items)

    def __getstate__(self) -> dict[str, Any]:
        """Count for nothing in the size of a fitted model."""
        return {"live": True}


def probe(request: ProbeRequest, inputs: CellInputs) -> tuple[Cost, Robustness]:
    """Measure one model; run it in a fresh process, or the cold start is none."""
    from threadpoolctl import threadpool_limits

    choice, split = inputs.choice(request.model), inputs.splits[0]
    cell = _first_cell(choice, split, inputs)
    features = Switch(inputs.features)
    kind = inputs.task.prediction
    context = context_of(choice, cell, inputs, features)
    part = replace(split, test=request.rows)
    tested, items = inputs_of(inputs.dataset, part), items_of(inputs.dataset, part)
    go_offline()
    with threadpool_limits(inputs.threads), no_network():
        few = _few(inputs.dataset, split.fitted, request.rows)
        started = time.perf_counter()
        alone = replace(context, remember=None)
        model = fit_plainly(choice, alone, Rows.of(inputs.dataset, few))
        features.live = True
        ask(model, take(tested, np.concatenate(items[:1])), kind)
        cold_start = time.perf_counter() - started
        features.live = False
        charged = inputs.charged_seconds
        started = time.perf_counter()
        made = fit_choice(choice, cell, inputs, context, Rows.of(inputs.dataset, split.fitted))
        model = made.model
        fit_seconds = time.perf_counter() - started - made.search_seconds + inputs.charged_seconds - charged
        robustness = robustness_of(model, tested, items, request.perturbed, replace(inputs, splits=(part,)))
        robustness = replace(robustness, stale=scores_without_refit(model, inputs))
        features.live = True
        served, single, most = _served(model, tested, kind), LATENCY_ITEMS, max(BATCHES)
        if inputs.dataset.forecasting is not None:
            # A series comes once in a batch, however few there are.
            served = _served_from_histories(choice, alone, inputs, request.rows)
            single = _fitted_in_time(served, items[:FEW_SERIES])
            most = min(len(items), MOST_SERIES)
        latencies = _latencies([served([item]) for item in items[:single]])
        throughput = {
            batch: _throughput(served, _in_turn(items, max(batch, min(32, single)), most), min(batch, most))
            for batch in BATCHES
        }
    weights = sum(map(inputs.zoo.size, choice.addresses))
    packages, packages_mb = packages_beyond(choice.spec.libraries, request.core)
    cost = Cost(
        cold_start_seconds=cold_start,
        fit_seconds=fit_seconds,
        latency_p50_ms=1000 * float(np.quantile(latencies, 0.5)),
        latency_p95_ms=1000 * float(np.quantile(latencies, 0.95)),
        throughput_1=throughput[1],
        throughput_32=throughput[32],
        throughput_1000=throughput[1000],
        peak_mb=peak_mb(),
        artefact_mb=(_pickled(model) + weights) / 1e6,
        packages=packages,
        packages_mb=packages_mb,
    )
    return cost, robustness


def _first_cell(choice: ModelChoice, split: Split, inputs: CellInputs) -> Cell:
    """Return the cell whose model is measured: a search goes on from what that cell left."""
    return Cell(
        task=inputs.task.name,
        data=inputs.dataset.name,
        model=choice.name,
        budget="",
        repeat=split.repeat,
        fold=split.fold,
        seed=0,
        spec=choice.spec.name,
    )


def _served(model: Model, tested: Any, kind: Prediction) -> Served:
    """Return how a fitted model answers."""

    def ready(items: Items) -> Callable[[], Any]:
        part = take(tested, np.concatenate(items))
        return lambda: ask(model, part, kind)

    return ready


def _served_from_histories(choice: ModelChoice, context: Context, inputs: CellInputs, rows: NDArray[np.intp]) -> Served:
    """Return how a forecaster answers: it is told the histories as they are by then, and goes on from them.

    What it forecast when it was fitted could only be looked up, and is the forecast of a time that has passed.
    """
    dataset, train = inputs.dataset, inputs.splits[0].train
    assert dataset.groups is not None
    groups, tested = dataset.groups, known_at_origin(dataset, rows)
    made: dict[bytes, Callable[[], Any]] = {}

    def ready(items: Items) -> Callable[[], Any]:
        # Of few series a batch is soon the same again, and nothing is learned from a second fit.
        places = np.concatenate(items)
        if (key := places.tobytes()) not in made:
            made[key] = fitted(places)
        return made[key]

    def fitted(places: NDArray[np.intp]) -> Callable[[], Any]:
        part, asked = take(tested, places), groups[rows[places]]
        histories = Rows.of(dataset, train[np.isin(groups[train], asked)])
        model: Any = fit_plainly(choice, context, histories)
        tell = getattr(model, "observe", model.fit)

        def answer() -> Any:
            tell(histories.X, histories.y)
            return ask(model, part, inputs.task.prediction)

        return answer

    return ready


def _fitted_in_time(served: Served, items: Items) -> int:
    """Make a few series ready one by one; return how many are, one at least, when the time for that is up."""
    until = time.perf_counter() + FITTING_SECONDS
    for number, item in enumerate(items, start=1):
        served([item])
        if time.perf_counter() > until:
            return number
    return len(items)


def _latencies(answers: Sequence[Callable[[], Any]]) -> list[float]:
    """Return seconds of single answers, in turn; the first ones warm up and do not count."""
    seconds: list[float] = []
    for turn in range(WARMING_UP + LATENCY_ITEMS):
        started = time.perf_counter()
        answers[turn % len(answers)]()
        seconds.append(time.perf_counter() - started)
        if turn >= FEW_ROWS and sum(seconds) > REPEAT_SECONDS:
            break
    return seconds[WARMING_UP:]


def _in_turn(items: Items, count: int, most: int) -> Items:
    return [items[turn % len(items)] for turn in range(min(count, most))]


def _throughput(served: Served, asked: Items, size: int) -> float:
    """Return items a second in batches of a size, the median over repeats."""
    answers = [served(asked[at : at + size]) for at in range(0, len(asked), size)]
    seconds: list[float] = []
    while len(seconds) < REPEATS and sum(seconds) < REPEAT_SECONDS:
        started = time.perf_counter()
        for answer in answers:
            answer()
        seconds.append(time.perf_counter() - started)
    return len(asked) / float(np.median(seconds))


def _pickled(model: Model) -> float:
    """Return the bytes of a fitted model; NaN for one that does not pickle. Nothing is ever unpickled."""
    try:
        return float(len(pickle.dumps(model)))
    except Exception:
        return float("nan")


def _few(dataset: Dataset, train: NDArray[np.intp], tested: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return training rows that are enough to load everything that a fit loads.

    Two of each of ten classes; the history of the first series to forecast; the last interactions; or the first rows.
    """
    if dataset.forecasting is not None and dataset.groups is not None:
        return np.asarray(train[dataset.groups[train] == dataset.groups[tested[0]]])
    if dataset.recommending is not None:
        return train[-FEW_INTERACTIONS:]
    if not dataset.classes:
        return train[:FEW_ROWS]
    codes = dataset.y[train]
    return np.concatenate([train[codes == code][:2] for code in np.unique(codes)[:10]])


def _say_nothing(done: int) -> None:
    """Report no progress."""
