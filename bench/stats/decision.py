"""Which model to ship, and what that choice costs.

Stable beats best when the difference is noise: of all models that are surely within the margin of the best one, the
most dependable is picked, and of equals the cheaper, the lighter, the simpler. Nothing is picked that does not surely
beat the floor, and where the data cannot separate the models the stable reference stays.
"""

import math
from collections.abc import Sequence

from bench.stats.pairs import detectable_difference
from bench.stats.table import ModelScores, paired
from bench.types import ROLES, Decision

BEATS_FLOOR = 0.95
NOT_WORSE = 0.90
SEPARATES = 0.95


def decide(
    models: Sequence[ModelScores], reference: str, floor: str, margin: float, test_train_ratio: float
) -> Decision:
    """Apply the decision rule to scores that are turned so that larger is better.

    Parameters
    ----------
    models : sequence of ModelScores
    reference, floor : str
        Names among ``models``.
    margin : float
        The smallest difference that matters.
    test_train_ratio : float
        Test rows divided by training rows of a fold.

    Returns
    -------
    Decision
        With an empty ``pick`` where no model surely beats the floor.
    """
    known = {model.name: model for model in models if model.cells.size}
    if reference not in known or floor not in known:
        return _nothing("The reference or the floor has no scores.")
    stable = known[reference]
    if len(stable.folds) < 2:
        return _one_split(known, stable)

    def p_within(better: ModelScores, model: ModelScores) -> float:
        return 1 - paired(better, model, test_train_ratio).probability_above(margin)

    contenders = [
        model
        for model in known.values()
        if model.role != "floor"
        and paired(model, known[floor], test_train_ratio).probability_above(margin) >= BEATS_FLOOR
    ]
    if not contenders:
        return _nothing(f"No model beats {floor} by {margin:g} with a probability of {BEATS_FLOOR}.")
    best = max(contenders, key=lambda model: model.mean)
    close = [model for model in contenders if model is best or p_within(best, model) >= NOT_WORSE]
    ranked = _by_dependability(close, margin)
    pick = ranked[0]
    because: tuple[str, ...] = ()
    lead = paired(best, stable, test_train_ratio)
    if close == [best] and best is not stable and stable in contenders:
        if lead.probability_above(0) < SEPARATES:
            pick = stable
            because = (
                f"the data cannot separate it from {best.name}, which leads by {100 * lead.mean:.2f} points: "
                f"these splits would find a difference of {100 * detectable_difference(lead):.2f} points or more",
            )
        else:
            pick, because = _least_regret(best, contenders)
    others = [model for model in contenders if model is not pick]
    runner_up = best if pick is not best else next(iter(_by_dependability(others, margin)), pick)
    confidence = min((p_within(other, pick) for other in others), default=1.0)
    return Decision(
        pick=pick.name,
        confidence=confidence,
        because=(*because, *_facts(pick, best, runner_up, margin, test_train_ratio))[:3],
        price=best.mean - pick.mean,
        runner_up="" if runner_up is pick else runner_up.name,
        would_change_if=_would_change(pick, best, runner_up, margin),
    )


def _by_dependability(models: Sequence[ModelScores], margin: float) -> list[ModelScores]:
    """Order by dependable score; within half a margin of the first by cost, weight and family."""
    most = max((model.dependable for model in models), default=math.nan)
    near = [model for model in models if model.dependable >= most - margin / 2]
    far = [model for model in models if model not in near]

    def burden(model: ModelScores) -> tuple[float, float, int, str]:
        cost = math.inf if math.isnan(model.cost) else model.cost
        return cost, model.weights_mb, ROLES.index(model.role), model.name

    return sorted(near, key=burden) + sorted(far, key=lambda model: (-model.dependable, burden(model)))


def _least_regret(best: ModelScores, contenders: Sequence[ModelScores]) -> tuple[ModelScores, tuple[str, ...]]:
    """Weigh the best mean against a stable model with a higher dependable score."""
    rivals = [model for model in contenders if model.role == "stable" and model.dependable > best.dependable]
    if not rivals:
        return best, ()
    rival = max(rivals, key=lambda model: model.dependable)
    # What the pick loses on average, against what the other loses on a bad day.
    gained, lost = best.mean - rival.mean, rival.dependable - best.dependable
    pick = best if gained >= lost else rival
    conflict = (
        f"mean and dependable score disagree: {best.name} is {100 * gained:.2f} points ahead on average, "
        f"{rival.name} {100 * lost:.2f} points in the worst run of ten",
    )
    return pick, conflict


def _facts(
    pick: ModelScores, best: ModelScores, runner_up: ModelScores, margin: float, ratio: float
) -> tuple[str, ...]:
    facts = []
    if pick is not best:
        gap = paired(pick, best, ratio)
        low, high = gap.interval()
        within = 1 - paired(best, pick, ratio).probability_above(margin)
        facts.append(
            f"it is within the margin of {100 * margin:g} of the best, {best.name}, with probability {within:.2f} "
            f"({100 * gap.mean:+.2f} points, 95 % CI {100 * low:+.2f} to {100 * high:+.2f})"
        )
    else:
        facts.append(f"it has the best mean score, {100 * pick.mean:.2f}")
    if runner_up is pick:
        return (*facts, f"nine runs in ten score at least {100 * pick.dependable:.2f}", "no other model is a contender")
    facts.append(
        f"nine runs in ten score at least {100 * pick.dependable:.2f} ({runner_up.name}: "
        f"{100 * runner_up.dependable:.2f})"
    )
    facts.append(_cost_fact(pick, runner_up))
    return tuple(facts)


def _cost_fact(pick: ModelScores, other: ModelScores) -> str:
    ratio = other.cost / pick.cost if pick.cost > 0 else math.nan
    if math.isnan(ratio):
        return f"its cost against {other.name} was not measured"
    if ratio > 1:
        return f"it answers {ratio:.3g} times faster than {other.name}"
    if ratio < 1:
        return f"it answers {1 / ratio:.3g} times slower than {other.name}"
    return f"it answers about as fast as {other.name}"


def _would_change(pick: ModelScores, best: ModelScores, runner_up: ModelScores, margin: float) -> str:
    if pick is not best:
        return f"a difference of {100 * (best.mean - pick.mean):.2f} points mattered (the margin is {100 * margin:g})"
    if runner_up is pick:
        return "another model beat the floor"
    if runner_up.cost < pick.cost:
        return f"speed mattered more than {100 * (pick.mean - runner_up.mean):.2f} points"
    return f"{runner_up.name} gained {100 * (pick.mean - runner_up.mean):.2f} points or more"


def _one_split(known: dict[str, ModelScores], stable: ModelScores) -> Decision:
    best = max((model for model in known.values() if model.role != "floor"), key=lambda model: model.mean)
    return Decision(
        pick=stable.name,
        confidence=math.nan,
        because=(
            "one split cannot tell a difference from noise, so the stable reference stays",
            f"{best.name} scores highest on it, {100 * (best.mean - stable.mean):.2f} points above the reference",
            "repeated folds (protocol=cv) give every difference an interval",
        ),
        price=best.mean - stable.mean,
        runner_up=best.name if best is not stable else "",
        would_change_if="repeated folds showed the lead to be larger than the margin",
    )


def _nothing(reason: str) -> Decision:
    return Decision(
        pick="", confidence=math.nan, because=(reason,), price=math.nan, runner_up="", would_change_if="more data came"
    )
