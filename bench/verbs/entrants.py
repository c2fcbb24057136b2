"""``python -m bench entrants``: list, make and remove the environments of other AutoML systems."""

import re
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.entrants import environment
from bench.errors import ConfigError, did_you_mean

ACTIONS = ("list", "make", "remove")


def tend_entrants(action: str, names: Sequence[str]) -> int:
    """Do one action; return the exit code.

    Parameters
    ----------
    action : str
        One of `ACTIONS`.
    names : sequence of str
        Entrants; all when empty, but none is removed without being named.
    """
    # A model in brackets is no markup.
    console = Console(soft_wrap=True, markup=False)
    wanted = [environment.known(name) for name in names] or environment.names()
    match action:
        case "list":
            _print(Console(), wanted)
        case "make":
            for name in wanted:
                environment.make(name, console.print)
        case "remove":
            if not names:
                raise ConfigError(f"entrants remove needs a name. Known: {', '.join(environment.names())}.")
            for name in wanted:
                environment.remove(name, console.print)
        case _:
            raise ConfigError(f"Unknown action {action!r} of entrants. {did_you_mean(action, ACTIONS)}")
    return 0


def _print(console: Console, names: Sequence[str]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("entrant", "version", "MB", "state", "folder"):
        table.add_column(header, justify="right" if header == "MB" else "left", overflow="fold")
    for name in names:
        place = environment.folder(name)
        size = sum(path.lstat().st_size for path in place.rglob("*")) / 1e6
        state = environment.why_missing(name) or "ready"
        table.add_row(*map(Text, (name, _version(name), f"{size:.0f}" if size else "", state, str(place))))
    console.print(table)


def _version(name: str) -> str:
    """Return the version of the library that the entrant is named after."""
    found = re.search(
        rf"^{name}(?:\.tabular)?==(\S+)", environment.pins(name).read_text(), re.MULTILINE | re.IGNORECASE
    )
    return found[1] if found else "?"
