"""What follows from its inputs alone, kept on disk: computed once, whatever the seeds, ensembles and runs that ask."""

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.files import clear_disk_errors, write_atomically
from bench.types import Arrays

SECONDS = "seconds"


@dataclass
class Memory:
    """Arrays by a key that holds all that moves them; `charged_seconds` adds up what those that were read once took.

    A model that reads must not look cheaper than it is. Two that ask for the same at once both compute it: neither
    waits, and they write the same bytes.
    """

    folder: Path
    charged_seconds: float = 0.0

    def __call__(self, key: str, make: Callable[[], Arrays | None]) -> Arrays | None:
        """Return what was kept under a key, or else what ``make`` returns, which is kept unless it is None."""
        path = self.folder / key[:2] / f"{key}.npz"
        if (found := _read(path)) is not None:
            self.charged_seconds += float(found[SECONDS])
            return {name: values for name, values in found.items() if name != SECONDS}
        started = time.perf_counter()
        made = make()
        if made is None:
            return None
        content, kept = io.BytesIO(), dict[str, Any](made)
        np.savez(content, **kept | {SECONDS: np.float64(time.perf_counter() - started)})
        with clear_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content.getvalue(), durable=False)
        return made


def _read(path: Path) -> Arrays | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in (*kept.files, SECONDS)}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        # Damaged on the disk: computed anew.
        path.unlink(missing_ok=True)
        return None
