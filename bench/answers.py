"""What a model is asked, by the kind of prediction, and whether its answer is sound.

Probabilities come back with a column for every class of the data set, values as a vector, forecasts with a column for
the point and one for each quantile level. Knows nothing of cells, metrics or the disk, so that checks for authors of
models ask as the harness does.
"""

from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError, ModelError
from bench.panel import SERIES, TIME, Forecasting
from bench.ranking.top import rank
from bench.types import Classifier, Context, Dataset, Forecaster, Model, Prediction, Regressor

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the models of a task are asked for."""

    prediction: Prediction
    classes: int = 0
    """Classes of the data set; 0 where there are none."""
    forecasting: Forecasting | None = None

    @classmethod
    def of(cls, dataset: Dataset, prediction: Prediction) -> Self:
        """Return what is asked about a data set."""
        return cls(prediction=prediction, classes=len(dataset.classes), forecasting=dataset.forecasting)

    @classmethod
    def within(cls, context: Context, classes: int = 0) -> Self:
        """Return what is asked of models with such a context."""
        return cls(prediction=context.prediction, classes=classes, forecasting=context.forecasting)


def ask(model: Model, X: Any, prediction: Prediction) -> Any:
    """Return what a fitted model says of the rows ``X``, unchecked."""
    match prediction:
        case "probability":
            return cast(Classifier, model).predict_proba(X)
        case "value":
            return cast(Regressor, model).predict(X)
        case "quantiles":
            return cast(Forecaster, model).predict(X)
        case "ranking":
            return rank(model, X)
        case _:
            raise BenchError(f"No model can be asked for a {prediction}.")


def checked(raw: Any, model: Model, X: Any, asked: Asked) -> NDArray[Any]:
    """Return an answer of `ask` as floats in the form in which it is kept and scored.

    Parameters
    ----------
    raw : array-like or DataFrame
    model : Model
        That gave the answer.
    X : DataFrame or Series, n rows
        What it was asked about.
    asked : Asked

    Returns
    -------
    array, shape (n, classes) for probabilities, (n,) for values, (n, 1 + levels) for forecasts: the point first;
    item codes of shape (users, lists * k) for lists

    Raises
    ------
    ModelError
        If the answer breaks the contract.
    """
    match asked.prediction:
        case "value":
            return checked_values(raw, len(X))
        case "quantiles":
            assert asked.forecasting is not None
            found = _forecasts(raw, X, asked.forecasting)
            return np.column_stack([found[:, 0], np.sort(found[:, 1:], axis=1)])
        case "ranking":
            # Made by the harness itself, from scores that it checked.
            return np.asarray(raw)
        case _:
            return checked_probabilities(raw, np.asarray(cast(Classifier, model).classes_), len(X), asked.classes)


def kept(answer: NDArray[Any], prediction: Prediction) -> NDArray[Any]:
    """Return an answer in the precision in which it is kept.

    Values and forecasts stay as they are: half of a float's digits are lost where targets are large and lie close
    together.
    """
    return answer.astype(np.float32) if prediction == "probability" else answer


def crossed(raw: Any, asked: Forecasting) -> int:
    """Return how many rows of a sound forecast have a quantile above that of a higher level."""
    quantiles = raw[list(asked.columns[1:])].to_numpy(np.float64)
    return int((np.diff(quantiles, axis=1) < 0).any(axis=1).sum())


def _forecasts(raw: Any, X: pd.DataFrame, asked: Forecasting) -> NDArray[np.float64]:
    """Return a model's forecasts in the order of the rows that it was asked about.

    Raises
    ------
    ModelError
        If it is no data frame, a column or a row is missing, a series or a time stamp was not asked for, or a number is
        none.
    """
    if not isinstance(raw, pd.DataFrame):
        raise ModelError(f"The model returned a {type(raw).__name__}, not a data frame of forecasts.")
    if missing := [name for name in (SERIES, TIME, *asked.columns) if name not in raw.columns]:
        raise ModelError(f"The model's forecasts have no column {missing[0]!r}. Columns: {', '.join(raw.columns)}.")
    wanted, given = (pd.MultiIndex.from_arrays([one[SERIES].astype(str), one[TIME]]) for one in (X, raw))
    if twice := int(given.duplicated().sum()):
        raise ModelError(f"The model returned {twice} forecasts of a step that it had forecast already.")
    place = given.get_indexer(wanted)
    if (absent := int((place < 0).sum())) or len(given) != len(wanted):
        strange = len(given) - (len(wanted) - absent)
        raise ModelError(
            f"The model returned no forecast for {absent} of {len(wanted)} steps, and {strange} for others than those "
            "that were asked for."
        )
    try:
        values = raw[list(asked.columns)].to_numpy(np.float64)[place]
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model returned forecasts that are no numbers ({error}).") from error
    if bad := int((~np.isfinite(values)).any(axis=1).sum()):
        raise ModelError(f"The model returned NaN or infinite forecasts for {bad} of {len(X)} steps.")
    return values


def checked_values(raw: Any, rows: int) -> NDArray[np.float64]:
    """Return a model's values, shape (rows,); a single column is taken for a vector.

    Raises
    ------
    ModelError
        If the shape is wrong, or a value is no finite number.
    """
    try:
        values = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model returned values that are no numbers ({error}).") from error
    if values.shape == (rows, 1):
        values = values[:, 0]
    if values.shape != (rows,):
        raise ModelError(f"The model returned values of shape {values.shape}, not {(rows,)}.")
    if bad := int((~np.isfinite(values)).sum()):
        raise ModelError(f"The model returned NaN or infinite values for {bad} of {rows} rows.")
    return values


def checked_probabilities(raw: Any, classes: NDArray[Any], rows: int, n_classes: int) -> NDArray[np.float64]:
    """Return a model's probabilities with one column for every class of the data set.

    Parameters
    ----------
    raw : array-like, shape (rows, len(classes))
    classes : array, shape (n,)
        Class code of each column.
    rows : int
        Items that were to be predicted.
    n_classes : int
        Classes of the data set; one that the training part lacks gets probability 0.

    Raises
    ------
    ModelError
        If the shape is wrong, a value is not a probability, or a row does not sum to one.
    """
    values = np.asarray(raw, dtype=np.float64)
    if values.shape != (rows, len(classes)):
        raise ModelError(f"The model returned probabilities of shape {values.shape}, not {(rows, len(classes))}.")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=1).sum())
        raise ModelError(f"The model returned NaN or infinite probabilities for {bad} of {rows} rows.")
    if values.min(initial=0.0) < -1e-9 or values.max(initial=0.0) > 1 + SUM_TOLERANCE:
        raise ModelError(f"The model returned probabilities from {values.min():.3g} to {values.max():.3g}.")
    off = np.abs(values.sum(axis=1) - 1)
    if off.max(initial=0.0) > SUM_TOLERANCE:
        raise ModelError(
            f"The model's probabilities do not sum to one: {int((off > SUM_TOLERANCE).sum())} of {rows} rows."
        )
    codes = classes.astype(int)
    if len(np.unique(codes)) < len(codes) or codes.min(initial=0) < 0 or codes.max(initial=0) >= n_classes:
        raise ModelError(f"The model's classes_ are {codes.tolist()}, not different codes from 0 to {n_classes - 1}.")
    full = np.zeros((rows, n_classes))
    full[:, codes] = values
    return full
