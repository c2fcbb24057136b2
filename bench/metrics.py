"""Scores of a prediction, as free functions on arrays.

A metric knows nothing of models or tasks. Classification metrics take class codes and one probability per class, with
columns in code order; a class that is absent from the test part still has its column.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError, did_you_mean

Codes = NDArray[np.integer]
Probabilities = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A named score."""

    name: str
    label: str
    """What tables print."""
    score: Callable[[Codes, Probabilities], float]
    greater_is_better: bool
    is_share: bool = False
    """Whether it is a share of the items, whose variance follows from its size."""


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


def _counts(y: Codes, p: Probabilities) -> tuple[Codes, Codes, Codes]:
    """Return how often each class was predicted right, is true, and was predicted."""
    # scikit-learn's own functions take three milliseconds to look at their arguments, in every cell.
    predicted, classes = p.argmax(axis=1), p.shape[1]
    right, true, said = (np.bincount(codes, minlength=classes) for codes in (y[predicted == y], y, predicted))
    return right, true, said


_METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="accuracy", label="accuracy", score=accuracy, greater_is_better=True, is_share=True),
        Metric(name="macro_f1", label="macro F1", score=macro_f1, greater_is_better=True),
        Metric(name="balanced_accuracy", label="balanced accuracy", score=balanced_accuracy, greater_is_better=True),
        Metric(name="roc_auc", label="ROC AUC", score=roc_auc, greater_is_better=True),
        Metric(name="mcc", label="MCC", score=mcc, greater_is_better=True),
        Metric(name="brier", label="Brier score", score=brier, greater_is_better=False),
        Metric(name="log_loss", label="log loss", score=log_loss, greater_is_better=False),
    )
}


def metric(name: str) -> Metric:
    """Return a metric by name, or raise `ConfigError` with the nearest name."""
    if name not in _METRICS:
        raise ConfigError(f"Unknown metric {name!r}. {did_you_mean(name, _METRICS)}")
    return _METRICS[name]


def scores(names: Sequence[str], y: Codes, p: Probabilities) -> dict[str, float]:
    """Return the named scores of one prediction, in the given order."""
    return {name: metric(name).score(y, p) for name in names}
