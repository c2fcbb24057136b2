"""What a search of parameters bought: on the inner folds that it saw, and on the outer folds that it did not.

A search tries the defaults first, so its best trial is never worse on the inner folds, where it is also picked by its
luck. What is left of the gain shows on the outer folds alone.

References
----------
Dodge et al. 2019, Show Your Work, section 3 (the expected best over the budget; here over repeated searches, for the
trials of one search learn from each other and are no random sample).
Zou & Donner 2008, Construction of Confidence Limits about Effect Measures (interval of a difference of two figures).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean
from bench.stats.variance import seed_sd

Floats = NDArray[np.floating]
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Numbers of trials at which growth is shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """One search, inside one cell."""

    params: Mapping[str, Any]
    """What it settled on."""
    scores: Floats
    """Mean over the inner folds of each trial in turn, shape (T,); larger is better. The defaults come first; NaN where
    a trial was given up before its last fold, or has no score."""
    given_up: int
    stopped_by_clock: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Search":
        """Return a search as its cell told of it."""
        scores = [math.nan if score is None else float(score) for score in told["scores"]]
        return cls(
            params=dict(told["params"]),
            scores=np.array(scores),
            given_up=int(told["given_up"]),
            stopped_by_clock=bool(told["stopped_by_clock"]),
        )

    @property
    def gains(self) -> Floats:
        """Best trial so far less the defaults, shape (T,); NaN throughout where these have no score.

        Examples
        --------
        >>> told = {"params": {}, "scores": [0.5, None, 0.75, 0.5], "given_up": 1, "stopped_by_clock": False}
        >>> Search.of(told).gains.tolist()
        [0.0, 0.0, 0.25, 0.25]
        """
        return np.asarray(np.fmax.accumulate(self.scores) - self.scores[0])

    @property
    def best_at(self) -> int:
        """Number of the trial that had the best score, from 1: the defaults."""
        return int(np.nanargmax(self.scores)) + 1 if np.isfinite(self.scores).any() else 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuning:
    """What the searches of one model bought."""

    searches: tuple[Search, ...]
    """One a cell."""
    default: str
    """The same model with the parameters that the searches start from; empty where it was not run."""
    defaults: Mapping[str, Any]
    """These parameters."""
    gain: CorrectedMean
    """Tuned minus default on the outer folds."""
    search_sd: Estimate

    @property
    def trials(self) -> tuple[int, int]:
        """Fewest and most trials of a search."""
        counts = [len(search.scores) for search in self.searches]
        return min(counts), max(counts)

    @property
    def given_up(self) -> float:
        """Share of the trials that were given up."""
        return sum(search.given_up for search in self.searches) / sum(len(search.scores) for search in self.searches)

    @property
    def stopped(self) -> int:
        """Number of searches that the clock stopped."""
        return sum(search.stopped_by_clock for search in self.searches)

    @property
    def kept(self) -> int:
        """Number of searches that found nothing better than the defaults."""
        return sum(search.best_at == 1 for search in self.searches)

    @property
    def inner(self) -> tuple[float, float]:
        """Mean scores over the inner folds of all searches: of the defaults, and of the best trials."""
        pairs = [(one.scores[0], np.fmax.reduce(one.scores)) for one in self.searches if np.isfinite(one.scores[0])]
        return (math.nan, math.nan) if not pairs else (_mean(pair[0] for pair in pairs), _mean(p[1] for p in pairs))

    @property
    def best_at(self) -> float:
        """Median number of the trial that was the best."""
        return float(np.median([search.best_at for search in self.searches]))

    @property
    def trial_sd(self) -> float:
        """Standard deviation over the finished trials of a search, pooled; NaN where no search finished two."""
        known = [scores for one in self.searches if len(scores := one.scores[np.isfinite(one.scores)]) > 1]
        freedom = sum(len(scores) - 1 for scores in known)
        return math.sqrt(sum(float(scores.var()) * len(scores) for scores in known) / freedom) if freedom else math.nan

    def within(self, margin: float) -> float:
        """Return the share of the trials that come within the margin of the best of their search."""
        near = sum(int((one.scores >= np.fmax.reduce(one.scores) - margin).sum()) for one in self.searches)
        return near / sum(len(one.scores) for one in self.searches)

    def gain_of_best(self, trials: int) -> tuple[float, float, float]:
        """Return mean, least and largest gain over the defaults, on inner folds, of the best of so many trials.

        NaN beyond the longest search; a shorter one has found what it has found.
        """
        gains = [search.gains for search in self.searches if np.isfinite(search.scores[0])]
        if not gains or not 1 <= trials <= self.trials[1]:
            return math.nan, math.nan, math.nan
        found = [float(one[min(trials, len(one)) - 1]) for one in gains]
        return _mean(found), min(found), max(found)


def steps_to(most: int) -> list[int]:
    """Return the numbers of trials at which growth is shown.

    Examples
    --------
    >>> steps_to(30)
    [1, 2, 5, 10, 20, 30]
    """
    # One that is nearly the last says the same.
    return [step for step in STEPS if 1.25 * step < most] + [most]


def search_sd(tuned: Floats, default: Floats) -> Estimate:
    """Return the standard deviation that the luck of searches adds to that of seeds.

    A cell's seed draws its inner folds and its trials too: the spread of a tuned model over seeds holds both, and the
    total SD holds it already.

    Parameters
    ----------
    tuned, default : array, shape (K, S)
        Cells of the tuned model, and of the same model with fixed parameters.

    Examples
    --------
    >>> round(search_sd(np.array([[0.8, 0.9], [0.6, 0.7]]), np.array([[0.7, 0.7], [0.6, 0.6]])).value, 3)
    0.071
    """
    both, alone = seed_sd(tuned), seed_sd(default)
    if not both.measured or not alone.measured:
        return Estimate.not_measured(both.why or alone.why)
    value = both.value**2 - alone.value**2
    low = value - math.hypot(both.value**2 - both.low**2, alone.high**2 - alone.value**2)
    high = value + math.hypot(both.high**2 - both.value**2, alone.value**2 - alone.low**2)
    ends = [math.sqrt(max(0.0, end)) for end in (value, low, high)]
    return Estimate(value=ends[0], low=ends[1], high=ends[2], method="difference of two variances over seeds")


def typical(searches: Sequence[Search]) -> Mapping[str, Any]:
    """Return the parameters of the search that lies nearest to the middle of all: one set that was tried as a whole.

    Medians of single parameters may fit together badly. Numbers are compared by their ranks, other values by how often
    they were found.
    """
    names = list(searches[0].params)
    distance = np.zeros(len(searches))
    for name in names:
        values = [search.params[name] for search in searches]
        if all(_is_number(value) for value in values):
            order = np.array(values, dtype=float)
            below = (order[:, None] > order).sum(axis=1) - (order[:, None] < order).sum(axis=1)
            distance += np.abs(below) / len(values)
        else:
            distance += np.array([1 - values.count(value) / len(values) for value in values])
    return searches[int(distance.argmin())].params


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _mean(values: Any) -> float:
    found = list(values)
    return math.fsum(found) / len(found)
