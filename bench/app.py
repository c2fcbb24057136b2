"""The whole pipeline: config -> data -> splits -> cells -> records -> files -> report."""

import sys
import time
from collections.abc import Sequence

from filelock import FileLock
from rich.console import Console

from bench import plan, registry
from bench.agenda import LOST
from bench.cell import log_path
from bench.errors import BenchError, ConfigError, did_you_mean
from bench.executor import cap_threads, threads_per_cell, worker_count
from bench.files import clear_disk_errors
from bench.ledger import BAD, Ledger
from bench.machine import machine_class
from bench.panel import series_of
from bench.plan import cell_id
from bench.prepare import SCRATCH, Prepared, prepare, remember_data
from bench.publish import html_path, publish
from bench.report.content import Content
from bench.report.progress import Display
from bench.report.read import read_content
from bench.report.terminal import print_report
from bench.run_log import RunLog
from bench.settings import RunConfig
from bench.stages import IN_ITS_SHARE
from bench.types import Cell
from bench.work import Work


def run(config: RunConfig) -> int:
    """Run a benchmark and report it.

    Returns
    -------
    int
        0, or 1 if a cell failed or a published figure was missed.
    """
    started = time.monotonic()
    _cap_threads(config)
    task = plan.make_task(config)
    _check_machine(config)
    # A pipe or a log has no width of its own.
    console = Console() if sys.stdout.isatty() else Console(width=150)
    display = Display(console, task.metrics[0], RunLog.below(SCRATCH))
    for sentence in registry.broken():
        display.say(sentence)
    ready = prepare(config, display.say)
    _cap_threads(ready.config)
    remember_data(config.data)
    cells = ready.cells()
    ledger = Ledger(ready)
    display.say(_announcement(ready, len(cells)))
    if ledger.replaced:
        display.say(ledger.replaced)
    display.log.event("run", task=task.name, data=config.data.name, budget=config.budget.name, cells=len(cells))
    try:
        Work(ready, ledger, display, started).do(cells)
    finally:
        # Also after Ctrl-C: the report of what is done. Its files tell of every table in the folder.
        ledger.close()
        # With the models of later stages.
        ready = ledger.run
        content = None if config.shard else _publish(ready, ledger)
    if config.shard:
        code = int(bool(ledger.count(*BAD)))
        display.say("Run the same command without shard= where the results of all shards lie: it puts them together.")
    else:
        code = _report(ready, ready.cells(), ledger, content, display)
    display.log.event("end", code=code)
    display.log.close()
    return code


def _cap_threads(config: RunConfig) -> None:
    cap_threads(threads_per_cell(config.budget, config.executor), worker_count(config.executor))


def _announcement(ready: Prepared, cells: int) -> str:
    shard = ready.config.shard
    part = f", shard {shard[0]} of {shard[1]}" if shard else ""
    dataset, models = ready.dataset, len(ready.models)
    size = f"{len(dataset.y)} rows"
    if (asked := dataset.forecasting) is not None:
        size = f"{series_of(dataset)} series, {asked.horizon} steps to forecast, season {asked.season}"
    if (told := dataset.recommending) is not None:
        size = (
            f"{len(dataset.y)} interactions of {len(told.users)} users with {len(told.items)} items, lists of {told.k}"
        )
    return f"{ready.task.name} on {dataset.name}: {size}, {models} models, {cells} cells{part}"


def _publish(ready: Prepared, ledger: Ledger) -> Content | None:
    config, machine = ready.config, ready.config.report.machine or machine_class()
    if not ledger.store.folder.exists():
        return None
    # Two runs that end at once: the second one's report tells of the first one's tables.
    with clear_disk_errors(ready.root), FileLock(ready.root / ".publish.lock"):
        content = publish(ledger.store.folder, ready.root, machine, SCRATCH)
        if ready.task.protocol == "curve" or ready.task.prediction == "ranking":
            # The reports of the same data show the curve, or what hangs on the protocol.
            for folder in sorted(ready.root.glob(f"{ready.task.type}*/{config.data.name}/{config.budget.name}")):
                if ready.task.protocol == "curve" or folder != ledger.store.folder:
                    publish(folder, ready.root, machine, SCRATCH)
    return content


def _report(ready: Prepared, cells: Sequence[Cell], ledger: Ledger, content: Content | None, display: Display) -> int:
    if content is None:
        raise BenchError(f"The reference {ready.task.reference} has no rows, and nothing can be compared without it.")
    names = [choice.name for choice in ready.models]
    if {row.scores.name for row in content.rows} > set(names):
        display.say("Among the models of this run; the report tells of every table in the folder.")
        content = read_content(ledger.store.folder, ready.root, content.machine, names) or content
    print_report(display.console, content)
    display.say(f"Report: {ledger.store.folder / 'report.md'}; with pictures: {html_path(content, SCRATCH)}")
    failed = ledger.count(*BAD)
    if failed:
        logs = _logs_of_failures(ready, cells, ledger)
        where = f"; what {logs} of them left is in {SCRATCH / 'logs'}" if logs else ""
        display.say(f"{failed} cells failed{where}. rerun=failed repeats them.")
    if ledger.count("skipped"):
        _say_what_was_skipped(ledger, ready.config.budget.run_seconds, display)
    return int(bool(failed) or not all(check.met for check in content.checks))


def _logs_of_failures(ready: Prepared, cells: Sequence[Cell], ledger: Ledger) -> int:
    """Return how many failed cells left a traceback or output."""
    failed = {identity for identity, record in ledger.records.items() if record.status in BAD}
    return sum(log_path(cell, ready.inputs().logs).exists() for cell in cells if cell_id(cell) in failed)


def _say_what_was_skipped(ledger: Ledger, run_seconds: float, display: Display) -> None:
    skipped = [record for record in ledger.records.values() if record.status == "skipped"]
    raced = sum(record.reason.startswith(LOST) for record in skipped)
    if raced:
        display.say(f"{raced} cells of models that lost the race were left out; budget.race=false runs them.")
    extra = sum(record.reason.startswith(IN_ITS_SHARE) for record in skipped)
    if late := len(skipped) - raced - extra:
        limit = f"{run_seconds:g} s (budget.run_seconds)"
        display.say(f"{late} cells were not finished within {limit}: the same command goes on from here.")
    if extra:
        display.say(f"{extra} cells beside the known models had no time; the same command goes on with them.")


def _check_machine(config: RunConfig) -> None:
    known = {machine_class(), *(path.name for path in config.results_dir.glob("timings/*"))}
    if config.report.machine and config.report.machine not in known:
        hint = did_you_mean(config.report.machine, known)
        raise ConfigError(f"There are no timings of report.machine={config.report.machine}. {hint}")
