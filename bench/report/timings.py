"""Which machine class a report takes its costs from."""

from collections.abc import Mapping
from pathlib import Path

from bench.results import read_measured, read_timings
from bench.types import Cost


def best_covering(timings: Path, below: Path, keys: Mapping[str, str], machine: str) -> str:
    """Return the machine class with current timings of most of the models; the given one among equals."""
    classes = sorted(path.name for path in timings.glob("*") if path.is_dir())
    covered = {
        name: sum(_is_timed(timings / name / below, model, key) for model, key in keys.items()) for name in classes
    }
    most = max(covered.values(), default=0)
    if most == 0:
        return ""
    return machine if covered.get(machine) == most else next(name for name in classes if covered[name] == most)


def _is_timed(folder: Path, model: str, key: str) -> bool:
    # Cells that ran side by side leave no seconds; what was measured alone afterwards counts all the same.
    alone = read_measured(folder / f"{model}.json", key, Cost) is not None
    return alone or bool(read_timings(folder / f"{model}.csv", key))
