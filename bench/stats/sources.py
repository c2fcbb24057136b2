"""Where the spread of a score over users comes from: the users, the split, or the seed.

A score of a cell is the mean over its users. Another sample of users, another split of the same interactions, and
another seed would each have made another one; the three variances are those of one fresh cell, and add up to its own.

References
----------
Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks, section 2 (the sources of variance).
Searle, Casella & McCulloch 1992, Variance Components, chapter 4 (estimates by sums of squares).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import item_variance
from bench.stats.variance import components

Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Variances of the score of one cell; NaN where they are not known."""

    users: float
    """Of other users, all else equal."""
    splits: float
    """Of another split, for the same users."""
    seeds: float
    """Of another seed on the same split."""
    why: str = ""
    """Why one is not known."""

    @property
    def shares(self) -> tuple[float, float, float]:
        """The three as shares of their sum; of what is known."""
        parts = np.nan_to_num(np.array([self.users, self.splits, self.seeds]))
        total = parts.sum()
        one, two, three = (parts / total if total else np.full(3, math.nan)).tolist()
        return one, two, three


def sources(values: Floats, users: NDArray[np.integer], sizes: Sequence[int]) -> Sources:
    """Split the variance of a cell's score.

    Parameters
    ----------
    values : array, shape (S, n)
        Score of each user in each split under each seed, split by split.
    users : array, shape (n,)
        Codes of the users.
    sizes : sequence of int
        Users of each split.

    Notes
    -----
    Means of splits that share users differ by less than users would make them: what two splits have in common, the
    mean covariance over pairs, is taken out of the users' part before that is taken off the variance between splits.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(2, 3000))
    >>> found = sources(values + np.array([[0.0], [1.0]]), np.tile(np.arange(1000), 3), (1000, 1000, 1000))
    >>> [round(share, 1) for share in found.shares]
    [0.0, 0.0, 1.0]
    """
    ends = np.cumsum(sizes)
    by_split = [values[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]
    codes = [users[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    cells = np.stack([one.mean(axis=1) for one in by_split])
    parts = components(cells)
    of_users = float(np.mean([item_variance(one) for one in by_split]))
    why = [] if parts.seed_df else ["one seed"]
    if len(by_split) < 2:
        return Sources(users=of_users, splits=math.nan, seeds=parts.seed_variance, why=", ".join([*why, "one split"]))
    between = parts.fold_variance - (of_users - _in_common(by_split, codes))
    if parts.seed_df:
        between -= parts.seed_share * parts.seed_variance
    return Sources(users=of_users, splits=max(0.0, between), seeds=parts.seed_variance, why=", ".join(why))


def _in_common(by_split: Sequence[Floats], codes: Sequence[NDArray[np.integer]]) -> float:
    """Return the mean over pairs of splits of the covariance that shared users give to their scores."""
    _, flat = np.unique(np.concatenate(codes), return_inverse=True)
    count, ends = int(flat.max()) + 1, np.cumsum([len(one) for one in codes])
    residuals = np.zeros((len(codes), count))
    for row, (one, end) in enumerate(zip(by_split, ends, strict=True)):
        means = one.mean(axis=0)
        # What each user adds to the deviation of the split's score.
        residuals[row, flat[end - len(means) : end]] = (means - means.mean()) / len(means)
    products = residuals @ residuals.T
    pairs = len(codes) * (len(codes) - 1)
    return float(products.sum() - np.trace(products)) / pairs
