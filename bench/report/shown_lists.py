"""Lists of a few users with titles, the pick's beside the reference's.

For pages alone, which are not committed: licences of data may forbid to pass titles on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.ranking.list_items import ExampleList, ListItems
from bench.ranking.truth import RankingTruth
from bench.report.content import Content, Row
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


def shown_users(content: Content, truth: RankingTruth | None) -> list[ShownUser]:
    """Return the users whose lists a page shows; none where titles or lists are not at hand.

    Parameters
    ----------
    content : Content
    truth : RankingTruth or None
    """
    best = content.best.scores.name if content.best is not None else ""
    pick, reference = content.decision.pick or best, content.task.reference
    # Where the reference is what is recommended, the next best stands beside it.
    names = dict.fromkeys((pick, reference if reference != pick else content.decision.runner_up or best))
    known = [(row, row.lists) for name in names if (row := content.row(name)) is not None and row.lists is not None]
    if truth is None or not known:
        return []
    found = []
    for one in truth.examples:
        own = [(row, example) for row, items in known if (example := _of(items, one.user)) is not None]
        if own:
            first = own[0][1]
            found.append(
                ShownUser(
                    title=KINDS[one.kind],
                    label=one.label,
                    before=f"{count(first.history, 'interaction')} before, {first.wanted} to be found",
                    tail=tuple(truth.titles[item] for item in reversed(one.tail)),
                    lists=_lists(own, truth.titles),
                )
            )
    return found


def _of(items: ListItems, user: int) -> ExampleList | None:
    return next((one for one in items.examples if one.user == user), None)


def _lists(own: Sequence[tuple[Row, ExampleList]], titles: Sequence[str]) -> tuple[ShownList, ...]:
    return tuple(
        ShownList(
            model=row.scores.name,
            items=tuple((titles[item], hit) for item, hit in zip(example.items, example.hits, strict=True)),
            hits=f"{count(sum(example.hits), 'hit')} in {len(example.items)}",
        )
        for row, example in own
    )
