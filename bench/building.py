"""From a choice of model to a fitted one: searched, fitted once, as a bag, or as an ensemble of bags.

The one place where this is done, so that scores, costs and cells that are run again are of the same thing. What is
fitted sees training rows only.
"""

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.bagging import Bag, Folds, Mean, fit_copies, in_time
from bench.blend import Blend, inner_forecasts
from bench.ensemble import greedy_weights
from bench.errors import DiskError, OvertimeError
from bench.members import LATE, STOPPED, failed, nothing_left, say_what_was_left_out
from bench.panel import held_of, inner_windows
from bench.ranking.blend import WeightedScores, inner_answers, scores_in
from bench.ranking.top import lists_of
from bench.study import inner_folds
from bench.tested import few_asked, inner_splits, inputs_of, truth_of
from bench.tune import tuned_params
from bench.types import Cell, Context, Dataset, Features, Model, ModelChoice, Split, seed_for

if TYPE_CHECKING:
    from bench.cell import CellInputs

SHARE_FOR_SEARCH = 0.7
"""Of the seconds of a cell, where one fit follows the search; half of that where a bag follows."""
SHARE_FOR_MEMBERS = 0.5
"""Of the seconds of a cell, after which an ensemble begins no further member."""
SHARE_FOR_COPIES = 0.9
"""Of the seconds of a cell, by which a member's bag must be done: one that would end later is left out."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows to fit, and what their folds must respect."""

    X: Any
    y: NDArray[Any]
    groups: NDArray[Any] | None = None
    time: NDArray[Any] | None = None
    windows: Folds = ()
    """Of a panel, where an ensemble or a search needs them: its inner windows."""
    inner: Split | None = None
    """Of interactions the same: the inner split, by rows of the whole data set."""

    @classmethod
    def of(cls, dataset: Dataset, rows: NDArray[np.intp]) -> Self:
        """Return some rows of a data set."""
        return cls(
            X=dataset.X.iloc[rows].reset_index(drop=True),
            y=dataset.y[rows],
            groups=None if dataset.groups is None else dataset.groups[rows],
            time=None if dataset.time is None else dataset.time[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted model, and what was found out on the way."""

    model: Model
    found: Mapping[str, Any] = field(default_factory=dict)
    """As `Record.found` keeps it."""
    search_seconds: float = 0.0


def context_of(choice: ModelChoice, cell: Cell, inputs: "CellInputs", features: Features) -> Context:
    """Return what a model may know in a cell; its searched and bagged variants have the same seed."""
    return Context(
        seed=seed_for(inputs.seed, inputs.task.type, cell.repeat, choice.spec.name, cell.fold, cell.seed),
        threads=inputs.threads,
        zoo=inputs.zoo,
        features=features,
        prediction=inputs.task.prediction,
        classes=inputs.dataset.classes,
        forecasting=inputs.dataset.forecasting,
        recommending=inputs.dataset.recommending,
        remember=inputs.memory,
    )


def fit_choice(choice: ModelChoice, cell: Cell, inputs: "CellInputs", context: Context, rows: Rows) -> Fitted:
    """Fit what a choice means.

    Parameters
    ----------
    choice : ModelChoice
    cell : Cell
        Whose repeat, fold and seed are meant.
    inputs : CellInputs
    context : Context
        That of `context_of`.
    rows : Rows
        Of the cell's training part.
    """
    if choice.members:
        return _fit_ensemble(choice, cell, inputs, context, rows)
    share = SHARE_FOR_SEARCH / 2 if choice.bag else SHARE_FOR_SEARCH
    params, found, seconds = _searched(choice, cell, inputs, context, share * inputs.cell_seconds)
    settled = replace(choice, params=params)
    model = _fit_bag(settled, context, rows, context.seed)[0] if choice.bag else _fit_once(settled, context, rows)
    return Fitted(model=model, found=found, search_seconds=seconds)


def go_on(choice: ModelChoice, made: Fitted, context: Context, rows: Rows) -> None:
    """Let a fitted forecaster observe later history; one that cannot is fitted anew, and a warning says so."""
    observe = getattr(made.model, "observe", None)
    if observe is not None:
        observe(rows.X, rows.y)
        return
    warnings.warn(f"{choice.name} cannot go on from later history without a fit, and was fitted anew.", stacklevel=2)
    made.model.fit(rows.X, rows.y)


def fit_plainly(choice: ModelChoice, context: Context, rows: Rows) -> Model:
    """Fit everything that a choice may load, once and without search or folds: for its cold start, not its scores."""
    if not choice.members:
        return _fit_once(choice, context, rows)
    fitted: list[Model] = []
    left_out: dict[str, str] = {}
    for member in choice.members:
        try:
            fitted.append(_fit_once(member, context, rows))
        except DiskError:
            raise
        except Exception as error:
            left_out[member.name] = failed(error)
    if not fitted:
        raise nothing_left(left_out)
    return _mean(fitted, [1 / len(fitted)] * len(fitted), context, rows)


def _fit_once(choice: ModelChoice, context: Context, rows: Rows) -> Model:
    model = choice.spec.build(choice.params, context)
    model.fit(rows.X, rows.y)
    return model


def bag_folds(y: NDArray[Any], folds: int, seed: int, context: Context, rows: Rows) -> Folds:
    """Return the folds of a bag, of which each copy goes without one.

    Classes are spread evenly, however rare; groups stay whole; rows in the order of time are parted into stretches.
    """
    from sklearn.model_selection import StratifiedKFold

    if rows.time is not None:
        order = np.argsort(rows.time, kind="stable")
        return [(np.setdiff1d(order, left_out), left_out) for left_out in np.array_split(order, min(folds, len(y)))]
    stratified = context.prediction == "probability"
    if stratified and rows.groups is None and np.unique(y, return_counts=True)[1].max() >= folds:
        with warnings.catch_warnings():
            # A class with fewer members than folds is left out of none, or of some.
            warnings.simplefilter("ignore", UserWarning)
            return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y))
    return inner_folds(y, seed, stratified=stratified, groups=rows.groups, folds=folds)


def _searched(
    choice: ModelChoice, cell: Cell, inputs: "CellInputs", context: Context, seconds: float
) -> tuple[Any, dict[str, Any], float]:
    """Return the parameters of a model, what a search for them found, and how long that took."""
    if not choice.tuned:
        return choice.params, {}, 0.0
    started = time.perf_counter()
    params, search = tuned_params(cell, choice, context, inputs, seconds)
    return params, {"search": search}, time.perf_counter() - started


def _fit_bag(
    choice: ModelChoice, context: Context, rows: Rows, seed: int, until: float = math.inf
) -> tuple[Mean, NDArray[np.float64]]:
    """Return a bag of fitted copies, and what they say of rows that they were not fitted on; NaN for other rows.

    Parameters
    ----------
    choice : ModelChoice
    context : Context
    rows : Rows
    seed : int
        Of the folds, which members of an ensemble share.
    until : float
        See `bench.bagging.in_time`.
    """

    def make(seed: int) -> Model:
        return choice.spec.build(choice.params, replace(context, seed=seed))

    def folds(y: NDArray[Any]) -> Folds:
        return bag_folds(y, choice.bag, seed, context, rows)

    bag = Bag(make, folds, context.seed, context.prediction, until).fit(rows.X, rows.y)
    assert bag.mean is not None
    return bag.mean, bag.out_of_fold


def _forward_answers(choice: ModelChoice, context: Context, rows: Rows, until: float) -> NDArray[np.float64]:
    """Return what copies that know earlier rows only say of later ones; NaN for the first rows."""

    def make(seed: int) -> Model:
        return choice.spec.build(choice.params, replace(context, seed=seed))

    stratified = context.prediction == "probability"
    folds = inner_folds(rows.y, context.seed, stratified=stratified, time=rows.time, folds=choice.bag)
    return fit_copies(make, rows.X, rows.y, in_time(folds, until), context.seed, context.prediction)[1]


def _fit_member(
    choice: ModelChoice, context: Context, rows: Rows, seed: int, until: float, dataset: Dataset
) -> tuple[Model, NDArray[np.floating]]:
    """Return a member of an ensemble, fitted, and what it says of rows that it was not fitted on; NaN for others."""

    def make(seed: int) -> Model:
        return choice.spec.build(choice.params, replace(context, seed=seed))

    said: NDArray[np.floating]
    if rows.inner is not None:
        said = inner_answers(make(context.seed), dataset, rows.inner)
        return _fit_once(choice, context, rows), said
    if context.forecasting is not None:
        windows = in_time(rows.windows, until)
        said = inner_forecasts(make, rows.X, rows.y, windows, context.seed, context.forecasting)
        return _fit_once(choice, context, rows), said
    bag, said = _fit_bag(choice, context, rows, seed, until)
    return bag, said if rows.time is None else _forward_answers(choice, context, rows, until)


def _fit_ensemble(choice: ModelChoice, cell: Cell, inputs: "CellInputs", context: Context, rows: Rows) -> Fitted:
    split, dataset = inputs.split(cell.repeat, cell.fold), inputs.dataset
    if context.forecasting is not None:
        rows = replace(rows, windows=inner_windows(dataset, split.fitted))
    if context.recommending is not None:
        rows = replace(rows, inner=few_asked(dataset, inner_splits(dataset, split, context.seed, stratified=False)[0]))
    bags: dict[str, Model] = {}
    answers: list[NDArray[np.floating]] = []
    left_out: dict[str, str] = {}
    stopped: list[str] = []
    searching, begun = 0.0, time.monotonic()
    for number, member in enumerate(choice.members):
        seconds = begun + SHARE_FOR_MEMBERS * inputs.cell_seconds - time.monotonic()
        if bags and seconds <= 0:
            left_out[member.name] = LATE
            continue
        own = context_of(member, cell, inputs, context.features)
        share = max(0.0, SHARE_FOR_SEARCH * seconds / (len(choice.members) - number))
        # A slow member must not cost the others their row.
        until = begun + SHARE_FOR_COPIES * inputs.cell_seconds if bags else math.inf
        try:
            params, found, searched = _searched(member, cell, inputs, own, share)
            searching += searched
            settled = replace(member, params=params, bag=choice.bag)
            bags[member.name], said = _fit_member(settled, own, rows, context.seed, until, dataset)
            answers.append(said)
            stopped += [member.name] if found.get("search", {}).get("stopped_by_clock") else []
        except DiskError:
            raise
        except Exception as error:
            left_out[member.name] = LATE if isinstance(error, OvertimeError) else failed(error)
    say_what_was_left_out(left_out, len(choice.members))
    weights = _weights(answers, rows, cell, inputs)
    kept = {name: weight for name, weight in zip(bags, weights, strict=True) if weight > 0}
    model = _mean([bags[name] for name in kept], list(kept.values()), context, rows)
    told: dict[str, Any] = {"weights": kept, "left_out": left_out}
    return Fitted(model=model, found=told | ({STOPPED: stopped} if stopped else {}), search_seconds=searching)


def _weights(answers: list[NDArray[np.floating]], rows: Rows, cell: Cell, inputs: "CellInputs") -> NDArray[np.float64]:
    metric, y = metrics.metric(inputs.task.metrics[0]), rows.y
    sign = 1.0 if metric.greater_is_better else -1.0
    if rows.inner is not None:
        asking, wanted = inputs_of(inputs.dataset, rows.inner), truth_of(inputs.dataset, rows.inner)
        return greedy_weights(answers, y, lambda _, p: sign * metric.score(wanted, lists_of(scores_in(p), asking)))
    if rows.windows:
        train = inputs.split(cell.repeat, cell.fold).fitted
        held = [(out, held_of(inputs.dataset, train[fit], train[out])) for fit, out in rows.windows]
        # The mean over windows, as of a cell's windows outside.
        return greedy_weights(
            answers, y, lambda y, p: sign * float(np.mean([metric.score(truth, p[out]) for out, truth in held]))
        )
    known = np.isfinite(answers[0].reshape(len(y), -1)).all(axis=1)
    return greedy_weights([said[known] for said in answers], y[known], lambda y, p: sign * metric.score(y, p))


def _mean(models: Sequence[Model], weights: Sequence[float], context: Context, rows: Rows) -> Model:
    if context.recommending is not None:
        return WeightedScores(models, weights)
    if context.forecasting is not None:
        return Blend(models, weights, context.forecasting)
    classes = np.unique(rows.y).astype(np.intp) if context.prediction == "probability" else np.empty(0, np.intp)
    return Mean(models, weights, context.prediction, classes)
