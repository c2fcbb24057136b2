"""``python -m bench list``: tasks, data sets and models, with licence and availability."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import config, plan, registry
from bench.errors import ConfigError, did_you_mean
from bench.types import ModelChoice
from bench.zoo.address import parse
from bench.zoo.packages import wheel_path
from bench.zoo.store import Zoo


def show(what: str, cache_dir: Path) -> int:
    """Print what there is; return the exit code."""
    if what not in ("all", "tasks", "data", "models"):
        raise ConfigError(f"Cannot list {what!r}. {did_you_mean(what, ['tasks', 'data', 'models'])}")
    zoo = Zoo.open(cache_dir)
    console = Console()
    if what in ("all", "tasks"):
        _print(console, "tasks", ("task", "metric", "margin", "reference", "default data"), _tasks())
    if what in ("all", "data"):
        _print(console, "data", ("data", "source", "licence", "cached"), _data(zoo))
    if what in ("all", "models"):
        _print(console, "models", ("model", "tasks", "role", "licence", "from budget", "available"), _models(zoo))
    return 0


def _tasks() -> list[Sequence[str]]:
    return [
        (kind.name, kind.metrics[0], f"{kind.margin:g}", kind.reference, config.default_data(kind.name))
        for kind in registry.task_types().values()
    ]


def _data(zoo: Zoo) -> list[Sequence[str]]:
    return [
        (name, _source(spec.path), spec.licence, _cached(spec.path, zoo))
        for name, spec in config.catalogued_data().items()
    ]


def _models(zoo: Zoo) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for spec in registry.models().values():
        reason = plan.why_unavailable(ModelChoice(name=spec.name, spec=spec, params=spec.params()), zoo.missing)
        rows.append((spec.name, ", ".join(spec.task_types), spec.role, spec.licence, spec.from_budget, reason or "yes"))
    return rows


def _source(path: str) -> str:
    return f"pkg:{parse(path).wheel}" if path.startswith("pkg:") else path


def _cached(path: str, zoo: Zoo) -> str:
    if not path.startswith("pkg:"):
        return ""
    wheel = zoo.lock.wheels.get(parse(path).wheel)
    return "yes" if wheel and wheel_path(zoo.cache_dir, wheel).exists() else "no"


def _print(console: Console, title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
