"""What machine this is: its class for timings, what its processor can do, and which libraries it has."""

import contextlib
import importlib.metadata
import os
import platform
import re
from functools import cache
from pathlib import Path


def user_cache() -> Path:
    """Return the user's own cache folder: ``BENCH_CACHE_DIR``, or where the system keeps such folders."""
    import platformdirs

    return Path(os.environ.get("BENCH_CACHE_DIR") or platformdirs.user_cache_dir("baseline-bench"))


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_gb() -> float:
    """Return the installed memory in GB (10^9 bytes)."""
    import psutil

    return float(psutil.virtual_memory().total) / 1e9


def memory_allowed_mb() -> float:
    """Return the memory that processes here may use together, in MB: the container's limit, else what is installed."""
    installed = 1000 * memory_gb()
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(installed, int(Path(limit).read_text()) / 1e6)
    return installed


@cache
def processor() -> tuple[str, frozenset[str]]:
    """Return the processor's name and its feature flags; no flags where the system does not tell them."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine(), frozenset()
    lines = [line.partition(":") for line in info.read_text(encoding="utf-8", errors="replace").splitlines()]
    fields: dict[str, str] = {}
    for key, _, value in lines:
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags") or fields.get("Features") or ""
    return fields.get("model name") or platform.machine(), frozenset(flags.split())


def has_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 matrices in hardware (x86: AVX-512 or AMX; Arm: bf16)."""
    return not processor()[1].isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def machine_class() -> str:
    """Return a name for machines whose timings may stand side by side: processor, cores, memory.

    No host name: two machines of one kind share a class.
    """
    name = re.sub(r"\((r|tm)\)|\b(cpu|processor)\b|@.*", " ", processor()[0].lower())
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "unknown"
    return f"{slug}-{cores()}core-{round(memory_gb())}gb"


def release(distribution: str) -> str:
    """Return the installed version of a library, or "not installed".

    A local build label (+cpu, +cu130) names the same release and is left out.
    """
    try:
        return importlib.metadata.version(distribution).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
