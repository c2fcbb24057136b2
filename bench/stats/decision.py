"""Which model to ship, and what that choice costs.

Stable beats best when the difference is noise: of all models that are surely within the margin of the best one, the
most dependable is picked, and of equals the cheaper, the lighter, the simpler. Nothing is picked that does not surely
beat the floor, or that was pretrained on the very data, and where the data cannot separate the models the stable
reference stays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.settings import Limits
from bench.stats.comparison import bridged, paired
from bench.stats.limits import broken_limit
from bench.stats.pairs import CorrectedMean, detectable_difference, folds_needed
from bench.stats.table import ModelScores, Scoring
from bench.stats.unit import Unit
from bench.stats.verdicts import Decision
from bench.types import ROLES

BEATS_FLOOR = 0.95
NOT_WORSE = 0.90
SEPARATES = 0.95

OF_THE_REST = " of those that are not left out"
UNBEATEN = "does not surely beat"
TWIN = "makes the same predictions as"
A_FLOOR = "a floor, which is never picked"
EXPOSED = "pretrained on these data, so its score is a memory"


def decide(models: Sequence[ModelScores], scoring: Scoring, limits: Limits) -> Decision:
    """Apply the decision rule to scores that are turned so that larger is better.

    Parameters
    ----------
    models : sequence of ModelScores
    scoring : Scoring
    limits : Limits

    Returns
    -------
    Decision
        With an empty ``pick`` where no model keeps the limits and surely beats the floor. ``excluded`` holds every
        model that was dropped, for whatever reason.
    """
    known = {model.name: model for model in models if model.cells.size}
    roles = {"reference": scoring.reference, "floor": scoring.floor}
    absent = [f"the {role}, {name}, has no scores" for role, name in roles.items() if name not in known]
    if absent:
        said = " and ".join([absent[0], *(one.replace("no scores", "none") for one in absent[1:])])
        advice = "See why the cells failed or were not run: nothing can be compared without."
        return _nothing(f"{said[:1].upper()}{said[1:]}.", advice)
    excluded = {
        name: why for name, model in known.items() if model.role != "floor" and (why := broken_limit(model, limits))
    }
    excluded |= {
        name: EXPOSED for name, model in known.items() if model.role != "floor" and model.facts.exposure == "exposed"
    }
    excluded |= {
        name: "no fold in common with the reference"
        for name, model in known.items()
        if model.role != "floor" and math.isnan(model.mean)
    }
    if len(known[scoring.reference].folds) < 2:
        if any(known[name].facts.by_item is None for name in (scoring.reference, scoring.floor)):
            return _one_split(known, known[scoring.reference], excluded, scoring.unit)
        blind = (name for name, model in known.items() if model.facts.by_item is None)
        excluded = {**dict.fromkeys(blind, "on one split nothing is known of it without its predictions"), **excluded}
    return _Choice(known, scoring, excluded).decide()


def unbeaten(floors: Sequence[str]) -> str:
    """Return why a model is left out that does not surely beat these floors.

    Examples
    --------
    >>> unbeaten(["prior", "random_encoder"])
    'does not surely beat prior and random_encoder by the margin'
    """
    return f"{UNBEATEN} {' and '.join(floors)} by the margin"


def twin_of(floor: str) -> str:
    """Return why a model is left out that cannot beat a floor, for it is that floor.

    Examples
    --------
    >>> twin_of("naive")
    'makes the same predictions as naive, a floor'
    """
    return f"{TWIN} {floor}, a floor"


def misses_floor(why: str) -> bool:
    """Return whether a model was left out for a floor, and not for a limit or for want of a score."""
    return why.startswith((UNBEATEN, TWIN))


@dataclass(frozen=True)
class _Choice:
    """The steps of the rule over the models that have scores."""

    known: dict[str, ModelScores]
    scoring: Scoring
    excluded: Mapping[str, str]
    """Models that may not be picked, whatever their scores."""

    @property
    def reference(self) -> ModelScores:
        return self.known[self.scoring.reference]

    @property
    def margin(self) -> float:
        return self.scoring.margin

    @property
    def unit(self) -> Unit:
        return self.scoring.unit

    @property
    def ratio(self) -> float:
        return self.scoring.test_train_ratio

    def decide(self) -> Decision:
        able = [model for name, model in self.known.items() if model.role != "floor" and name not in self.excluded]
        behind = {model.name: self._why(model, floors) for model in able if (floors := self._unbeaten(model))}
        lesser = self._lesser(able, behind)
        behind |= lesser
        contenders = [model for model in able if model.name not in behind]
        best = max((model.mean for model in contenders), default=math.inf)
        above = {name: A_FLOOR for name, model in self.known.items() if model.role == "floor" and model.mean > best}
        whole = replace(self, excluded={**self.excluded, **behind, **above})
        # Where nothing is left, it is the hard limits alone that decide what to advise.
        found = whole._choose(contenders) if contenders else self._nothing_left(able, bool(lesser))
        return replace(found, excluded=whole.excluded)

    def _lesser(self, able: Sequence[ModelScores], behind: Mapping[str, str]) -> dict[str, str]:
        """Return models that surely beat the floor, and score below a reference that does not: folds are too few."""
        if not behind.get(self.reference.name, "").startswith(UNBEATEN):
            return {}
        rest = [model for model in able if model.name not in behind and model.mean < self.reference.mean]
        return {model.name: f"scores below {self.reference.name}, which is left out itself" for model in rest}

    def _nothing_left(self, able: Sequence[ModelScores], lesser: bool) -> Decision:
        if not able:
            return _nothing("No model keeps the hard limits.")
        floor = self.known[self.scoring.floor]
        if math.isnan(self._difference(self.reference, floor).scale):
            return _nothing(f"{floor.name} shares fewer than two folds with the others, so none is known to beat it.")
        size = f"the margin of {self.unit.margin(self.margin)}"
        if lesser:
            reason = f"What surely beats {floor.name} by {size} scores below {self.reference.name}, which does not."
            return _nothing(reason, "These splits are too few to tell: give more, or more data.")
        reason = f"No model beats {self.scoring.floor} by {size} with a probability of {BEATS_FLOOR}."
        return _nothing(reason, "" if self.excluded else "Look at the data before trying larger models.")

    def _choose(self, contenders: Sequence[ModelScores]) -> Decision:
        best = max(contenders, key=lambda model: (model.mean, model is self.reference))
        close = [model for model in contenders if model is best or self._p_within(best, model) >= NOT_WORSE]
        pick = _by_dependability(close, self.margin)[0]
        why: tuple[str, ...] = ()
        if close == [best]:
            pick, why = self._weigh_conflict(best, contenders)
        doubtful = pick is not self.reference and not self._separated(pick)
        unsettled = doubtful and self.reference in contenders and self.reference not in close
        if unsettled:
            pick, why = self.reference, (self._cannot_separate(best),)
        others = [model for model in contenders if model is not pick]
        runner_up = best if pick is not best else next(iter(_by_dependability(others, self.margin)), pick)
        return Decision(
            pick=pick.name,
            confidence=min((self._p_within(other, pick) for other in others), default=1.0),
            because=(*why, *self._facts(pick, best, runner_up))[:3],
            price=best.mean - pick.mean,
            runner_up="" if runner_up is pick else runner_up.name,
            would_change_if="more data confirm its lead" if unsettled else self._would_change(pick, best, runner_up),
            settled=not unsettled,
        )

    def _unbeaten(self, model: ModelScores) -> list[str]:
        """Return the floors that a model does not surely beat; what owes its place to pretraining has to beat all."""
        first = self.known[self.scoring.floor]
        others = [one for one in self.known.values() if one.role == "floor" and one is not first]
        floors = [first, *(others if model.pretrained else ())]
        sure = {one.name: self._difference(model, one).probability_above(self.margin) for one in floors}
        return [name for name, probability in sure.items() if not probability >= BEATS_FLOOR]

    def _why(self, model: ModelScores, floors: Sequence[str]) -> str:
        same = [name for name in floors if all(model.digests) and model.digests == self.known[name].digests]
        return twin_of(same[0]) if same else unbeaten(floors)

    def _of_whom(self, best: ModelScores) -> str:
        """Return what limits the word "best": nothing where no model that is left out has a higher mean."""
        beyond = [name for name in self.excluded if not self.known[name].mean <= best.mean]
        return OF_THE_REST if beyond else ""

    def _difference(self, one: ModelScores, other: ModelScores) -> CorrectedMean:
        return bridged(one, other, self.reference, self.ratio)

    def _p_within(self, better: ModelScores, model: ModelScores) -> float:
        return 1 - self._difference(better, model).probability_above(self.margin)

    def _separated(self, model: ModelScores) -> bool:
        return paired(model, self.reference, self.ratio).probability_above(0) >= SEPARATES

    def _weigh_conflict(
        self, best: ModelScores, contenders: Sequence[ModelScores]
    ) -> tuple[ModelScores, tuple[str, ...]]:
        """Weigh the best mean against a stable model with a higher dependable score, by expected regret."""
        rivals = [model for model in contenders if model.role == "stable" and _dependable(model) > _dependable(best)]
        if not rivals:
            return best, ()
        rival = max(rivals, key=_dependable)
        regret = {model.name: expected_regret(model, best.mean - model.shift) for model in (best, rival)}
        conflict = (
            f"mean and dependable score disagree: {best.name} is {self.unit.amount(best.mean - rival.mean)} ahead on "
            f"average, {rival.name} {self.unit.amount(_dependable(rival) - _dependable(best))} in the worst run of "
            f"ten; a single run falls short of the best mean by {self.unit.amount(regret[best.name])} with {best.name} "
            f"and by {self.unit.size(regret[rival.name])} with {rival.name}"
        )
        return (best if regret[best.name] <= regret[rival.name] else rival), (conflict,)

    def _cannot_separate(self, best: ModelScores) -> str:
        lead = paired(best, self.reference, self.ratio)
        needed = what_is_needed(detectable_difference(lead), folds_needed(lead, self.margin), self.margin, self.unit)
        lead_by = self.unit.amount(lead.mean)
        return f"the data cannot separate it from {best.name}, which leads by {lead_by}: {needed}"

    def _facts(self, pick: ModelScores, best: ModelScores, runner_up: ModelScores) -> tuple[str, ...]:
        facts = []
        if pick is best:
            what = "score" if self.unit.in_points else self.unit.label
            facts.append(f"it has the best mean {what}{self._of_whom(best)}, {self.unit.score(pick.mean)}")
        elif self._p_within(best, pick) >= NOT_WORSE:
            gap, margin = self._difference(pick, best), self.unit.margin(self.margin)
            facts.append(
                f"it is within the margin of {margin} of the best{self._of_whom(best)}, {best.name}, with probability "
                f"{self._p_within(best, pick):.2f} ({self.unit.change(gap.mean)} {self.unit.name}, 95 % CI "
                f"{self.unit.changes(*gap.interval())})"
            )
        what = "runs" if len(pick.folds) > 1 else "test sets of this size"
        dependable = f"nine {what} in ten {self.unit.reach(_dependable(pick))}"
        if runner_up is pick:
            return (*facts, dependable, "no other model is a contender")
        other = f"{runner_up.name}: {self.unit.score(_dependable(runner_up))}"
        return (*facts, f"{dependable} ({other})", _cost(pick, runner_up))

    def _would_change(self, pick: ModelScores, best: ModelScores, runner_up: ModelScores) -> str:
        if runner_up is pick:
            return "another model beat the floor"
        gap, unit = abs(pick.mean - runner_up.mean), self.unit
        least = unit.smallest
        visible = gap >= least / 2
        size = unit.amount(gap) if visible else f"less than {unit.amount(least)}"
        if pick is not best:
            return f"a difference of {size} matters (the margin is {unit.margin(self.margin)})"
        if runner_up.cost < pick.cost:
            return f"speed matters more than {size}"
        gains = f"it gains {size} or more" if unit.in_points else f"it improves by {size} or more"
        return gains if visible else "it does better on more data"


def expected_regret(model: ModelScores, target: float) -> float:
    """Return by how much a single run falls short of ``target`` on average; a run above it regrets nothing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> expected_regret(SimpleNamespace(cells=np.array([[0.5, 1.0]])), 0.75)
    0.125
    """
    return float(np.nanmean(np.maximum(0.0, target - model.cells)))


def what_is_needed(detectable: float, folds: float, margin: float, unit: Unit) -> str:
    """Say what these splits can find, and how many folds would find the margin."""
    said = f"these splits would tell {unit.amount(detectable)} or more from nothing"
    if detectable <= margin or math.isnan(folds):
        return said
    if math.isinf(folds):
        return f"{said}, and no number of repeats would tell {unit.margin(margin)}: more rows are needed"
    return f"{said}; {folds:.0f} folds over all repeats would tell {unit.margin(margin)}"


def _by_dependability(models: Sequence[ModelScores], margin: float) -> list[ModelScores]:
    """Order by dependable score; within half a margin of the first by cost, packages, weights and family."""
    most = max(map(_dependable, models), default=math.nan)
    near = [model for model in models if _dependable(model) >= most - margin / 2]
    far = [model for model in models if model not in near]

    def burden(model: ModelScores) -> tuple[float, float, float, int, float, str]:
        cost = math.inf if math.isnan(model.cost) else model.cost
        packages = model.facts.cost.packages if model.facts.cost else 0
        return cost, packages, model.facts.weights_mb, ROLES.index(model.role), -_dependable(model), model.name

    return sorted(near, key=burden) + sorted(far, key=lambda model: (-_dependable(model), burden(model)))


def _dependable(model: ModelScores) -> float:
    value = model.dependable.value
    return -math.inf if math.isnan(value) else value


def _cost(pick: ModelScores, other: ModelScores) -> str:
    ratio = other.cost / pick.cost if pick.cost > 0 else math.nan
    if math.isnan(ratio) or (pick.facts.cost is None) != (other.facts.cost is None):
        return f"its cost beside {other.name} was not measured"
    if ratio > 1:
        return f"it answers {_times(ratio)} times faster than {other.name}"
    if ratio < 1:
        return f"that is worth answering {_times(1 / ratio)} times slower than {other.name}"
    return f"it answers about as fast as {other.name}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}".removesuffix(".0") if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"


def _one_split(known: dict[str, ModelScores], stable: ModelScores, excluded: Mapping[str, str], unit: Unit) -> Decision:
    able = [model for name, model in known.items() if model.role != "floor" and name not in excluded]
    if stable not in able:
        return replace(
            _nothing("One split cannot tell a difference from noise, and the reference is barred."), excluded=excluded
        )
    best = max(able, key=lambda model: model.mean)
    lead = unit.amount(best.mean - stable.mean)
    leads = f"{best.name} scores highest on it, {lead} above the reference"
    if unit.sign < 0:
        leads = (
            f"{best.name} has the lowest {unit.label} on it, {unit.size(best.mean - stable.mean)} below the reference's"
        )
    return Decision(
        pick=stable.name,
        confidence=math.nan,
        because=(
            "one split cannot tell a difference from noise, so the stable reference stays",
            leads if best is not stable else f"no model {'scores higher' if unit.sign > 0 else 'does better'} on it",
            "folds or windows (without protocol=published) give every difference an interval",
        ),
        price=best.mean - stable.mean,
        runner_up=best.name if best is not stable else "",
        would_change_if="folds or windows show the lead to be larger than the margin",
        excluded=excluded,
        settled=False,
    )


def _nothing(reason: str, advice: str = "") -> Decision:
    because = (reason, advice) if advice else (reason,)
    return Decision(
        pick="", confidence=math.nan, because=because, price=math.nan, runner_up="", would_change_if="more data came"
    )
