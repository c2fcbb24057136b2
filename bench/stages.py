"""What a run tries after the known models: neighbours of its leaders, then moonshots.

Most of the time goes to what is known to work, some to what lies beside the best of it, a little to what hardly anybody
would try. Which models these are follows from the configuration and from finished records alone.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Literal

from bench import plan, registry
from bench.metrics import metric
from bench.prepare import Prepared
from bench.study import INNER_FOLDS, drawn
from bench.types import ModelChoice, Record, seed_for

Stage = Literal["known", "neighbours", "moonshots"]

IN_ITS_SHARE = "Not started within its share of the run's time"
"""How the reason of a row begins that a later stage had no time for."""
LEADERS = 2
"""Models of which tuned variants are tried; of the first of them a bag too."""
MEMBERS = 5
"""Leaders that an ensemble is made of."""
MOONSHOTS = 8
"""Pipelines that are drawn; the time decides how many of their cells are run."""
SINGLE = ("stable", "zoo", "tuned")
"""Roles of models that have neighbours."""
LEAST_SECONDS = 60.0
"""Of a stage, where its share of the run's time allows as much: for a run that only goes on."""


def shares_of(run: Prepared) -> dict[Stage, float]:
    """Return the share of the run's time that each of its stages may take, in their order.

    A run of named models, a shard, and a learning curve have no later stages.
    """
    config = run.config
    later: dict[Stage, float] = {"neighbours": config.budget.neighbours, "moonshots": config.budget.moonshots}
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
        That the known models took; of no account for these themselves.

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
    found = _neighbours(run, records) if stage == "neighbours" else _moonshots(run)
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
            by_fold.setdefault((record.repeat, record.fold), []).append(sign * record.scores[name])
    reference = scores.get(run.task.reference, {})

    def gain(choice: ModelChoice) -> float:
        mine = scores[choice.name]
        return fmean(fmean(mine[fold]) - fmean(reference[fold]) for fold in mine.keys() & reference.keys())

    single = [
        choice
        for choice in run.models
        if choice.spec.role in SINGLE and scores.get(choice.name, {}).keys() & reference.keys()
    ]
    return sorted(single, key=gain, reverse=True)


def _neighbours(run: Prepared, records: Iterable[Record]) -> list[ModelChoice]:
    ranked = leaders(run, records)
    # An ensemble first: of all neighbours it is the one that helps most often.
    found = [plan.greedy(ranked[:MEMBERS], INNER_FOLDS)] if len(ranked) > 1 else []
    found += [plan.tuned(one) for one in ranked[:LEADERS] if one.spec.space is not None and not one.tuned]
    return found + [plan.bagged(one, INNER_FOLDS) for one in ranked[:1]]


def _moonshots(run: Prepared) -> list[ModelChoice]:
    found: dict[str, ModelChoice] = {}
    for spec in registry.models().values():
        if spec.role == "moonshot" and run.task.type in spec.task_types:
            for params in drawn(spec, MOONSHOTS, seed_for(run.config.seed, "moonshots", spec.name)):
                # Known by what it is made of.
                name = "_".join([spec.name, *(str(part) for part in vars(params).values() if isinstance(part, str))])
                found.setdefault(name, ModelChoice(name=name, spec=spec, params=params))
    return list(found.values())
