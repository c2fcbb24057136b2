"""``python -m bench doctor``: what works on this machine, and why not."""

import importlib
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import __version__, machine
from bench.zoo.torchvision_ops import declare_missing_operators
from bench.zoo.transformer import OLDEST_TRANSFORMERS

CORE = (
    ("scikit-learn", "sklearn"),
    ("pandas", "pandas"),
    ("pyarrow", "pyarrow"),
    ("lightgbm", "lightgbm"),
    ("optuna", "optuna"),
    ("torch", "torch"),
    ("transformers", "transformers"),
    ("timm", "timm"),
    ("hydra-core", "hydra"),
)
EXTRAS = (("ray", "ray", "ray"), ("hydra-submitit-launcher", "hydra_plugins.hydra_submitit_launcher", "slurm"))
"""Distribution, module, and the extra that brings it: not needed by every run."""


def examine(cache_dir: Path) -> int:
    """Print versions, hardware, back ends and the cache; return 1 where a core library is missing or broken."""
    console = Console()
    states = [(distribution, *_state(distribution, module)) for distribution, module in CORE]
    extras = [(distribution, *_state(distribution, module, extra)) for distribution, module, extra in EXTRAS]
    _print(console, "libraries", ("library", "version", "state"), [*states, *extras])
    _print(console, "machine", ("what", "value"), _hardware())
    _print(console, "cache", ("folder", "MB", "path"), _cache(cache_dir))
    console.print(
        "To prune the cache, remove its folders: what was computed is computed anew, wheels are fetched anew."
    )
    return int(any(not state.startswith("works") for *_, state in states))


def _state(distribution: str, module: str, extra: str = "") -> tuple[str, str]:
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "", f'not installed: pip install -e ".[{extra}]"' if extra else f"missing: pip install {distribution}"
    try:
        cured = declare_missing_operators() if module in ("transformers", "timm") else False
        importlib.import_module(module)
        if module == "transformers":
            from transformers import BertModel  # noqa: F401
    except Exception as error:
        return version, f"broken: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if module == "transformers" and tuple(map(int, version.split(".")[:2])) < OLDEST_TRANSFORMERS:
        return version, 'too old to be safe: pip install "transformers>=5.5"'
    if cured:
        return version, "works; torchvision's wheel does not match this torch, its missing operators were declared"
    return version, "works"


def _hardware() -> list[Sequence[str]]:
    name, flags = machine.processor()
    extensions = sorted(flags & {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "bf16", "asimd"})
    disk = shutil.disk_usage(Path.cwd())
    return [
        ("bench", __version__),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("machine class", machine.machine_class()),
        ("processor", f"{name}, {machine.cores()} cores, {' '.join(extensions) or 'extensions unknown'}"),
        ("encoders run in", _encoder_format()),
        ("GPU", _gpu()),
        ("memory", f"{machine.memory_gb():.0f} GB"),
        ("free disk here", f"{disk.free / 1e9:.0f} GB"),
    ]


def _encoder_format() -> str:
    from bench.zoo.transformer import number_format

    return _or_reason(number_format)


def _gpu() -> str:
    def find() -> str:
        import torch

        if not torch.cuda.is_available():
            return f"none that torch {torch.__version__} can use"
        return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))

    return _or_reason(find)


def _or_reason(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except Exception as error:
        return f"unknown ({type(error).__name__}: {error})"


def _cache(cache_dir: Path) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name in ("wheels", "zoo", "features", "forecasts", "entrants"):
        files = [path for path in (cache_dir / name).rglob("*") if path.is_file()]
        rows.append((name, f"{sum(path.stat().st_size for path in files) / 1e6:.1f}", os.fspath(cache_dir / name)))
    return rows


def _print(console: Console, title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
