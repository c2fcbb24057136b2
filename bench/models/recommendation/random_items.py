"""Items in a random order: what learns nothing."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Scores
from bench.ranking.asked import Queries
from bench.registry import register_model
from bench.types import Context, Model

Words = NDArray[np.uint64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ROUNDS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
"""Constants of SplitMix64."""
CACHED = 2**15
"""Scores that are drawn at a time: ten passes over more than a processor keeps at hand take four times as long."""


@dataclass
class Params:
    """No parameters."""


@dataclass
class Drawn:
    """Uniform scores, a hash of seed, user and item, so that neither order nor company of users matters.

    References
    ----------
    Steele, Lea & Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """

    seed: int

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn nothing."""
        return self

    def predict(self, X: Queries) -> Scores:
        """Return scores of every item of the catalogue: new items and new users are no harder than others."""
        seed = np.array([[self.seed % 2**64]], dtype=np.uint64)
        users = _mixed(seed, X.users.astype(np.uint64)[:, None])
        items, found = np.arange(X.catalogue, dtype=np.uint64), np.empty((len(X), X.catalogue))
        size = max(1, CACHED // max(1, X.catalogue))
        for start in range(0, len(X), size):
            # The upper 53 bits are as many as a double holds.
            found[start : start + size] = (_mixed(users[start : start + size], items) >> np.uint64(11)) * 2.0**-53
        return found


def _mixed(state: Words, step: Words) -> Words:
    """Return what SplitMix64 draws from a state after so many steps."""
    drawn: Words = state + GOLDEN * (step + np.uint64(1))
    for shift, factor in ROUNDS:
        drawn ^= drawn >> shift
        drawn *= factor
    return drawn ^ (drawn >> np.uint64(31))


@register_model("random_items", task_types=["recommendation"], params=Params, role="floor", libraries=("numpy",))
def build(params: Params, context: Context) -> Model:
    """Items in a random order, another one for each user."""
    return Drawn(context.seed)
