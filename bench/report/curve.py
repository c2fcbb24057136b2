"""The learning curve beside a report: read from the tables of the same task under the protocol ``curve``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.exposure import exposure_of
from bench.report.content import Curve
from bench.report.units import unit_of
from bench.results import Store, read_provenance
from bench.stats.curve import Crossing, CurvePoint, crossing
from bench.types import Record, Task, seed_for


def read_curve(
    folder: Path, results_dir: Path, task: Task, inputs: Mapping[str, Any], hide: bool = False
) -> Curve | None:
    """Return how scores grow with the training rows, or None where ``curve=true`` was never run on these data.

    Parameters
    ----------
    folder, results_dir : Path
    task : Task
    inputs : mapping
        What made the reference's table of the report: a curve of other data or another seed is none of its own.
    hide : bool
        Whether models that were pretrained on the data are left out; no crossing is ever that of such a model.
    """
    home = folder if task.protocol == "curve" else results_dir / f"{task.type}_curve" / folder.parent.name / folder.name
    made = {path.stem: read_provenance(path) for path in sorted(home.glob("*.json"))}
    made = {name: facts for name, facts in made.items() if facts and (home / f"{name}.csv").exists()}
    same = ("data_fingerprint", "task_version", "root_seed")
    made = {name: facts for name, facts in made.items() if all(facts["inputs"][one] == inputs[one] for one in same)}
    tables = {name: _table(home, name, facts, task) for name, facts in made.items()}
    seen = {name for name, facts in made.items() if exposure_of(facts, folder.parent.name) == "exposed"}
    hidden = seen - {task.reference} if hide else set()
    whole = {name: table for name, table in tables.items() if table is not None and name not in hidden}
    if task.reference not in whole:
        return None
    rows = whole[task.reference][0]
    scores = {name: values for name, (sizes, values) in whole.items() if sizes == rows}
    points = tuple(
        CurvePoint(model=name, rows=size, mean=float(at.mean()), low=float(at.min()), high=float(at.max()))
        for name, values in scores.items()
        for size, at in zip(rows, values, strict=True)
    )
    roles = {name: made[name]["about"]["role"] for name in scores if name not in seen}
    zoo, stable = (_best(scores, [name for name in roles if roles[name] == role]) for role in ("zoo", "stable"))
    found = crossing(zoo, stable, rows, scores, seed_for(0, "crossing", zoo, stable)) if zoo and stable else None
    # The largest step has the scores of the usual size.
    return Curve(points=points, crossing=found, unit=unit_of(task.metrics[0], float(scores[task.reference][-1].mean())))


def curve_advice(curve: Curve | None, pick: str) -> str:
    """Return when another number of training rows would change the answer; empty where nothing is known of it."""
    crossing = curve.crossing if curve is not None else None
    if curve is None or crossing is None or math.isnan(crossing.rows) or pick not in (crossing.zoo, crossing.stable):
        return ""
    if pick == crossing.stable and crossing.lead_first > 0:
        return (
            f"Prefer {crossing.zoo} below {_rows(crossing)} training rows: with {crossing.first_rows:.0f} it leads by "
            f"{curve.unit.amount(crossing.lead_first, 1)}."
        )
    return f"Prefer {crossing.stable} above {_rows(crossing)} training rows." if pick == crossing.zoo else ""


def crossing_sentence(curve: Curve | None) -> str:
    """Return where the best pretrained and the best stable model cross, or who leads throughout."""
    crossing = curve.crossing if curve is not None else None
    if curve is None or crossing is None:
        return "There is no pretrained and stable pair to compare."
    # A lead is ahead for every metric.
    unit = replace(curve.unit, sign=1.0)
    first, last = unit.change(crossing.lead_first, 1), unit.change(crossing.lead_last, 1)
    span = f"{first} {unit.name} with {crossing.first_rows:.0f} training rows, {last} with {crossing.last_rows:.0f}"
    if math.isnan(crossing.rows):
        return f"{crossing.zoo} and {crossing.stable} do not cross: the lead of {crossing.zoo} is {span}."
    return f"{crossing.zoo} leads {crossing.stable} below {_rows(crossing)} training rows: {span}."


def _rows(crossing: Crossing) -> str:
    if math.isnan(crossing.low):
        return f"{crossing.rows:.0f}"
    return f"{crossing.rows:.0f} (95 % CI {crossing.low:.0f} to {crossing.high:.0f})"


def _table(
    home: Path, name: str, facts: Mapping[str, Any], task: Task
) -> tuple[list[float], NDArray[np.floating]] | None:
    """Return training rows of each step, and scores of shape (steps, draws); None where a cell is missing."""
    store = Store(folder=home, timings=home / "not needed", metrics=task.metrics)
    records = list(store.read(name, facts["key"]).values())
    if not records or any(record.status != "ok" or record.seed > 0 for record in records):
        return None
    steps, draws = (sorted({axis(record) for record in records}) for axis in (_step, _draw))
    known = {(record.repeat, record.fold): record for record in records}
    if len(known) != len(steps) * len(draws):
        return None
    sign = 1.0 if metrics.metric(task.metrics[0]).greater_is_better else -1.0
    sizes = [float(np.mean([known[step, draw].n_train for draw in draws])) for step in steps]
    return sizes, np.array([[sign * known[step, draw].scores[task.metrics[0]] for draw in draws] for step in steps])


def _best(scores: Mapping[str, NDArray[np.floating]], names: Sequence[str]) -> str:
    """Return the model with the highest mean over all sizes: the best at one size is picked by its luck there."""
    return max(names, key=lambda name: float(scores[name].mean()), default="")


def _step(record: Record) -> int:
    return record.repeat


def _draw(record: Record) -> int:
    return record.fold
