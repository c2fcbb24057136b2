"""``python -m bench validate --recompute 5%``: cells drawn at random are run again, and must say the same."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import config, plan, registry
from bench.errors import BenchError, ConfigError
from bench.executor import cap_threads, execute, no_deadline, threads_per_cell, worker_count
from bench.found import read_found
from bench.members import hangs_on_clock
from bench.prepare import Prepared, prepare, recall_data
from bench.provenance import provenance_of
from bench.report.wording import count
from bench.results import read_provenance, read_records
from bench.settings import Budget, DataSpec, ExecutorSpec, Limits, ReportSettings, RunConfig
from bench.types import Cell, ModelChoice, Record
from bench.zoo.store import go_offline

SAME_SCORE = 1e-5
"""Relative: the tables hold six digits."""


def share_of(text: str) -> float:
    """Return the share that is meant by ``5%`` or ``0.05``; 0 for an empty string.

    Examples
    --------
    >>> share_of("5%"), share_of("0.5"), share_of("")
    (0.05, 0.5, 0.0)
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1) if text else 0.0
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigError(f"recompute={text} is no share. Expected a value such as 5% or 0.05.")
    return share


def recompute(tables: Sequence[Path], share: float, cache_dir: Path, say: Callable[[str], None]) -> Iterator[str]:
    """Run a random share of the cells of each folder again, at least one, and yield what came out differently.

    Parameters
    ----------
    tables : sequence of Path
        Tables without their suffix.
    share : float
        Between 0 and 1.
    cache_dir : Path
    say : callable
        Told what was run, and what could not be.
    """
    generator = np.random.default_rng()
    workers = ExecutorSpec(name="processes", workers=0)
    cap_threads(threads_per_cell(Budget(), workers), worker_count(workers))
    for folder in sorted({table.parent for table in tables}):
        made = {
            table.name: read_provenance(folder / f"{table.name}.json") for table in tables if table.parent == folder
        }
        for name, one in made.items():
            if "imported" in one.get("about", {}):
                say(f"{folder / name}.csv: imported; predictions made elsewhere cannot be computed again")
            elif one.get("about", {}).get("role") == "external":
                say(f"{folder / name}.csv: not run again, for a command may answer differently each time")
        try:
            ready = prepare(_config_of(folder, made, cache_dir), say)
        except BenchError as error:
            say(f"{folder}: not run again. {error}")
            continue
        known = dict(_comparable(folder, ready, made, say))
        rows = [(name, record) for name, records in known.items() for record in records]
        if not rows:
            continue
        chosen = generator.choice(len(rows), max(1, round(share * len(rows))), replace=False)
        wanted = {plan.cell_id(record): record for _, record in (rows[at] for at in sorted(chosen))}
        other: list[Record] = []
        say(f"{folder}: running {len(wanted)} of {len(rows)} cells again ...")
        yield from _differences(folder, ready, wanted, other)
        said = f", {len(other)} with the same scores from predictions that differ in last digits" if other else ""
        say(f"{folder}: {len(wanted)} of {len(rows)} cells run again{said}")


def _differences(
    folder: Path, ready: Prepared, wanted: dict[plan.CellId, Record], other: list[Record]
) -> Iterator[str]:
    """Yield what came out differently; rows whose digest alone moved, as other threads do, go to ``other``."""
    cells: list[Cell | None] = [cell for cell in ready.cells() if plan.cell_id(cell) in wanted]
    go_offline()
    # Without the journals, in which all searches are done already.
    inputs = replace(ready.inputs(), predictions=None, studies=None, memory=None)
    for batch in execute(iter(cells), inputs, ready.config.budget, ready.config.executor, no_deadline()):
        for now in batch:
            before = wanted[plan.cell_id(now)]
            where = f"{folder / now.model}.csv: repeat {now.repeat}, fold {now.fold}, seed {now.seed}"
            if now.status != "ok":
                yield f"{where}: {now.status} when it was run again ({now.reason})"
                continue
            moved = {
                name: (score, now.scores[name])
                for name, score in before.scores.items()
                if not math.isclose(score, now.scores[name], rel_tol=SAME_SCORE, abs_tol=1e-9)
            }
            if moved:
                said = ", ".join(f"{name} {old:.6g} is now {new:.6g}" for name, (old, new) in moved.items())
                yield f"{where}: {said}"
            elif now.digest != before.digest:
                other.append(now)


def _comparable(
    folder: Path, ready: Prepared, made: dict[str, dict[str, Any]], say: Callable[[str], None]
) -> Iterator[tuple[str, list[Record]]]:
    """Yield the fitted rows of every model that can be made again here from the same inputs."""
    config = ready.config
    for choice in ready.models:
        if choice.name not in made:
            continue
        now = provenance_of(choice, ready.task, ready.dataset, config.budget, ready.splits, config.seed, ready.zoo)
        before = made[choice.name]["inputs"]
        if other := [
            name for name, value in now["inputs"].items() if before.get(name) != json.loads(json.dumps(value))
        ]:
            say(f"{folder / choice.name}.csv: not run again, for it was made with another {', '.join(other)}")
        elif why := plan.why_unavailable(choice, ready.zoo.missing):
            say(f"{folder / choice.name}.csv: not run again. {why}")
        else:
            records, stopped = _repeatable(folder, choice.name, made[choice.name].get("key", ""), ready.task.metrics)
            if stopped:
                cells = count(stopped, "cell")
                say(f"{folder / choice.name}.csv: {cells} not run again, for time ran out there, and may not elsewhere")
            yield choice.name, records


def _repeatable(folder: Path, model: str, key: str, metrics: Sequence[str]) -> tuple[list[Record], int]:
    """Return the fitted rows of a model that must come out the same, and the number of those that a clock stopped."""
    records = read_records(folder / f"{model}.csv", metrics)
    found = read_found(folder / "found" / f"{model}.json", key, records)
    fitted = [record for record in records if record.status == "ok" and record.origin == "fit"]
    kept = [one for one in fitted if not hangs_on_clock(found.get((one.repeat, one.fold, one.seed), {}))]
    return kept, len(fitted) - len(kept)


def _config_of(folder: Path, made: dict[str, dict[str, Any]], cache_dir: Path) -> RunConfig:
    """Return the config that the tables of a folder were made with."""
    facts = next((one for one in made.values() if {"inputs", "about"} <= set(one)), None)
    if facts is None:
        raise BenchError("It holds no provenance.")
    about, inputs = facts["about"], facts["inputs"]
    budget = {field.name for field in fields(Budget)}
    # What runs as a command has no fixed answer within a time limit, and a stranger's table may name any command.
    models = [choice for name, one in made.items() if (choice := _choice(name, one.get("inputs", {}))) is not None]
    return RunConfig(
        task_type=about["task"]["type"],
        data=_data_of(folder.parent.name),
        protocol=about["task"]["protocol"],
        budget=Budget(**{name: value for name, value in about["budget"].items() if name in budget}),
        executor=ExecutorSpec(name="processes", workers=0),
        models=tuple(choice for choice in models if not choice.spec.at_once),
        lineup=False,
        tune=False,
        shard=None,
        seed=inputs["root_seed"],
        results_dir=folder.parents[2],
        cache_dir=cache_dir,
        rerun="none",
        timings="keep",
        report=ReportSettings(),
        limits=Limits(),
        zoo_fetch=False,
        allow_unpinned=False,
        expected=(),
    )


def _choice(name: str, made: dict[str, Any]) -> ModelChoice | None:
    """Return a model as it was run, by the inputs of its provenance; None where it, or a member, is not known here."""
    if "members" in made:
        members = [_choice(one["name"], one) for one in made["members"]]
        known = [member for member in members if member is not None]
        return replace(plan.greedy(known, made["bag"]), name=name) if len(known) == len(members) else None
    spec = registry.models().get(made.get("model", ""))
    if spec is None:
        return None
    choice = ModelChoice(name=name, spec=spec, params=spec.params(**made["params"]))
    choice = plan.tuned(choice) if "search" in made else choice
    choice = plan.bagged(choice, made["bag"]) if "bag" in made else choice
    return replace(choice, name=name)


def _data_of(name: str) -> DataSpec:
    catalogue = config.catalogued_data()
    if name in catalogue:
        return replace(catalogue[name], name=name)
    remembered = recall_data(name)
    if remembered is None:
        raise BenchError(f"Its data set {name} is not in the catalogue, and was not read from here.")
    return remembered
