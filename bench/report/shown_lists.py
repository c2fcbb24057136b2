"""Lists of a few users with titles, the pick's beside the reference's.

From the lists and the truth on this machine, for pages alone, which are not committed: licences of data may forbid to
pass titles on, and a hit beside its item is a row of the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.ranking.hits import hits_in, list_of
from bench.ranking.top import NONE, Lists
from bench.ranking.truth import RankingTruth
from bench.report.content import Content
from bench.report.wording import count

KINDS = {"heavy": "The longest history", "median": "A middle one", "light": "The shortest"}


@dataclass(frozen=True, kw_only=True)
class ShownList:
    """What one model recommends to a user."""

    model: str
    items: tuple[tuple[str, bool], ...]
    """Title, and whether it was a hit; best first."""
    hits: str


@dataclass(frozen=True, kw_only=True)
class ShownUser:
    """A user, what came before, and what was recommended."""

    title: str
    label: str
    before: str
    """How much came before, and how much was to be found."""
    tail: tuple[str, ...]
    """Titles of the last items before, the latest first."""
    lists: tuple[ShownList, ...]


def shown_models(content: Content) -> tuple[str, ...]:
    """Return whose lists a page shows: what is recommended, and the reference."""
    best = content.best.scores.name if content.best is not None else ""
    pick, reference = content.decision.pick or best, content.task.reference
    # Where the reference is what is recommended, the next best stands beside it.
    names = dict.fromkeys((pick, reference if reference != pick else content.decision.runner_up or best))
    return tuple(name for name in names if name and content.row(name) is not None)


def shown_users(truth: RankingTruth | None, lists: Mapping[str, Lists]) -> list[ShownUser]:
    """Return the users whose lists a page shows; none where titles or lists are not at hand.

    Parameters
    ----------
    truth : RankingTruth or None
    lists : mapping
        Of each of `shown_models`, as far as they are at hand: its lists of the split that is shown.
    """
    if truth is None or not lists:
        return []
    relevant = truth.relevant[truth.shown]
    known = {model: (list_of(relevant, own), hits_in(relevant, own)) for model, own in lists.items()}
    one_of_them = next(iter(known.values()))[1]
    found = []
    for one in truth.examples:
        row = int(np.searchsorted(relevant.users, one.user))
        if one_of_them.counted[row]:
            before, wanted = count(int(relevant.history[row]), "interaction"), one_of_them.wanted[row]
            found.append(
                ShownUser(
                    title=KINDS[one.kind],
                    label=one.label,
                    before=f"{before} before, {wanted} to be found",
                    tail=tuple(truth.titles[item] for item in reversed(one.tail)),
                    lists=tuple(
                        _list(model, items[row], hits.hit[row], truth.titles) for model, (items, hits) in known.items()
                    ),
                )
            )
    return found


def _list(model: str, items: Lists, hit: NDArray[np.bool_], titles: Sequence[str]) -> ShownList:
    there = items != NONE
    shown = tuple((titles[item], bool(is_hit)) for item, is_hit in zip(items[there], hit[there], strict=True))
    return ShownList(model=model, items=shown, hits=f"{count(int(hit.sum()), 'hit')} in {len(shown)}")
