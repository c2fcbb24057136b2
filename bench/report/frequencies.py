"""Errors of forecasts by the frequency of the data sets, which is one within each of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.report.wording import count
from bench.stats import skill
from bench.stats.datasets import LEAST

WORDS = {
    "Y": "yearly", "Q": "quarterly", "M": "monthly", "W": "weekly", "B": "business-daily", "D": "daily", "h": "hourly",
    "min": "by the minute", "s": "by the second",
}  # fmt: skip
"""What people call pandas' names of steps, from the longest to the shortest."""
BY_SEASON = {1: "no season", 4: "quarterly", 12: "monthly", 52: "weekly"}
"""What steps without dates are taken for."""
ORDER = ("no season", *WORDS.values())

Rows = list[tuple[str, ...]]


def frequency_of(panel: Mapping[str, Any]) -> str:
    """Return what people call the steps of a data set.

    Parameters
    ----------
    panel : mapping
        ``freq``, pandas' name of one step, empty where steps are numbered; and ``season``.

    Examples
    --------
    >>> [frequency_of({"freq": freq, "season": 4}) for freq in ("QS-OCT", "ME", "15min", "")]
    ['quarterly', 'monthly', 'every 15min', 'quarterly']
    """
    freq, season = str(panel["freq"]), int(panel["season"])
    if not freq:
        return BY_SEASON.get(season, f"season {season}")
    found = re.match(r"(\d*)(min|ms|us|ns|[A-Za-z])", freq)
    return WORDS.get(found[2], freq) if found and found[1] in ("", "1") else f"every {freq}"


def by_frequency(
    decisions: Sequence[Mapping[str, Any]], means: Sequence[Mapping[str, float | None]], models: Sequence[str]
) -> tuple[str, tuple[str, ...], Rows] | None:
    """Return caption, headers and rows of a table of the skill on data sets of each frequency.

    Parameters
    ----------
    decisions : sequence of mapping
        Of data sets with errors, one or more.
    means : sequence of mapping
        Of each of them the error of each model.
    models : sequence of str
        In the order of the rows.

    Returns
    -------
    tuple, or None
        None where the data sets say of fewer than two frequencies.
    """
    reference = str(decisions[0]["reference"])
    known = [one.get(reference) is not None for one in means]
    kinds = [
        frequency_of(one["panel"]) if "panel" in one and there else ""
        for one, there in zip(decisions, known, strict=True)
    ]
    names = sorted(set(kinds) - {""}, key=lambda kind: (ORDER.index(kind) if kind in ORDER else len(ORDER), kind))
    if len(names) < 2:
        return None
    columns = {}
    for name in names:
        own = [mean for kind, mean in zip(kinds, means, strict=True) if kind == name]
        ran = [model for model in models if any(one.get(model) is not None for one in own)]
        panels = [np.array([[one.get(model) for model in ran]], dtype=float) for one in own]
        found = skill.over_datasets(panels, ran, reference, seed=0, resampled=("data sets",))
        columns[name] = {
            one.model: _cell(one.skill.value, one.skill.low, one.skill.high, len(own)) for one in found.scores
        }
    numbered = any("panel" in one and not one["panel"]["freq"] for one in decisions)
    return (
        _caption(reference, numbered, all(kinds.count(name) < LEAST for name in names)),
        ("model", *(f"{name} ({count(kinds.count(name), 'data set')})" for name in names)),
        [(model, *(columns[name].get(model, "?") for name in names)) for model in models],
    )


def _cell(value: float, low: float, high: float, size: int) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if size >= LEAST else f"{value:.3f}"


def _caption(reference: str, numbered: bool, few: bool) -> str:
    said = [f"Skill against {reference} on the data sets of each frequency."]
    if few:
        said.append(f"No interval: there are fewer than {LEAST} data sets of each.")
    if numbered:
        said.append(
            "Where steps are numbered, their season tells: 12 is monthly, 4 quarterly, and 1 none, as that of years."
        )
    return " ".join(said)
