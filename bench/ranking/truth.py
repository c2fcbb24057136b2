"""What test parts of interactions hold, kept beside the lists so that these can be scored anew; and users to show.

Titles and histories stay in this file, which is never committed: licences of data may forbid that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.ranking.asked import Codes
from bench.ranking.held import Relevant, asking_of, kind_of, relevant_of

if TYPE_CHECKING:
    from bench.types import Dataset, Split

SEPARATOR = "\x1e"
BY_SPLIT = ("users", "starts", "items", "warm", "popularity", "profile", "history", "open")
"""Arrays of a `Relevant` that differ between splits."""
KINDS = ("heavy", "median", "light")
TAIL = 8
"""Last interactions of a user that are shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExampleUser:
    """One whose lists are shown."""

    kind: str
    """One of `KINDS`: by the length of the history."""
    user: int
    label: str
    tail: Codes
    """Items of the last interactions before the test part, the latest last."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RankingTruth:
    """What the truth of interactions holds beside their weights."""

    relevant: Mapping[tuple[int, int], Relevant]
    """Of each (repeat, fold)."""
    titles: tuple[str, ...]
    """What a person calls each item, by its code; its label where no table says."""
    examples: tuple[ExampleUser, ...]
    """Users of the last fold of the first repeat; none where no user has a history."""

    @property
    def shown(self) -> tuple[int, int]:
        """Repeat and fold of the lists that are shown."""
        first = min(repeat for repeat, _ in self.relevant)
        return max(place for place in self.relevant if place[0] == first)


def ranking_arrays(dataset: "Dataset", splits: Sequence["Split"]) -> dict[str, Any]:
    """Return the arrays of a file that `read_ranking` understands; none for what is no interactions."""
    if dataset.recommending is None:
        return {}
    asked, ranking = kind_of(dataset)
    found: dict[str, Any] = {
        "ranking_numbers": np.array([ranking.k, ranking.cold_items == "drop", bool(ranking.sampled)]),
        "ranking_ideal": np.array(ranking.ideal),
        "ranking_titles": _packed(asked.titles or tuple(map(str, asked.items))),
    }
    if asked.tagged is not None:
        found["ranking_tagged"] = asked.tagged
    last = _last(splits)
    for split in splits:
        relevant, place = relevant_of(dataset, split), f"ranking-{split.repeat}-{split.fold}"
        for name in BY_SPLIT:
            found[f"{place}-{name}"] = getattr(relevant, name)
        found[f"{place}-sizes"] = np.array([relevant.fitted_users, relevant.candidates])
        if split is last:
            found |= _examples(dataset, split, relevant)
    return found


def read_ranking(content: Mapping[str, Any]) -> RankingTruth | None:
    """Return what such arrays say, or None where there are none."""
    if "ranking_numbers" not in content:
        return None
    k, drop_cold, sampled = map(int, content["ranking_numbers"])
    fields: dict[tuple[int, int], dict[str, Any]] = {}
    for name, array in content.items():
        if name.startswith("ranking-"):
            _, repeat, fold, what = name.split("-")
            fields.setdefault((int(repeat), int(fold)), {})[what] = array
    return RankingTruth(
        relevant={
            place: Relevant(
                **{name: arrays[name] for name in BY_SPLIT},
                fitted_users=int(arrays["sizes"][0]),
                candidates=int(arrays["sizes"][1]),
                k=k,
                ideal=str(content["ranking_ideal"]),
                drop_cold=bool(drop_cold),
                sampled=bool(sampled),
                tagged=content.get("ranking_tagged"),
            )
            for place, arrays in fields.items()
        },
        titles=_unpacked(content["ranking_titles"]),
        examples=_read_examples(content),
    )


def example_places(relevant: Relevant) -> Codes:
    """Return the places of the users with the longest, a middle and the shortest history, of those with targets.

    Of fewer than three users each once.
    """
    known = np.flatnonzero(relevant.warm & (np.diff(relevant.starts) > 0))
    ordered = known[np.lexsort((relevant.users[known], relevant.history[known]))]
    middle = [len(ordered) - 1, len(ordered) // 2, 0] if len(ordered) else []
    return np.array(list(dict.fromkeys(ordered[middle].tolist())), dtype=np.intp)


def _last(splits: Sequence["Split"]) -> "Split":
    first = min(split.repeat for split in splits)
    return max((split for split in splits if split.repeat == first), key=lambda split: split.fold)


def _examples(dataset: "Dataset", split: "Split", relevant: Relevant) -> dict[str, Any]:
    asked, ranking = kind_of(dataset)
    places = example_places(relevant)
    # Their histories are those without a sample, which takes long to draw.
    plain = asking_of(replace(dataset, ranking=replace(ranking, sampled=0)), split).queries.take(places)
    tails = np.full((len(places), TAIL), -1, dtype=np.intp)
    for row, end in enumerate(plain.starts[1:]):
        own = plain.items[plain.starts[row] : end][-TAIL:]
        tails[row, : len(own)] = own
    labels = _packed(tuple(map(str, asked.users[relevant.users[places]])))
    return {"ranking_shown": relevant.users[places], "ranking_labels": labels, "ranking_tails": tails}


def _read_examples(content: Mapping[str, Any]) -> tuple[ExampleUser, ...]:
    rows = zip(content["ranking_shown"], _unpacked(content["ranking_labels"]), content["ranking_tails"], strict=False)
    return tuple(
        ExampleUser(kind=kind, user=int(user), label=label, tail=tail[tail >= 0])
        for kind, (user, label, tail) in zip(KINDS, rows, strict=False)
    )


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(SEPARATOR.join(texts).encode(errors="replace"), np.uint8)


def _unpacked(content: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(content.tobytes().decode().split(SEPARATOR))
