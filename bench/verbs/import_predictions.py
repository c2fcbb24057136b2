"""``python -m bench import``: predictions that a service made for exported splits become rows of the same table."""

from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from bench import config, registry
from bench.errors import ConfigError
from bench.exchange.files import returned_files
from bench.exchange.folder import Manifest, read_manifest
from bench.exchange.imported import (
    Service,
    cell_of,
    check_unchanged,
    made_elsewhere,
    read_answers,
    records_of,
)
from bench.files import clear_disk_errors
from bench.machine import machine_class
from bench.measure import measure_items
from bench.prepare import SCRATCH, Prepared, prepare
from bench.provenance import provenance_of
from bench.publish import html_path, publish
from bench.report.source import splits_of
from bench.report.terminal import print_report
from bench.results import Store, read_provenance
from bench.settings import RunConfig
from bench.verbs.export import command_of, splits_of_run


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is imported, and from where."""

    folder: Path
    """That of the export."""
    pattern: str = ""
    """Which files hold predictions; see `bench.exchange.files.returned_files`."""
    results_dir: str = ""
    """Where the tables lie; where the exporting command said, when empty."""
    cache_dir: str = ""


def import_predictions(source: Source, service: Service) -> int:
    """Check what a service returned, score it, and write its rows and the report; return the exit code.

    Raises
    ------
    BenchError
        If something is missing or wrong: nothing is written then.
    """
    _check_service(service)
    manifest = read_manifest(source.folder)
    console = Console(soft_wrap=True)
    ready = prepare(settings_of(manifest, source), console.print)
    check_unchanged(manifest, ready)
    data, budget = ready.config.data.name, ready.config.budget.name
    store = Store.open(ready.root, machine_class(), ready.task, data, budget)
    _check_table(store, service, manifest, ready)
    returned = returned_files(source.folder, manifest, source.pattern)
    answers = read_answers(returned, manifest, ready)
    records, made = records_of(answers, service, ready), made_elsewhere(answers, service, ready)
    if ready.predictions.load_truth(ready.dataset.fingerprint) is None:
        ready.predictions.save_truth(ready.dataset, ready.splits)
    for answer in answers:
        ready.predictions.save(cell_of(answer, service, ready), answer.predicted)
    store.write(service.name, made, records, "none")
    keys, fingerprint = {service.name: made["key"]}, ready.dataset.fingerprint
    measure_items(store, keys, ready.predictions, fingerprint, ready.config.seed)
    layouts = ", ".join(made["about"]["imported"]["layouts"])
    files = sum(len(answer.files) for answer in answers)
    console.print(f"{service.name}: {len(answers)} of {len(records)} cells, out of {files} files (layout: {layouts}).")
    return _report(ready, store, console)


def settings_of(manifest: Manifest, source: Source) -> RunConfig:
    """Return the run whose splits were exported."""
    # A folder that comes back from elsewhere must not say what is fetched.
    settings = replace(splits_of_run(manifest.overrides), zoo_fetch=False, allow_unpinned=False)
    path = settings.data.path
    if ":" not in path and not Path(path).exists():
        raise ConfigError(f"The export was made from {path}, which is not here. Import where you exported.")
    if source.results_dir:
        settings = replace(settings, results_dir=Path(source.results_dir))
    return replace(settings, cache_dir=config.cache_dir(source.cache_dir)) if source.cache_dir else settings


def _check_service(service: Service) -> None:
    name = service.name
    if not name:
        raise ConfigError("Whose predictions are these? Give the name of their row, such as model=vertex_automl.")
    if name != config.safe_name(name) or name == "decision":
        raise ConfigError(f"model={name} is no name for a table. Expected letters, digits, '.', '-' and '_'.")
    if name in registry.models():
        raise ConfigError(f"model={name} is a model that runs here. Give the service a name of its own.")
    if service.seconds < 0:
        raise ConfigError(f"seconds={service.seconds:g} must not be negative.")


def _check_table(store: Store, service: Service, manifest: Manifest, ready: Prepared) -> None:
    """Refuse to import beside no table of the reference, or over rows that were made here."""
    first = f"Run this first: {command_of(manifest.overrides)}"
    reference, run = ready.models[0], ready.config
    beside = read_provenance(store.folder / f"{reference.name}.json")
    if "inputs" not in beside or not (store.folder / f"{reference.name}.csv").exists():
        raise ConfigError(f"{store.folder} has no rows of the reference {reference.name} to compare with. {first}")
    now = provenance_of(reference, ready.task, ready.dataset, run.budget, ready.splits, run.seed, ready.zoo)
    if splits_of(beside) != splits_of(now):
        raise ConfigError(f"The reference in {store.folder} was run on other data or splits. {first}")
    there = read_provenance(store.folder / f"{service.name}.json")
    if there and "imported" not in there.get("about", {}):
        raise ConfigError(f"{store.folder / service.name}.csv holds rows that were made here. Give another model=NAME.")


def _report(ready: Prepared, store: Store, console: Console) -> int:
    machine = ready.config.report.machine or machine_class()
    # A run that ends at the same time writes the same files.
    with clear_disk_errors(ready.root), FileLock(ready.root / ".publish.lock"):
        content = publish(store.folder, ready.root, machine, SCRATCH)
    if content is None:
        raise ConfigError(f"{store.folder} has no table of the reference.")
    print_report(Console() if console.is_terminal else Console(width=150), content)
    console.print(f"Report: {store.folder / 'report.md'}; with pictures: {html_path(content, SCRATCH)}")
    return 0
