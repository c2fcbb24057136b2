"""The errors that a user can meet and mend.

Everything else that is raised is a defect of ours and keeps its traceback. A message is one paragraph: what was
wrong, what was expected, what to do.
"""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Base of the user's mistakes: printed as one paragraph, without a traceback, exit code 2."""


class ConfigError(BenchError):
    """An unknown name, a wrong key, or a value out of range."""


class DataError(BenchError):
    """A data set that cannot be read or cannot be used as asked."""


class MissingExtraError(BenchError):
    """A library that is not installed, or is installed and broken."""


class ZooError(BenchError):
    """Weights that cannot be fetched, found or verified."""


class DiskError(BenchError):
    """A full disk, or a folder that cannot be written: no fault of a model's, and the end of a run."""


class OvertimeError(BenchError):
    """A command or a bag that took longer than it was given; becomes a ``timeout`` record inside a cell."""


class ModelError(BenchError):
    """A model that broke its contract; becomes an ``invalid`` record inside a cell."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known names, or lists them all.

    Examples
    --------
    >>> did_you_mean("lightgmb", ["lightgbm", "prior"])
    "Did you mean 'lightgbm'?"
    >>> did_you_mean("zzz", ["prior", "lightgbm"])
    'Known: lightgbm, prior.'
    """
    names = {one.lower(): one for one in sorted(known)}
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {names[near[0]]!r}?"
    return f"Known: {', '.join(names.values()) or 'none'}."


def one_line(error: object, longest: int = 300) -> str:
    """Return what an error says, as far as it can be said in a table and on a terminal.

    Examples
    --------
    >>> one_line("a column   is empty"), one_line("x" * 9, longest=5)
    ('a column is empty', 'xx...')
    """
    try:
        said = str(error)[:10_000]
    except Exception:
        said = "its message cannot be read"
    text = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
