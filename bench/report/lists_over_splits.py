"""How stable lists and their scores are: over users, splits and seeds, and from one stretch of time to the next."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics import metric
from bench.ranking.list_items import ListItems
from bench.report.content import Content, Row
from bench.report.forecasts import Part
from bench.report.wording import count, estimate, share
from bench.stats.sources import sources

Known = Sequence[tuple[Row, ListItems]]


def split_word(content: Content) -> str:
    """Return what a split is called: a window, where it is one of time."""
    return "window" if content.task.protocol == "global_time" else "split"


def over_splits(content: Content, known: Known) -> Part | None:
    """Return where the spread of each score comes from, how far lists change with the seed, and the worst split.

    Parameters
    ----------
    content : Content
    known : sequence of (Row, ListItems)
        Of the same users.

    Returns
    -------
    Part or None
        None where the metric that decides is no mean over users.
    """
    name, unit = content.task.metrics[0], content.unit
    rows, unknown = [], ""
    for row, items in known:
        if (parts := items.parts(name)) is None:
            return None
        found = sources(parts.values, parts.groups, parts.sizes)
        unknown = unknown or found.why
        total = math.sqrt(sum(one for one in (found.users, found.splits, found.seeds) if not math.isnan(one)))
        by_split = _by_split(items, name)
        worst = int(by_split.argmin())
        rows.append(
            (
                row.label,
                unit.size(total),
                *(
                    "?" if math.isnan(of) else share(part)
                    for of, part in zip((found.users, found.splits, found.seeds), found.shares, strict=True)
                ),
                estimate(row.stability.churn) if row.stability.churn.measured else "?",
                f"{unit.plain(by_split[worst])} ({split_word(content)} {worst + 1})" if len(by_split) > 1 else "?",
            )
        )
    why = f" A question mark: {unknown}." if unknown else ""
    return Part(
        title="Stability of lists",
        about=(
            f"SD of the {metric(name).label} of one fresh run, and the shares of its variance that other users, "
            f"another split of the same interactions, and another seed make.{why} Churn: one minus the Jaccard index "
            "of the lists that two seeds make for a user, in per cent."
        ),
        headers=("model", "SD of a run", "users", "splits", "seeds", "churn", f"worst {split_word(content)}"),
        rows=tuple(rows),
    )


def window_by_window(content: Content, known: Known) -> Part | None:
    """Return the score in each stretch of time; None where splits are not in the order of time, or there is one."""
    name = content.task.metrics[0]
    sizes = [size for size in known[0][1].sizes if size]
    if content.task.protocol != "global_time" or len(sizes) < 2 or known[0][1].parts(name) is None:
        return None
    rows, windows = [], [f"window {at + 1}, {count(size, 'user')}" for at, size in enumerate(sizes)]
    for row, items in known:
        by_split = _by_split(items, name)
        change = content.unit.change(by_split[-1] - by_split[0])
        rows.append((row.label, *map(content.unit.plain, by_split), change, *_stale(content, row, by_split)))
    return Part(
        title="Window by window",
        about=(
            f"{metric(name).label} in each stretch of time, the earliest first; every model is fitted anew on all that "
            "came before. What falls for every model is a change of the users or of what they take up; what falls for "
            "one alone is its own. Stale: the last window once more, by the model as it was fitted for the first, told "
            "what users did since; beside it what the refits gain."
        ),
        headers=("model", *windows, "first to last", "stale", "gain of refits"),
        rows=tuple(rows),
    )


def _stale(content: Content, row: Row, by_split: NDArray[np.floating]) -> tuple[str, str]:
    """Return the score of the last window without a refit, and what refits gain."""
    found = row.robustness.stale if row.robustness is not None else None
    last = found[-1] if found else math.nan
    return content.unit.plain(last), content.unit.change(by_split[-1] - last)


def _by_split(items: ListItems, name: str) -> NDArray[np.floating]:
    """Return the mean of each split over its users and the seeds."""
    parts = items.parts(name)
    assert parts is not None
    return np.asarray(parts.by_window.mean(axis=1))
