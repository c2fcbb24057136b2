"""Weights of an ensemble by greedy selection, from answers for rows that no member was fitted on.

A pure function of answers, targets and a score: it knows no model, no cell and no fold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.types import Context

ROUNDS = 40
"""Additions; weights are multiples of one over the number of those that are kept."""


@dataclass
class Params:
    """Parameters of an ensemble: none, for its members have theirs."""


def build(params: Params, context: Context) -> NoReturn:
    """Say that an ensemble is no model by itself: what builds it fits its members on inner folds."""
    raise ModelError("An ensemble is made of its members, and cannot be built from parameters.")


def greedy_weights(
    answers: Sequence[NDArray[np.floating]],
    y: NDArray[Any],
    score: Callable[[NDArray[Any], NDArray[Any]], float],
    rounds: int = ROUNDS,
) -> NDArray[np.float64]:
    """Return the weights of a mean of answers, chosen greedily with replacement.

    Each round adds the member that makes the mean of all that were added score highest; the shortest beginning of that
    list with the highest score is kept. Of equals the earlier member is added, so simpler ones should stand first.

    Parameters
    ----------
    answers : sequence of array, shape (n,) or (n, classes)
        Of each member, for rows that it was not fitted on.
    y : array, shape (n,)
    score : callable
        Takes targets and answers; larger is better, and what is no number is worse than any.
    rounds : int

    Returns
    -------
    array, shape (members,)
        Not negative, summing to one. The mean scores no lower than the best member.

    Raises
    ------
    ValueError
        If there are no members.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes (2004). Ensemble selection from libraries of models, section 2.1 and 2.2.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0])
    >>> answers = [y + 1, y - 1, y + 9]
    >>> greedy_weights(answers, y, lambda y, p: -abs(y - p).mean()).tolist()
    [0.5, 0.5, 0.0]
    """
    if not len(answers):
        raise ValueError("An ensemble needs a member.")
    total = np.zeros(np.shape(answers[0]))
    added: list[int] = []
    scores: list[float] = []
    for size in range(1, rounds + 1):
        tried = [_or_worst(score(y, (total + answer) / size)) for answer in answers]
        best = int(np.argmax(tried))
        total = total + answers[best]
        added.append(best)
        scores.append(tried[best])
    kept = added[: int(np.argmax(scores)) + 1]
    return np.bincount(kept, minlength=len(answers)) / len(kept)


def _or_worst(score: float) -> float:
    return score if np.isfinite(score) else -np.inf
