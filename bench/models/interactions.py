"""Interactions as models of recommendation take them: as a sparse matrix of users and items, and as time."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.ranking.asked import ITEM, TIME, USER, Queries, Recommending
from bench.types import Context, Dataset

Scores = NDArray[np.floating]
"""Of users and items, shape (n, items)."""
Known = NDArray[np.bool_]
"""Which items the training rows name, shape (items,)."""


def asked_of(context: Context) -> Recommending:
    """Return what is asked of recommenders; models of this task type are built with nothing else."""
    assert context.recommending is not None
    return context.recommending


def matrix_of(X: pd.DataFrame, y: Any, context: Context) -> Any:
    """Return interactions as a scipy.sparse.csr_array of weights in single precision, shape (users, items).

    Parameters
    ----------
    X : DataFrame, n rows
        Codes of users and items.
    y : array, shape (n,)
        What each interaction weighs; the weights of equal pairs are added.
    context : Context
    """
    from scipy.sparse import csr_array

    asked = asked_of(context)
    places = X[USER].to_numpy(np.int32), X[ITEM].to_numpy(np.int32)
    found = csr_array((np.asarray(y, dtype=np.float32), places), shape=(len(asked.users), len(asked.items)))
    found.sum_duplicates()
    return found


def counts_of(X: pd.DataFrame, context: Context, weights: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Return how many interactions each item has, or the sum of their weights, shape (items,)."""
    counts = np.bincount(X[ITEM].to_numpy(), weights=weights, minlength=len(asked_of(context).items))
    return counts.astype(np.float64)


def known_in(matrix: Any) -> Known:
    """Return which items a matrix of interactions names."""
    known: Known = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
    return known


def with_history(queries: Queries, known: Known) -> NDArray[np.bool_]:
    """Return which users had an item before that a model knows, shape (n,)."""
    so_far = np.r_[0, np.cumsum(known[queries.items])]
    told: NDArray[np.bool_] = np.diff(so_far[queries.starts]) > 0
    return told


def only_known(scores: Scores, queries: Queries, known: Known) -> Scores:
    """Set scores to minus infinity, in place, for users without a known item in their history and for unknown items.

    Parameters
    ----------
    scores : array, shape (n, items)
    queries : Queries
        The n users.
    known : array, shape (items,)
    """
    scores[~with_history(queries, known)] = -np.inf
    scores[:, ~known] = -np.inf
    return scores


def elapsed(X: pd.DataFrame) -> NDArray[np.float64]:
    """Return when each interaction was, from 0 for the first to 1 for the last.

    Parameters
    ----------
    X : DataFrame, n rows
        With time stamps: dates, or numbers of any unit.

    Raises
    ------
    ModelError
        If there are none.
    """
    if TIME not in X.columns:
        raise ModelError("This model needs to know when interactions were. Name the column by data.time=")
    stamps = X[TIME]
    numbers = stamps.astype(np.int64) if pd.api.types.is_datetime64_any_dtype(stamps) else stamps
    values = numbers.to_numpy(np.float64)
    span = np.ptp(values) if len(values) else 0.0
    found: NDArray[np.float64] = (values - values.min()) / span if span else np.ones(len(values))
    return found


def without_time(dataset: Dataset) -> str:
    """Say that interactions without time stamps leave nothing to do for a model that goes by them."""
    return "" if dataset.time is not None else "interactions have no time stamps"


def positive(**values: float) -> None:
    """Raise `ValueError` with the name of the first value that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be above 0, not {value:g}")


def not_negative(**values: float) -> None:
    """Raise `ValueError` with the name of the first value below 0."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must be 0 or more, not {value:g}")
