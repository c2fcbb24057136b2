"""What a run tries after the known models: neighbours of its leaders, then moonshots.

Most of the time goes to what is known to work, some to what lies beside the best of it, a little to what hardly anybody
would try. Which models these are follows from the configuration and from finished records alone.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Literal

from bench import plan, registry
from bench.exposure import exposure_on
from bench.metrics import metric
from bench.prepare import Prepared
from bench.room import without_room
from bench.study import INNER_FOLDS, drawn
from bench.types import LICENCE_AND, ModelChoice, ModelSpec, Record, seed_for

Stage = Literal["known", "neighbours", "moonshots"]

IN_ITS_SHARE = "Not started within its share of the run's time"
"""How the reason of a row begins that a later stage had no time for."""
LEADERS = 2
"""Models of which tuned variants are tried; of the first of them a bag too."""
MOST_MEMBERS = 5
"""Leaders that an ensemble is made of."""
MOONSHOTS = 8
"""Pipelines that are drawn; the time decides how many of their cells are run."""
LEAST_SECONDS = 60.0
"""Of a stage, where its share of the run's time allows as much."""


def shares_of(run: Prepared) -> dict[Stage, float]:
    """Return the share of the run's time that each of its stages may take, in their order.

    A run of named models, a shard, and a learning curve have no later stages; nor is time kept for moonshots where no
    space of them is known.
    """
    config = run.config
    some = any(run.task.type in spec.task_types for spec in _spaces())
    later: dict[Stage, float] = {
        "neighbours": config.budget.neighbours,
        "moonshots": config.budget.moonshots if some else 0.0,
    }
    if not config.lineup or config.shard or run.task.protocol == "curve":
        return {"known": 1.0}
    found = {stage: share for stage, share in later.items() if share}
    return {"known": 1 - sum(found.values()), **found}


def seconds_for(stage: Stage, shares: Mapping[Stage, float], run_seconds: float, known_seconds: float) -> float:
    """Return the seconds that a stage may take.

    What is known may take its share of the run. What follows gets time in proportion to what that took, so that the
    shares hold in a run that needs less than it may.

    Parameters
    ----------
    stage : str
    shares : mapping
        See `shares_of`.
    run_seconds : float
        Of all stages.
    known_seconds : float
        That the known models took, infinite for a run that only goes on; of no account for these themselves.

    Examples
    --------
    >>> shares = {"known": 0.7, "neighbours": 0.2, "moonshots": 0.1}
    >>> seconds_for("known", shares, 3600, 0), round(seconds_for("neighbours", shares, 3600, 700))
    (2520.0, 200)
    """
    most = shares[stage] * run_seconds
    if stage == "known":
        return most
    return min(most, max(LEAST_SECONDS, known_seconds * shares[stage] / shares["known"]))


def models_of(stage: Stage, run: Prepared, records: Iterable[Record]) -> tuple[ModelChoice, ...]:
    """Return the models that a later stage adds to those of the run."""
    made = _neighbours(run, records) if stage == "neighbours" else _moonshots(run)
    found, _ = without_room(made, run.dataset, run.splits)
    known = {choice.name for choice in run.models}
    return tuple(choice for choice in found if choice.name not in known)


def leaders(run: Prepared, records: Iterable[Record]) -> list[ModelChoice]:
    """Return the single models with scores, the best first.

    Compared by their mean difference to the reference on the folds that both have, for models that were stopped early
    have fewer.
    """
    name = run.task.metrics[0]
    sign = 1.0 if metric(name).greater_is_better else -1.0
    scores: dict[str, dict[tuple[int, int], list[float]]] = {}
    for record in records:
        if record.status == "ok":
            by_fold = scores.setdefault(record.model, {})
            # As tables hold it: a run that goes on must come to the same leaders.
            score = float(f"{record.scores[name]:.6g}")
            by_fold.setdefault((record.repeat, record.fold), []).append(sign * score)
    reference = scores.get(run.task.reference, {})

    def gain(choice: ModelChoice) -> float:
        mine = scores[choice.name]
        gains = (fmean(mine[fold]) - fmean(reference[fold]) for fold in sorted(mine.keys() & reference.keys()))
        return float(f"{fmean(gains):.6g}")

    single = [
        choice
        for choice in run.models
        if choice.spec.role in plan.MEMBERS
        and not choice.spec.at_once
        and _allowed(choice, run)
        and scores.get(choice.name, {}).keys() & reference.keys()
    ]
    return sorted(single, key=gain, reverse=True)


def _neighbours(run: Prepared, records: Iterable[Record]) -> list[ModelChoice]:
    ranked = leaders(run, records)
    # An ensemble first: of all neighbours it is the one that helps most often.
    members = plan.in_order(ranked[:MOST_MEMBERS], run.task.reference)
    found = [plan.greedy(members, INNER_FOLDS)] if len(members) > 1 else []
    found += [plan.tuned(one) for one in ranked[:LEADERS] if one.spec.space is not None and not one.tuned]
    if run.task.prediction in ("quantiles", "ranking"):
        # Steps of a series make no bags, nor do interactions.
        return found
    return found + [plan.bagged(one, INNER_FOLDS) for one in ranked[:1]]


def _allowed(choice: ModelChoice, run: Prepared) -> bool:
    licences = run.config.limits.licences
    licensed = not licences or set(choice.spec.licence.split(LICENCE_AND)) <= set(licences)
    return licensed and exposure_on(choice.spec, run.dataset) != "exposed"


def _spaces() -> list[ModelSpec]:
    """Return the models whose spaces hold moonshots."""
    return [spec for spec in registry.models().values() if spec.role == "moonshot"]


def _moonshots(run: Prepared) -> list[ModelChoice]:
    found: dict[str, ModelChoice] = {}
    for spec in _spaces():
        if run.task.type in spec.task_types:
            for params in drawn(spec, MOONSHOTS, seed_for(run.config.seed, "moonshots", spec.name)):
                # Known by what it is made of.
                name = "_".join([spec.name, *(str(part) for part in vars(params).values() if isinstance(part, str))])
                found.setdefault(name, ModelChoice(name=name, spec=spec, params=params))
    return list(found.values())
