"""What lists say of a model, computed once after its cells and kept beside its table; see `bench.items`.

Of every user, split and seed it holds which places of the list were hits, a bit each, and how many targets there were:
from these follows every score that is a mean over users, and users are what paired comparisons draw. No item is named:
a hit beside its item would be a row of the data, and licences may forbid to pass these on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.item_files import number, pack, pack_codes, unpack, unpack_codes
from bench.ranking.hits import BY_HITS, scores_of
from bench.series_parts import SeriesParts

Floats = NDArray[np.floating]
Three = tuple[float, float, float]

ACTIVITY, COLD_USERS, COLD_ITEMS = (
    "length of the history",
    "users without a history",
    "items that no model was fitted on",
)
WORST = 0.1
"""Share of the users that is the worst of them."""
PLAIN = ("digests", "seeds", "k", "ideal", "sizes", "churn", "excess_churn", "worst_tenth")
"""What JSON holds as it is."""


@dataclass(frozen=True, kw_only=True)
class UserSlice:
    """Users of one kind, or what was to be found of one kind."""

    by: str
    """`ACTIVITY`, `COLD_USERS` or `COLD_ITEMS`."""
    label: str
    users: int
    """Different ones, over all splits."""
    ndcg: Three
    """Mean over these users, with its 95 % interval: t over users, each with all splits and seeds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ListItems:
    """Figures of one model over the users of its test parts."""

    digests: str
    """As in `bench.items.Items`."""
    seeds: int
    k: int
    ideal: str
    """What NDCG is normalised by."""
    sizes: tuple[int, ...]
    """Users of each split who have a history and a target: by repeat, then by fold."""
    groups: NDArray[np.intp]
    """Code of each of them, split by split, shape (n,): by first appearance."""
    wanted: NDArray[np.intp]
    """Targets of each, shape (n,)."""
    hit: NDArray[np.bool_]
    """Whether each place of the list of each holds a target, under each seed, shape (S, n, k)."""
    churn: Three
    """One minus the mean Jaccard index of the lists of two seeds, with its interval; NaN for one seed."""
    excess_churn: Three
    """The same on the scale from what the hits of two seeds force to the most they allow; zero without churn."""
    worst_tenth: float
    """Mean NDCG of the tenth of the users whose lists are worst over splits and seeds."""
    slices: tuple[UserSlice, ...]
    figures: Mapping[str, float]
    """Mean over cells of what lists are like, and the recall of ``head`` and ``tail`` items among the targets."""
    defects: Mapping[str, int]
    """Sums over cells of `bench.ranking.metrics.defects`."""

    def parts(self, metric: str) -> SeriesParts | None:
        """Return a metric by user; None of one that is no mean over these users of what hits say."""
        if metric not in BY_HITS:
            return None
        values = scores_of(metric, self.hit, self.wanted, self.ideal)
        return SeriesParts(sizes=tuple(size for size in self.sizes if size), groups=self.groups, values=values)

    def score_by_user(self, metric: str) -> Floats | None:
        """Return what each user adds, shape (S, n), larger is better: the mean is that over splits."""
        # Parts of series are turned, for errors are better where they are smaller.
        return None if (parts := self.parts(metric)) is None else -parts.score_by_item

    def over_users(self, metric: str) -> Floats | None:
        """Return the mean of each user over splits and seeds, in the order of their codes; see `parts`."""
        if (parts := self.parts(metric)) is None:
            return None
        return np.asarray(np.bincount(self.groups, parts.values.mean(axis=0)) / np.bincount(self.groups))


def as_content(items: ListItems) -> dict[str, Any]:
    """Return the figures as JSON has them."""
    return {
        "prediction": "ranking",
        **{name: getattr(items, name) for name in PLAIN},
        "groups": pack_codes(items.groups),
        "wanted": pack_codes(items.wanted),
        # The seeds of a place side by side: where they agree, they pack well.
        "hit": pack(np.moveaxis(items.hit, 0, -1).ravel()),
        "slices": [vars(one) for one in items.slices],
        "figures": dict(items.figures),
        "defects": dict(items.defects),
    }


def of_content(content: Mapping[str, Any]) -> ListItems:
    """Return the figures behind such a content.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is damaged.
    """
    groups, wanted = unpack_codes(content["groups"]), unpack_codes(content["wanted"])
    seeds, k, sizes = int(content["seeds"]), int(content["k"]), tuple(map(int, content["sizes"]))
    if {sum(sizes), len(wanted)} != {len(groups)}:
        raise ValueError(f"hits of other users than the {len(groups)} that have codes")
    return ListItems(
        digests=content["digests"],
        seeds=seeds,
        k=k,
        ideal=content["ideal"],
        sizes=sizes,
        groups=groups,
        wanted=wanted,
        hit=np.moveaxis(unpack(content["hit"]).reshape(len(groups), k, seeds), -1, 0),
        churn=_three(content["churn"]),
        excess_churn=_three(content["excess_churn"]),
        worst_tenth=number(content["worst_tenth"]),
        slices=tuple(UserSlice(**{**one, "ndcg": _three(one["ndcg"])}) for one in content["slices"]),
        figures={name: number(value) for name, value in content["figures"].items()},
        defects={name: int(value) for name, value in content["defects"].items()},
    )


def _three(values: Sequence[float | None]) -> Three:
    one, two, three = map(number, values)
    return one, two, three
