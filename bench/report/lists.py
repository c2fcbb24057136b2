"""Lists of items as every report words them: which users a score is made of, what lists are like, and whom they serve.

How models compare user by user stands in `bench.report.lists_compared`, and how stable they are in
`bench.report.lists_over_splits`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.metrics import metric
from bench.ranking.list_items import ACTIVITY, COLD_ITEMS, COLD_USERS, WORST, ListItems, Three, UserSlice
from bench.report.content import Content, Row
from bench.report.forecasts import BEST_POSSIBLE, Part
from bench.report.lists_compared import compared
from bench.report.lists_over_splits import over_splits, window_by_window
from bench.report.units import unit_of
from bench.report.wording import count, points, share
from bench.stats.table import ModelFacts

NOT_MEASURED = "the lists of these models are not kept here"
SAMPLED = "ndcg_sampled"
LIKE = ("coverage", "novelty", "popularity", "lift", "gini", "diversity")
RECALLS = {"head_recall": "recall of popular items", "tail_recall": "recall of the others"}

Known = Sequence[tuple[Row, ListItems]]


def with_users(facts: ModelFacts, items: ListItems, metric: str) -> ModelFacts:
    """Return what is known of a model, with the users that its score is made of as its items.

    A user is drawn with all splits in which there is a list of theirs. Of a metric that is no mean over users with a
    history nothing is added: folds are then what its intervals are over.
    """
    parts = items.parts(metric)
    if parts is None:
        return replace(facts, groups=None)
    found = replace(facts, by_item=items.score_by_user(metric), item_variance=parts.item_variance, groups=parts.groups)
    # Of one user the splits are all that could be drawn.
    return replace(found, sample="users" if found.group_count > 1 else "")


def with_lists(content: Content) -> Known:
    """Return the models whose lists were measured for the users of the reference; none without it."""
    found = [(row, row.lists) for row in content.rows if row.lists is not None]
    reference = next((items for row, items in found if row.scores.name == content.task.reference), None)
    if reference is None:
        return []
    return [
        (row, items)
        for row, items in found
        if items.sizes == reference.sizes and np.array_equal(items.groups, reference.groups)
    ]


def parts(content: Content) -> list[Part]:
    """Return the tables of the section; none where no list was measured."""
    known = with_lists(content)
    if not known:
        return []
    made = [
        compared(content, known),
        _like(content, known),
        _served(known),
        over_splits(content, known),
        window_by_window(content, known),
        _incomplete(known),
        _among_sampled(content),
    ]
    return [part for part in made if part is not None and part.rows]


def sentences(content: Content) -> list[str]:
    """Return what stands before the tables: whose lists they are, and whether all of them are whole."""
    known = with_lists(content)
    if not known:
        return []
    items = known[0][1]
    people = count(len(np.unique(items.groups)), "user")
    splits = [size for size in items.sizes if size]
    over = f" over {len(splits)} splits" if len(splits) > 1 else ""
    said = [
        f"Lists of {items.k} for {people} with a history and something to find, {count(len(items.groups), 'list')}"
        f"{over}. A user is drawn with all splits, and intervals say what other users would do."
    ]
    if not _incomplete(known).rows:
        said.append("Every user with a history got a whole list, and no item stands twice in one.")
    return said


def _like(content: Content, known: Known) -> Part:
    figures = [name for name in LIKE if any(name in items.figures for _, items in known)]
    recalls = [name for name in RECALLS if any(name in items.figures for _, items in known)]
    main = content.task.metrics[0]
    rows = [
        (
            row.label,
            content.unit.score(row.scores.mean),
            *(unit_of(name, math.nan).plain(items.figures.get(name, math.nan)) for name in figures),
            *(points(items.figures.get(name, math.nan)) for name in recalls),
        )
        for row, items in known
    ]
    best = content.facts["about"].get("ceiling", {}).get(main)
    if best is not None:
        rows.append((BEST_POSSIBLE, content.unit.plain(best), *("" for _ in (*figures, *recalls))))
    return Part(
        title="What lists are like",
        about=_about_like(content, figures, bool(recalls), best is not None),
        headers=(
            "model", metric(main).label, *(metric(name).label for name in figures),
            *(RECALLS[name] for name in recalls),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _about_like(content: Content, figures: Sequence[str], recalls: bool, best: bool) -> str:
    told = {
        "coverage": "Coverage: share of the candidates that stand in any list.",
        "novelty": "Novelty: mean self-information of an item, in bits; a rare one has more.",
        "popularity": "Popularity: mean share of the fitted users who had an item.",
        "lift": "Lift: how much more popular lists are than the histories of their users, as a share of the latter.",
        "gini": "Gini index: 0 where all candidates are recommended as often, 1 where one takes all places.",
        "diversity": "Diversity: mean Jaccard distance of the tags of two items of a list.",
    }
    said = [text for name, text in told.items() if name in figures]
    if recalls:
        said.append("Popular are the items that hold half of the interactions of the training part.")
    if best:
        said.append(f"{BEST_POSSIBLE.capitalize()}: lists of who knows the odds by which users choose.")
    return " ".join(["Neither more nor less of these is better by itself.", *said])


def _served(known: Known) -> Part:
    slices = known[0][1].slices
    kinds = [(one.by, one.label) for one in slices]
    rows = [
        (row.label, *(_interval(_slice(items, *kind).ndcg) for kind in kinds), points(items.worst_tenth))
        for row, items in known
    ]
    some = [one.by for one in slices]
    told = ["NDCG in points of users with shorter and longer histories, each with a 95 % interval (t over users)."]
    if COLD_USERS in some:
        told.append("Nothing is known of users without a history: whatever helps them is popularity or text.")
    if COLD_ITEMS in some:
        told.append("Items that no model was fitted on are ranked among themselves there.")
    told.append(f"The worst {100 * WORST:g} % are the users whose lists are worst over all splits and seeds.")
    return Part(
        title="Whom lists serve",
        about=" ".join(told),
        headers=("model", *map(_heading, slices), f"worst {100 * WORST:g} % of users"),
        rows=tuple(rows),
    )


def _heading(one: UserSlice) -> str:
    what = {COLD_USERS: "cold users", COLD_ITEMS: "cold items"}.get(one.by, one.label)
    return f"{what}{' before' if one.by == ACTIVITY else ''}, {count(one.users, 'user')}"


def _slice(items: ListItems, by: str, label: str) -> UserSlice:
    none = UserSlice(by=by, label=label, users=0, ndcg=(math.nan, math.nan, math.nan))
    return next((one for one in items.slices if (one.by, one.label) == (by, label)), none)


def _incomplete(known: Known) -> Part:
    """Return how many lists are missing, short, or hold an item twice, of the models of which any is."""
    rows = [
        (
            row.label,
            f"{items.defects['covered']} of {items.defects['users']} ({_share_of(items, 'covered')})",
            str(items.defects["short"]),
            str(items.defects["duplicates"]),
        )
        for row, items in known
        if items.defects["covered"] < items.defects["users"] or items.defects["short"] or items.defects["duplicates"]
    ]
    return Part(
        title="Lists that are not whole",
        about="Over all splits and seeds, of users with a history; who gets no list scores zero. Short: fewer items "
        "than asked for, although there were as many candidates. Models that are not named here filled every list.",
        headers=("model", "users with a list", "short lists", "items that stand twice"),
        rows=tuple(rows),
    )


def _share_of(items: ListItems, name: str) -> str:
    return share(items.defects[name] / items.defects["users"] if items.defects["users"] else math.nan)


def _among_sampled(content: Content) -> Part | None:
    """Return the diagnostic that ranks targets among sampled items, beside the score; None where none was asked for."""
    asked = content.facts["about"].get("ranking", {}).get("protocol", {}).get("sampled", 0)
    known = [row for row in content.rows if SAMPLED in row.others and row.scores.cells.size]
    if not asked or not known:
        return None
    full = {row.scores.name: content.unit.sign * row.scores.mean for row in known}
    if content.task.metrics[0] != "ndcg":
        full = {row.scores.name: row.others.get("ndcg", math.nan) for row in known}
    rows = tuple(
        (row.label, points(full[row.scores.name]), points(row.others[SAMPLED]), _times(row, full[row.scores.name]))
        for row in known
    )
    return Part(
        title=f"Diagnostic, no score: among {asked} sampled negatives",
        about=f"Each user's targets ranked among {asked} items drawn at random: never compare such figures with those "
        "of a full ranking, nor with those of other samples. Sampling can turn the order of models round "
        "(Krichene & Rendle 2020), and decides nothing here.",
        headers=("model", "NDCG, full ranking", "NDCG, sampled", "sampled over full"),
        rows=rows,
    )


def _times(row: Row, full: float) -> str:
    return f"{row.others[SAMPLED] / full:.1f}" if full > 0 else "?"


def _interval(found: Three) -> str:
    value, low, high = found
    if math.isnan(value):
        return "?"
    return points(value) if math.isnan(low) else f"{points(value)} ({points(low)} to {points(high)})"
