"""Where a pretrained and a stable model cross as the training rows grow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One model at one size."""

    model: str
    rows: float
    """Training rows, mean over draws."""
    mean: float
    low: float
    """Least score over the draws."""
    high: float


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The number of training rows at which a stable model overtakes a pretrained one."""

    zoo: str
    stable: str
    rows: float
    """NaN where they do not cross between the smallest and the largest size."""
    low: float
    """Ends of the 95 % interval, from resampled draws; NaN where not every resample crosses."""
    high: float
    lead_first: float
    """Lead of the pretrained model at the smallest size."""
    lead_last: float
    """Its lead at the largest size."""
    first_rows: float
    last_rows: float


def crossing(
    zoo: str,
    stable: str,
    rows: Sequence[float],
    scores: Mapping[str, NDArray[np.floating]],
    seed: int,
    draws: int = 1000,
) -> Crossing:
    """Return where the mean lead of ``zoo`` over ``stable`` changes its sign.

    Between two sizes the lead is taken to change linearly in the logarithm of the rows.

    Parameters
    ----------
    zoo, stable : str
    rows : sequence of float
        Training rows of each step, growing, shape (T,).
    scores : mapping
        Of each model, shape (T, draws): the same draws for both.
    seed : int
        Of the resampling of draws.
    """
    lead = scores[zoo] - scores[stable]
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, lead.shape[1], (draws, lead.shape[1]))
    resampled = [_zero(np.log(rows), lead[:, columns].mean(axis=1)) for columns in chosen]
    whole = not np.isnan(resampled).any()
    low, high = np.exp(np.quantile(resampled, (0.025, 0.975))) if whole else (np.nan, np.nan)
    mean = lead.mean(axis=1)
    return Crossing(
        zoo=zoo,
        stable=stable,
        rows=float(np.exp(_zero(np.log(rows), mean))),
        low=float(low),
        high=float(high),
        lead_first=float(mean[0]),
        lead_last=float(mean[-1]),
        first_rows=float(rows[0]),
        last_rows=float(rows[-1]),
    )


def _zero(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return the last place at which ``y`` falls through zero; NaN where it does not."""
    falls = np.flatnonzero((y[:-1] > 0) & (y[1:] <= 0))
    if len(falls) == 0:
        return float("nan")
    at = falls[-1]
    return float(x[at] + (x[at + 1] - x[at]) * y[at] / (y[at] - y[at + 1]))
