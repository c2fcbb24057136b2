"""``python -m bench validate``: the tables under ``results/`` are canonical, complete and unedited."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.found import format_found, read_found
from bench.items import read_items
from bench.journal import FOLDER
from bench.metrics import required
from bench.publish import decision_json, read_decisions
from bench.report.content import Content
from bench.report.digits import same_but_last_digits
from bench.report.markdown import overview_markdown, report_markdown
from bench.report.protocols import with_protocols
from bench.report.read import read_content
from bench.results import format_records, read_measured, read_provenance, read_records, read_timings
from bench.types import Record, Robustness
from bench.verbs.recompute import recompute


def validate(results_dir: str, share: float, cache_dir: Path) -> int:
    """Print every problem; return 1 where there is one.

    Parameters
    ----------
    results_dir : str
    share : float
        Of the cells that are run again and compared; 0 runs none.
    cache_dir : Path

    Raises
    ------
    BenchError
        If there is no results folder.
    """
    root = Path(results_dir)
    if not root.is_dir():
        raise BenchError(f"There is no folder {root}. Run python -m bench task=text_clf, or give results_dir=DIR.")
    console = Console(soft_wrap=True)
    made = [path.with_suffix("") for form in ("csv", "json") for path in root.glob(f"*/*/*/*.{form}")]
    made = [path for path in made if path.name != "decision" and path.relative_to(root).parts[0] != "timings"]
    tables = sorted(set(made))
    problems = [problem for table in tables for problem in _table_problems(table)]
    beside = ("items", "robustness", "found")
    measured = [path for kind in beside for path in sorted(root.glob(f"*/*/*/{kind}/*.json"))]
    problems += [f"{path} belongs to no table" for path in measured if path.parents[1] / path.stem not in tables]
    problems += [problem for path in sorted(root.glob("timings/*/*/*/*/*.csv")) for problem in _timing_problems(path)]
    problems += _report_problems(root, sorted({path.parent for path in tables}))
    if share:
        problems += recompute(tables, share, cache_dir, console.print)
    for problem in problems:
        console.print(Text(problem, style="red"))
    for path in sorted(root.glob(f"*/*/*/{FOLDER}/*.jsonl")):
        console.print(f"{path}: cells of a run that was stopped, or of a shard; the next run or report takes them in.")
    console.print(f"{len(tables)} tables, {len(problems)} problems.")
    return int(bool(problems))


def _table_problems(table: Path) -> Iterator[str]:
    path, facts_path = (table.parent / f"{table.name}.{form}" for form in ("csv", "json"))
    if not path.exists():
        yield f"{path} is missing, and {facts_path.name} is there"
        return
    facts = read_provenance(facts_path)
    if not facts:
        yield f"{path}: its provenance {facts_path.name} is missing or damaged"
        return
    try:
        yield from _content_problems(path, facts)
    except BenchError as error:
        yield str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"{facts_path} is not a provenance file of this version ({type(error).__name__}: {error})"


def _content_problems(path: Path, facts: dict[str, Any]) -> Iterator[str]:
    metrics = tuple(facts["inputs"]["metrics"])
    records = read_records(path, metrics)
    ordered = sorted(records, key=lambda r: (r.repeat, r.fold, r.seed))
    content = path.read_bytes()
    if content != format_records(ordered, metrics):
        yield f"{path}: not in canonical form (order of rows, digits or line ends); run the benchmark again"
    elif hashlib.sha256(content).hexdigest() != facts["table_sha256"]:
        yield f"{path}: not the table that its provenance was written for: one of the two was edited"
    yield from (f"{path}: {problem}" for problem in _row_problems(records, facts))
    yield from _found_problems(path, facts["key"], ordered)
    for kind in ("items", "robustness"):
        yield from _measured_problems(path.parent / kind / f"{path.stem}.json", kind, facts["key"], records)
    key = hashlib.sha256(json.dumps(facts["inputs"], sort_keys=True).encode()).hexdigest()
    if facts["key"] != key:
        yield f"{path.with_suffix('.json')}: its key does not belong to its inputs: the file was edited"


def _row_problems(records: Sequence[Record], facts: dict[str, Any]) -> Iterator[str]:
    about, inputs = facts["about"], facts["inputs"]
    axes = (range(about["repeats"]), range(inputs["folds"]), range(about["budget"]["seeds"]))
    expected = {(r, f, s) for r in axes[0] for f in axes[1] for s in axes[2]}
    found = [(r.repeat, r.fold, r.seed) for r in records]
    for word, cells in (("missing", expected - set(found)), ("not of this budget", set(found) - expected)):
        if cells:
            yield f"{len(cells)} cells are {word}, the first is repeat, fold, seed = {min(cells)}"
    if len(found) != len(set(found)):
        yield "some cells stand there twice"
    for record in records:
        where = f"repeat {record.repeat}, fold {record.fold}, seed {record.seed}"
        scored = set(required(inputs["metrics"])) <= set(record.scores) <= set(inputs["metrics"])
        if record.status == "ok" and not (record.digest and scored):
            yield f"{where}: ok, and without a digest or a score"
        if record.status != "ok" and not record.reason:
            yield f"{where}: {record.status}, and without a reason"


def _found_problems(table: Path, key: str, records: Sequence[Record]) -> Iterator[str]:
    path = table.parent / "found" / f"{table.stem}.json"
    known = read_found(path, key, records)
    told = [replace(one, found=known.get((one.repeat, one.fold, one.seed), {})) for one in records]
    if path.exists() and path.read_bytes() != format_found(key, told):
        yield f"{path} is damaged, or tells of other predictions than this table's"


def _measured_problems(path: Path, kind: str, key: str, records: Sequence[Record]) -> Iterator[str]:
    if not path.exists():
        return
    found = read_items(path, records) if kind == "items" else read_measured(path, key, Robustness)
    if found is None:
        yield f"{path} is damaged, or was measured on other predictions than this table's"


def _timing_problems(path: Path) -> Iterator[str]:
    try:
        read_timings(path, "")
    except BenchError as error:
        yield str(error)


def _report_problems(root: Path, folders: Sequence[Path]) -> Iterator[str]:
    """Write every report anew in memory and compare: a report must say what its tables say."""
    # Costs are those of the machine class that ran last, and the report does not say in one place which that was.
    machines = ["", *sorted(path.name for path in root.glob("timings/*"))]
    for folder in folders:
        try:
            contents = [_content(folder, root, machine) for machine in machines]
        except BenchError as error:
            yield str(error)
            continue
        known = [content for content in contents if content is not None]
        if not known:
            yield f"{folder}: there is no table of the reference"
            continue
        for name in known[0].left_out:
            yield f"{folder / name}.csv: made from other data, splits or versions than the reference's table"
        for name, write in (("report.md", _report), ("decision.json", decision_json)):
            path = folder / name
            if not path.exists():
                yield f"{path} is missing: run python -m bench report"
            elif not _says(path, [write(content).decode() for content in known]):
                yield f"{path} is stale: run python -m bench report"
    overview = root / "README.md"
    if folders and not (overview.exists() and _says(overview, [overview_markdown(read_decisions(root))])):
        yield f"{overview} is missing or stale: run python -m bench report"


def _content(folder: Path, root: Path, machine: str) -> Content | None:
    content = read_content(folder, root, machine)
    return None if content is None else with_protocols(content, folder, root)


def _says(path: Path, wanted: Sequence[str]) -> bool:
    """Return whether a file says one of the texts; where processors differ, the last digits of numbers may."""
    try:
        said = path.read_text(encoding="utf-8")
    except ValueError:
        return False
    return any(same_but_last_digits(said, one) for one in wanted)


def _report(content: Content) -> bytes:
    return report_markdown(content).encode()
