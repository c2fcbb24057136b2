"""Lists from scores: the best items of each user, by one rule for all models."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.ranking.asked import Codes, Queries

NONE = -1
"""Stands in a list where no item does."""

Lists = NDArray[np.int32]
"""Item codes, best first, shape (n, k)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asking:
    """Queries, and which lists the harness makes of a model's scores for them; a model is handed the queries alone."""

    queries: Queries
    k: int
    banned: Any
    """scipy.sparse.csr_array of booleans, shape (n, items): what each user must not be recommended."""
    candidates: NDArray[np.bool_]
    """Items that may be recommended, shape (items,)."""
    cold: NDArray[np.bool_]
    """Items that no model was fitted on, of which a list of their own is made, shape (items,)."""
    sampled: Codes | None = None
    """Of each user the only items that a further list is made of, shape (n, m), `NONE` where there are fewer."""

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.queries)

    @property
    def lists(self) -> int:
        """Lists that each user gets: of the candidates, of cold items, and of the sample where there is one."""
        return 2 + (self.sampled is not None)

    def take(self, places: Codes) -> Self:
        """Return some of the users, in the given order."""
        sampled = None if self.sampled is None else self.sampled[places]
        return type(self)(
            queries=self.queries.take(places),
            k=self.k,
            banned=self.banned[places],
            candidates=self.candidates,
            cold=self.cold,
            sampled=sampled,
        )


def rank(model: Any, asking: Asking) -> Lists:
    """Return the lists of all users side by side, shape (n, lists * k).

    Parameters
    ----------
    model : Recommender
        Its ``predict`` takes `Queries`, and returns a score for each user and item, the higher the better, and minus
        infinity where it has nothing to say.
    asking : Asking

    Raises
    ------
    ModelError
        If the scores have another shape, or one is NaN or plus infinity.
    """
    found = np.full((len(asking), asking.lists * asking.k), NONE, dtype=np.int32)
    for place, queries in asking.queries.blocks():
        scores = sound(model.predict(queries), len(queries), queries.catalogue)
        found[place] = lists_of(scores, asking, place)
    return found


def lists_of(scores: NDArray[np.floating], asking: Asking, place: slice = slice(None)) -> Lists:
    """Return the lists that scores of some users make, side by side; the scores are changed.

    Parameters
    ----------
    scores : array, shape (n, items)
    asking : Asking
    place : slice
        Which of its users they are.
    """
    banned = asking.banned[place]
    scores[np.repeat(np.arange(len(scores)), np.diff(banned.indptr)), banned.indices] = -np.inf
    parts = [_among(scores, asking.candidates, asking.k), _among(scores, asking.cold, asking.k)]
    if asking.sampled is not None:
        parts.append(_of_sample(scores, asking.sampled[place], asking.k))
    return np.hstack(parts)


def sound(scores: Any, users: int, items: int) -> NDArray[np.floating]:
    """Return scores as an array that may be written to.

    Raises
    ------
    ModelError
        If they are no scores.
    """
    try:
        half = getattr(scores, "dtype", None) == np.float32
        found: NDArray[Any] = np.array(scores, dtype=np.float32 if half else np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model returned scores that are no numbers ({error}).") from error
    if found.shape != (users, items):
        raise ModelError(f"The model returned scores of shape {found.shape}, not {(users, items)}.")
    # The sum of all is a number only if each is, unless minus infinity stands among them.
    if not np.isfinite(found.sum()) and (bad := int((np.isnan(found) | (found == np.inf)).any(axis=1).sum())):
        raise ModelError(f"The model returned scores that are NaN or infinite for {bad} of {users} users.")
    return found


def _among(scores: NDArray[np.floating], allowed: NDArray[np.bool_], k: int) -> Lists:
    """Return the best of the allowed items."""
    if allowed.all():
        return top(scores, k)
    columns = np.flatnonzero(allowed).astype(np.int32)
    places = top(scores[:, columns], k)
    return np.where(places == NONE, NONE, columns[places]) if len(columns) else places


def _of_sample(scores: NDArray[np.floating], sampled: Codes, k: int) -> Lists:
    """Return the best of each user's own sample, ascending codes."""
    few = np.take_along_axis(scores, np.maximum(sampled, 0), axis=1)
    few[sampled == NONE] = -np.inf
    places = top(few, k)
    return np.where(places == NONE, NONE, np.take_along_axis(sampled, np.maximum(places, 0), axis=1)).astype(np.int32)


def top(scores: NDArray[np.floating], k: int) -> Lists:
    """Return the columns of the k highest scores of each row, best first; of equal ones the first column.

    Parameters
    ----------
    scores : array, shape (n, m)
        Minus infinity is never chosen.
    k : int

    Returns
    -------
    array, shape (n, k)
        `NONE` behind the last column that could be chosen.

    Examples
    --------
    >>> top(np.array([[1.0, 3.0, 3.0, -np.inf], [-np.inf, 0.0, -np.inf, -np.inf]]), 2).tolist()
    [[1, 2], [1, -1]]
    """
    n, m = scores.shape
    found = np.full((n, k), NONE, dtype=np.int32)
    most = min(k, m)
    if not n or not most:
        return found
    chosen = np.argpartition(scores, m - most, axis=1)[:, m - most :] if most < m else np.tile(np.arange(m), (n, 1))
    values = np.take_along_axis(scores, chosen, axis=1)
    # Which of several equal scores at the edge were taken is arbitrary: there the first columns are.
    least = values.min(axis=1)
    left_out = (scores == least[:, None]).sum(axis=1) > (values == least[:, None]).sum(axis=1)
    for row in np.flatnonzero(left_out & np.isfinite(least)):
        above = np.flatnonzero(scores[row] > least[row])
        chosen[row] = np.r_[above, np.flatnonzero(scores[row] == least[row])[: most - len(above)]]
        values[row] = scores[row, chosen[row]]
    order = np.lexsort((chosen, -values), axis=1)
    best = np.take_along_axis(chosen, order, axis=1)
    found[:, :most] = np.where(np.take_along_axis(values, order, axis=1) == -np.inf, NONE, best)
    return found
