"""Print what folds and seeds add to one encoding: the harness against a plain script, in one run.

python benchmarks/folds_and_seeds.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.config import cache_dir, catalogued_data
from bench.data import Reader
from bench.models.parts import logistic_head
from bench.models.text.minilm_logreg import Params, encoder
from bench.settings import Budget
from bench.splits import cross_validation_splits
from bench.zoo.store import Zoo
from tasks.text_clf import text_clf

ROOT = Path(__file__).parents[1]
FOLDS, SEEDS = 5, 3


def main() -> None:
    """Print both wall times and their ratio."""
    print = Console(soft_wrap=True).print
    plain = _plain_script()
    print(f"one encoding of R8 and {FOLDS} x {SEEDS} heads, plain script: {plain:.1f} s")
    for label, added in (("as declared, deterministic", []), ("processes", ["executor=processes"])):
        took = _harness(added)
        print(f"bench, minilm_logreg, reference and floor, {label}: {took:.1f} s, ratio {took / plain:.2f}")


def _plain_script() -> float:
    started = time.perf_counter()
    zoo, spec = Zoo.open(cache_dir("")), catalogued_data()["reuters_r8"]
    data = text_clf.load(spec, Reader(spec=spec, zoo=zoo, say=lambda text: None))
    vectors = encoder(Params(), zoo).encode(list(data.X), lambda done: None)
    splits, _ = cross_validation_splits(data, "text_clf", Budget(folds=FOLDS), 0)
    for _ in range(SEEDS):
        for split in splits:
            head = logistic_head(10.0).fit(vectors[split.train], data.y[split.train])
            np.mean(head.predict(vectors[split.test]) == data.y[split.test])
    return time.perf_counter() - started


def _harness(added: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        for name in ("wheels", "zoo"):
            if (cache_dir("") / name).exists():
                (cache / name).symlink_to(cache_dir("") / name)
        environment = {**os.environ, "BENCH_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "bench", "task=text_clf", "model=minilm_logreg", "budget.probe_rows=0", *added]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
