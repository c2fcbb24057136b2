"""Users and items as vectors whose products are scores."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Known, Scores, known_in, matrix_of, only_known
from bench.ranking.asked import Queries
from bench.types import Context

Vectors = NDArray[np.floating]
SMALL = 200_000
"""Numbers of a matrix that is decomposed as a whole."""


@dataclass
class SingularVectors:
    """The leading singular vectors of the matrix of users and items; a user is what the history spans of them.

    References
    ----------
    Cremonesi et al. 2010, Performance of Recommender Algorithms on Top-N Recommendation Tasks.
    """

    factors: int
    context: Context
    vectors: Vectors | None = None
    """Of items, shape (items, factors)."""
    known: Known | None = None

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Find the vectors."""
        matrix = matrix_of(X, y, self.context)
        self.known, self.vectors = known_in(matrix), _right_vectors(matrix, self.factors)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the histories as the vectors restore them."""
        assert self.known is not None
        assert self.vectors is not None
        return only_known((X.history @ self.vectors) @ self.vectors.T, X, self.known)


def _right_vectors(matrix: Any, factors: int) -> Vectors:
    from scipy.sparse.linalg import svds

    smaller = min(matrix.shape)
    if matrix.shape[0] * matrix.shape[1] <= SMALL:
        # An iteration would start again by chance where there are fewer directions than factors.
        found: Vectors = np.linalg.svd(matrix.toarray(), full_matrices=False)[2][:factors].T
        return np.ascontiguousarray(found, dtype=np.float32)
    # Started from one vector, so that two fits agree to the last digit.
    start = np.random.default_rng(0).standard_normal(smaller)
    right: Vectors = svds(matrix, k=min(factors, smaller - 1), v0=start, return_singular_vectors="vh")[2].T
    return np.ascontiguousarray(right, dtype=np.float32)


@dataclass
class AlternatingLeastSquares:
    """Weighted factorisation of what is and what is not in the matrix; a user is solved for from the history alone.

    References
    ----------
    Hu et al. 2008, Collaborative Filtering for Implicit Feedback Datasets; Rendle et al. 2022, Revisiting the
    Performance of iALS on Item Recommendation Benchmarks.
    """

    factors: int
    sweeps: int
    alpha: float
    """What the weight of an interaction is multiplied by; what is not there weighs 1."""
    regularization: float
    """Strength of the L2 penalty for each interaction of the usual user and item: `usual_interactions`."""
    context: Context
    model: Any = None
    known: Known | None = None

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Solve for users and items in turn."""
        from implicit.cpu.als import AlternatingLeastSquares as Solver
        from scipy.sparse import csr_matrix

        matrix = matrix_of(X, y, self.context)
        self.known = known_in(matrix)
        with one_blas_thread():
            self.model = Solver(
                factors=self.factors,
                regularization=self.regularization * usual_interactions(matrix),
                alpha=self.alpha,
                iterations=self.sweeps,
                num_threads=self.context.threads,
                random_state=self.context.seed,
            )
            self.model.fit(csr_matrix(matrix), show_progress=False)
            # Users are solved for again from the histories that are asked about.
            self.model.user_factors = None
        return self

    def predict(self, X: Queries) -> Scores:
        """Return products of the users, solved for from their histories, with all items."""
        from scipy.sparse import csr_matrix

        assert self.known is not None
        with one_blas_thread():
            users = self.model.recalculate_user(np.arange(len(X)), csr_matrix(X.history))
        scores: Scores = users @ self.model.item_factors.T
        return only_known(scores, X, self.known)


def usual_interactions(matrix: Any) -> float:
    """Return the geometric mean of how many interactions a user has on average, and how many an item has.

    A penalty in proportion to it is as strong where histories are long as where they are short.

    Parameters
    ----------
    matrix : csr_array, shape (users, items)
        Rows and columns without an entry are left out.
    """
    users, items = int((np.diff(matrix.indptr) > 0).sum()), int(known_in(matrix).sum())
    return float(matrix.nnz / np.sqrt(max(1, users * items)))


@dataclass
class PairwiseRanking:
    """Vectors of users and items, and a bias of each item, that rank what is in the matrix above what is not.

    implicit draws what is not there by popularity, so that scores come out as odds over popularity: without what takes
    that back, unpopular items stand too high (NDCG 0.25 instead of 0.29 on MovieLens 100K).

    References
    ----------
    Rendle et al. 2009, BPR: Bayesian Personalized Ranking from Implicit Feedback.
    """

    factors: int
    epochs: int
    learning_rate: float
    regularization: float
    popularity: float
    """Power of an item's interactions that is added back to its scores, as a logarithm."""
    context: Context
    model: Any = None
    offsets: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    """Of items; minus infinity for those that it does not know, shape (items,)."""
    fitted: NDArray[np.bool_] | None = None
    """Which users it knows, shape (users,)."""

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Draw pairs and step."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking
        from scipy.sparse import csr_matrix

        matrix = matrix_of(X, y, self.context)
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        logarithms = self.popularity * np.log(np.maximum(counts, 1))
        self.offsets = np.where(counts > 0, logarithms, -np.inf).astype(np.float32)
        self.fitted = np.diff(matrix.indptr) > 0
        with one_blas_thread():
            self.model = BayesianPersonalizedRanking(
                factors=self.factors,
                learning_rate=self.learning_rate,
                regularization=self.regularization,
                iterations=self.epochs,
                # Several threads write into the same vectors, in an order that never repeats.
                num_threads=1,
                random_state=self.context.seed,
            )
            self.model.fit(csr_matrix(matrix), show_progress=False)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return products of the users whom it was fitted on with all items; it has nothing to say to others."""
        assert self.fitted is not None
        scores: Scores = self.model.user_factors[X.users] @ self.model.item_factors.T
        scores += self.offsets
        scores[~self.fitted[X.users]] = -np.inf
        return scores


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep the matrix products of implicit to one thread: it has threads of its own, and warns of any others."""
    from threadpoolctl import threadpool_limits
    from tqdm import tqdm  # type: ignore[import-untyped]

    # Its bars, which nobody sees, would leave a semaphore behind in a process that is ended.
    tqdm.set_lock(threading.RLock())
    with threadpool_limits(1, user_api="blas"):
        yield
