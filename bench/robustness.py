"""What small changes of the inputs do to a fitted model, by predicting again and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.answers import Asked, ask, checked
from bench.cell import CellInputs
from bench.item_errors import score_by_item
from bench.ranking.metrics import by_user
from bench.stats.bootstrap import item_variance
from bench.stats.churn import ranking_churn
from bench.tested import Items, few_asked, inputs_of, take, truth_of
from bench.types import Model, Robustness

FEW_ITEMS = 20
"""That are asked about one by one."""


@dataclass(frozen=True)
class _Probed:
    """A fitted model on the first split of a run."""

    model: Model
    inputs: CellInputs

    @property
    def truth(self) -> Any:
        return truth_of(self.inputs.dataset, self.inputs.splits[0])

    def predict(self, X: Any) -> NDArray[Any]:
        kind = self.inputs.task.prediction
        return checked(ask(self.model, X, kind), self.model, X, Asked.of(self.inputs.dataset, kind))


def robustness_of(
    model: Model, tested: Any, items: Items, perturbed: Mapping[str, Any], inputs: CellInputs
) -> Robustness:
    """Return how far a fitted model is moved by changes that leave the truth alone, by the order, and by the batch.

    Parameters
    ----------
    model : Model
    tested : DataFrame, Series or Asking
        What it is asked about: that of the first split of the inputs.
    items : list of array
        Places of what is answered for together.
    perturbed : mapping
        By kind of change, the same inputs after it.
    inputs : CellInputs
    """
    probed, metric = _Probed(model, inputs), metrics.metric(inputs.task.metrics[0])
    truth, clean = probed.truth, probed.predict(tested)
    scale = _scales(inputs, len(tested), truth)
    shaken, errors = {}, {}
    for name, changed in perturbed.items():
        answer = probed.predict(changed)
        shaken[name] = (metric.score(truth, answer), _moved(clean, answer, scale, inputs))
        if inputs.task.prediction in ("value", "ranking"):
            errors[name] = _loss_error(clean, answer, truth, inputs)
    backwards = probed.predict(take(tested, np.arange(len(tested))[::-1]))[::-1]
    few = np.concatenate(items[:FEW_ITEMS])
    alone = np.concatenate([probed.predict(take(tested, item)) for item in items[:FEW_ITEMS]])
    return Robustness(
        items=len(items),
        clean=metric.score(truth, clean),
        perturbed=shaken,
        order=_farthest(clean, backwards, scale, inputs),
        batch=_farthest(clean[few], alone, scale[few], inputs),
        loss_error=errors or None,
    )


def scores_without_refit(model: Model, inputs: CellInputs) -> tuple[float, ...] | None:
    """Return what a recommender that was fitted for the first cut in time scores behind each later one.

    It is told what users did by then. Items that came later it cannot know.

    Parameters
    ----------
    model : Model
    inputs : CellInputs
        With all splits of the run.
    """
    ranking, metric = inputs.dataset.ranking, metrics.metric(inputs.task.metrics[0])
    if ranking is None or ranking.split != "global_time" or len(inputs.splits) < 2:
        return None
    later = [few_asked(inputs.dataset, split) for split in inputs.splits[1:]]
    probed = [_Probed(model, replace(inputs, splits=(split,))) for split in later]
    answers = [one.predict(inputs_of(inputs.dataset, split)) for one, split in zip(probed, later, strict=True)]
    return tuple(float(metric.score(one.truth, answer)) for one, answer in zip(probed, answers, strict=True))


def _moved(clean: NDArray[Any], answer: NDArray[Any], scale: NDArray[np.floating], inputs: CellInputs) -> float:
    """Return the share of answers that change, the mean absolute change of values, or how much of a list is another."""
    if inputs.task.prediction == "ranking":
        k = _width(inputs)
        return ranking_churn(np.stack([clean[:, :k], answer[:, :k]])).value
    if clean.ndim == 2:
        return float(np.mean(answer.argmax(axis=1) != clean.argmax(axis=1)))
    return float(np.mean(np.abs(answer - clean) / scale))


def _farthest(clean: NDArray[Any], answer: NDArray[Any], scale: NDArray[np.floating], inputs: CellInputs) -> float:
    """Return the largest change of an answer; of lists the share that is not the same."""
    if inputs.task.prediction == "ranking":
        return float((answer != clean).any(axis=1).mean())
    return float((np.abs(answer - clean).reshape(len(clean), -1).max(axis=1) / scale).max())


def _width(inputs: CellInputs) -> int:
    """Return how many items a list has."""
    assert inputs.dataset.ranking is not None
    return inputs.dataset.ranking.k


def _loss_error(before: NDArray[Any], after: NDArray[Any], truth: Any, inputs: CellInputs) -> float:
    """Return the standard error of a loss of score, items paired; NaN where the metric is no mean over items."""
    name = inputs.task.metrics[0]
    if inputs.task.prediction == "ranking":
        (one, counted), (other, _) = (by_user(truth, lists, name) for lists in (before, after))
        return float(np.sqrt(item_variance((one - other)[None, counted])))
    pair = [score_by_item(np.abs(answer - truth)[None], name) for answer in (before, after)]
    if pair[0] is None or pair[1] is None:
        return float("nan")
    return float(np.sqrt(item_variance(pair[0] - pair[1])))


def _scales(inputs: CellInputs, count: int, truth: Any) -> NDArray[np.float64]:
    """Return what a change of each row's prediction is measured by: of a forecast the scale of its series, if any.

    Series of a panel differ in size, and a change of a small one would be nothing beside the largest.
    """
    if inputs.dataset.classes or inputs.dataset.recommending is not None:
        return np.ones(count)
    usual = _scale(inputs.dataset.y)
    if inputs.dataset.forecasting is None:
        return np.full(count, usual)
    return np.asarray(np.where(truth.scale > 0, truth.scale, usual)[truth.series])


def _scale(y: NDArray[Any]) -> float:
    """Return the interquartile range of targets; where their middle half is one value, what else tells their size."""
    return float(np.subtract(*np.quantile(y, (0.75, 0.25))) or y.std() or 1.0)
