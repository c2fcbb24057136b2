"""How the lists of each model compare with those of the reference, user by user."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from bench.metrics import metric
from bench.ranking.list_items import ListItems
from bench.report.content import Content, Row
from bench.report.forecasts import Part
from bench.report.wording import share
from bench.stats.permutation import PERMUTATIONS, against_reference
from bench.types import seed_for

SAME = 1e-12
"""Difference of two scores of a user below which they are equal: they were added in another order."""

Named = tuple[tuple[str, ListItems], ...]


def compared(content: Content, known: Sequence[tuple[Row, ListItems]]) -> Part | None:
    """Return the paired differences, whether they could be chance, and for how many users a model is better.

    Parameters
    ----------
    content : Content
    known : sequence of (Row, ListItems)
        Of the same users, the reference among them.

    Returns
    -------
    Part or None
        None where the metric that decides is no mean over users.
    """
    name, reference = content.task.metrics[0], content.task.reference
    own = {row.scores.name: items.over_users(name) for row, items in known}
    base = own[reference]
    if base is None:
        return None
    rows = []
    chances = p_values(content, known)
    for row, _ in known:
        mine = own[row.scores.name]
        if row.scores.name == reference or mine is None:
            continue
        gaps = np.where(np.abs(mine - base) > SAME, mine - base, 0.0)
        rows.append(
            (
                row.label,
                content.unit.change(row.against.difference),
                content.unit.changes(row.against.low, row.against.high),
                _chance(chances[row.scores.name]),
                *(share(float(side.mean())) for side in (gaps > 0, gaps == 0, gaps < 0)),
            )
        )
    how = next((row.against.method for row, _ in known if row.against.method), "not known")
    return Part(
        title=f"Relative to {reference}",
        about=(
            f"Difference in {metric(name).label} on the same users, with its 95 % interval ({how}). p: "
            f"{PERMUTATIONS:,} random changes of the signs of users' differences, all splits of a user together, "
            "adjusted by Holm for the models of this table; it asks of these fits whether they are alike, and knows of "
            "no margin. The last columns are shares of users, by their mean over splits and seeds."
        ),
        headers=("model", "difference", "95 % interval", "p (Holm)", "better", "equal", "worse"),
        rows=tuple(rows),
    )


def p_values(content: Content, known: Sequence[tuple[Row, ListItems]]) -> dict[str, float]:
    """Return how likely such a difference to the reference is where users do not care, by model, after Holm."""
    seed = seed_for(int(content.facts["inputs"].get("root_seed", 0)), "signs")
    named = tuple((row.scores.name, items) for row, items in known)
    return dict(_p_values(named, content.task.reference, content.task.metrics[0], seed))


@lru_cache(maxsize=2)
def _p_values(named: Named, reference: str, name: str, seed: int) -> dict[str, float]:
    """Return the same; kept, for a page and its Markdown both ask, and signs of many users take seconds."""
    known = {model: parts for model, items in named if (parts := items.parts(name)) is not None}
    sizes = np.array(known[reference].sizes)
    # Means are over splits: a user of a small one weighs more.
    weights = np.repeat(sizes.sum() / (len(sizes) * sizes), sizes)
    scores = {model: parts.values * weights for model, parts in known.items()}
    return against_reference(scores, reference, seed, known[reference].groups)


def _chance(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
