"""``python -m bench export``: the splits of a run as files, for a service that is to be in the same table."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import config
from bench.errors import ConfigError
from bench.exchange.export import export
from bench.exchange.folder import README
from bench.prepare import prepare, remember_data
from bench.report.wording import count
from bench.settings import RunConfig

OF_A_RUN = ("rerun", "timings", "shard", "tune", "bag", "ensemble", "lineup", "model", "executor")
"""Keys that say how a run goes on, and nothing of its splits."""
OF_THIS_MACHINE = ("zoo", "cache_dir")
"""Keys that say what may be fetched, and where to: they count for the export, and are not handed over."""


def export_splits(overrides: Sequence[str]) -> int:
    """Write the splits that a run with these overrides makes; return the exit code.

    Parameters
    ----------
    overrides : sequence of str
        Those of a run, and ``to=DIR``.
    """
    given, to = _destination(overrides)
    settings = splits_of_run(given)
    console = Console(soft_wrap=True)
    ready = prepare(settings, console.print)
    remember_data(settings.data)
    done = export(ready, [word for word in given if _section(word) not in OF_THIS_MACHINE], Path(to))
    console.print(
        f"{done.folder}: {count(len(ready.splits), 'split')} of {len(ready.dataset.y)} rows, {done.megabytes:.1f} MB; "
        f"the target is {done.manifest.target}. What to do with them stands in {done.folder / README}."
    )
    if done.manifest.renamed:
        named = ", ".join(f"{name!r} is {plain}" for name, plain in list(done.manifest.renamed.items())[:8])
        console.print(f"Columns whose names services would not take were renamed: {named}.")
    return 0


def splits_of_run(overrides: Sequence[str]) -> RunConfig:
    """Return the run that makes the splits, with no models but reference and floor."""
    return config.without_models(config.compose_run(overrides))


def command_of(overrides: Sequence[str]) -> str:
    """Return the command line of the run."""
    return shlex.join(["python", "-m", "bench", *overrides])


def _destination(overrides: Sequence[str]) -> tuple[list[str], str]:
    """Return what is left for the run, and the folder to write to."""
    left, to, words = [], "", list(overrides)
    while words:
        word = words.pop(0)
        if word in ("--config-dir", "-cd", "--to") and words:
            word = f"{word}={words.pop(0)}"
        key, equals, value = word.partition("=")
        if key.lstrip("-") == "to" and equals:
            to = value.strip("\"'")
        elif key in ("-m", "--multirun"):
            raise ConfigError("export makes one folder at a time: leave -m out, and name one data set.")
        elif _section(word) not in (*OF_A_RUN, "models", "allow_commands"):
            left.append(word)
    if not to:
        raise ConfigError("Where to? Give a folder: python -m bench export task=... to=exchange")
    return left, to


def _section(override: str) -> str:
    return override.partition("=")[0].lstrip("+~").partition(".")[0]
