"""The Ray cluster that cells run on: the way to it, and what its nodes have room for.

One that is started here is quiet, leaves nothing behind, and is reached by nobody but its user.
"""

import contextlib
import logging
import math
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.errors import ConfigError, MissingExtraError
from bench.machine import cores
from bench.settings import ExecutorSpec

KNOCK_SECONDS = 10.0
"""For a cluster to answer at its address."""

Node = Mapping[str, float]
"""What a node has: CPU, GPU, memory in bytes."""


def nodes(ray: Any) -> list[Node]:
    """Return what each living node has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def places(there: Sequence[Node], threads: int, memory_mb: float) -> int:
    """Return how many cells nodes hold at a time."""
    return sum(_fit(node, threads, memory_mb) for node in there)


def share_mb(there: Sequence[Node], threads: int) -> float:
    """Return the memory of a cell where the run sets no limit: what every node can give to all of its cells."""
    shares = [node.get("memory", 0.0) / fit for node in there if (fit := _fit(node, threads, 0.0))]
    return math.floor(min(shares, default=0.0) / 1e6)


def _fit(node: Node, threads: int, memory_mb: float) -> int:
    by_memory = node.get("memory", 0.0) // (1e6 * memory_mb) if memory_mb else math.inf
    return int(min(node.get("CPU", 0.0) // threads, by_memory))


def import_ray(address: str) -> Any:
    """Return the library, set up for a cluster at an address, or for one of its own where that is empty.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    # Ray reads these when it is imported or started.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # What its own processes say stays in their logs: one lost node would fill this terminal.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    if not address:
        # The name speaks of other systems; what it does is to keep all of Ray on the loopback address.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # Nobody else on this machine can talk to it, and no token is written into the home folder.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(f"executor=ray needs the 'ray' extra ({error}): pip install -e \".[ray]\"") from error
    return ray


@contextlib.contextmanager
def connected(ray: Any, executor: ExecutorSpec, threads: int, memory_mb: float) -> Iterator[None]:
    """Be connected to the cluster at the executor's address, or to one that is started here and ends with this.

    A connection of the caller's own is used and left as it is.

    Raises
    ------
    ConfigError
        If there is no cluster at the address, or none can be started.
    """
    if ray.is_initialized():
        yield
        return
    # Its sockets lie there, whose paths must be short.
    short = "/tmp" if os.name == "posix" else None
    with tempfile.TemporaryDirectory(prefix="bench-ray-", dir=short, ignore_cleanup_errors=True) as folder:
        try:
            if executor.address:
                _connect(ray, executor.address)
            else:
                _start(ray, executor.workers or max(1, cores() // threads), threads, memory_mb, folder)
            yield
        finally:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ImportError, ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        why = " ".join(str(error).split())[:300]
        raise ConfigError(f"Cannot connect to executor.address={address}: {why}") from error


def _start(ray: Any, workers: int, threads: int, memory_mb: float, folder: str) -> None:
    ray.init(
        address="local",
        num_cpus=workers * threads,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=folder,
        # What the user allows a cell, whatever Ray thinks of this machine.
        **({"_memory": int(workers * memory_mb * 1e6)} if memory_mb else {}),
    )


def _knock(address: str) -> None:
    """Raise ConnectionError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
        except OSError as error:
            raise ConnectionError(f"nobody answers there ({error})") from error
