"""Scores of single lists, from which of their places hold a target.

All take ``hit``, shape (..., n, k): whether each place of a list holds a target of its user, best place first. Where it
matters they take ``wanted``, shape (n,), how many targets the user has. They return a score a user, shape (..., n),
from 0 to 1; a user without a list has no hits and scores zero. Relevance is binary. Libraries divide by different
things: the table in ``bench/ranking/README.md`` says who has which convention.

References
----------
Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, chapter 8 (precision, recall, MAP).
Voorhees 1999, The TREC-8 Question Answering Track Report (MRR).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.ranking.gain import ndcg
from bench.ranking.held import Relevant
from bench.ranking.top import NONE

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Counts = NDArray[np.integer]
Which = Literal["candidates", "cold", "sampled"]


def recall(hit: Bools, wanted: Counts) -> Floats:
    """Return the share of a user's targets that the list holds.

    Examples
    --------
    >>> recall(np.array([[True, False]]), np.array([4])).tolist()
    [0.25]
    """
    return np.asarray(hit.sum(axis=-1) / np.maximum(wanted, 1))


def recall_min(hit: Bools, wanted: Counts) -> Floats:
    """Return hits over as many as a list of k could have: the smaller of k and the number of targets.

    Liang et al. 2018, Variational Autoencoders for Collaborative Filtering, section 4.2.

    Examples
    --------
    >>> recall_min(np.array([[True, False]]), np.array([4])).tolist()
    [0.5]
    """
    return np.asarray(hit.sum(axis=-1) / np.clip(wanted, 1, hit.shape[-1]))


def precision(hit: Bools) -> Floats:
    """Return the share of the k places that hold a target; places that a short list leaves empty hold none.

    Examples
    --------
    >>> precision(np.array([[True, False, False, False]])).tolist()
    [0.25]
    """
    return np.asarray(hit.mean(axis=-1))


def average_precision(hit: Bools, wanted: Counts) -> Floats:
    """Return the sum, over hits, of the precision up to them, over the smaller of k and the number of targets.

    Examples
    --------
    >>> average_precision(np.array([[True, False, True]]), np.array([2])).round(3).tolist()
    [0.833]
    """
    places = np.arange(hit.shape[-1]) + 1
    return np.asarray((hit.cumsum(axis=-1) / places * hit).sum(axis=-1) / np.clip(wanted, 1, hit.shape[-1]))


def reciprocal_rank(hit: Bools) -> Floats:
    """Return one over the place of the first hit; zero without one.

    Examples
    --------
    >>> reciprocal_rank(np.array([[False, True, True], [False, False, False]])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(hit.any(axis=-1) / (hit.argmax(axis=-1) + 1))


def any_hit(hit: Bools) -> Floats:
    """Return one where any place holds a target: the mean is the hit rate.

    Examples
    --------
    >>> any_hit(np.array([[False, True], [False, False]])).tolist()
    [1.0, 0.0]
    """
    return hit.any(axis=-1).astype(float)


_SCORES: Mapping[str, Callable[[Bools, Counts, str], Floats]] = {
    "ndcg": ndcg,
    "recall": lambda hit, wanted, _: recall(hit, wanted),
    "recall_min": lambda hit, wanted, _: recall_min(hit, wanted),
    "precision": lambda hit, wanted, _: precision(hit),
    "map": lambda hit, wanted, _: average_precision(hit, wanted),
    "mrr": lambda hit, wanted, _: reciprocal_rank(hit),
    "hit_rate": lambda hit, wanted, _: any_hit(hit),
}

BY_HITS = tuple(_SCORES)
"""Metrics that are means over users of what their hits say."""


def scores_of(name: str, hit: Bools, wanted: Counts, ideal: str) -> Floats:
    """Return one of `BY_HITS` of each user.

    Parameters
    ----------
    name : str
    hit : array, shape (..., n, k)
    wanted : array, shape (n,)
    ideal : str
        What NDCG is normalised by.
    """
    return _SCORES[name](hit, wanted, ideal)


@dataclass(frozen=True, kw_only=True, eq=False)
class Hits:
    """Where the targets of users stand in their lists."""

    hit: Bools
    """Shape (n, k); of an item that stands in a list twice the first place only."""
    wanted: Counts
    """Targets of each user, shape (n,)."""
    counted: Bools
    """Users with a history, and with a target, shape (n,): means are over these."""


def hits_in(relevant: Relevant, lists: NDArray[Any], which: Which = "candidates") -> Hits:
    """Return where the targets stand.

    Parameters
    ----------
    relevant : Relevant
    lists : array, shape (n, lists * k)
        See `bench.ranking.top.rank`.
    which : str
        Of the list of candidates and of that of a sample all targets count, or where the protocol drops cold items
        those that models were fitted on; of the list of cold items the others only.
    """
    part = list_of(relevant, lists, which)
    users = np.repeat(np.arange(len(relevant.users)), np.diff(relevant.starts))
    kept = targets_of(relevant, which)
    items = np.int64(len(relevant.popularity))
    # Users and, within a user, items ascend: so do the pairs.
    pairs = users[kept] * items + relevant.items[kept]
    asked = np.arange(len(part))[:, None] * items + part
    at = np.searchsorted(pairs, asked)
    hit = (part != NONE) & (np.append(pairs, NONE)[at] == asked) & ~repeated(part)
    wanted = np.bincount(users[kept], minlength=len(part))
    return Hits(hit=hit, wanted=wanted, counted=relevant.warm & (wanted > 0))


def targets_of(relevant: Relevant, which: Which = "candidates") -> Bools:
    """Return which of the held-out items are targets of a list, shape (m,)."""
    if which == "cold" or relevant.drop_cold:
        return np.asarray((relevant.popularity[relevant.items] == 0) == (which == "cold"))
    return np.ones(len(relevant.items), dtype=bool)


def list_of(relevant: Relevant, lists: NDArray[Any], which: Which = "candidates") -> NDArray[Any]:
    """Return one of the lists of each user, shape (n, k)."""
    start = ("candidates", "cold", "sampled").index(which) * relevant.k
    return lists[:, start : start + relevant.k]


def repeated(lists: NDArray[Any]) -> Bools:
    """Return which places hold an item that stood in the same list before.

    Examples
    --------
    >>> repeated(np.array([[5, 7, 5, -1, -1]])).tolist()
    [[False, False, True, False, False]]
    """
    order = np.argsort(lists, axis=1, kind="stable")
    ordered = np.take_along_axis(lists, order, axis=1)
    found = np.zeros(lists.shape, dtype=bool)
    same = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NONE)
    np.put_along_axis(found, order[:, 1:], same, axis=1)
    return found
