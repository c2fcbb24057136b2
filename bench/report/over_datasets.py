"""What the data sets of a task say together, from the decisions of their reports."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.stats import skill
from bench.stats.datasets import LEAST, compare_over_datasets
from bench.stats.estimate import Estimate

RELATIVE_HEADERS = ("model", "skill (95 %)", "win rate (95 %)", "clipped", "not run")


def ranked(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what the data sets of each task and budget say together: tie groups and ranks, or why nothing."""
    return [f"{name}: {_over(found)}" for name, found in _together(decisions).items()]


def relative_to_reference(
    decisions: Sequence[tuple[str, Mapping[str, Any]]],
) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    """Return name, caption and rows of a table for each task and budget with errors of six data sets or more.

    Errors of different data sets have different sizes, and only their ratios to those of the reference have a mean.
    """
    return [
        (name, *_relative(found))
        for name, found in _together(decisions).items()
        if len(found) >= LEAST and all("unit" in one and one["unit"]["sign"] < 0 for one in found)
    ]


def _relative(decisions: Sequence[Mapping[str, Any]]) -> tuple[str, list[tuple[str, ...]]]:
    reference = str(decisions[0]["reference"])
    models = sorted({model for one in decisions for model in one["means"]})
    means = [[one["means"].get(model) for model in models] for one in decisions]
    panels = [np.array([row], dtype=float) for row in means]
    found = skill.over_datasets(panels, models, reference, seed=0, resampled=("data sets",))
    low, high = found.bounds
    caption = (
        f"Skill is one minus the geometric mean of the errors over those of {reference}, over {found.units} data sets; "
        f"ratios are clipped to {low:g} and {high:g}. The win rate is over other models and data sets, ties as half. "
        "A data set that a model was not run on counts as one where it equals the reference."
    )
    ordered = sorted(found.scores, key=lambda one: (-one.skill.value, one.model))
    return caption, [
        (one.model, _with_interval(one.skill), _with_interval(one.win_rate), str(sum(one.clipped)), str(one.missing))
        for one in ordered
    ]


def _with_interval(one: Estimate) -> str:
    return f"{one.value:.3f}" + ("" if math.isnan(one.low) else f" ({one.low:.3f} to {one.high:.3f})")


def _together(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the decisions of each task and budget."""
    together: dict[str, list[Mapping[str, Any]]] = {}
    for folder, one in decisions:
        task, _, budget = folder.split("/")
        # A learning curve compares sizes, not models.
        if not task.endswith("_curve"):
            together.setdefault(f"{task}, budget {budget}", []).append(one)
    return together


def _over(decisions: Sequence[Mapping[str, Any]]) -> str:
    models = sorted({model for one in decisions for model in one["means"]})
    # Against the reference, for data sets differ in how hard they are.
    scores = [[_gain(one, model) for model in models] for one in decisions]
    found = compare_over_datasets(np.array(scores, dtype=float), models, seed=0)
    if found.why:
        return found.why
    ranks = sorted(zip(found.ranks, found.models, strict=True), key=lambda pair: (pair[0].value, pair[1]))
    listed = ", ".join(f"{model} {rank.value:.1f} ({rank.low:.1f} to {rank.high:.1f})" for rank, model in ranks)
    groups = "; ".join(" = ".join(group) for group in found.tie_groups)
    return f"mean ranks {listed}. Not told apart: {groups}. {found.note}".strip()


def _gain(decision: Mapping[str, Any], model: str) -> float:
    mean, reference = (decision["means"].get(name) for name in (model, decision["reference"]))
    if mean is None or reference is None:
        return math.nan
    if "unit" not in decision:
        return float(mean - reference)
    # Errors of different data sets have different units.
    gain = decision["unit"]["sign"] * (mean - reference)
    return float(gain / abs(reference)) if reference else math.nan
