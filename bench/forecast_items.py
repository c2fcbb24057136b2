"""What forecasts say of a model beside its scores: errors by series, by step and by level, and three examples.

The errors of every series in every window are kept under each seed, four bytes each: series are what paired comparisons
draw. All else is a handful of numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.fans import Fan, fan_content, fan_of
from bench.item_files import number, pack_codes, pack_floats, unpack_codes, unpack_floats
from bench.series_parts import SeriesParts, parts_content, parts_of_content
from bench.stats.characters import Slice
from bench.stats.estimate import Estimate

Floats = NDArray[np.floating]
Three = tuple[float, float, float]

PLAIN = ("digests", "seeds", "levels", "freq", "block", "sizes", "left_out", "churn", "excess_churn")
"""What JSON holds as it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ForecastItems:
    """Figures of one model over the windows of a panel."""

    digests: str
    """As in `bench.items.Items`."""
    seeds: int
    levels: tuple[float, ...]
    freq: str
    block: int
    """Windows in a row that share steps; 1 where none do."""
    sizes: tuple[int, ...]
    """Series of each window that have a scale, the earliest window first."""
    left_out: int
    """Series that have none, over all windows."""
    groups: NDArray[np.intp]
    """Code of each of these series, window by window, shape (n,): by first appearance."""
    scores: Mapping[str, Floats]
    """By metric: what each has under each seed, shape (S, n); no ``sql`` where no level was asked for."""
    worst: Mapping[str, str]
    """By metric: name of the series with the largest mean over windows and seeds."""
    churn: Three
    """Sum of absolute differences of two seeds over that of the targets, with its interval; NaN for one seed."""
    excess_churn: Three
    """Of scaled forecasts, on the scale from what their errors force to the most they allow."""
    revision: Estimate
    """Change of the forecast of a step from one origin to the next, of the first seed."""
    by_step: Floats
    """Mean scaled absolute error, and mean scaled quantile loss, of each step ahead, shape (2, horizon)."""
    coverage: Floats
    """Share of true values up to the quantile of each level, shape (levels,)."""
    pinball: Floats
    """Mean scaled loss of the quantile of each level."""
    slices: tuple[Slice, ...]
    """Mean MASE by the kind of series."""
    crossed: float
    """Share of the steps where quantiles crossed, and were sorted; NaN where cells did not tell."""
    fallbacks: float
    """Share of the series, window by window, that a simpler model answered for."""
    fans: tuple[Fan, ...]
    """Best, median and worst series by MASE: the last window of the first seed."""
    deciding: Mapping[str, SeriesParts] = field(default_factory=dict)
    """The primary metric by series, where it is none of ``scores``: of other series, for some need no scale."""

    @property
    def series(self) -> int:
        """Number of series that have a scale in some window."""
        return len(np.unique(self.groups))

    def parts(self, metric: str) -> SeriesParts | None:
        """Return a metric by series; None where that is not known."""
        if metric in self.scores:
            sizes = tuple(size for size in self.sizes if size)
            return SeriesParts(sizes=sizes, groups=self.groups, values=self.scores[metric])
        return self.deciding.get(metric)

    def over_series(self, metric: str) -> tuple[NDArray[np.intp], Floats]:
        """Return the codes of the series, and the mean of each over windows and seeds."""
        codes, place = np.unique(self.groups, return_inverse=True)
        return codes, np.bincount(place, self.scores[metric].mean(axis=0)) / np.bincount(place)

    def by_window(self, metric: str) -> Floats:
        """Return the score of each window under each seed, shape (windows, S); NaN where no series has a scale."""
        found = np.full((len(self.sizes), self.seeds), np.nan)
        if (parts := self.parts(metric)) is not None:
            found[np.array(self.sizes) > 0] = parts.by_window
        return found


def as_content(items: ForecastItems) -> dict[str, Any]:
    """Return the figures as JSON has them."""
    content = {
        "prediction": "quantiles",
        **{name: getattr(items, name) for name in PLAIN},
        **{name: getattr(items, name).tolist() for name in ("by_step", "coverage", "pinball")},
        "told": [items.crossed, items.fallbacks],
        "worst": dict(items.worst),
        "groups": pack_codes(items.groups),
        # The seeds of a series side by side: where they agree, they pack well.
        "scores": {name: pack_floats(values.T.ravel()) for name, values in items.scores.items()},
        "revision": asdict(items.revision),
        "slices": [asdict(one) for one in items.slices],
        "fans": [fan_content(one) for one in items.fans],
    }
    parts = {name: parts_content(one) for name, one in items.deciding.items()}
    return {**content, "deciding": parts} if parts else content


def of_content(content: Mapping[str, Any]) -> ForecastItems:
    """Return the figures behind such a content.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is damaged.
    """
    groups, seeds = unpack_codes(content["groups"]), int(content["seeds"])
    scores = {name: unpack_floats(text).reshape(-1, seeds).T for name, text in content["scores"].items()}
    if len(groups) != sum(content["sizes"]) or {one.shape[1] for one in scores.values()} != {len(groups)}:
        raise ValueError(f"scores of other series than the {len(groups)} that have codes")
    change = content["revision"]
    return ForecastItems(
        digests=content["digests"],
        seeds=seeds,
        freq=content["freq"],
        block=int(content["block"]),
        left_out=int(content["left_out"]),
        levels=tuple(map(float, content["levels"])),
        sizes=tuple(map(int, content["sizes"])),
        groups=groups,
        scores=scores,
        worst=content["worst"],
        churn=_three(content["churn"]),
        excess_churn=_three(content["excess_churn"]),
        revision=Estimate(**{**change, **{name: number(change[name]) for name in ("value", "low", "high")}}),
        by_step=np.array([list(map(number, row)) for row in content["by_step"]]),
        coverage=np.array(list(map(number, content["coverage"]))),
        pinball=np.array(list(map(number, content["pinball"]))),
        crossed=number(content["told"][0]),
        fallbacks=number(content["told"][1]),
        slices=tuple(Slice(**one) for one in content["slices"]),
        fans=tuple(map(fan_of, content["fans"])),
        deciding={name: parts_of_content(one, seeds) for name, one in content.get("deciding", {}).items()},
    )


def _three(values: Sequence[float | None]) -> Three:
    one, two, three = map(number, values)
    return one, two, three
