"""A figure with its interval and its method, or the reason why it was not measured.

References
----------
Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference (interval of a rate).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One figure as a report prints it."""

    value: float
    """NaN where it was not measured."""
    low: float
    """Lower end of the 95 % interval; NaN where it cannot be had."""
    high: float
    method: str
    """How the interval was made; empty where nothing was measured."""
    why: str = ""
    """Why it was not measured; empty where it was."""

    @property
    def measured(self) -> bool:
        """Whether there is a figure."""
        return not math.isnan(self.value)

    @classmethod
    def not_measured(cls, why: str) -> "Estimate":
        """Return the absence of a figure, and its reason.

        Examples
        --------
        >>> Estimate.not_measured("one seed").measured
        False
        """
        return cls(value=math.nan, low=math.nan, high=math.nan, method="", why=why)

    @classmethod
    def of_rate(cls, count: int, total: int, effect: float = 1.0) -> "Estimate":
        """Return the rate of ``count`` in ``total`` with its Wilson interval.

        Parameters
        ----------
        count, total : int
        effect : float
            How many of the counted are worth one independent one; see `bench.stats.deferral.design_effect`.

        Examples
        --------
        >>> rate = Estimate.of_rate(0, 15)
        >>> rate.value, round(rate.high, 3)
        (0.0, 0.204)
        """
        from scipy.stats import binomtest

        if total == 0:
            return cls.not_measured("nothing to count")
        if effect != 1:
            low, high = _wilson(count / total, total / effect)
            return cls(value=count / total, low=low, high=high, method="Wilson, effective number of items by groups")
        interval = binomtest(count, total).proportion_ci(confidence_level=LEVEL, method="wilson")
        return cls(value=count / total, low=float(interval.low), high=float(interval.high), method="Wilson")

    @classmethod
    def of_mean(cls, values: NDArray[np.floating], units: str) -> "Estimate":
        """Return the mean of independent values, shape (n,), with its t interval; without one for a single value.

        Examples
        --------
        >>> found = Estimate.of_mean(np.array([1.0, 2.0, 3.0]), "users")
        >>> found.value, round(found.high, 3), found.method
        (2.0, 4.484, 't over users')
        """
        if not len(values):
            return cls.not_measured(f"no {units}")
        value = float(np.mean(values))
        if len(values) < 2:
            return cls(value=value, low=math.nan, high=math.nan, method=f"as observed: one of the {units}")
        from scipy.stats import t

        error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1)) * error
        return cls(value=value, low=value - half, high=value + half, method=f"t over {units}")

    @classmethod
    def of_replicates(cls, value: float, replicates: NDArray[np.floating], method: str) -> "Estimate":
        """Return ``value`` with the central 95 % of its replicates, shape (B,), widened to hold the value."""
        low, high = np.quantile(replicates, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return cls(value=value, low=min(float(low), value), high=max(float(high), value), method=method)


def _wilson(rate: float, total: float) -> tuple[float, float]:
    """Return Wilson's interval of a rate in a number that need not be whole."""
    from scipy.stats import norm

    if not total:
        return 0.0, 1.0
    z2 = float(norm.ppf((1 + LEVEL) / 2)) ** 2 / total
    half = math.sqrt(z2 * rate * (1 - rate) + z2**2 / 4)
    return max(0.0, (rate + z2 / 2 - half) / (1 + z2)), min(1.0, (rate + z2 / 2 + half) / (1 + z2))
