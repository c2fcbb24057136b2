"""Whether two models differ on the same users at all: the paired permutation test, and Holm over several of them.

If two models were alike, each user's difference would have either sign with equal chance, whatever its size. All that a
user has, several splits say, changes sign together. Seeds are averaged first: what is tested are these fitted models.

References
----------
Fisher 1935, The Design of Experiments, section 21 (signs of differences).
Smucker, Allan & Carterette 2007, A Comparison of Statistical Significance Tests for Information Retrieval Evaluation.
Phipson & Smyth 2010, Permutation P-values Should Never Be Zero.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import unit_sums
from bench.stats.datasets import step_down

Floats = NDArray[np.floating]

PERMUTATIONS = 10_000
CHUNK = 2**24
"""Signs that are held at a time."""
SAME = 1e-12
"""Share of a sum below which two of them are equal: they were added in another order."""


def sign_flip_test(
    one: NDArray[Any],
    other: NDArray[Any],
    seed: int,
    groups: NDArray[np.integer] | None = None,
    permutations: int = PERMUTATIONS,
) -> float:
    """Return the two-sided p-value that two models are alike; 1 where they agree on every user.

    Parameters
    ----------
    one, other : array, shape (S, n)
        Score of each user, or of each user in each split, under each seed; the numbers of seeds may differ.
    seed : int
    groups : array, shape (n,), optional
        Codes of the users, where they have several scores.
    permutations : int
        Random ones; all that there are where these are no more.

    Examples
    --------
    >>> sign_flip_test(np.array([[3.0, 2.0, 4.0]]), np.array([[1.0, 1.0, 1.0]]), seed=0)
    0.25
    """
    gaps = one.astype(float).mean(axis=0) - other.astype(float).mean(axis=0)
    signed = unit_sums(gaps[:, None], groups)[:, 1]
    # Sizes are all that chance is given: the same draws whichever way round the two are given.
    sums = np.sort(np.abs(signed[signed != 0]))
    if not len(sums):
        return 1.0
    least = abs(signed.sum()) - SAME * sums.sum()
    if len(sums) <= np.log2(permutations):
        every = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float((np.abs((2 * every - 1) @ sums) >= least).mean())
    return (_as_far(sums, least, seed, permutations) + 1) / (permutations + 1)


def against_reference(
    scores: Mapping[str, NDArray[Any]], reference: str, seed: int, groups: NDArray[np.integer] | None = None
) -> dict[str, float]:
    """Return the p-value of every model against the reference, adjusted by Holm over the models.

    Parameters
    ----------
    scores : mapping
        By model, as `sign_flip_test` takes them.
    reference : str
    seed : int
    groups : array, shape (n,), optional

    Examples
    --------
    >>> base = np.zeros((1, 8))
    >>> found = against_reference({"floor": base, "good": base + 1, "same": base}, "floor", seed=0)
    >>> {name: round(p, 4) for name, p in found.items()}
    {'good': 0.0156, 'same': 1.0}
    """
    others = [name for name in scores if name != reference]
    raw = [sign_flip_test(scores[name], scores[reference], seed, groups) for name in others]
    return dict(zip(others, step_down(np.array(raw)).tolist(), strict=True))


def _as_far(sums: Floats, least: float, seed: int, permutations: int) -> int:
    """Return in how many random permutations the sum lies as far from zero."""
    generator = np.random.Generator(np.random.PCG64(seed))
    found, chunk = 0, max(1, CHUNK // len(sums))
    for start in range(0, permutations, chunk):
        rows = min(chunk, permutations - start)
        bits = np.unpackbits(generator.integers(0, 256, (rows, -(-len(sums) // 8)), dtype=np.uint8), axis=1)
        found += int((np.abs(2 * (bits[:, : len(sums)] @ sums) - sums.sum()) >= least).sum())
    return found
