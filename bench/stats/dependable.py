"""The dependable score: what nine fresh train-and-deploys in ten would score at least.

A fresh run draws a training sample, a seed, and may fail. How large these effects are is itself uncertain, most of all
with few folds: every draw of a run takes the variances from their distribution given the cells, so that the share of
nine in ten holds over repetitions of the whole benchmark and not only where the variances are known.

A failure enters once: cells hold the scores of the runs that succeeded (a failed cell is NaN here, unlike in averages),
and the failure rate alone puts the floor's score into the draws.

References
----------
Nadeau & Bengio 2003, Inference for the Generalization Error, section 5 (fold scores correlate by n_test / n).
Davison & Hinkley 1997, Bootstrap Methods and Their Application, section 3.8 (resampling of hierarchical data).
Weerahandi 1993, Generalized Confidence Intervals; Liao, Lin & Iyer 2005, One- and Two-Sided Tolerance Intervals for
General Balanced Mixed Models (draws of variances given sums of squares).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import Estimate
from bench.stats.variance import AGREE, Components, components

Floats = NDArray[np.floating]

DRAWS = 2000
OUTER = 400
LEVEL = 0.10
RESAMPLED_FROM = 20
"""Cells from which on effects are resampled; with fewer they are drawn from a normal distribution."""


def dependable_score(
    cells: Floats,
    test_train_ratio: float,
    seed: int,
    *,
    failed: int = 0,
    floor: float = math.nan,
    item_variance: float | None = None,
) -> Estimate:
    """Return the 10 % quantile of the score of one fresh train-and-deploy.

    Parameters
    ----------
    cells : array, shape (K, S)
        Scores of the runs that succeeded; NaN where a run failed or was not made.
    test_train_ratio : float
        Test rows divided by training rows; 0 where folds share no training rows.
    seed : int
    failed : int
        Runs that failed; the failure rate is ``failed`` over these and the finite cells.
    floor : float
        Score of the floor, which a failed run gets.
    item_variance : float, optional
        Variance of a fold score under other test items, which a deployment does not have; as in
        `bench.stats.variance.training_data_sd`. Without it the score is the lower for it.

    Returns
    -------
    Estimate
        The interval is that of the true quantile.

    Examples
    --------
    >>> cells = np.array([[0.90, 0.91], [0.88, 0.89], [0.92, 0.90], [0.89, 0.90]])
    >>> found = dependable_score(cells, 0.0, seed=0)
    >>> bool(found.low < found.value < cells.mean())
    True
    """
    parts = components(cells, item_variance)
    runs = int(np.isfinite(cells).sum())
    if failed and math.isnan(floor):
        return Estimate.not_measured("runs failed, and the floor has no score")
    if failed and not runs:
        return Estimate(value=floor, low=floor, high=floor, method="every run failed")
    if math.isnan(parts.fold_variance):
        return Estimate.not_measured(parts.why)
    generator = np.random.Generator(np.random.PCG64(seed))
    rate = failed / (runs + failed)
    fresh = _Fresh(parts, test_train_ratio, item_variance or 0.0, floor)
    value = fresh.scores(fresh.parameters(generator, DRAWS), rate, generator)
    outer = fresh.parameters(generator, OUTER)[:, :, None]
    rates = generator.binomial(runs + failed, rate, (OUTER, 1)) / (runs + failed)
    interval = _quantile(fresh.scores(outer, rates, generator))
    method = f"parametric bootstrap of the components, {'resampled' if fresh.resampled else 'normal'} effects"
    return Estimate.of_replicates(float(_quantile(value)), interval, method)


@dataclass(frozen=True)
class _Fresh:
    """Draws of fresh runs."""

    parts: Components
    ratio: float
    item_variance: float
    floor: float

    @property
    def resampled(self) -> bool:
        return len(self.parts.by_fold) + self.parts.seed_df >= RESAMPLED_FROM

    def parameters(self, generator: np.random.Generator, draws: int) -> Floats:
        """Return mean, fold SD and seed SD as the cells leave them open, shape (3, draws)."""
        parts, folds = self.parts, len(self.parts.by_fold)
        fold = parts.fold_variance * (folds - 1) / generator.chisquare(folds - 1, draws)
        seed = np.zeros(draws)
        if parts.seed_df:
            seed = parts.seed_variance * parts.seed_df / generator.chisquare(parts.seed_df, draws)
        mean = parts.by_fold.mean() + np.sqrt(fold * (1 / folds + self.ratio)) * generator.standard_normal(draws)
        training = np.maximum(0.0, fold - parts.seed_share * seed - self.item_variance)
        # Fold scores that correlate by n_test / n spread less than independent ones, by a factor of n_train / n.
        return np.stack([mean, np.sqrt(training * (1 + self.ratio)), np.sqrt(seed)])

    def scores(self, parameters: Floats, rate: float | Floats, generator: np.random.Generator) -> Floats:
        """Return the score of one run an entry; ``parameters`` that end in one column share their draws."""
        mean, fold_sd, seed_sd = parameters
        fold = self._effects(self._standardised_folds(), generator)
        seed = self._effects(self._standardised_seeds(), generator)
        scores = mean + fold_sd * fold + seed_sd * seed
        return np.where(generator.random(DRAWS) < rate, self.floor, scores)

    def _effects(self, standardised: Floats, generator: np.random.Generator) -> Floats:
        if self.resampled and len(standardised):
            return standardised[generator.integers(0, len(standardised), DRAWS)]
        return generator.standard_normal(DRAWS)

    def _standardised_folds(self) -> Floats:
        deviations = self.parts.by_fold - self.parts.by_fold.mean()
        size = deviations.std()
        return deviations / size if size > AGREE * abs(float(self.parts.by_fold.mean())) else np.empty(0)

    def _standardised_seeds(self) -> Floats:
        size = math.sqrt((self.parts.within**2).mean()) if len(self.parts.within) else 0.0
        return self.parts.within / size if size else np.empty(0)


def _quantile(scores: Floats) -> Floats:
    # Never a value between two draws: half-way between failing and not failing lies no score.
    rank = math.ceil(LEVEL * scores.shape[-1]) - 1
    return np.asarray(np.partition(scores, rank, axis=-1)[..., rank])
