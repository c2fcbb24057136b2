"""Print seconds and peak memory of recommenders on many interactions, fits, scores and lists of all users included.

python benchmarks/recommenders.py [million|twenty_million]
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.footprint import peak_mb  # noqa: E402
from bench.machine import cores  # noqa: E402
from bench.ranking.asked import Queries, Recommending  # noqa: E402
from bench.ranking.top import Asking, rank  # noqa: E402
from bench.registry import model  # noqa: E402
from bench.types import Context  # noqa: E402

SIZES = {"million": (6_040, 3_700, 1_000_000), "twenty_million": (138_000, 27_000, 20_000_000)}
"""Users, items, interactions."""
MODELS = {
    "million": ("popularity", "item_knn", "ease", "ials"),
    "twenty_million": ("popularity", "item_knn", "ials"),
}
ASKED = 10_000
"""Users who are asked at most."""
K = 10


def main() -> None:
    """Print a line for each model, each in a process of its own."""
    print = Console(soft_wrap=True).print
    for size in sys.argv[1:] or SIZES:
        users, items, count = SIZES[size]
        print(f"{count:,} interactions of {users:,} users and {items:,} items, {cores()} cores")
        total = 0.0
        for name in MODELS[size]:
            found = _in_a_process(name, size)
            total += found["fit_seconds"] + found["list_seconds"]
            print(
                f"{name}: fit {found['fit_seconds']:.1f} s; lists of {found['asked']:,.0f} users "
                f"{found['list_seconds']:.1f} s, {found['asked'] / found['list_seconds']:,.0f} a second; "
                f"{found['peak_mb'] / 1e3:.2f} GB at most, {found['data_mb'] / 1e3:.2f} of them before the fit"
            )
        print(f"all of them: {total:.0f} s")


def one(name: str, size: str) -> None:
    """Fit a model and make lists in this process, and print what that took."""
    from threadpoolctl import threadpool_limits

    users, items, count = SIZES[size]
    X = _interactions(users, items, count)
    y = np.ones(len(X), dtype=np.float32)
    asking = _asking(X, min(users, ASKED), items)
    data_mb, spec = peak_mb(), model(name)
    context = Context(
        seed=0, threads=cores(), zoo=None, features=None, prediction="ranking",
        recommending=Recommending(k=K, users=np.arange(users), items=np.arange(items)),
    )  # fmt: skip
    with threadpool_limits(cores()):
        started = time.perf_counter()
        fitted = spec.build(spec.params(), context).fit(X, y)
        done = time.perf_counter()
        lists = rank(fitted, asking)
    assert (lists[:, :K] >= 0).all(), "a list is short"
    seconds = {"fit_seconds": done - started, "list_seconds": time.perf_counter() - done}
    print(json.dumps({**seconds, "asked": len(asking), "peak_mb": peak_mb(), "data_mb": data_mb}))


def _in_a_process(name: str, size: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, size]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _interactions(users: int, items: int, count: int) -> pd.DataFrame:
    """Return distinct pairs in a random order: few users and few items have most, as in catalogues of films."""
    generator = np.random.default_rng(0)
    busy, popular = (1 / np.arange(10, size + 10) ** power for size, power in ((users, 0.5), (items, 0.8)))
    pairs = np.empty(0, dtype=np.int64)
    while len(pairs) < count:
        drawn = _drawn(generator, busy, count) * items + _drawn(generator, popular, count)
        pairs = np.unique(np.r_[pairs, drawn])
    pairs = generator.permutation(pairs)[:count]
    return pd.DataFrame({"user": (pairs // items).astype(np.int32), "item": (pairs % items).astype(np.int32)})


def _drawn(generator: np.random.Generator, odds: np.ndarray, count: int) -> np.ndarray:
    return (
        np.searchsorted(np.cumsum(odds) / odds.sum(), generator.random(count)).astype(np.int64).clip(max=len(odds) - 1)
    )


def _asking(X: pd.DataFrame, asked: int, items: int) -> Asking:
    """Return some of the users with all that they did, none of which is listed again."""
    from scipy.sparse import csr_array

    users = np.unique(np.linspace(0, X["user"].max(), asked).astype(np.int32))
    own = X[X["user"].isin(users)].sort_values("user", kind="stable")
    starts = np.r_[np.searchsorted(own["user"], users), len(own)]
    ones = np.ones(len(own), dtype=np.float32)
    queries = Queries(
        users=users, starts=starts, items=own["item"].to_numpy(), weights=ones, times=None, catalogue=items
    )
    banned = csr_array((ones.astype(bool), queries.items, starts), shape=(len(users), items))
    known = np.bincount(X["item"], minlength=items) > 0
    return Asking(queries=queries, k=K, banned=banned, candidates=known, cold=~known)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
    else:
        main()
