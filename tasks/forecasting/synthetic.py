"""Panels made by known laws, with the best forecasts that any model could make of them: the ceiling of skill.

A series is a level, a trend, a season, the effect of a campaign that is known ahead, and first-order autoregressive
Gaussian noise. Who knows the law knows the distribution of every future value exactly; who has to learn it knows less.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import DataError, did_you_mean
from bench.panel import SERIES, TIME, quantile_column
from bench.types import Dataset, Split, seed_for

SCHEME = "synthetic:"
START = "2010-01-01"
KNOWN = "campaign"


@dataclass(frozen=True, kw_only=True)
class Law:
    """How the series of a panel come about; each has parameters of its own, drawn around these."""

    series: int
    steps: int
    freq: str
    season: int
    amplitude: float
    """Of the season; the standard deviation of one step's noise is 1."""
    trend: float
    """A step."""
    memory: float
    """Of the noise: what is left of it after a step; 1 makes a random walk."""
    effect: float = 0.0
    """Of a campaign."""


LAWS = {
    "seasonal": Law(series=100, steps=120, freq="MS", season=12, amplitude=3.0, trend=0.03, memory=0.6),
    "walk": Law(series=100, steps=120, freq="MS", season=12, amplitude=0.0, trend=0.1, memory=1.0),
    "campaigns": Law(series=50, steps=182, freq="D", season=7, amplitude=2.0, trend=0.0, memory=0.3, effect=5.0),
}


def law(path: str) -> Law:
    """Return the law behind an address.

    Parameters
    ----------
    path : str
        Such as ``synthetic:seasonal``.

    Returns
    -------
    Law

    Raises
    ------
    DataError
        If there is no such law.
    """
    name = path.removeprefix(SCHEME)
    if name not in LAWS:
        raise DataError(f"Unknown synthetic data set {name!r}. {did_you_mean(name, LAWS)}")
    return LAWS[name]


def generate(path: str) -> pd.DataFrame:
    """Return the panel of a law as a long table: ``unique_id``, ``ds``, ``y`` and, where there are any, campaigns."""
    made, steps = law(path), np.arange(law(path).steps)
    stamps = pd.date_range(START, periods=made.steps, freq=made.freq)
    frames = []
    for name in (f"s{number:03d}" for number in range(made.series)):
        generator = np.random.default_rng(seed_for(0, path, name, "noise"))
        campaign = (generator.random(made.steps) < 0.15).astype(np.float64)
        shocks = generator.standard_normal(made.steps)
        noise = np.empty(made.steps)
        # A stationary beginning, where there is one.
        noise[0] = shocks[0] / math.sqrt(1 - made.memory**2) if made.memory < 1 else shocks[0]
        for step in steps[1:]:
            noise[step] = made.memory * noise[step - 1] + shocks[step]
        frame = pd.DataFrame({SERIES: name, TIME: stamps, "y": expected(path, name, steps, campaign) + noise})
        frames.append(frame.assign(**{KNOWN: campaign}) if made.effect else frame)
    return pd.concat(frames, ignore_index=True)


def expected(path: str, name: str, steps: NDArray[np.integer], campaign: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what a series is without its noise.

    Parameters
    ----------
    path : str
    name : str
        Of the series: its parameters follow from it.
    steps : array, shape (n,)
        From 0.
    campaign : array, shape (n,)

    Returns
    -------
    array, shape (n,)
    """
    made, generator = law(path), np.random.default_rng(seed_for(0, path, name, "parameters"))
    level, phase = 50 + 10 * generator.standard_normal(), generator.integers(made.season)
    amplitude, trend, effect = (
        size * generator.uniform(0.5, 1.5) for size in (made.amplitude, made.trend, made.effect)
    )
    season = amplitude * np.sin(2 * np.pi * (steps + phase) / made.season)
    return np.asarray(level + trend * steps + season + effect * campaign, np.float64)


def spread(memory: float, ahead: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the standard deviation of a value so many steps ahead, as known at the origin.

    Examples
    --------
    >>> spread(1.0, np.array([1, 4])).tolist()
    [1.0, 2.0]
    >>> spread(0.6, np.array([1, 2])).round(3).tolist()
    [1.0, 1.166]
    """
    if memory == 1:
        return np.sqrt(ahead.astype(np.float64))
    return np.asarray(np.sqrt((1 - memory ** (2 * ahead)) / (1 - memory**2)))


def optimum(path: str, dataset: Dataset, split: Split) -> pd.DataFrame:
    """Return the best possible forecasts of a window: exact quantiles of what is not known at the origin.

    Parameters
    ----------
    path : str
        Of the law that made the data set.
    dataset : Dataset
    split : Split

    Returns
    -------
    DataFrame
        As a model returns it: ``unique_id``, ``ds``, ``point`` and a column a level.
    """
    from scipy.stats import norm

    assert dataset.forecasting is not None
    means, spreads = _ahead(path, dataset, split)
    found = dataset.X.iloc[split.test][[SERIES, TIME]].reset_index(drop=True).assign(point=means)
    for level in dataset.forecasting.levels:
        found[quantile_column(level)] = means + spreads * norm.ppf(level)
    return found


def best_of(path: str, target: str, known: Sequence[str]) -> Callable[[Dataset, Split], pd.DataFrame] | None:
    """Return `optimum` of a law; None of other data or another target, or where campaigns are not known ahead.

    Parameters
    ----------
    path : str
        Of any data set.
    target : str
        Column that is forecast.
    known : sequence of str
        Columns that are known for the steps to forecast.
    """
    if not path.startswith(SCHEME) or target != "y" or (law(path).effect and KNOWN not in known):
        return None
    return partial(optimum, path)


def _ahead(path: str, dataset: Dataset, split: Split) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each value of a window's test part, as known at the origin."""
    made, stamps = law(path), pd.date_range(START, periods=law(path).steps, freq=law(path).freq)
    means, spreads = np.empty(len(split.test)), np.empty(len(split.test))
    names = dataset.X[SERIES].to_numpy(object)
    steps = stamps.get_indexer(pd.DatetimeIndex(dataset.X[TIME]))
    campaign = dataset.X[KNOWN].to_numpy(np.float64) if made.effect else np.zeros(len(steps))
    for name in pd.unique(names[split.test]):
        own = np.flatnonzero(names[split.test] == name)
        last = split.train[names[split.train] == name][-1]
        rows = np.r_[last, split.test[own]]
        clean = expected(path, name, steps[rows], campaign[rows])
        ahead = steps[rows[1:]] - steps[last]
        means[own] = clean[1:] + made.memory**ahead * (dataset.y[last] - clean[0])
        spreads[own] = spread(made.memory, ahead)
    return means, spreads
