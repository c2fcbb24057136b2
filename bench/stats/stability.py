"""How stable a model is: its card, with a figure, an interval and a method in every place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.stats.estimate import Estimate
from bench.stats.selection import deflated_best
from bench.stats.table import ModelScores, Scoring
from bench.stats.variance import grade, lower_cvar, seed_sd, total_sd, training_data_sd, weakest_grade, worst_fold
from bench.types import Robustness, seed_for

CHURN_GRADES = {"A": 0.1, "B": 0.25, "C": 0.5}
"""Largest excess churn of each letter; D beyond."""
FAILURE_GRADES = {"A": 0.01, "B": 0.05, "C": 0.10}
"""Largest share of failed cells of each letter: of the share itself, for no run has cells enough for its interval."""


@dataclass(frozen=True, kw_only=True)
class Stability:
    """One model's card; figures are shares of one, as scores are."""

    seed_sd: Estimate
    """Standard deviation of a score over seeds, other things equal."""
    training_sd: Estimate
    """Standard deviation over draws of the training rows."""
    total_sd: Estimate
    churn: Estimate
    """Share of items whose prediction changes with the seed."""
    excess_churn: Estimate
    """Churn beyond what the error rates force, as a share of what they allow."""
    deflated_best: Estimate
    """The best cell, less what the best of so many equal ones would show by luck alone."""
    worst_fold: Estimate
    tail_mean: Estimate
    """Mean of the worst quarter of the cells (lower CVaR)."""
    failure_rate: Estimate
    dependable: Estimate
    """What nine fresh trainings in ten score at least."""
    time_spread: Estimate
    """1.4826 x MAD / median of the seconds of a fit."""
    robustness: Estimate
    """Largest loss of score under a small change of the inputs."""
    grades: Mapping[str, str]
    """Component and its letter, A to D, or a question mark."""
    grade: str
    """The weakest of them."""


def stability(
    scores: ModelScores, churn: tuple[Estimate, Estimate], robustness: Robustness | None, scoring: Scoring
) -> Stability:
    """Return the card of one model.

    Parameters
    ----------
    scores : ModelScores
    churn : (Estimate, Estimate)
        Plain and excess churn.
    robustness : Robustness or None
        None where it was not measured.
    scoring : Scoring
        Its margin is the unit of the grades of spread and robustness.
    """
    cells = scores.succeeded
    item_variance = scores.item_variance if scores.item_variance == scores.item_variance else None
    total = total_sd(cells, item_variance)
    failure = Estimate.of_rate(scores.failed, scores.ran)
    if scores.failed_by:
        failure = replace(failure, method=f"{failure.method}; {kinds_of_failure(scores)}")
    unprobed = "external systems are not probed" if scores.role == "external" else "no probe"
    loss = _largest_loss(robustness, scoring, scores.facts.group_count > 0, unprobed)
    grades = {
        "total SD": grade(total, scoring.margin),
        "churn": _letter(churn[1], CHURN_GRADES),
        "failures": _letter_of_value(scores.failed / scores.ran if scores.ran else float("nan"), FAILURE_GRADES),
        "robustness": grade(_as_if_exact(loss), 2 * scoring.margin),
    }
    return Stability(
        seed_sd=seed_sd(cells),
        training_sd=training_data_sd(cells, item_variance),
        total_sd=total,
        churn=churn[0],
        excess_churn=churn[1],
        deflated_best=_deflated(scores),
        worst_fold=worst_fold(cells),
        tail_mean=lower_cvar(cells, seed_for(scoring.seed, "tail", scores.name)),
        failure_rate=failure,
        dependable=scores.dependable,
        time_spread=_time_spread(scores.fit_spread),
        robustness=loss,
        grades=grades,
        grade=weakest_grade(list(grades.values())),
    )


def kinds_of_failure(scores: ModelScores) -> str:
    """Return how many cells failed in which way, as words.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> kinds_of_failure(SimpleNamespace(failed_by={"timeout": 2, "oom": 1}))
    '2 timeout, 1 oom'
    """
    return ", ".join(f"{number} {kind}" for kind, number in scores.failed_by.items())


def _deflated(found: ModelScores) -> Estimate:
    scores, tried = found.succeeded[np.isfinite(found.succeeded)], found.fitted
    if scores.size < 2 or tried < 2:
        return Estimate.not_measured("one cell" if scores.size else "every cell failed" if found.failed else "no cells")
    value = deflated_best(float(scores.max()), float(scores.std(ddof=1)), tried)
    return Estimate(value=value, low=math.nan, high=math.nan, method=f"best of {tried} fitted cells; no interval")


def _as_if_exact(found: Estimate) -> Estimate:
    """Return a figure with itself for an interval where it has none."""
    return replace(found, low=found.value, high=found.value) if found.measured and math.isnan(found.low) else found


def _largest_loss(robustness: Robustness | None, scoring: Scoring, grouped: bool, unprobed: str) -> Estimate:
    sign = scoring.sign
    if robustness is None or not robustness.perturbed:
        return Estimate.not_measured(unprobed if robustness is None else "no change of these inputs is known")
    name, (score, flips) = min(robustness.perturbed.items(), key=lambda item: sign * item[1][0])
    loss = max(0.0, sign * (robustness.clean - score))
    # Only items whose prediction changes can move a share of right ones.
    half = 1.96 * (flips / robustness.items) ** 0.5
    if robustness.loss_error or not scoring.unit.in_points:
        half = 1.96 * (robustness.loss_error or {}).get(name, math.nan)
    # Which of the probed rows share a group is not known here.
    apart = ", taken as independent" if grouped else ""
    method = f"{name}, {robustness.items} items{apart}, one fit"
    if math.isnan(half):
        return Estimate(value=loss, low=math.nan, high=math.nan, method=f"{method}; no interval")
    return Estimate(value=loss, low=max(0.0, loss - half), high=loss + half, method=method)


def _time_spread(value: float) -> Estimate:
    if value != value:
        return Estimate.not_measured("fewer than three timed fits")
    return Estimate(value=value, low=float("nan"), high=float("nan"), method="1.4826 MAD / median; no interval")


def _letter(churn: Estimate, grades: Mapping[str, float]) -> str:
    letters = {_letter_of_value(value, grades) for value in (churn.low, churn.value, churn.high)}
    return letters.pop() if len(letters) == 1 else "?"


def _letter_of_value(value: float, grades: Mapping[str, float]) -> str:
    if value != value:
        return "?"
    return next((letter for letter, most in grades.items() if value <= most), "D")
