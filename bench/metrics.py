"""Scores of a prediction, as free functions on arrays.

A metric knows nothing of models or tasks. Classification metrics take class codes and one probability per class, with
columns in code order; a class that is absent from the test part still has its column. Metrics of values take true and
predicted numbers, shape (n,) each. Metrics of forecasts stand in `bench.forecast_metrics`, of lists of items in
`bench.ranking.metrics`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import forecast_metrics
from bench.errors import ConfigError, did_you_mean
from bench.panel import Held
from bench.ranking import metrics as ranking_metrics
from bench.ranking.held import Relevant
from bench.types import Prediction

Codes = NDArray[np.integer]
Probabilities = NDArray[np.floating]
Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A named score."""

    name: str
    label: str
    """What tables print."""
    score: Callable[[Any, Any], float]
    """Takes what is true, and what was predicted: of forecasts a `bench.panel.Held`, of lists a
    `bench.ranking.held.Relevant`, else an array."""
    greater_is_better: bool
    prediction: Prediction = "probability"
    """What it scores."""
    in_points: bool = True
    """Whether it is printed in hundredths: shares, areas and what else ends at one. Others have units of their own."""
    decimals: int | None = None
    """Of what is not in points; None for four significant digits."""
    is_share: bool = False
    """Whether it is a share of the items, whose variance follows from its size."""
    best: float | None = None
    """Value at which it is best, where neither more nor less is better; it then decides nothing."""
    descriptive: bool = False
    """Whether neither more nor less of it is better by itself, nor any value between; it then decides nothing."""
    least: float = -math.inf
    """Value below which there is none, where estimates could come out lower."""
    optional: bool = False
    """Whether true values or what is asked for may leave it undefined: a record then lacks it."""

    @property
    def heading(self) -> str:
        """What stands over a column of it: its label, and where it is best if that is neither end."""
        if self.best is None:
            return self.label
        return f"{self.label} (best {100 * self.best if self.in_points else self.best:g})"


def accuracy(y: Codes, p: Probabilities) -> float:
    """Return the share of items whose most probable class is the true one.

    Examples
    --------
    >>> accuracy(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    0.5
    """
    return float(np.mean(p.argmax(axis=1) == y))


def macro_f1(y: Codes, p: Probabilities) -> float:
    """Return the unweighted mean of F1 over the classes that occur in ``y`` or are predicted.

    Examples
    --------
    >>> macro_f1(np.array([0, 1, 1]), np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])).__round__(3)
    0.667
    """
    right, true, predicted = _counts(y, p)
    occurs = true + predicted > 0
    return float((2 * right[occurs] / (true + predicted)[occurs]).mean())


def balanced_accuracy(y: Codes, p: Probabilities) -> float:
    """Return the mean recall over the classes that occur in ``y``.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    0.75
    """
    right, true, _ = _counts(y, p)
    return float((right[true > 0] / true[true > 0]).mean())


def log_loss(y: Codes, p: Probabilities) -> float:
    """Return the mean negative log probability of the true class, in nats.

    Probabilities are clipped at 1e-15, so one confident mistake costs at most 34.5.
    """
    return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1.0)).mean())


def brier(y: Codes, p: Probabilities) -> float:
    """Return the mean squared distance of the probabilities to the truth, summed over classes: 0 to 2 (Brier 1950).

    Examples
    --------
    >>> brier(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    1.0
    """
    # |p - onehot|² without the matrix of zeros and ones.
    squares = np.square(np.asarray(p, np.float64)).sum(axis=1)
    return float((squares - 2 * p[np.arange(len(y)), y] + 1).mean())


def roc_auc(y: Codes, p: Probabilities) -> float:
    """Return the area under the ROC curve; of three classes or more the mean over classes, each against the rest.

    The mean is over the classes that occur in ``y``; NaN where only one does.

    Examples
    --------
    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]))
    0.75
    """
    from scipy.stats import rankdata

    areas = []
    for code in np.unique(y) if p.shape[1] > 2 else [1]:
        true = y == code
        hits, misses = int(true.sum()), int((~true).sum())
        if not hits or not misses:
            return float("nan")
        areas.append((rankdata(p[:, code])[true].sum() - hits * (hits + 1) / 2) / (hits * misses))
    return float(np.mean(areas))


def mcc(y: Codes, p: Probabilities) -> float:
    """Return the correlation of predicted and true classes (Matthews 1975; Gorodkin 2004); 0 where there is none."""
    right, true, predicted = (counts.astype(float) for counts in _counts(y, p))
    n = true.sum()
    spread = (n**2 - (predicted**2).sum()) * (n**2 - (true**2).sum())
    return float((right.sum() * n - (true * predicted).sum()) / np.sqrt(spread)) if spread > 0 else 0.0


def rmse(y: Floats, predicted: Floats) -> float:
    """Return the root of the mean squared error, in the units of the target.

    Examples
    --------
    >>> rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])).__round__(3)
    1.414
    """
    return float(np.sqrt(np.mean(np.square(y - predicted))))


def mae(y: Floats, predicted: Floats) -> float:
    """Return the mean absolute error, in the units of the target.

    Examples
    --------
    >>> mae(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    1.0
    """
    return float(np.mean(np.abs(y - predicted)))


def r2(y: Floats, predicted: Floats) -> float:
    """Return the share of the variance of the test part that is explained; negative where its mean predicts better.

    As scikit-learn has it: NaN for a single row; where all targets are equal 1 for the exact value, and 0 else.

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    if len(y) < 2:
        return float("nan")
    errors, spread = float(np.sum(np.square(y - predicted))), float(np.sum(np.square(y - np.mean(y))))
    if not spread:
        return float(not errors)
    return 1 - errors / spread


def _counts(y: Codes, p: Probabilities) -> tuple[Codes, Codes, Codes]:
    """Return how often each class was predicted right, is true, and was predicted."""
    # scikit-learn's own functions take three milliseconds to look at their arguments, in every cell.
    predicted, classes = p.argmax(axis=1), p.shape[1]
    right, true, said = (np.bincount(codes, minlength=classes) for codes in (y[predicted == y], y, predicted))
    return right, true, said


def _of_forecasts() -> tuple[Metric, ...]:
    """Return the metrics of forecasts; a series of constants, say, leaves some of them undefined."""

    def error(name: str, score: Callable[[Held, Floats], float], label: str, **changes: Any) -> Metric:
        values: dict[str, Any] = {"greater_is_better": False, "in_points": False, "optional": True, **changes}
        return Metric(name=name, score=score, label=label, prediction="quantiles", **values)

    own = forecast_metrics
    return (
        error("mase", own.mase, "MASE"),
        error("rmsse", own.rmsse, "RMSSE"),
        error("wape", own.wape, "WAPE"),
        error("smape", own.smape, "sMAPE (0 to 1)"),
        error("wql", own.wql, "WQL"),
        error("sql", own.sql, "SQL"),
        error("coverage_80", own.coverage_80, "coverage of 80 % intervals", greater_is_better=True, in_points=True,
              best=0.8),
        error("width_80", own.width_80, "their scaled width"),
        error("bias", own.bias, "scaled bias", decimals=3, best=0.0),
    )  # fmt: skip


def _of_rankings() -> tuple[Metric, ...]:
    """Return the metrics of lists of items: what hits say, what lists are like, and of whom or what no model knew."""

    def made(name: str, label: str, score: Callable[..., float] | None = None, **changes: Any) -> Metric:
        values: dict[str, Any] = {"greater_is_better": True, "least": 0.0, **changes}
        score = score or partial(ranking_metrics.mean_over_users, name=name)
        return Metric(name=name, score=score, label=label, prediction="ranking", **values)

    told: dict[str, Any] = {"descriptive": True, "optional": True}
    return (
        made("ndcg", "NDCG"),
        made("recall", "recall"),
        made("recall_min", "recall (min)"),
        made("precision", "precision"),
        made("map", "MAP"),
        made("mrr", "MRR"),
        made("hit_rate", "hit rate"),
        made("ndcg_cold_users", "NDCG of cold users", optional=True),
        made("ndcg_cold_items", "NDCG among cold items", optional=True),
        made("ndcg_sampled", "NDCG among sampled items (diagnostic)", **told),
        made("coverage", "coverage", ranking_metrics.coverage, **told),
        made("novelty", "novelty (bits)", in_points=False, decimals=2, **told),
        made("popularity", "popularity", **told),
        made("lift", "popularity lift", ranking_metrics.lift, in_points=False, decimals=2, least=-1.0, **told),
        made("gini", "Gini index", ranking_metrics.gini, in_points=False, decimals=3, **told),
        made("diversity", "diversity", **told),
    )


_METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="accuracy", label="accuracy", score=accuracy, greater_is_better=True, is_share=True),
        Metric(name="macro_f1", label="macro F1", score=macro_f1, greater_is_better=True),
        Metric(name="balanced_accuracy", label="balanced accuracy", score=balanced_accuracy, greater_is_better=True),
        Metric(name="roc_auc", label="ROC AUC", score=roc_auc, greater_is_better=True),
        Metric(name="mcc", label="MCC", score=mcc, greater_is_better=True),
        Metric(name="brier", label="Brier score", score=brier, greater_is_better=False, in_points=False, decimals=4),
        Metric(name="log_loss", label="log loss", score=log_loss, greater_is_better=False, in_points=False, decimals=4),
        Metric(name="rmse", label="RMSE", score=rmse, greater_is_better=False, prediction="value", in_points=False),
        Metric(name="mae", label="MAE", score=mae, greater_is_better=False, prediction="value", in_points=False),
        Metric(
            name="r2", label="R²", score=r2, greater_is_better=True, prediction="value", in_points=False, decimals=3
        ),
        *_of_forecasts(),
        *_of_rankings(),
    )
}


def metric(name: str, prediction: Prediction | None = None) -> Metric:
    """Return a metric by name.

    Parameters
    ----------
    name : str
    prediction : str, optional
        What is to be scored.

    Raises
    ------
    ConfigError
        If there is no such metric, with the nearest name, or if it scores another kind of prediction.
    """
    if name not in _METRICS:
        raise ConfigError(f"Unknown metric {name!r}. {did_you_mean(name, _METRICS)}")
    found = _METRICS[name]
    if prediction not in (None, found.prediction):
        fitting = ", ".join(other.name for other in _METRICS.values() if other.prediction == prediction)
        raise ConfigError(
            f"The metric {name!r} scores a {found.prediction}, and the task predicts a {prediction}. "
            f"Metrics for it: {fitting or 'none'}."
        )
    return found


def deciding(name: str, prediction: Prediction | None = None) -> Metric:
    """Return a metric that models can be told apart by.

    Raises
    ------
    ConfigError
        As `metric`, and for one that is best at a value between others, or describes only.
    """
    found = metric(name, prediction)
    if found.descriptive:
        raise ConfigError(f"The metric {name!r} describes lists: neither more nor less of it is better by itself.")
    if found.best is not None:
        raise ConfigError(f"The metric {name!r} is best at {found.best:g}, so it cannot say which of two is better.")
    return found


def required(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of scores that every sound prediction has: what decides, and what is always defined."""
    return tuple(name for place, name in enumerate(names) if not place or not metric(name).optional)


def scores(names: Sequence[str], y: NDArray[Any] | Held | Relevant, predicted: NDArray[Any]) -> dict[str, float]:
    """Return the named scores of one prediction, in the given order; without optional ones that are undefined."""
    found = {name: metric(name).score(y, predicted) for name in names}
    return {name: score for name, score in found.items() if name in required(names) or not np.isnan(score)}
