"""Scores of lists, as free functions on what users are to be shown and the lists that they were shown.

Means are over the users whom a model could know, those with a history; users without one have a score of their own,
`ndcg_cold_users`. Where no user counts a score is NaN: a record then lacks it, and a primary metric that is NaN makes a
cell invalid. What is not named cold or sampled is said of the list of candidates.

References
----------
Gunawardana, Shani & Yogev 2022, Evaluating Recommender Systems, in Recommender Systems Handbook, section 4.3 (coverage,
Gini index).
Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma of recommender systems (self-information).
Abdollahpouri et al. 2020, The Connection Between Popularity Bias, Calibration, and Fairness in Recommendation (lift).
Ziegler et al. 2005, Improving Recommendation Lists Through Topic Diversification (intra-list similarity).
"""

import math

import numpy as np
from numpy.typing import NDArray

from bench.ranking.gain import ndcg
from bench.ranking.held import Relevant
from bench.ranking.hits import BY_HITS, Hits, hits_in, list_of, repeated, scores_of
from bench.ranking.top import NONE, Lists

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

BY_USER = (*BY_HITS, "ndcg_cold_users", "ndcg_cold_items", "ndcg_sampled", "novelty", "popularity", "diversity")
"""Metrics that are means over users."""
BLOCK = 2**13
"""Users whose pairs of items are compared at a time."""


def by_user(relevant: Relevant, lists: Lists, name: str) -> tuple[Floats, Bools]:
    """Return a score of each user, shape (n,), and which users its mean is over.

    Parameters
    ----------
    relevant : Relevant
    lists : array, shape (n, lists * k)
    name : str
        One of `BY_USER`. Of ``ndcg_cold_items`` the targets are items that no model was fitted on, ranked among these;
        of ``ndcg_sampled`` all, ranked among the sample: a diagnostic, which says less the smaller the sample is.
    """
    match name:
        case "ndcg_cold_users":
            found = hits_in(relevant, lists)
            return _ndcg(found, relevant), ~relevant.warm & (found.wanted > 0)
        case "ndcg_cold_items":
            found = hits_in(relevant, lists, "cold")
            return _ndcg(found, relevant), found.counted
        case "ndcg_sampled":
            found = hits_in(relevant, lists, "sampled" if relevant.sampled else "candidates")
            return _ndcg(found, relevant), found.counted & relevant.sampled
        case "novelty" | "popularity" | "diversity":
            values = {"novelty": _novelty, "popularity": _popularity, "diversity": _diversity}[name](relevant, lists)
            return values, relevant.warm & np.isfinite(values)
        case _:
            found = hits_in(relevant, lists)
            return scores_of(name, found.hit, found.wanted, relevant.ideal), found.counted


def mean_over_users(relevant: Relevant, lists: Lists, name: str) -> float:
    """Return the mean of one of `BY_USER`; NaN where no user counts.

    `bench.ranking.hits` has the formulas of what hits say. Novelty is the mean self-information of the items of a
    list, in bits; popularity the mean share of the fitted users who had them; diversity the mean Jaccard distance of
    the tags of each two of them. Users with an empty list have none of these three.
    """
    values, counted = by_user(relevant, lists, name)
    return float(values[counted].mean()) if counted.any() else math.nan


def coverage(relevant: Relevant, lists: Lists) -> float:
    """Return the share of the candidates that stand in any list; NaN where no user has a history."""
    if not relevant.warm.any() or not relevant.candidates:
        return math.nan
    return min(1.0, len(_counts(relevant, lists)) / relevant.candidates)


def gini(relevant: Relevant, lists: Lists) -> float:
    """Return how unevenly the candidates are recommended; NaN where all lists are empty. See `gini_of`."""
    counts = _counts(relevant, lists)
    return gini_of(counts, max(relevant.candidates, len(counts))) if len(counts) else math.nan


def gini_of(counts: NDArray[np.integer], size: int) -> float:
    """Return the Gini index of counts, of which those of further items are zero: 0 even, 1 where one item has all.

    The sum of ``(2 j - n - 1) c_j`` over the n - 1 times larger sum of all counts, in ascending order, as Gunawardana &
    Shani have it; RecBole divides by n instead of n - 1.

    Parameters
    ----------
    counts : array
        Of items that were recommended.
    size : int
        Items that could have been.

    Examples
    --------
    >>> gini_of(np.array([3]), 4), gini_of(np.array([2, 2]), 2)
    (1.0, 0.0)
    """
    if size < 2:
        return 0.0
    places = np.arange(size - len(counts), size) + 1
    return float(((2 * places - size - 1) * np.sort(counts)).sum() / ((size - 1) * counts.sum()))


def lift(relevant: Relevant, lists: Lists) -> float:
    """Return by how much more popular lists are than what their users had before, as a share of the latter.

    The mean popularity of the items of a list over that of the items of a history, each a mean over users, minus one.
    NaN where no user has both.
    """
    values = _mean_of_items(list_of(relevant, lists), relevant.popularity.astype(float))
    both = relevant.warm & np.isfinite(values) & np.isfinite(relevant.profile)
    before = relevant.profile[both].mean() if both.any() else 0.0
    return float(values[both].mean() / before - 1) if before else math.nan


def defects(relevant: Relevant, lists: Lists) -> dict[str, int]:
    """Return what is wrong with lists: what a cell keeps beside its scores.

    Returns
    -------
    dict
        ``users`` with a history, ``cold_users`` without; of the former ``covered`` with any item in their list, and
        ``short`` with fewer than k although there were as many candidates; ``duplicates`` in their lists.
    """
    part = list_of(relevant, lists)[relevant.warm]
    sizes = (part != NONE).sum(axis=1)
    return {
        "users": len(part),
        "cold_users": int((~relevant.warm).sum()),
        "covered": int((sizes > 0).sum()),
        "short": int(((sizes < relevant.k) & (relevant.open[relevant.warm] >= relevant.k)).sum()),
        "duplicates": int(repeated(part).sum()),
    }


def jaccard_distance(tagged: Bools) -> Floats:
    """Return the mean Jaccard distance of the tags of each two items of a list; NaN without two that have any.

    Parameters
    ----------
    tagged : array of bool, shape (n, k, tags)

    Examples
    --------
    >>> jaccard_distance(np.array([[[True, True], [True, False], [False, False]]])).tolist()
    [0.5]
    """
    tags = tagged.astype(np.float32)
    both, sizes = tags @ tags.transpose(0, 2, 1), tags.sum(axis=2)
    either = sizes[:, :, None] + sizes[:, None, :] - both
    known = (sizes > 0)[:, :, None] & (sizes > 0)[:, None, :] & ~np.eye(tags.shape[1], dtype=bool)
    distances = np.where(known, 1 - both / np.maximum(either, 1), 0.0).sum(axis=(1, 2))
    pairs = known.sum(axis=(1, 2))
    return np.where(pairs > 0, distances / np.maximum(pairs, 1), np.nan)


def _ndcg(found: Hits, relevant: Relevant) -> Floats:
    return ndcg(found.hit, found.wanted, relevant.ideal)


def _counts(relevant: Relevant, lists: Lists) -> NDArray[np.integer]:
    """Return how often each item that is recommended to users with a history is."""
    part = list_of(relevant, lists)[relevant.warm]
    return np.unique(part[part != NONE], return_counts=True)[1]


def _novelty(relevant: Relevant, lists: Lists) -> Floats:
    # An item that nobody had has no finite information: it counts as if one user had had it.
    shares = np.maximum(relevant.popularity, 1) / max(relevant.fitted_users, 1)
    return _mean_of_items(list_of(relevant, lists), -np.log2(shares))


def _popularity(relevant: Relevant, lists: Lists) -> Floats:
    return _mean_of_items(list_of(relevant, lists), relevant.popularity / max(relevant.fitted_users, 1))


def _diversity(relevant: Relevant, lists: Lists) -> Floats:
    part, found = list_of(relevant, lists), np.full(len(lists), np.nan)
    if relevant.tagged is None:
        return found
    for start in range(0, len(part), BLOCK):
        own = part[start : start + BLOCK]
        tags = relevant.tagged[np.maximum(own, 0)] & (own != NONE)[:, :, None]
        found[start : start + BLOCK] = jaccard_distance(tags)
    return found


def _mean_of_items(part: Lists, of_item: Floats) -> Floats:
    """Return the mean of a figure of items over each list; NaN of an empty one."""
    kept = part != NONE
    sums = np.where(kept, of_item[np.maximum(part, 0)], 0.0).sum(axis=1)
    return np.where(kept.any(axis=1), sums / np.maximum(kept.sum(axis=1), 1), np.nan)
