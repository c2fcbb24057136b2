"""Print what a second node of a Ray cluster is worth, and whether its scores are those of one process.

Two nodes on this machine, each with room for CELLS_AT_A_TIME cells, run the same cells as one of them. The cells sleep:
they take their place and no core, so that what is measured is the placing of cells and not this machine.

python benchmarks/ray_nodes.py
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.executor import execute, no_deadline  # noqa: E402
from bench.settings import Budget, ExecutorSpec  # noqa: E402
from bench.types import Context, ModelChoice, ModelSpec  # noqa: E402
from tests.builders import cell, inputs  # noqa: E402

CELLS_AT_A_TIME = 2
FOLDS, SEEDS, SECONDS = 3, 40, 1.0


@dataclass
class Params:
    """Of a sleeper."""

    seconds: float = SECONDS


@dataclass
class Sleeper:
    """Sleeps, and predicts what its seed says."""

    seconds: float
    seed: int
    classes_: Any = field(default_factory=lambda: np.empty(0, int))

    def fit(self, X: Any, y: Any) -> "Sleeper":
        """Sleep."""
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return random probabilities."""
        return np.random.default_rng(self.seed).dirichlet(np.ones(len(self.classes_)), len(X))


def build(params: Params, context: Context) -> Sleeper:
    """Sleep, and predict by the seed."""
    return Sleeper(params.seconds, context.seed)


def main() -> None:
    """Print wall times, their ratio, and whether scores and digests are those of serial."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    from ray.cluster_utils import Cluster

    print = Console(soft_wrap=True).print
    _, serial = _timed(ExecutorSpec(), 0.0)
    took, same = [], True
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for nodes in (1, 2):
            cluster.add_node(num_cpus=CELLS_AT_A_TIME)
            seconds, records = _timed(ExecutorSpec(name="ray", workers=0, address=cluster.address), SECONDS)
            took.append(seconds)
            same = same and records == serial
            print(
                f"{FOLDS * SEEDS} cells that sleep {SECONDS:g} s on {nodes} node(s) with room for {CELLS_AT_A_TIME} "
                f"each: {seconds[0]:.1f} s, of which {seconds[1]:.1f} s to the first record"
            )
    finally:
        cluster.shutdown()
    (one, to_one), (two, to_two) = took
    without = (one - to_one) / (two - to_two)
    print(f"two nodes against one: {one / two:.2f} times as fast, {without:.2f} without the start of the workers")
    print(f"scores and digests {'are' if same else 'ARE NOT'} those of serial")


def _timed(executor: ExecutorSpec, sleep: float) -> tuple[tuple[float, float], dict[Any, Any]]:
    """Run all cells; return the seconds of all and to the first record, and scores and digests by cell."""
    spec = ModelSpec(name="sleeper", task_types=("text_clf",), role="stable", params=Params, build=build)
    choice = ModelChoice(name="sleeper", spec=spec, params=Params(sleep))
    cells = (cell(choice, fold=fold, seed=seed) for seed in range(SEEDS) for fold in range(FOLDS))
    found, first, started = {}, 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for batch in execute(cells, inputs(Path(folder), [choice]), Budget(), executor, no_deadline()):
            first = first or (time.perf_counter() - started if batch else 0.0)
            found |= {(one.fold, one.seed): (one.status, dict(one.scores), one.digest) for one in batch}
    return (time.perf_counter() - started, first), found


if __name__ == "__main__":
    # By its name: what a script itself defines, nodes cannot import.
    from benchmarks import ray_nodes

    ray_nodes.main()
