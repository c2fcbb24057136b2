"""The virtual environments of entrants: where they lie, what is in them, and how they are made.

They lie in the user's own cache folder, which ``BENCH_CACHE_DIR`` moves and ``cache_dir=`` does not: what a config may
choose must hold no programs. What is installed is what the pins say, which ship with the package.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from bench.errors import BenchError, ConfigError, did_you_mean
from bench.files import clear_disk_errors, write_atomically
from bench.machine import user_cache

HERE = Path(__file__).parent
RUN = HERE / "run.py"
READY = "ready"
"""File that is written last, with the hash of the pins: what was interrupted does not have it."""


def names() -> list[str]:
    """Return every entrant that an environment can be made for."""
    return sorted(path.stem for path in HERE.glob("*.txt"))


def known(name: str) -> str:
    """Return the name of an entrant, or raise `ConfigError` with the nearest one."""
    if name not in names():
        raise ConfigError(f"Unknown entrant {name!r}. {did_you_mean(name, names())}")
    return name


def folder(name: str) -> Path:
    """Return where the environment of an entrant lies, or would."""
    return user_cache() / "entrants" / name


def pins(name: str) -> Path:
    """Return the file of exact versions that go into it."""
    return HERE / f"{name}.txt"


def script(name: str) -> Path:
    """Return the file that `RUN` gives the training rows to."""
    return HERE / f"{name}_entrant.py"


def python(name: str) -> Path:
    """Return the interpreter of the environment."""
    below = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    return folder(name) / below


def sources(name: str) -> dict[str, Path]:
    """Return the files that make an entrant what it is, by name: they are part of a result's key."""
    return {path.name: path for path in (RUN, script(name), pins(name))}


def why_missing(name: str) -> str:
    """Return why an entrant cannot run here, with what mends it, or an empty string."""
    mend = f"Make it by: python -m bench entrants make {name}"
    try:
        found = (folder(name) / READY).read_text(encoding="utf-8").strip()
    except OSError:
        return f"{name} has no environment. {mend}"
    if found != _hash_of_pins(name):
        return f"The environment of {name} was made from other versions. {mend}"
    return "" if python(name).exists() else f"The environment of {name} has no interpreter. {mend}"


def make(name: str, say: Callable[[str], None]) -> None:
    """Make the environment of an entrant, anew where it is not whole.

    Raises
    ------
    BenchError
        If a step fails; what was made so far counts for nothing.
    """
    place = folder(known(name))
    with clear_disk_errors(place), FileLock(_lock(name)):
        if not why_missing(name):
            say(f"{name} is there already: {place}")
            return
        if place.exists():
            shutil.rmtree(place)
        say(f"Making {place}; this takes a few minutes.")
        # In place, for such an environment cannot be moved.
        _step(name, [sys.executable, "-m", "venv", str(place)])
        # The pins are complete. What a library asks for beside them, it can do without.
        install = ["-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
        _step(name, [str(python(name)), *install, "--requirement", str(pins(name))])
        _step(name, [str(python(name)), "-I", str(RUN), script(name).name])
        write_atomically(place / READY, f"{_hash_of_pins(name)}\n".encode())
        say(f"{name} is ready: python -m bench task=tabular_clf model=[{name}]")


def remove(name: str, say: Callable[[str], None]) -> None:
    """Remove the environment of an entrant."""
    place = folder(known(name))
    with clear_disk_errors(place), FileLock(_lock(name)):
        # The mark first: half of it must not pass for whole.
        (place / READY).unlink(missing_ok=True)
        if place.exists():
            shutil.rmtree(place)
    say(f"{place} is gone.")


def _step(name: str, command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(
            f"The environment of {name} could not be made: {' '.join(command[1:4])} ended with exit code "
            f"{done.returncode}; what it said stands above. The same command starts anew."
        )


def _lock(name: str) -> Path:
    folder(name).parent.mkdir(parents=True, exist_ok=True)
    return folder(name).with_name(f".{name}.lock")


def _hash_of_pins(name: str) -> str:
    return hashlib.sha256(pins(name).read_bytes()).hexdigest()
