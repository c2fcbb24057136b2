"""Print how long the command line takes, with an empty feature cache and cached weights.

python benchmarks/run_times.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from bench.config import cache_dir

ROOT = Path(__file__).parents[1]
LIMITED = ["budget.run_seconds=60", "results_dir=limited", "cache_dir=limited_cache"]


def main() -> None:
    """Print one line a command."""
    print = Console(soft_wrap=True).print
    with tempfile.TemporaryDirectory() as folder:
        cache, other = Path(folder) / "cache", Path(folder) / "limited_cache"
        for made in (cache, other):
            made.mkdir()
            for name in ("wheels", "zoo"):
                if (cache_dir("") / name).exists():
                    (made / name).symlink_to((cache_dir("") / name).resolve())
        for label, arguments in (
            ("help", ["--help"]),
            ("toy, vectors not cached", ["task=text_clf", "budget=toy"]),
            ("toy again", ["task=text_clf", "budget=toy"]),
            ("quick on R8, vectors not cached", ["task=text_clf"]),
            ("quick on R8 again", ["task=text_clf"]),
            ("R8 in 60 s (budget.run_seconds), nothing cached", ["task=text_clf", *LIMITED]),
        ):
            print(f"{label}: {_seconds(arguments, Path(folder), cache):.2f} s")


def _seconds(arguments: list[str], folder: Path, cache: Path) -> float:
    environment = {**os.environ, "BENCH_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
