"""What a model is asked, by the kind of prediction, and whether its answer is sound.

Probabilities come back with a column for every class of the data set, values as a vector. Knows nothing of cells,
metrics or the disk, so that checks for authors of models ask as the harness does.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, ModelError
from bench.types import Classifier, Model, Prediction, Regressor

SUM_TOLERANCE = 1e-3


def ask(model: Model, X: Any, prediction: Prediction) -> Any:
    """Return what a fitted model says of the rows ``X``, unchecked."""
    match prediction:
        case "probability":
            return cast(Classifier, model).predict_proba(X)
        case "value":
            return cast(Regressor, model).predict(X)
        case _:
            raise BenchError(f"No model can be asked for a {prediction} yet. Known: probability, value.")


def checked(raw: Any, model: Model, rows: int, n_classes: int, prediction: Prediction) -> NDArray[np.float64]:
    """Return an answer of `ask` as floats in the form in which it is kept and scored.

    Parameters
    ----------
    raw : array-like
    model : Model
        That gave the answer.
    rows : int
        Items that were to be predicted.
    n_classes : int
        Classes of the data set; 0 for values.
    prediction : str

    Returns
    -------
    array, shape (rows, n_classes) for probabilities, (rows,) for values

    Raises
    ------
    ModelError
        If the answer breaks the contract.
    """
    if prediction == "value":
        return checked_values(raw, rows)
    return checked_probabilities(raw, np.asarray(cast(Classifier, model).classes_), rows, n_classes)


def kept(answer: NDArray[np.float64]) -> NDArray[Any]:
    """Return an answer in the precision in which it is kept.

    Values stay as they are: half of a float's digits are lost where targets are large and lie close together.
    """
    return answer if answer.ndim == 1 else answer.astype(np.float32)


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
