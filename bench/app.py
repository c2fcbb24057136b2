"""The whole pipeline: config -> data -> splits -> cells -> records -> files -> report."""

import sys
from dataclasses import replace

from rich.console import Console

from bench import plan, registry
from bench.data import Reader
from bench.errors import BenchError, ConfigError, did_you_mean
from bench.executor import cap_threads, threads_per_cell, worker_count
from bench.machine import machine_class
from bench.publish import html_path, publish
from bench.report.progress import Display
from bench.report.read import read_content
from bench.report.terminal import print_report
from bench.settings import RunConfig
from bench.types import Dataset, Split, Task
from bench.work import BAD, SCRATCH, Results, Work
from bench.zoo.store import Zoo


def run(config: RunConfig) -> int:
    """Run a benchmark and report it.

    Returns
    -------
    int
        0, or 1 if a cell failed or a published figure was missed.
    """
    cap_threads(threads_per_cell(config.budget, config.executor), worker_count(config.executor))
    task = plan.make_task(config)
    _check_machine(config)
    # A pipe or a log has no width of its own.
    console = Console() if sys.stdout.isatty() else Console(width=150)
    display = Display(console, task.metrics[0])
    zoo = Zoo.open(config.cache_dir, allow_unpinned=config.allow_unpinned)
    dataset, splits = load(config, task, zoo, display)
    models = plan.choose_models(config, task)
    cells = plan.make_cells(config, task, models, splits)
    results = Results(config, task, dataset, splits, models, zoo)
    display.say(f"{task.name} on {dataset.name}: {len(dataset.y)} rows, {len(models)} models, {len(cells)} cells")
    work = Work(config, task, dataset, splits, models, zoo, results, display)
    try:
        work.run(cells)
    finally:
        # Also after Ctrl-C: the report of what is done. Its files tell of every table in the folder.
        machine = config.report.machine or machine_class()
        content = publish(results.store.folder, results.root, machine, SCRATCH)
    if task.protocol == "curve":
        # The reports of the same data show the curve.
        for folder in sorted(results.root.glob(f"{task.type}*/{config.data.name}/{config.budget.name}")):
            publish(folder, results.root, machine, SCRATCH)
    if content is None:
        raise BenchError(f"The reference {task.reference} has no rows, and nothing can be compared without it.")
    names = [choice.name for choice in models]
    if {row.scores.name for row in content.rows} > set(names):
        display.say("Among the models of this run; the report tells of every table in the folder.")
        content = read_content(results.store.folder, results.root, machine, names) or content
    print_report(display.console, content)
    display.say(f"Report: {results.store.folder / 'report.md'}; with pictures: {html_path(content, SCRATCH)}")
    failed = results.count(*BAD)
    if failed:
        display.say(f"{failed} cells failed; tracebacks are in {SCRATCH / 'logs'}, and rerun=failed repeats them.")
    if not_started := results.count("skipped"):
        limit = f"{config.budget.run_seconds:g} s (budget.run_seconds)"
        display.say(f"{not_started} cells were not started within {limit}: the same command goes on from here.")
    return int(bool(failed) or not all(check.met for check in content.checks))


def _check_machine(config: RunConfig) -> None:
    known = {machine_class(), *(path.name for path in config.results_dir.glob("timings/*"))}
    if config.report.machine and config.report.machine not in known:
        hint = did_you_mean(config.report.machine, known)
        raise ConfigError(f"There are no timings of report.machine={config.report.machine}. {hint}")


def load(config: RunConfig, task: Task, zoo: Zoo, display: Display) -> tuple[Dataset, tuple[Split, ...]]:
    """Return the data set as the budget admits it, and its splits; what was changed stands in its notes."""
    kind = registry.task_type(config.task_type)
    dataset = kind.load(config.data, Reader(spec=config.data, zoo=zoo, say=display.say))
    dataset = kind.sized(dataset, config.data, config.budget, config.seed)
    splits, notes = kind.splits(dataset, task.protocol, config.budget, config.seed)
    return replace(dataset, notes=(*dataset.notes, *notes)), tuple(splits)
