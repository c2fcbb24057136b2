"""``python -m bench zoo``: list, fetch, verify, lock and convert pretrained weights and packaged data."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import config, registry
from bench.errors import ConfigError, did_you_mean
from bench.verbs.convert import convert
from bench.zoo.address import parse
from bench.zoo.lock import Lock
from bench.zoo.store import Zoo

ACTIONS = ("list", "fetch", "verify", "lock", "convert")


def tend(action: str, names: Sequence[str], cache_dir: Path, allow_unpinned: bool) -> int:
    """Do one action; return the exit code, 1 where verification fails.

    Parameters
    ----------
    action : str
        One of `ACTIONS`.
    names : sequence of str
        Models, data sets or addresses, all when empty; for ``convert`` a checkpoint and a folder.
    cache_dir : Path
    allow_unpinned : bool
    """
    zoo = Zoo.open(cache_dir, allow_unpinned=allow_unpinned)
    console = Console(soft_wrap=True)
    match action:
        case "list":
            _print(Console(), zoo)
        case "fetch":
            for address in _addresses(names):
                zoo.fetch(address, console.print)
            console.print(f"Everything asked for is in {cache_dir}.")
        case "verify":
            return _verify(zoo, console, set(_addresses(names)) if names else None)
        case "lock":
            lock = zoo.relock(_addresses(names), console.print)
            console.print(f"{zoo.lock_path}: {len(lock.wheels)} wheels, {len(lock.addresses)} addresses.")
        case "convert":
            if len(names) != 2:
                raise ConfigError(
                    "zoo convert takes a checkpoint and the folder to write: zoo convert FILE.ckpt FOLDER"
                )
            convert(Path(names[0]).expanduser(), Path(names[1]).expanduser())
            console.print(f"{names[1]}: lock it, or the folder that holds it, by: python -m bench zoo lock dir:FOLDER")
        case _:
            raise ConfigError(f"Unknown action {action!r} of zoo. {did_you_mean(action, ACTIONS)}")
    return 0


def users_of_addresses() -> dict[str, list[str]]:
    """Return the models and data sets behind every packaged address of the catalogue."""
    users: dict[str, list[str]] = {}
    for spec in registry.models().values():
        for address in (getattr(spec.params(), name) for name in spec.zoo):
            if address.startswith("pkg:"):
                users.setdefault(address, []).append(spec.name)
    for name, data in config.catalogued_data().items():
        for path in (data.path, data.test_path):
            if path.startswith("pkg:"):
                users.setdefault(path, []).append(name)
    return users


def _addresses(names: Sequence[str]) -> list[str]:
    users = users_of_addresses()
    if not names:
        return sorted(users)
    known = {name for group in users.values() for name in group}
    out = []
    for name in names:
        if ":" in name:
            out.append(name)
            continue
        if name not in known:
            raise ConfigError(f"{name!r} is no model or data set with zoo addresses. {did_you_mean(name, known)}")
        out += [address for address, group in users.items() if name in group]
    return sorted(set(out))


def _verify(zoo: Zoo, console: Console, wanted: set[str] | None) -> int:
    sound, problems = 0, []
    wheels = {parse(address).wheel for address in wanted or ()}
    for name, problem in zoo.damaged():
        if wanted is not None and name not in wanted | wheels:
            continue
        if problem and problem != "not cached":
            problems.append(f"{name}: {problem}")
        sound += not problem
    for problem in problems:
        console.print(Text(f"DAMAGED {problem}", style="red"))
    if problems:
        console.print("Remove the damaged files and run: python -m bench zoo fetch")
        return 1
    console.print(f"{sound} wheels and addresses are cached and are what {zoo.lock_path.name} says.")
    return 0


def _print(console: Console, zoo: Zoo) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("address", "used by", "licence", "MB", "state"):
        table.add_column(header, justify="right" if header == "MB" else "left", overflow="fold")
    for address, users in sorted(users_of_addresses().items()):
        licence, size = _facts(zoo.lock, address)
        table.add_row(*map(Text, (address, ", ".join(users), licence, size, _state(zoo, address))))
    console.print(table)


def _facts(lock: Lock, address: str) -> tuple[str, str]:
    if address not in lock.addresses:
        return "?", "?"
    entry = lock.addresses[address]
    return entry.licence, f"{sum(file.size for file in entry.files.values()) / 1e6:.1f}"


def _state(zoo: Zoo, address: str) -> str:
    if parse(address).text not in zoo.lock.addresses:
        return "not locked"
    return "not cached" if zoo.missing(address) else "cached"
