"""Errors relative to those of a reference, over series or over data sets: skill, win rates, and how sure they are.

A raw error cannot be averaged over data sets, so it is divided by the reference's. The ratio is clipped, for one
interval that explodes would outweigh all else, and how often it was is told beside it. Skill is one minus the geometric
mean of the ratios: 0 for the reference, and the same whichever of two models is divided by the other, turned over.

References
----------
Fleming & Wallace 1986, How Not to Lie with Statistics (the geometric mean of ratios).
Shchur et al. 2025, fev-bench (win rate with ties as half, skill with clipped ratios, bootstrap over tasks).
Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 4 (bootstrap distributions are too narrow).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.stats.blocks import block_mean
from bench.stats.bootstrap import resampled_totals
from bench.stats.estimate import LEVEL, Estimate

Floats = NDArray[np.floating]
Unit = Literal["series", "data sets", "windows"]

BOUNDS = (1e-2, 100.0)
"""Ratios beyond these are clipped."""
REPLICATES = 1000


@dataclass(frozen=True, kw_only=True)
class RelativeScore:
    """One model against the reference, and among the others."""

    model: str
    skill: Estimate
    win_rate: Estimate
    """Mean over the other models of the share of units where this one has the smaller error; ties count half."""
    clipped: tuple[int, int]
    """Ratios that lie below the lower bound, and above the upper one."""
    missing: int
    """Units without an error of this model, where it was taken to be the reference's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RelativeScores:
    """All models of one comparison."""

    reference: str
    unit: Unit
    """What is counted."""
    units: int
    left_out: int
    """Units where the reference has no error."""
    bounds: tuple[float, float]
    scores: tuple[RelativeScore, ...]
    win_rates: Floats
    """Share of units where the row's model has the smaller error than the column's, shape (M, M)."""
    skills: Floats
    """Skill of the row's model with the column's as the reference, shape (M, M)."""

    def of(self, model: str) -> RelativeScore | None:
        """Return the scores of a model, if it was compared."""
        return next((one for one in self.scores if one.model == model), None)


def ratios(errors: Floats, reference: Floats, bounds: tuple[float, float] = BOUNDS) -> Floats:
    """Return errors, shape (D, M), over those of the reference, shape (D,), clipped; two errors of zero are equal.

    Examples
    --------
    >>> ratios(np.array([[1.0, 500.0, 0.0]]), np.array([2.0])).tolist()
    [[0.5, 100.0, 0.01]]
    """
    return np.clip(raw_ratios(errors, reference), *bounds)


def raw_ratios(errors: Floats, reference: Floats) -> Floats:
    """Return the same unclipped; infinity where the reference alone is exact."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = errors / reference[:, None]
    return np.where((errors == 0) & (reference[:, None] == 0), 1.0, found)


def skill(clipped: Floats) -> float:
    """Return one minus the geometric mean of clipped ratios.

    Examples
    --------
    >>> round(skill(np.array([0.5, 2.0, 0.5])), 3)
    0.206
    """
    return float(1 - np.exp(np.log(clipped).mean()))


def win_rate(one: Floats, other: Floats) -> float:
    """Return the share of units where the first error is the smaller one; ties count half.

    Examples
    --------
    >>> win_rate(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 4.0])).__round__(3)
    0.833
    """
    return float((one < other).mean() + (one == other).mean() / 2)


def over_series(
    errors: Floats,
    models: Sequence[str],
    reference: str,
    seed: int,
    bounds: tuple[float, float] = BOUNDS,
    replicates: int = REPLICATES,
) -> RelativeScores:
    """Compare models over the series of one data set, each series with its own ratio.

    Parameters
    ----------
    errors : array, shape (s, M)
        One error a series and model; NaN where there is none.
    models : sequence of str
    reference : str
    seed : int
    bounds : (float, float)
    replicates : int
    """
    found = _Errors.of(errors, models, reference, bounds)
    points = np.hstack([found.logs(found.known), _win_points(found.known)])
    drawn: Floats = np.empty((0, points.shape[1]))
    if len(points) > 1:
        rows = points[np.lexsort(points.T)]
        generator = np.random.Generator(np.random.PCG64(seed))
        drawn = _widened(resampled_totals(rows, generator, replicates) / len(rows), points.mean(axis=0), len(rows))
    return found.drawn("series", "bootstrap over series", *np.split(drawn, 2, axis=1))


def over_datasets(
    panels: Sequence[Floats],
    models: Sequence[str],
    reference: str,
    seed: int,
    resampled: Sequence[Unit] = ("data sets", "series"),
    bounds: tuple[float, float] = BOUNDS,
    replicates: int = REPLICATES,
) -> RelativeScores:
    """Compare models over data sets, whose error is the mean over their series.

    Parameters
    ----------
    panels : sequence of arrays, shape (s, M)
        Of each data set one error a series and model; a single row where only the mean over series is known. A row of
        NaN is a series without an error; a model with NaN in some of the others has none on that data set.
    models : sequence of str
    reference : str
    seed : int
    resampled : sequence of str
        What the interval is about: other data sets, other series of the same data sets, or both.
    bounds : (float, float)
    replicates : int
    """
    panels = [panel[~np.isnan(panel).all(axis=1)] for panel in panels]
    means = np.array([panel.mean(axis=0) if len(panel) else np.full(len(models), np.nan) for panel in panels])
    found = _Errors.of(means, models, reference, bounds)
    panels = [panel for panel, mean in zip(panels, means[:, found.place], strict=True) if np.isfinite(mean)]
    generator = np.random.Generator(np.random.PCG64(seed))
    again = np.broadcast_to(found.known, (replicates, *found.known.shape))
    if "series" in resampled:
        pairs = zip(panels, found.known, strict=True)
        again = np.stack([_panel_means(panel, mean, generator, replicates) for panel, mean in pairs], axis=1)
    flat = again.reshape(-1, len(models))
    points = np.hstack([found.logs(flat), _win_points(flat)]).reshape(*again.shape[:2], 2 * len(models))
    used = [unit for unit in resampled if len(panels) > 1 or unit != "data sets"]
    if "data sets" in used:
        counts = generator.multinomial(len(panels), np.full(len(panels), 1 / len(panels)), replicates)
        middle = points.mean(axis=1)
        drawn = _widened(np.einsum("bd,bdm->bm", counts / len(panels), points), middle, len(panels))
    else:
        drawn = points.mean(axis=1)
    moving = "data sets" in used or ("series" in used and any(len(panel) > 1 for panel in panels))
    logs, wins = np.split(drawn if moving else drawn[:0], 2, axis=1)
    return found.drawn("data sets", f"bootstrap over {' and '.join(used)}", logs, wins)


def over_time(
    errors: Floats,
    models: Sequence[str],
    reference: str,
    shared: int = 1,
    bounds: tuple[float, float] = BOUNDS,
) -> RelativeScores:
    """Compare models on one series, over its windows or steps; intervals are those of `bench.stats.blocks`.

    The ratio is that of the mean errors, its logarithm taken to be linear in both near their values; wins are counted
    over time, and where all of them go one way they are known no better than to one.

    Parameters
    ----------
    errors : array, shape (n, M)
        In the order of time.
    models : sequence of str
    reference : str
    shared : int
        Windows in a row that share a step.
    bounds : (float, float)
    """
    found = _Errors.of(errors, models, reference, bounds)
    known, points = found.known, _win_points(found.known)
    mean: Floats = known.mean(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = known / mean
        logs = [block_mean(one, shared) for one in (shares - shares[:, [found.place]]).T]
    middle = found.logs(mean)[0]
    ends = np.clip(middle[:, None] + [one.interval() for one in logs], *np.log(bounds))
    # Wins that all go one way are known no better than to one of them, unless all models are one.
    least = 0.0 if (known == known[:, :1]).all() else (len(models) - 1) / len(known)
    resolution = [least if np.ptp(one) == 0 else 0.0 for one in points.T]
    wins = [block_mean(one, shared, resolution=size).interval() for one, size in zip(points.T, resolution, strict=True)]
    return found.scores("windows", mean, logs[0].method, 1 - np.exp(ends[:, ::-1]), found.rates(np.array(wins)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Errors:
    """Errors of all models on all units, the missing ones set to the reference's."""

    known: Floats
    models: tuple[str, ...]
    place: int
    """Column of the reference."""
    bounds: tuple[float, float]
    missing: NDArray[np.integer]
    left_out: int

    @classmethod
    def of(cls, errors: Floats, models: Sequence[str], reference: str, bounds: tuple[float, float]) -> "_Errors":
        place = list(models).index(reference)
        kept = errors[np.isfinite(errors[:, place])]
        gaps = np.isnan(kept)
        return cls(
            known=np.where(gaps, kept[:, [place]], kept),
            models=tuple(models),
            place=place,
            bounds=bounds,
            missing=gaps.sum(axis=0),
            left_out=len(errors) - len(kept),
        )

    def logs(self, errors: Floats) -> Floats:
        """Return the logarithms of clipped ratios."""
        return np.asarray(np.log(ratios(errors, errors[:, self.place], self.bounds)))

    def drawn(self, unit: Unit, method: str, logs: Floats, wins: Floats) -> RelativeScores:
        """Return all scores by unit; ``logs`` and ``wins`` are replicates of their means."""
        return self.scores(unit, self.known, method, _ends(1 - np.exp(logs)), _ends(self.rates(wins)))

    def rates(self, wins: Floats) -> Floats:
        """Return win rates from how many models are beaten on average: a model ties with itself, half a win."""
        return np.clip((wins - 0.5) / max(1, len(self.models) - 1), 0, 1)

    def scores(self, unit: Unit, basis: Floats, method: str, skills: Floats, wins: Floats) -> RelativeScores:
        """Return all scores, of ratios on ``basis``; ``skills`` and ``wins`` are intervals, shape (M, 2)."""
        columns = range(len(self.models))
        rates = np.array([[win_rate(self.known[:, i], self.known[:, j]) for j in columns] for i in columns])
        against = [[skill(ratios(basis[:, [i]], basis[:, j], self.bounds)) for j in columns] for i in columns]
        raw = raw_ratios(basis, basis[:, self.place])
        mean_rate = self.rates(rates.sum(axis=1))
        scores = tuple(
            RelativeScore(
                model=name,
                skill=_estimate(against[at][self.place], skills[at], method),
                win_rate=_estimate(float(mean_rate[at]), wins[at], method),
                clipped=(int((raw[:, at] < self.bounds[0]).sum()), int((raw[:, at] > self.bounds[1]).sum())),
                missing=int(self.missing[at]),
            )
            for at, name in enumerate(self.models)
        )
        return RelativeScores(
            reference=self.models[self.place],
            unit=unit,
            units=len(self.known),
            left_out=self.left_out,
            bounds=self.bounds,
            scores=scores,
            win_rates=rates,
            skills=np.array(against),
        )


def _win_points(errors: Floats) -> Floats:
    """Return how many models each one beats on each unit, ties as half, itself among them."""
    from scipy.stats import rankdata

    return np.asarray(errors.shape[1] + 0.5 - rankdata(errors, axis=1))


def _panel_means(panel: Floats, mean: Floats, generator: np.random.Generator, replicates: int) -> Floats:
    """Return means over resampled series, shape (replicates, M), with the reference's for a model without an error."""
    if len(panel) < 2:
        return np.broadcast_to(mean, (replicates, len(mean)))
    filled = np.where(np.isnan(panel).any(axis=0), mean, panel)
    rows = filled[np.lexsort(filled.T)]
    drawn = _widened(resampled_totals(rows, generator, replicates) / len(rows), mean, len(rows))
    return np.maximum(drawn, 0.0)


def _widened(drawn: Floats, middle: Floats, units: int) -> Floats:
    """Return replicates of a mean with the variance that so few units leave open."""
    return np.asarray(middle + (drawn - middle) * math.sqrt(units / (units - 1)))


def _ends(drawn: Floats) -> Floats:
    """Return the central 95 % of replicates, shape (B, M), as shape (M, 2); NaN where there are none."""
    if not len(drawn):
        return np.full((drawn.shape[1], 2), math.nan)
    return np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0).T


def _estimate(value: float, ends: Floats, method: str) -> Estimate:
    """Return a figure with an interval that is widened to hold it."""
    if np.isnan(ends).any():
        return Estimate(value=value, low=math.nan, high=math.nan, method="as observed")
    return Estimate(value=value, low=min(float(ends[0]), value), high=max(float(ends[1]), value), method=method)
