"""``zoo.lock``: what every address resolves to, byte for byte.

JSON with sorted keys. ``wheels`` holds a file, its size, sha256 and licence for every pinned distribution;
``addresses`` holds the size and sha256 of every file that an address stands for.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.errors import ZooError
from bench.files import write_atomically

DEFAULT_LOCK = Path(__file__).parents[2] / "zoo.lock"
"""Beside ``pyproject.toml``; a wheel carries it in the same place."""


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """One file."""

    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, kw_only=True)
class LockedWheel:
    """One wheel of a package index."""

    file: str
    """File name: its tags pick the same wheel on every platform, since nothing in it is run."""
    size: int
    """Bytes."""
    sha256: str
    licence: str
    """As the package declares it at this version."""


@dataclass(frozen=True, kw_only=True)
class LockedAddress:
    """Every file that an address stands for, by its path below the address."""

    licence: str
    pickle: bool
    """Whether any of the files is a pickle."""
    files: Mapping[str, LockedFile]

    @property
    def revision(self) -> str:
        """Hash over the names and hashes of all files."""
        text = "".join(f"{name}\x1f{file.sha256}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The whole lock file."""

    wheels: Mapping[str, LockedWheel] = field(default_factory=dict)
    addresses: Mapping[str, LockedAddress] = field(default_factory=dict)


def read_lock(path: Path = DEFAULT_LOCK) -> Lock:
    """Read a lock file; a missing one is an empty lock.

    Raises
    ------
    ZooError
        If the file is not a lock.
    """
    if not path.exists():
        return Lock()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        wheels = {name: LockedWheel(**wheel) for name, wheel in content["wheels"].items()}
        addresses = {
            name: LockedAddress(**{**entry, "files": {f: LockedFile(**v) for f, v in entry["files"].items()}})
            for name, entry in content["addresses"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ZooError(f"{path} is not a zoo lock ({error}). Write it anew by: python -m bench zoo lock") from error
    return Lock(wheels=wheels, addresses=addresses)


def write_lock(lock: Lock, path: Path = DEFAULT_LOCK) -> None:
    """Write a lock file."""
    write_atomically(path, lock_to_bytes(lock))


def lock_to_bytes(lock: Lock) -> bytes:
    """Return the content of a lock file."""
    return (json.dumps(asdict(lock), indent=2, sort_keys=True) + "\n").encode()


def is_pickle(names: Iterable[str]) -> bool:
    """Return whether any of the file names is of a format that pickles."""
    return any(name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")) for name in names)
