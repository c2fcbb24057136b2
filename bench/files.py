"""Files that are whole or not there: hashing and atomic writing."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bench.errors import DiskError

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST_SPACE = 1_000_000
"""Bytes; with less, a disk is full."""
PART = ".part"
"""Ends the names of files that are being written."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Write a file so that a reader, or the next run after a crash, sees the old bytes or the new ones.

    Parameters
    ----------
    path : Path
    content : bytes
    durable : bool
        Whether it has to survive a power loss; not where its reader checks it and can do without.

    Raises
    ------
    DiskError
        If the disk is full, or the folder cannot be written.
    """
    with clear_disk_errors(path):
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{_host()}-{os.getpid()}-", suffix=PART)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            # mkstemp makes files for the owner alone; a table in a repository is for everybody.
            os.chmod(name, 0o644)
            os.replace(name, path)
            if durable:
                sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise


def remove_leftovers(folder: Path) -> None:
    """Remove what writers on this machine that were killed left below a folder."""
    import psutil

    for path in folder.rglob(f".*{PART}"):
        writer = re.search(rf"\.{_host()}-(\d+)-[^.]*{re.escape(PART)}$", path.name)
        if writer is not None and not psutil.pid_exists(int(writer[1])):
            with contextlib.suppress(OSError):
                path.unlink()


@cache
def _host() -> str:
    # Others may write to the same disk, and have processes with the same numbers.
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def sync_folder(folder: Path) -> None:
    """Make the names of new files survive a power loss, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def full_disk(error: BaseException, path: Path) -> bool:
    """Return whether an error says that a disk is full, and the disk of ``path`` is."""
    if not (isinstance(error, OSError) and error.errno in FULL):
        return False
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free < LEAST_SPACE


@contextlib.contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one paragraph that names the place."""
    try:
        yield
    except OSError as error:
        match error.errno:
            case code if code in FULL:
                problem = "the disk is full. Make space and run the same command again: what is done is kept"
            case errno.EACCES | errno.EPERM | errno.EROFS:
                problem = (
                    "the folder cannot be written. Change its rights, give another results_dir= or cache_dir=, or run "
                    "in another folder"
                )
            case errno.ENOTDIR | errno.EEXIST | errno.EISDIR:
                problem = "a file stands where a folder is needed. Give another results_dir= or cache_dir="
            case _:
                raise
        raise DiskError(f"Cannot write {path}: {problem}.") from error
