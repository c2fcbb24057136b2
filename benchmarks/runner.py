"""Print what the runner itself costs: scheduling, planning, a re-run of what is finished, memory, and many cores.

python benchmarks/runner.py [CELLS]
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import app, plan  # noqa: E402
from bench.executor import cap_threads  # noqa: E402
from bench.machine import cores  # noqa: E402
from bench.prepare import prepare  # noqa: E402
from bench.registry import models  # noqa: E402
from bench.settings import Budget, DataSpec, ExecutorSpec, Limits, ReportSettings, RunConfig  # noqa: E402
from bench.types import ModelChoice  # noqa: E402
from benchmarks import grid  # noqa: E402

FOLDS, SEEDS = 5, 5
CPU_BOUND_SECONDS = 0.3


def main() -> None:
    """Print one line a claim; every run is a process of its own."""
    print = Console(soft_wrap=True).print
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    count = len(grid.MODELS) * FOLDS * SEEDS
    for executor in ("serial", "processes"):
        with tempfile.TemporaryDirectory() as folder:
            few = _run(folder, executor, cells // count // 10, results="few")
            many, again = (_run(folder, executor, cells // count, results="many") for _ in range(2))
        print(
            f"{executor}: {1000 * many['work'] / many['cells']:.2f} ms a cell at {many['cells']:,} trivial cells; "
            f"memory of the parent before its report {few['peak_mb']:.0f} MB at {few['cells']:,} cells, "
            f"{many['peak_mb']:.0f} MB at {many['cells']:,}"
        )
        print(
            f"{executor}: the same again, nothing to run: {again['all']:.1f} s, of which the report "
            f"{again['all'] - again['work']:.1f} s"
        )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        planned = _planned(Path(folder), 100_000 // count)
        print(f"planning and listing {planned:,} cells: {time.perf_counter() - started:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        products = _products_of(CPU_BOUND_SECONDS)
        plain = _plain_script(products)
        serial = _run(folder, "serial", 1, products, results="serial")
        print(
            f"{serial['cells']} fits of {CPU_BOUND_SECONDS:g} s as a plain script {plain:.1f} s, as cells "
            f"{serial['work']:.1f} s: ratio {serial['work'] / plain:.3f}"
        )
        parallel = _run(folder, "processes", 1, products, results="processes")
        print(
            f"the same in {cores()} processes {parallel['work']:.1f} s, start of the workers included: ratio to serial "
            f"{parallel['work'] / serial['work']:.2f}"
        )


def _run(folder: str, executor: str, repeats: int, products: int = 0, results: str = "results") -> dict[str, Any]:
    """Run a grid in a process of its own; return seconds of the work, of all, and the memory."""
    arguments = [executor, str(max(1, repeats)), str(products), results]
    done = subprocess.run(
        [sys.executable, __file__, "--one", *arguments],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _one(executor: str, repeats: str, products: str, results: str) -> None:
    config = _config(executor, int(repeats), int(products), results)
    work = app.Work
    taken: dict[str, float] = {}

    class Timed(work):
        """The work, timed."""

        def do(self, cells: Any) -> None:
            started = time.perf_counter()
            super().do(cells)
            taken["cells"] = len(cells)
            taken["work"] = time.perf_counter() - started
            taken["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

    app.Work = Timed  # type: ignore[misc]
    started = time.perf_counter()
    app.run(config)
    Console(soft_wrap=True).print(json.dumps({**taken, "all": time.perf_counter() - started}))


def _config(executor: str, repeats: int, products: int, results: str) -> RunConfig:
    data = Path("grid.csv")
    data.write_text("text,label\n" + "".join(f"word{row},{'ab'[row % 2]}\n" for row in range(40)))
    budget = Budget(name="grid", repeats=repeats, folds=FOLDS, seeds=SEEDS, run_seconds=10**6, threads=1, probe_rows=0)
    chosen = tuple(
        ModelChoice(name=name, spec=models()[name], params=models()[name].params(products=products))
        for name in grid.MODELS
    )
    return RunConfig(
        task_type="grid", data=DataSpec(name="grid", path=str(data), target="label"), protocol="", budget=budget,
        executor=ExecutorSpec(name=executor, workers=0), models=chosen, lineup=False, tune=False, shard=None, seed=0,
        results_dir=Path(results), cache_dir=Path("cache"), rerun="none", timings="keep", report=ReportSettings(),
        limits=Limits(), zoo_fetch=False, allow_unpinned=False, expected=(),
    )  # fmt: skip


def _planned(folder: Path, repeats: int) -> int:
    """Plan cells and list them as ``--cfg`` or a shard would; return their number."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        config = _config("serial", repeats, 0, "results")
        ready = prepare(config, lambda text: None)
        cells = ready.cells()
        for cell in cells:
            plan.cell_id(cell)
        return len(cells)
    finally:
        os.chdir(before)


def _products_of(seconds: float) -> int:
    """Return how many products a fit of so many seconds takes here, with one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        started = time.perf_counter()
        grid.Frequencies(200).fit([0] * 40, [0, 1] * 20)
        return max(1, round(200 * seconds / (time.perf_counter() - started)))


def _plain_script(products: int) -> float:
    """Return the seconds of the same fits without the harness."""
    from threadpoolctl import threadpool_limits

    started = time.perf_counter()
    with threadpool_limits(1):
        for _ in range(len(grid.MODELS) * FOLDS * SEEDS):
            grid.Frequencies(products).fit([0] * 32, [0, 1] * 16).predict_proba([0] * 8)
    return time.perf_counter() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(*sys.argv[2:])
    else:
        cap_threads(1, 1)
        main()
