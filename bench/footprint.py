"""What a model brings along: packages as installed, and the memory of this process."""

import importlib.metadata
import sys
from collections.abc import Iterable

from packaging.requirements import Requirement


def packages_beyond(libraries: Iterable[str], core: Iterable[str]) -> tuple[int, float]:
    """Return how many distributions ``libraries`` need beyond those of ``core``, and their installed size in MB.

    Dependencies are followed as their metadata declares them on this machine, without extras.
    """
    wanted = _closure(libraries) - _closure(core)
    return len(wanted), sum(map(_installed_mb, wanted))


def peak_mb() -> float:
    """Return the largest resident memory that this process has had, in MB; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _closure(libraries: Iterable[str]) -> set[str]:
    found: set[str] = set()
    left = [_plain(name) for name in libraries]
    while left:
        name = left.pop()
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        if name in found:
            continue
        found.add(name)
        needed = [
            one for one in map(Requirement, requirements) if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
        left += [_plain(one.name) for one in needed]
    return found


def _installed_mb(name: str) -> float:
    files = importlib.metadata.files(name) or []
    return sum(file.size or 0 for file in files) / 1e6


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
