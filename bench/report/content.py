"""What a report says, read from the tables alone: the same files give the same report on any machine."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import metrics
from bench.errors import BenchError
from bench.results import Store, read_provenance, read_timings
from bench.stats.decision import decide
from bench.stats.pairs import CorrectedMean
from bench.stats.table import ModelScores, compare, paired, score_interval, scores_by_model
from bench.types import Comparison, Decision, Expected, Finding, Record, Task


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model."""

    scores: ModelScores
    mean: CorrectedMean
    against: Comparison
    others: Mapping[str, float]
    """Means of the metrics that do not decide."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything a report shows of one task, data set and budget."""

    task: Task
    data: str
    budget: str
    facts: Mapping[str, Any]
    """Provenance of the reference's table."""
    machine: str
    """Machine class that the costs come from; empty where none was measured."""
    rows: tuple[Row, ...]
    decision: Decision
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    """Models whose tables were made from other data, splits or versions."""
    checks: tuple["Check", ...]
    """Published figures beside the measured ones."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A published figure beside the measured one."""

    expected: Expected
    measured: float
    """NaN where the model has no score."""

    @property
    def met(self) -> bool:
        """Whether the measured figure lies within the tolerance, and not below the promised floor."""
        near = abs(self.measured - self.expected.score) <= self.expected.tolerance
        return near and self.measured >= self.expected.at_least


def read_content(folder: Path, results_dir: Path, machine: str, names: Sequence[str] = ()) -> Content | None:
    """Read the tables of one folder.

    Parameters
    ----------
    folder : Path
        ``<results_dir>/<task>/<data>/<budget>``.
    results_dir : Path
        Where the timings lie.
    machine : str
        Machine class whose timings are shown, if it has any for this folder; else the one that covers most models.
    names : sequence of str
        Models to show; all when empty.

    Returns
    -------
    Content or None
        None where there is no table of the reference, without which nothing can be compared.
    """
    made = {path.stem: read_provenance(path) for path in sorted(folder.glob("*.json"))}
    made = {name: facts for name, facts in made.items() if facts and (folder / f"{name}.csv").exists()}
    try:
        return _content(folder, results_dir, machine, names, made)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BenchError(
            f"{folder} holds a file that is not of this version ({type(error).__name__}: {error}). Restore it from "
            "git, or remove it to have its cells run again."
        ) from error


def _content(
    folder: Path, results_dir: Path, machine: str, names: Sequence[str], made: Mapping[str, Any]
) -> Content | None:
    reference = next((facts["about"]["task"]["reference"] for facts in made.values()), "")
    if reference not in made:
        return None
    task = _task(made[reference]["about"]["task"])
    same = _splits_of(made[reference])
    shown = [name for name in made if _splits_of(made[name]) == same and (not names or name in names)]
    keys = {name: made[name]["key"] for name in shown}
    machine = _best_covering(results_dir / "timings", folder.relative_to(results_dir), keys, machine)
    store = Store(
        folder=folder,
        timings=results_dir / "timings" / machine / folder.relative_to(results_dir),
        metrics=task.metrics,
    )
    # A table may hold the cells of a longer run that was given more seeds.
    repeats, seeds = made[reference]["about"]["repeats"], made[reference]["about"]["budget"]["seeds"]
    records = [
        record
        for name in shown
        for record in store.read(name, made[name]["key"]).values()
        if record.repeat < repeats and record.seed < seeds
    ]
    scores = scores_by_model(
        records,
        {name: made[name]["about"]["role"] for name in shown},
        task.metrics[0],
        _sign(task),
        task.floor,
        {name: made[name]["about"]["weights_mb"] for name in shown},
    )
    ratio = _test_train_ratio(records)
    known = {model.name: model for model in scores}
    rows = [
        Row(
            scores=model,
            mean=score_interval(model, ratio),
            against=compare(model, known[reference], task.metrics[0], task.margin, ratio),
            others=_mean_scores(records, model.name, task.metrics[1:]),
        )
        for model in scores
    ]
    means = {model.name: _sign(task) * model.mean for model in scores}
    expected = [Expected(**one) for one in made[reference]["about"]["expected"]]
    return Content(
        task=task,
        data=folder.parent.name,
        budget=folder.name,
        facts=made[reference],
        machine=machine,
        rows=tuple(sorted(rows, key=lambda row: (-_or_least(row.mean.mean), row.scores.name))),
        decision=decide(scores, reference, task.floor, task.margin, ratio),
        findings=(
            *_broken_declarations(made, shown, records),
            *_no_better_than_floor(scores, ratio),
            *_unpinned(made, shown),
        ),
        left_out=tuple(name for name in made if _splits_of(made[name]) != same and (not names or name in names)),
        checks=tuple(
            Check(expected=one, measured=means.get(one.model, math.nan))
            # Of a narrower run, its own models only; a figure that no table can meet is always missed.
            for one in expected
            if one.model in shown or one.model not in made
        ),
    )


def _no_better_than_floor(scores: Sequence[ModelScores], ratio: float) -> list[Finding]:
    found = []
    for floor in (model for model in scores if model.role == "floor" and len(model.folds) > 1):
        for model in (model for model in scores if model.role not in ("floor", "stable") and len(model.folds) > 1):
            if paired(model, floor, ratio).probability_above(0) < 0.95:
                text = (
                    f"{model.name} does not surely score above {floor.name} ({100 * model.mean:.2f} against "
                    f"{100 * floor.mean:.2f}): on these data its pretraining is worth nothing that could be measured."
                )
                found.append(Finding(code="zoo-at-the-floor", text=text))
    return found


def _broken_declarations(made: Mapping[str, Any], shown: Sequence[str], records: Sequence[Record]) -> list[Finding]:
    digests = {(r.model, r.repeat, r.fold, r.seed): r.digest for r in records if r.status == "ok"}
    found = []
    for name in shown:
        one, two = digests.get((name, 0, 0, 0)), digests.get((name, 0, 0, 1))
        if made[name]["about"]["deterministic"] and one and two and one != two:
            found.append(
                Finding(
                    code="not-deterministic",
                    text=f"{name} declares itself deterministic, and two seeds gave different predictions on the first "
                    "fold. It was run with every seed; take the declaration out of its model file.",
                )
            )
    return found


def _unpinned(made: Mapping[str, Any], shown: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            code="unpinned",
            text=f"{name} loaded weights that zoo.lock does not hold ({', '.join(addresses)}): nobody can check that "
            "another run has the same bytes. Lock them by: python -m bench zoo lock ADDRESS",
        )
        for name in shown
        if (addresses := made[name]["about"]["unpinned"])
    ]


def _splits_of(facts: Mapping[str, Any]) -> str:
    names = ("task", "task_version", "protocol", "data_fingerprint", "folds", "splits", "root_seed")
    return json.dumps([facts["inputs"][name] for name in names])


def _best_covering(timings: Path, below: Path, keys: Mapping[str, str], machine: str) -> str:
    """Return the machine class with current timings of most of the models; the given one among equals."""
    classes = sorted(path.name for path in timings.glob("*") if path.is_dir())
    covered = {
        name: sum(bool(read_timings(timings / name / below / f"{model}.csv", key)) for model, key in keys.items())
        for name in classes
    }
    most = max(covered.values(), default=0)
    if most == 0:
        return ""
    return machine if covered.get(machine) == most else next(name for name in classes if covered[name] == most)


def _task(values: Mapping[str, Any]) -> Task:
    return Task(**{**values, "metrics": tuple(values["metrics"])})


def _sign(task: Task) -> float:
    return 1.0 if metrics.metric(task.metrics[0]).greater_is_better else -1.0


def _test_train_ratio(records: Sequence[Record]) -> float:
    sizes = [(r.n_test, r.n_train) for r in records if r.n_train]
    return sum(test for test, _ in sizes) / sum(train for _, train in sizes) if sizes else math.nan


def _mean_scores(records: Sequence[Record], model: str, names: Sequence[str]) -> dict[str, float]:
    mine = [record for record in records if record.model == model and record.status == "ok"]
    return {name: math.fsum(r.scores[name] for r in mine) / len(mine) for name in names} if mine else {}


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
