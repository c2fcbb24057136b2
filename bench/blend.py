"""Forecasts of several models as one, and what a model says of inner windows of its training part.

The counterpart of `bench.bagging` for panels: a model is fitted once on all history, and its weight follows from
forecasts of earlier origins. Knows how a forecaster is fitted and asked; no cell and no search.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.answers import Asked, ask, checked
from bench.bagging import Fold
from bench.panel import Forecasting, frame_of, without_past
from bench.types import Forecaster, Model, seed_for


@dataclass
class Blend:
    """A weighted mean of forecasters that are fitted: of their points, and of their quantiles level by level."""

    models: Sequence[Model]
    weights: Sequence[float]
    """Summing to one."""
    forecasting: Forecasting

    @property
    def fallbacks_(self) -> int:
        """The most series that one of them answered for by something simpler."""
        return max(int(getattr(model, "fallbacks_", 0)) for model in self.models)

    def fit(self, X: Any, y: Any) -> Self:
        """Refuse: the models are fitted already."""
        raise TypeError("A blend of fitted models is not fitted again.")

    def observe(self, X: pd.DataFrame, y: NDArray[np.floating]) -> None:
        """Take in later history; a model that cannot go on is fitted anew."""
        for model in self.models:
            getattr(model, "observe", model.fit)(X, y)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the forecasts; see `bench.types.Forecaster`."""
        parts = zip(self.models, self.weights, strict=True)
        total = np.zeros((len(X), len(self.forecasting.columns)))
        for model, weight in parts:
            total += weight * answer_of(model, X, self.forecasting)
        return frame_of(X, total, self.forecasting)


def answer_of(model: Model, X: pd.DataFrame, forecasting: Forecasting) -> NDArray[np.float64]:
    """Return sound forecasts of the rows ``X``, shape (n, 1 + levels): see `bench.answers.checked`."""
    raw = ask(cast(Forecaster, model), X, "quantiles")
    return checked(raw, model, X, Asked(prediction="quantiles", forecasting=forecasting))


def inner_forecasts(
    make: Callable[[int], Model],
    X: pd.DataFrame,
    y: NDArray[np.floating],
    windows: Iterable[Fold],
    seed: int,
    forecasting: Forecasting,
) -> NDArray[np.float64]:
    """Return what copies of a model say of the rows that inner windows hold out, knowing what lies before them.

    Parameters
    ----------
    make : callable
        Takes a seed, and returns a model that is not fitted.
    X : DataFrame, n rows
        A panel.
    y : array, shape (n,)
    windows : iterable of (rows to fit, rows to forecast)
    seed : int
    forecasting : Forecasting

    Returns
    -------
    array, shape (n, 1 + levels)
        NaN where no window holds a row out.
    """
    answers = np.full((len(y), len(forecasting.columns)), np.nan)
    for number, (rows, held) in enumerate(windows):
        copy = make(seed_for(seed, "copy", number))
        copy.fit(X.iloc[rows].reset_index(drop=True), y[rows])
        tested = without_past(X.iloc[held].reset_index(drop=True), forecasting)
        answers[held] = answer_of(copy, tested, forecasting)
    return answers
