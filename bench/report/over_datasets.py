"""What the data sets of a task say together, from the decisions of their reports."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.report.frequencies import by_frequency
from bench.stats import skill
from bench.stats.datasets import LEAST, compare_over_datasets
from bench.stats.estimate import Estimate

RELATIVE_HEADERS = ("model", "skill (95 %)", "win rate (95 %)", "clipped", "not run", "exposed")


@dataclass(frozen=True, kw_only=True)
class _Together:
    """The decisions of one task and budget, with scores that stand as each report wants them to."""

    decisions: Sequence[Mapping[str, Any]]
    means: Sequence[Mapping[str, float | None]]
    """Of each decision, by model; imputed ones among them."""
    hidden: tuple[str, ...]
    """Models that are left out, for on some data set they are hidden."""
    exposed: Mapping[str, int]
    """Data sets that each model was pretrained on."""
    imputed: Mapping[tuple[str, str], int]
    """Data sets on which the second model's score stands for the first one's."""

    @classmethod
    def of(cls, decisions: Sequence[Mapping[str, Any]]) -> "_Together":
        known = [one["exposed"] for one in decisions if "exposed" in one]
        return cls(
            decisions=decisions,
            means=[_means(one) for one in decisions],
            hidden=tuple(sorted({name for one in known if one["as"] == "hide" for name in one["models"]})),
            exposed=Counter(name for one in known for name in one["models"]),
            imputed=Counter(
                (name, one["imputed_by"]) for one in known if one["as"] == "impute" for name in one["models"]
            ),
        )

    @property
    def models(self) -> list[str]:
        return sorted({model for one in self.means for model in one} - set(self.hidden))

    def sentences(self) -> list[str]:
        """Return what was done about data that models were pretrained on; nothing where there are none."""
        size = len(self.decisions)
        said = [
            f"On {count} of {size} data sets, which {name} was pretrained on, the score of {other} stands for its own."
            for (name, other), count in sorted(self.imputed.items())
        ]
        shown = {name: count for name, count in self.exposed.items() if name not in self.hidden}
        shown = {name: count for name, count in shown.items() if not any(name == one for one, _ in self.imputed)}
        said += [
            f"{name} was pretrained on {count} of {size} data sets, and its scores there are those of a memory."
            for name, count in sorted(shown.items())
        ]
        if self.hidden:
            said.append(f"Left out, for hidden on data that they were pretrained on: {', '.join(self.hidden)}.")
        return said


def ranked(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what the data sets of each task and budget say together: tie groups and ranks, or why nothing."""
    return [f"{name}: {_over(found)}" for name, found in _together(decisions).items()]


def relative_to_reference(
    decisions: Sequence[tuple[str, Mapping[str, Any]]],
) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    """Return name, caption and rows of a table for each task and budget with errors of six data sets or more.

    Errors of different data sets have different sizes, and only their ratios to those of the reference have a mean.
    """
    return [(name, *_relative(found)) for name, found in _with_errors(decisions).items()]


def relative_by_frequency(
    decisions: Sequence[tuple[str, Mapping[str, Any]]],
) -> list[tuple[str, str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return name, caption, headers and rows of a table for each of these that has series of several frequencies."""
    made = []
    for name, found in _with_errors(decisions).items():
        models = [row[0] for row in _relative(found)[1]]
        if (table := by_frequency(found.decisions, found.means, models)) is not None:
            made.append((name, *table))
    return made


def _with_errors(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, _Together]:
    return {
        name: found
        for name, found in _together(decisions).items()
        if len(found.decisions) >= LEAST and all("unit" in one and one["unit"]["sign"] < 0 for one in found.decisions)
    }


def _relative(together: _Together) -> tuple[str, list[tuple[str, ...]]]:
    reference, models = str(together.decisions[0]["reference"]), together.models
    panels = [np.array([[one.get(model) for model in models]], dtype=float) for one in together.means]
    found = skill.over_datasets(panels, models, reference, seed=0, resampled=("data sets",))
    low, high = found.bounds
    caption = (
        f"Skill is one minus the geometric mean of the errors over those of {reference}, over {found.units} data sets; "
        f"ratios are clipped to {low:g} and {high:g}. The win rate is over other models and data sets, ties as half. "
        "A data set that a model was not run on counts as one where it equals the reference."
    )
    ordered = sorted(found.scores, key=lambda one: (-one.skill.value, one.model))
    return " ".join([caption, *together.sentences()]), [
        (
            *(one.model, _with_interval(one.skill), _with_interval(one.win_rate)),
            *(str(sum(one.clipped)), str(one.missing), str(together.exposed.get(one.model, 0))),
        )
        for one in ordered
    ]


def _with_interval(one: Estimate) -> str:
    return f"{one.value:.3f}" + ("" if math.isnan(one.low) else f" ({one.low:.3f} to {one.high:.3f})")


def _together(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, _Together]:
    """Return the decisions of each task and budget."""
    together: dict[str, list[Mapping[str, Any]]] = {}
    for folder, one in decisions:
        task, _, budget = folder.split("/")
        # A learning curve compares sizes, not models.
        if not task.endswith("_curve"):
            together.setdefault(f"{task}, budget {budget}", []).append(one)
    return {name: _Together.of(found) for name, found in together.items()}


def _means(decision: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the mean of each model, with another's where it is to stand for one that has seen the data."""
    means: dict[str, float | None] = dict(decision["means"])
    seen = decision.get("exposed", {})
    stand_in = means.get(seen["imputed_by"]) if seen.get("as") == "impute" else None
    return means if stand_in is None else means | dict.fromkeys(seen["models"], stand_in)


def _over(together: _Together) -> str:
    models = together.models
    # Against the reference, for data sets differ in how hard they are.
    pairs = list(zip(together.decisions, together.means, strict=True))
    scores = [[_gain(one, means, model) for model in models] for one, means in pairs]
    found = compare_over_datasets(np.array(scores, dtype=float), models, seed=0)
    if found.why:
        return found.why
    ranks = sorted(zip(found.ranks, found.models, strict=True), key=lambda pair: (pair[0].value, pair[1]))
    listed = ", ".join(f"{model} {rank.value:.1f} ({rank.low:.1f} to {rank.high:.1f})" for rank, model in ranks)
    groups = "; ".join(" = ".join(group) for group in found.tie_groups)
    return " ".join(
        filter(None, [f"mean ranks {listed}. Not told apart: {groups}.", found.note, *together.sentences()])
    )


def _gain(decision: Mapping[str, Any], means: Mapping[str, float | None], model: str) -> float:
    mean, reference = (means.get(name) for name in (model, decision["reference"]))
    if mean is None or reference is None:
        return math.nan
    if "unit" not in decision:
        return float(mean - reference)
    # Errors of different data sets have different units.
    gain = decision["unit"]["sign"] * (mean - reference)
    return float(gain / abs(reference)) if reference else math.nan
