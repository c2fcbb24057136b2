"""``python -m bench report``: every report written anew from tables and predictions; nothing is fitted."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench.errors import BenchError
from bench.journal import FOLDER, Entry, Taken, take_in
from bench.ledger import write_entry
from bench.machine import machine_class
from bench.measure import measure_items
from bench.prepare import SCRATCH
from bench.publish import html_path, predictions_of, publish
from bench.report.read import read_content
from bench.results import Store, read_provenance


def report(folders: Sequence[str], results_dir: str) -> int:
    """Write the reports of the given folders below ``results_dir``, of all when none is given; return the exit code.

    Raises
    ------
    BenchError
        If there is nothing to report, or naming every folder that could not be reported, after all the others.
    """
    root = Path(results_dir)
    console = Console(soft_wrap=True)
    _take_in_journals(root, console.print)
    # With or without the folder of results in front, as a shell completes it.
    found = [root / Path(name).as_posix().removeprefix(f"{root.as_posix()}/") for name in folders] or sorted(
        {path.parent for path in root.glob("*/*/*/*.csv")}
    )
    found = [folder for folder in found if folder.relative_to(root).parts[0] != "timings"]
    if not found:
        raise BenchError(f"There is no table below {root}. Run python -m bench task=text_clf, or give results_dir=DIR.")
    problems = []
    for folder in found:
        try:
            _measure_anew(folder, root)
            content = publish(folder, root, _machine(folder), SCRATCH)
            if content is None:
                raise BenchError(f"{folder} has no table of a reference. Expected TASK/DATA/BUDGET below {root}.")
            console.print(f"{folder / 'report.md'}; with pictures: {html_path(content, SCRATCH)}")
        except BenchError as error:
            # One damaged folder keeps the others from nothing.
            problems.append(str(error))
    if problems:
        raise BenchError("\n".join(problems))
    return 0


def _take_in_journals(root: Path, say: Callable[[str], None]) -> None:
    """Write what killed runs and shards left into the tables."""
    for journals in sorted(path for path in root.glob(f"*/*/*/{FOLDER}") if path.is_dir()):
        folder = journals.parent

        def write(model: str, entry: Entry, folder: Path = folder) -> Taken:
            store = Store(folder=folder, timings=folder, metrics=tuple(entry.made["inputs"]["metrics"]))
            return write_entry(store, root, model, entry)

        take_in(folder, write, say)


def _machine(folder: Path) -> str:
    """Return the machine class that the run asked for, else this one."""
    reports = (read_provenance(path).get("about", {}).get("report", {}) for path in sorted(folder.glob("*.json")))
    return next((str(one["machine"]) for one in reports if one.get("machine")), machine_class())


def _measure_anew(folder: Path, root: Path) -> None:
    """Compute the figures of single predictions again, of every model whose predictions are at hand."""
    content = read_content(folder, root, "")
    if content is None:
        return
    # Seconds do not matter here, so no machine class is named.
    store = Store.open(root, "", content.task, content.data, content.budget)
    inputs = content.facts["inputs"]
    predictions = predictions_of(content, SCRATCH)
    keys = {row.scores.name: row.key for row in content.rows}
    level = content.settings.interval_level
    measure_items(store, keys, predictions, inputs["data_fingerprint"], inputs["root_seed"], level, anew=True)
