"""Bags: copies of a model, each fitted without one fold of the rows, and the mean of what they say.

Knows how a model is fitted and asked; no cell, no metric and no search.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.answers import Asked, ask, checked
from bench.errors import OvertimeError
from bench.types import Model, Prediction, seed_for

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Row numbers that are fitted, and those that are left out."""
Folds = Sequence[Fold]


@dataclass
class Mean:
    """A weighted mean of models that are fitted, with a column for every class from 0 on."""

    models: Sequence[Model]
    weights: Sequence[float]
    """Summing to one."""
    prediction: Prediction
    classes_: NDArray[np.intp]
    """Class codes in column order; empty for values."""

    def fit(self, X: Any, y: Any) -> Self:
        """Refuse: the models are fitted already."""
        raise TypeError("A mean of fitted models is not fitted again.")

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return values, shape (n,)."""
        return self._mean(X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return probabilities, shape (n, classes)."""
        return self._mean(X)[:, self.classes_]

    def _mean(self, X: Any) -> NDArray[np.float64]:
        columns = int(self.classes_.max(initial=-1)) + 1
        parts = zip(self.models, self.weights, strict=True)
        asked = Asked(prediction=self.prediction, classes=columns)
        said = (w * checked(ask(one, X, self.prediction), one, X, asked) for one, w in parts)
        # One after the other: a matrix for every model may be more than fits.
        total = next(said)
        for part in said:
            total += part
        return total


@dataclass
class Bag:
    """The mean of copies of a model, each without one fold of the training rows."""

    make: Callable[[int], Model]
    """Takes a seed, and returns a model that is not fitted."""
    folds: Callable[[NDArray[Any]], Folds]
    """Takes targets, and returns the folds of their rows."""
    seed: int
    prediction: Prediction
    until: float = math.inf
    """On the monotonic clock: no copy is begun where the last one would end later; see `in_time`."""
    mean: Mean | None = None
    out_of_fold: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """What is said of each training row by the copies without it, NaN where every copy has it; see `fit_copies`."""

    @property
    def classes_(self) -> NDArray[np.intp]:
        """Class codes in column order."""
        return self._fitted.classes_

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit a copy without each fold."""
        copies, self.out_of_fold = fit_copies(
            self.make, X, y, in_time(self.folds(y), self.until), self.seed, self.prediction
        )
        classes = np.unique(y).astype(np.intp) if self.prediction == "probability" else np.empty(0, np.intp)
        self.mean = Mean(copies, [1 / len(copies)] * len(copies), self.prediction, classes)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return values, shape (n,)."""
        return self._fitted.predict(X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return probabilities, shape (n, classes)."""
        return self._fitted.predict_proba(X)

    @property
    def _fitted(self) -> Mean:
        if self.mean is None:
            raise TypeError("The bag is not fitted.")
        return self.mean


def in_time(folds: Folds, until: float) -> Iterator[Fold]:
    """Give folds one by one, as long as the last one will be done by then if each takes the mean of those before.

    Parameters
    ----------
    folds : sequence of (rows to fit, rows to leave out)
    until : float
        On the monotonic clock; infinite gives them all.

    Raises
    ------
    OvertimeError
        Where the next one should not be begun; the first one always is.
    """
    begun = time.monotonic()
    for done, fold in enumerate(folds):
        now = time.monotonic()
        if done and now + (now - begun) / done * (len(folds) - done) > until:
            raise OvertimeError(f"Its copies would not end in time: {done} of {len(folds)} were fitted.")
        yield fold


def fit_copies(
    make: Callable[[int], Model], X: Any, y: NDArray[Any], folds: Iterable[Fold], seed: int, prediction: Prediction
) -> tuple[list[Model], NDArray[np.float64]]:
    """Fit a copy of a model without each fold, and ask it about that fold.

    Parameters
    ----------
    make : callable
        Takes a seed, of which each copy has its own, and returns a model that is not fitted.
    X : DataFrame or Series, n rows
    y : array, shape (n,)
    folds : iterable of (rows to fit, rows to leave out)
    seed : int
    prediction : str

    Returns
    -------
    copies : list of Model
    answers : array, shape (n, classes) or (n,)
        For each row by the copy that it was left out of; NaN for a row that none leaves out, as the first ones in the
        order of time. Columns are the class codes from 0 to the largest in ``y``.
    """
    columns = int(y.max()) + 1 if prediction == "probability" else 0
    asked = Asked(prediction=prediction, classes=columns)
    answers = np.full((len(y), columns) if columns else len(y), np.nan)
    copies = []
    for number, (rows, left_out) in enumerate(folds):
        copy = make(seed_for(seed, "copy", number))
        copy.fit(X.iloc[rows].reset_index(drop=True), y[rows])
        rest = X.iloc[left_out].reset_index(drop=True)
        answers[left_out] = checked(ask(copy, rest, prediction), copy, rest, asked)
        copies.append(copy)
    return copies, answers
