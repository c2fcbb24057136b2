"""Whether the order of models hangs on the protocol they were tested under.

A protocol is a way to split the same data: scores of two are never compared, only the order that each puts models in.

References
----------
Kendall 1945, The Treatment of Ties in Ranking Problems (tau-b).
Meng, McCreadie, Macdonald & Ounis 2020, Exploring Data Splitting Strategies for the Evaluation of Recommendation Models
(splits change the order of models).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.stats.comparison import paired
from bench.stats.table import ModelScores

SURE = 0.95
"""Level of the intervals of differences; one without zero is sure."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tested:
    """Models under one protocol."""

    protocol: str
    scores: Mapping[str, ModelScores]
    """By the name of the model."""
    test_train_ratio: float
    pick: str
    """What is recommended there; empty where nothing is."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How much two protocols agree."""

    one: str
    other: str
    models: int
    """That both have."""
    tau: float
    """Kendall's tau-b between their mean scores; NaN for fewer than three models."""


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Two models of which each is surely better under one of two protocols."""

    better: str
    worse: str
    here: str
    """Protocol under which the first one is."""
    there: str
    """Protocol under which the second one is."""
    lead_here: float
    lead_there: float


def agreements(tested: Sequence[Tested]) -> tuple[Agreement, ...]:
    """Return how much every two protocols agree on the order of the models that both have."""
    from scipy.stats import kendalltau

    found = []
    for one, other in combinations(tested, 2):
        shared = sorted(one.scores.keys() & other.scores.keys())
        means = [[side.scores[name].mean for name in shared] for side in (one, other)]
        known = np.isfinite(means).all(axis=0) if shared else np.empty(0, dtype=bool)
        tau = math.nan
        if known.sum() > 2:
            tau = float(kendalltau(*(np.array(side)[known] for side in means)).statistic)
        found.append(Agreement(one=one.protocol, other=other.protocol, models=int(known.sum()), tau=tau))
    return tuple(found)


def flips(tested: Sequence[Tested]) -> tuple[Flip, ...]:
    """Return every pair of models whose order surely turns round between two protocols, the largest turn first."""
    found = []
    for here, there in combinations(tested, 2):
        for one, other in combinations(sorted(here.scores.keys() & there.scores.keys()), 2):
            lead, back = _sure_lead(here, one, other), _sure_lead(there, one, other)
            if lead * back >= 0:
                continue
            # The first model is the one that leads under the first protocol.
            names = (one, other) if lead > 0 else (other, one)
            found.append(
                Flip(
                    better=names[0],
                    worse=names[1],
                    here=here.protocol,
                    there=there.protocol,
                    lead_here=abs(lead),
                    lead_there=abs(back),
                )
            )
    return tuple(sorted(found, key=lambda flip: -min(flip.lead_here, flip.lead_there)))


def _sure_lead(tested: Tested, one: str, other: str) -> float:
    """Return the mean difference of two models where its interval has no zero in it, else 0."""
    gap = paired(tested.scores[one], tested.scores[other], tested.test_train_ratio)
    low, high = gap.interval(SURE)
    return gap.mean if low > 0 or high < 0 else 0.0
