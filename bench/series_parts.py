"""What each series adds to a score of forecasts, and so what other series would have made of it.

A mean over series has its series' own scores; a ratio of sums has two sums of each, and is taken to be linear in both
near its value: series weigh what they hold of the second one.

References
----------
Cochran 1977, Sampling Techniques, section 2.11 (the variance of a ratio of sums).
Kish 1965, Survey Sampling (how many units of equal weight unequal ones are worth).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.item_files import in_order, pack_codes, pack_floats, unpack_codes, unpack_floats
from bench.stats.bootstrap import item_variance

Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesParts:
    """A score of one model, taken apart by series and window."""

    sizes: tuple[int, ...]
    """Series of each window that have a part, the earliest window first."""
    groups: NDArray[np.intp]
    """Code of each of these series, window by window, shape (n,): by first appearance."""
    values: Floats
    """Score of each under each seed, shape (S, n); of a ratio what it adds to the first sum."""
    weights: Floats | None = None
    """What each adds to the second sum of a ratio, shape (n,); None where the score is a mean over series."""

    @property
    def by_window(self) -> Floats:
        """The score of each window under each seed, shape (windows, S)."""
        return self._sums(self.values).T / (self._sums(self._weights)[:, None])

    @property
    def score_by_item(self) -> Floats:
        """What each series adds, shape (S, n), turned: their mean is the mean over windows.

        Where windows hold different numbers of series, a series of a small one weighs more. Then what it adds is its
        part of the deviation from the score of its window, so that windows that are harder make no series worse.
        """
        sizes, windows, means = np.array(self.sizes), self._windows, self.by_window.T
        weights = len(windows) / (len(sizes) * sizes[windows])
        return np.asarray(-(means.mean(axis=1, keepdims=True) + weights * (self._linear() - means[:, windows])))

    @property
    def item_variance(self) -> float:
        """Mean over windows of the variance of a window's score under other series."""
        parts = np.split(self._linear(), np.cumsum(self.sizes)[:-1], axis=1)
        return float(np.mean([item_variance(one) for one in parts]))

    @property
    def worth(self) -> float:
        """How many series of equal weight they are worth."""
        shares = np.bincount(self.groups, self._weights)
        return float(shares.sum() ** 2 / np.square(shares).sum())

    @property
    def _weights(self) -> Floats:
        return np.ones(len(self.groups)) if self.weights is None else self.weights

    @property
    def _windows(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def _sums(self, parts: Floats) -> Floats:
        """Return the sums over the series of each window."""
        sizes = np.array(self.sizes)
        return np.asarray(np.add.reduceat(parts, np.cumsum(sizes) - sizes, axis=-1))

    def _linear(self) -> Floats:
        """Return values whose mean over a window is its score, and which vary as it does, shape (S, n)."""
        if self.weights is None:
            return self.values
        windows, means = self._windows, self.by_window.T
        share = (np.array(self.sizes) / self._sums(self.weights))[windows]
        return np.asarray(means[:, windows] + share * (self.values - means[:, windows] * self.weights))


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowParts:
    """The same of one window under one seed."""

    seed: int
    codes: NDArray[np.integer]
    """Of the series, shape (n,)."""
    values: Floats
    weights: Floats | None


def together(windows: Sequence[WindowParts]) -> SeriesParts | None:
    """Return the parts of all windows; None where there are none.

    Parameters
    ----------
    windows : sequence of WindowParts
        Under each seed the earliest one first.
    """
    by_seed = [[one for one in windows if one.seed == seed] for seed in sorted({one.seed for one in windows})]
    if not any(len(one.codes) for one in windows):
        return None
    first = by_seed[0]
    weights = [one.weights for one in first if one.weights is not None]
    return SeriesParts(
        sizes=tuple(len(one.codes) for one in first if len(one.codes)),
        groups=in_order(np.concatenate([one.codes for one in first])),
        values=np.stack([np.concatenate([one.values for one in own]) for own in by_seed]),
        weights=np.concatenate(weights) if weights else None,
    )


def parts_content(parts: SeriesParts) -> dict[str, Any]:
    """Return the parts as JSON has them."""
    content = {"sizes": parts.sizes, "groups": pack_codes(parts.groups), "values": pack_floats(parts.values.T.ravel())}
    return content if parts.weights is None else {**content, "weights": pack_floats(parts.weights)}


def parts_of_content(content: Mapping[str, Any], seeds: int) -> SeriesParts:
    """Return the parts behind such a content.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is damaged.
    """
    sizes, groups = tuple(map(int, content["sizes"])), unpack_codes(content["groups"])
    values = unpack_floats(content["values"]).reshape(-1, seeds).T
    weights = unpack_floats(content["weights"]) if "weights" in content else None
    if {sum(sizes), values.shape[1], len(groups if weights is None else weights)} != {len(groups)}:
        raise ValueError(f"parts of other series than the {len(groups)} that have codes")
    return SeriesParts(sizes=sizes, groups=groups, values=values, weights=weights)
