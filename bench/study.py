"""The parameters of one model, searched on inner folds of training rows.

One study a cell, sequential and seeded, kept in a journal so that a cell that was killed goes on. The defaults are the
first trial: what comes out is never worse than they are on the inner folds. Knows models by their registry entry, and
no test row.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.files import clear_disk_errors
from bench.types import ModelSpec, Split

INNER_FOLDS = 5
PRUNE_LEVEL = 0.1
"""p-value from which a trial that is behind the best one over the inner folds is given up."""

NO_SCORE = -1e30
"""Stands for what is no number; a mean with one of it is as far below every score."""

Score = Callable[[Any, Split], float]
"""Given parameters and an inner split: the score, larger is better."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search found."""

    params: Any
    """Of the model's ``Params``."""
    scores: tuple[float, ...]
    """Mean over the inner folds of each trial in turn, the defaults first; NaN where it was given up, or is none."""
    given_up: int
    """Trials that were behind the best one after some of the folds."""
    default: float
    """Mean score of the defaults over the inner folds."""
    best: float
    stopped_by_clock: bool
    """Whether fewer trials were run than asked for: such a search does not repeat."""

    @property
    def trials(self) -> int:
        """Number of trials that were finished or given up, the defaults among them."""
        return len(self.scores)


def search(
    spec: ModelSpec,
    defaults: Any,
    folds: Sequence[Split],
    score: Score,
    *,
    trials: int,
    seconds: float,
    seed: int,
    journal: Path | None = None,
) -> Search:
    """Search the space of a model.

    Parameters
    ----------
    spec : ModelSpec
        With a ``space``, which takes an Optuna trial and returns values of parameters by name.
    defaults : object
        Parameters that the search starts from, and keeps where the space does not name them.
    folds : sequence of Split
        Of training rows.
    score : callable
    trials : int
        The defaults are the first one.
    seconds : float
        A trial is started only where it is likely to end within them, and dropped where it does not.
    seed : int
    journal : Path, optional
        Where the study is kept.

    Returns
    -------
    Search
    """
    import optuna

    assert spec.space is not None
    space = spec.space
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.monotonic()
    with warnings.catch_warnings():
        # The pruner has been called experimental for two major versions.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(
            study_name=spec.name,
            direction="maximize",
            # Stated in full: the library's defaults move between versions.
            sampler=optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=max(5, trials // 5), multivariate=True, group=False, constant_liar=False
            ),
            pruner=optuna.pruners.WilcoxonPruner(p_threshold=PRUNE_LEVEL, n_startup_steps=2),
            storage=_storage(journal),
            load_if_exists=True,
        )
    _close_stale(study)
    clock = _Clock(started, seconds)
    if not _done(study):
        values = clock.within(_scores(score, defaults, folds))
        if len(values) < len(folds):
            none = math.nan
            return Search(params=defaults, scores=(none,), given_up=0, default=none, best=none, stopped_by_clock=True)
        made = optuna.trial.create_trial(
            value=float(np.mean(values)), intermediate_values=dict(enumerate(values)), user_attrs={"defaults": True}
        )
        study.add_trial(made)
    late = False
    while _done(study) < trials and not (late := clock.too_late):
        _try(study.ask(), study, lambda trial: _scores(score, _with(defaults, space(trial)), folds), len(folds), clock)
    return _outcome(study, spec, defaults, late)


@dataclass
class _Clock:
    """The time of a search."""

    started: float
    seconds: float
    longest: float = 0.0
    """Seconds of the longest trial: the next one may take as long."""

    @property
    def too_late(self) -> bool:
        """Whether a trial that is begun now may not end in time."""
        return time.monotonic() - self.started + self.longest > self.seconds

    def within(self, values: Iterator[float]) -> list[float]:
        """Return the values of a trial, as many as come within the time."""
        found: list[float] = []
        begun = time.monotonic()
        for value in values:
            found.append(value)
            if time.monotonic() - self.started > self.seconds:
                break
        self.longest = max(self.longest, time.monotonic() - begun)
        return found


def _try(trial: Any, study: Any, scores: Callable[[Any], Iterator[float]], folds: int, clock: _Clock) -> None:
    """Score one trial, fold by fold; give it up where it is behind the best one, and drop it where the time is up."""
    from optuna.trial import TrialState

    pruned = False

    def reported() -> Iterator[float]:
        nonlocal pruned
        for fold, value in enumerate(scores(trial)):
            yield value
            trial.report(value, fold)
            if pruned := trial.should_prune():
                return

    values = clock.within(reported())
    if pruned:
        study.tell(trial, state=TrialState.PRUNED)
    elif len(values) < folds:
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, float(np.mean(values)))


def _outcome(study: Any, spec: ModelSpec, defaults: Any, late: bool) -> Search:
    from optuna.trial import TrialState

    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    # Of equals the earlier one, and so the defaults before all others.
    best = max(complete, key=lambda trial: (trial.value, -trial.number))
    assert spec.space is not None
    return Search(
        params=defaults if best.user_attrs.get("defaults") else _with(defaults, _found(spec.space, best)),
        scores=tuple(_as_score(trial.value if trial in complete else None) for trial in finished),
        given_up=len(finished) - len(complete),
        default=_as_score(complete[0].value),
        best=_as_score(best.value),
        stopped_by_clock=late,
    )


def _as_score(value: float | None) -> float:
    return math.nan if value is None or value < NO_SCORE / 1e6 else float(value)


def drawn(spec: ModelSpec, number: int, seed: int) -> list[Any]:
    """Return parameters drawn at random from a model's space; those of a smaller number are the first of a larger.

    Raises
    ------
    ValueError
        If the model has no space.
    """
    import optuna

    if spec.space is None:
        raise ValueError(f"{spec.name} has no space")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [replace(spec.params(), **spec.space(study.ask())) for _ in range(number)]


def inner_folds(
    y: NDArray[Any],
    seed: int,
    *,
    stratified: bool,
    groups: NDArray[np.integer] | None = None,
    time: NDArray[np.generic] | None = None,
    folds: int = INNER_FOLDS,
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return folds of training rows by the rule that made the outer ones: classes, groups and time are respected.

    Parameters
    ----------
    y : array, shape (n,)
    seed : int
    stratified : bool
        Whether ``y`` holds classes.
    groups, time : array, shape (n,), optional
    folds : int
        Fewer where the rarest class or the groups allow no more.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

    if time is not None:
        order = np.argsort(time, kind="stable")
        parts = TimeSeriesSplit(max(2, min(folds, len(y) // 10))).split(order)
        return [(order[train], order[test]) for train, test in parts]
    # A class with one member stands in one training or one test part; folds of more rows than that are fine.
    rarest = int(np.unique(y, return_counts=True)[1].min()) if stratified else len(y)
    count = max(2, min(folds, rarest, *([len(np.unique(groups))] if groups is not None else [])))
    made: Any
    match stratified and rarest >= 2, groups is not None:
        case True, False:
            made = StratifiedKFold(count, shuffle=True, random_state=seed).split(y, y)
        case True, True:
            made = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(y, y, groups)
        case False, False:
            made = KFold(count, shuffle=True, random_state=seed).split(y)
        case _:
            made = GroupKFold(count, shuffle=True, random_state=seed).split(y, groups=groups)
    return [(train, test) for train, test in made]


def _scores(score: Score, params: Any, folds: Sequence[Split]) -> Iterator[float]:
    for fold in folds:
        value = score(params, fold)
        # What is no number is worse than any: a fold that cannot be scored must not win.
        yield value if math.isfinite(value) else NO_SCORE


def _with(defaults: Any, values: dict[str, Any]) -> Any:
    return replace(defaults, **values)


def _found(space: Callable[[Any], dict[str, Any]], trial: Any) -> dict[str, Any]:
    import optuna

    return space(optuna.trial.FixedTrial(trial.params))


def _storage(journal: Path | None) -> Any:
    if journal is None:
        return None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with clear_disk_errors(journal):
        journal.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(journal)))


def _close_stale(study: Any) -> None:
    """End trials that a killed cell left open: they would count as running for ever."""
    import optuna

    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _done(study: Any) -> int:
    import optuna

    finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=finished))
