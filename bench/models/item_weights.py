"""Models that score an item by a weighted sum over a user's history: one matrix of weights, items by items.

The matrix of users and items stays sparse, and products of items with items are made block by block.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.models.interactions import Known, Scores, known_in, matrix_of, only_known
from bench.ranking.asked import Queries
from bench.types import Context, Dataset

BLOCK = 2**23
"""Numbers of a dense block."""
MOST_ITEMS = 30_000
"""Items up to which a dense matrix of items by items is made: 7 GB in double precision."""
Learn = Callable[[Any], Any]
"""Takes interactions, csr_array of shape (users, items), and returns weights, shape (items, items): the column of an
item holds what each item of a history adds to its score."""
Block = Callable[[slice], NDArray[np.floating]]
"""Returns the weights of some items, shape (block, items), in memory of its own."""


@dataclass
class ItemWeights:
    """A weighted sum over the history."""

    learn: Learn
    context: Context
    weights: Any = None
    known: Known | None = None

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn the weights."""
        matrix = matrix_of(X, y, self.context)
        self.known, self.weights = known_in(matrix), self.learn(matrix)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return sums; where weights are sparse there is nothing to say of items that no item of the history names."""
        assert self.known is not None
        found = X.history @ self.weights
        if isinstance(found, np.ndarray):
            return only_known(found, X, self.known)
        scores = np.full(found.shape, -np.inf, dtype=np.float32)
        rows = np.repeat(np.arange(len(X)), np.diff(found.indptr))
        scores[rows, found.indices] = found.data
        return only_known(scores, X, self.known)


def gram_of(matrix: Any) -> NDArray[np.float64]:
    """Return how often each two items were taken up by one user, weighted, as a dense matrix, shape (items, items)."""
    items = matrix.shape[1]
    transposed, found = matrix.T.tocsr(), np.empty((items, items))
    for rows in slices(items):
        found[rows] = (transposed[rows] @ matrix).toarray()
    return found


def cosine(matrix: Any, neighbours: int, shrink: float, threads: int) -> Any:
    """Return cosines between items, of each item the largest alone, as csr_array, shape (items, items).

    Parameters
    ----------
    matrix : csr_array, shape (users, items)
    neighbours : int
        Kept of each item.
    shrink : float
        Added to the product of lengths: similarity that few users carry is worth less.
    threads : int
    """
    transposed = matrix.T.tocsr()
    lengths = np.sqrt(np.bincount(matrix.indices, matrix.data.astype(np.float64) ** 2, minlength=matrix.shape[1]))

    def block(rows: slice) -> NDArray[np.floating]:
        products: NDArray[np.floating] = (transposed[rows] @ matrix).toarray()
        products /= np.maximum(np.outer(lengths[rows], lengths) + shrink, 1e-12).astype(np.float32)
        return products

    return largest(block, matrix.shape[1], neighbours, threads).T.tocsr()


def walks(matrix: Any, alpha: float, beta: float, neighbours: int, threads: int) -> Any:
    """Return probabilities of walks from item to user to item, over the popularity of where they end.

    Parameters
    ----------
    matrix : csr_array, shape (users, items)
        Only what weighs more than 0 is a path.
    alpha : float
        Power of each step's probability.
    beta : float
        Power of the popularity.
    neighbours : int
        Ends that are kept of each start.
    threads : int

    References
    ----------
    Paudel et al. 2016, Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications.
    """
    forward, back = _steps(matrix, alpha), _steps(matrix.T.tocsr(), alpha)
    popularity = np.bincount(matrix.indices, minlength=matrix.shape[1])
    damped = (1.0 / np.maximum(popularity, 1) ** beta).astype(np.float32)

    def block(rows: slice) -> NDArray[np.floating]:
        found: NDArray[np.floating] = (back[rows] @ forward).toarray()
        found *= damped
        return found

    return largest(block, matrix.shape[1], neighbours, threads)


def _steps(matrix: Any, power: float) -> Any:
    """Return a matrix with rows that sum to one, each entry raised to a power."""
    found = matrix.copy()
    found.data = np.maximum(found.data, 0.0)
    sums = np.asarray(found.sum(axis=1)).ravel()
    shares = found.data / np.maximum(np.repeat(sums, np.diff(found.indptr)), 1e-12)
    found.data = (shares**power).astype(np.float32)
    return found


def largest(block: Block, items: int, count: int, threads: int) -> Any:
    """Return the largest positive weights of each item with others, as csr_array, shape (items, items).

    Parameters
    ----------
    block : callable
        Makes the rows of some items.
    items : int
    count : int
        Kept of each row.
    threads : int
        Blocks that are made at once.
    """
    from scipy.sparse import csr_array, vstack

    def kept(rows: slice) -> Any:
        values = block(rows)
        values[np.arange(len(values)), np.arange(rows.start, rows.stop)] = 0.0
        few = min(count, items)
        places = np.argpartition(values, items - few, axis=1)[:, items - few :]
        # In the order of items, as sparse rows are.
        places.sort(axis=1)
        weights = np.take_along_axis(values, places, axis=1)
        good = weights > 0
        starts = np.r_[0, np.cumsum(good.sum(axis=1))]
        return csr_array((weights[good].astype(np.float32), places[good], starts), shape=values.shape)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        return csr_array(vstack(list(pool.map(kept, slices(items))), format="csr"))


def slices(items: int) -> list[slice]:
    """Return blocks of rows of a matrix of items by items, each of so many numbers as fit beside it."""
    size = max(1, BLOCK // max(1, items))
    return [slice(start, min(start + size, items)) for start in range(0, items, size)]


def closed_form(matrix: Any, penalty: float, dropout: float = 0.0) -> NDArray[np.float32]:
    """Return the weights of EASE: ridge regression of each item on all others, from one inverse.

    Parameters
    ----------
    matrix : csr_array, shape (users, items)
    penalty : float
        Strength of the L2 penalty, above 0.
    dropout : float
        Share of the interactions that a regression does without, on average over all ways to leave them out: a penalty
        that grows with the popularity of an item (EDLAE).

    References
    ----------
    Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data.
    Steck 2020, Autoencoders that don't overfit towards the Identity, section 3.3.
    """
    from scipy.linalg import lapack

    gram = gram_of(matrix)
    diagonal = np.diagonal(gram)
    gram[np.diag_indices_from(gram)] += penalty + dropout / (1 - dropout) * diagonal
    # In place: a second matrix of this size would be the most that is held. LAPACK reads it as its transpose.
    factor, failed = lapack.dpotrf(gram.T, lower=1, overwrite_a=1)
    inverse, singular = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or singular:
        raise ModelError("The matrix of items has no inverse. Raise the penalty.")
    _mirror(inverse)
    diagonal = np.diagonal(inverse).copy()
    weights = np.empty(inverse.shape, dtype=np.float32)
    for rows in slices(len(inverse)):
        weights[rows] = inverse[rows] / -diagonal
    np.fill_diagonal(weights, 0.0)
    return weights


def _mirror(lower: NDArray[np.floating]) -> None:
    """Fill the part above the diagonal, which LAPACK leaves as it was, from that below, in place."""
    for rows in slices(len(lower)):
        corner = lower[rows, rows]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        lower[rows, rows.stop :] = lower[rows.stop :, rows].T


def within(most_items: int, learn: Learn) -> Learn:
    """Return ``learn``, which makes a dense matrix of items by items, for so many items at most.

    Raises
    ------
    ModelError
        When it is called with more of them.
    """
    # No function of its own: a fitted model is pickled to learn its size.
    return partial(_learned_within, most_items, learn)


def _learned_within(most_items: int, learn: Learn, matrix: Any) -> Any:
    items = matrix.shape[1]
    if items > most_items:
        raise ModelError(
            f"{items:,} items by {items:,} take {8e-9 * items**2:,.0f} GB and more. Keep the items of enough "
            "interactions (data.core=), take item_knn or ials, which need no such matrix, or raise most_items if "
            "the memory is there."
        )
    return learn(matrix)


def too_many_items(dataset: Dataset) -> str:
    """Say that a catalogue is too large for a dense matrix of items by items."""
    items = 0 if dataset.recommending is None else len(dataset.recommending.items)
    return f"{items:,} items are too many for a dense matrix of them" if items > MOST_ITEMS else ""
