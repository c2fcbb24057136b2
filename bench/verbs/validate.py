"""``python -m bench validate``: the tables under ``results/`` are canonical and complete."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.content import read_content
from bench.results import format_records, read_provenance, read_records
from bench.types import Record


def validate(results_dir: str) -> int:
    """Print every problem; return 1 where there is one.

    Raises
    ------
    BenchError
        If there is no results folder.
    """
    root = Path(results_dir)
    if not root.is_dir():
        raise BenchError(f"There is no folder {root}. Run python -m bench task=text_clf, or give results_dir=DIR.")
    console = Console(soft_wrap=True)
    tables = [path for path in sorted(root.glob("*/*/*/*.csv")) if path.relative_to(root).parts[0] != "timings"]
    problems = [problem for path in tables for problem in _problems(path)]
    for folder in sorted({path.parent for path in tables}):
        problems += _folder_problems(folder, root)
    for problem in problems:
        console.print(Text(problem, style="red"))
    console.print(f"{len(tables)} tables, {len(problems)} problems.")
    return int(bool(problems))


def _problems(path: Path) -> Iterator[str]:
    facts = read_provenance(path.with_suffix(".json"))
    if not facts:
        yield f"{path}: its provenance {path.with_suffix('.json').name} is missing or damaged"
        return
    try:
        metrics = tuple(facts["inputs"]["metrics"])
        records = read_records(path, metrics)
        ordered = sorted(records, key=lambda r: (r.repeat, r.fold, r.seed))
        if path.read_bytes() != format_records(ordered, metrics):
            yield f"{path}: not in canonical form (order of rows, digits or line ends); run the benchmark again"
        yield from (f"{path}: {problem}" for problem in _row_problems(records, facts))
    except (BenchError, KeyError) as error:
        yield f"{path}: {error}"
    key = hashlib.sha256(json.dumps(facts.get("inputs"), sort_keys=True).encode()).hexdigest()
    if facts.get("key") != key:
        yield f"{path.with_suffix('.json')}: its key does not belong to its inputs: the file was edited"


def _row_problems(records: list[Record], facts: dict[str, Any]) -> Iterator[str]:
    budget, inputs = facts["about"]["budget"], facts["inputs"]
    repeats = 1 if inputs["protocol"] == "published" else budget["repeats"]
    seeds, folds = range(budget["seeds"]), range(inputs["folds"])
    expected = {(r, f, s) for r in range(repeats) for f in folds for s in seeds}
    found = [(r.repeat, r.fold, r.seed) for r in records]
    if missing := sorted(expected - set(found)):
        yield f"{len(missing)} of {len(expected)} cells are missing, the first is repeat, fold, seed = {missing[0]}"
    if len(found) != len(set(found)):
        yield "some cells stand there twice"
    for record in records:
        where = f"repeat {record.repeat}, fold {record.fold}, seed {record.seed}"
        if record.status == "ok" and not (record.digest and set(record.scores) == set(inputs["metrics"])):
            yield f"{where}: ok, and without a digest or a score"
        if record.status != "ok" and not record.reason:
            yield f"{where}: {record.status}, and without a reason"


def _folder_problems(folder: Path, root: Path) -> Iterator[str]:
    content = read_content(folder, root, "")
    if content is None:
        yield f"{folder}: there is no table of the reference"
        return
    report = folder / "report.md"
    if not report.exists():
        yield f"{report} is missing"
    for name in content.left_out:
        yield f"{folder / name}.csv: made from other data, splits or versions than the reference's table"
