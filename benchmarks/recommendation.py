"""Print how many users a second are scored, ranked and measured: at least 10,000 are asked for on two cores.

python benchmarks/recommendation.py [USERS [ITEMS]]

Interactions are synthetic, as many and as unevenly spread as those of MovieLens 100K by default, and repeated over more
users where more are asked for. Scores are those of the product that EASE makes: histories by a dense matrix of items.
"""

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.metrics import scores  # noqa: E402
from bench.ranking.asked import Queries, Ranking, Recommending  # noqa: E402
from bench.ranking.held import asking_of, relevant_of  # noqa: E402
from bench.ranking.hits import BY_HITS  # noqa: E402
from bench.ranking.metrics import defects  # noqa: E402
from bench.ranking.splits import ranking_splits  # noqa: E402
from bench.ranking.top import rank  # noqa: E402
from bench.settings import Budget  # noqa: E402
from bench.types import Dataset  # noqa: E402

USERS, ITEMS, EACH, TURNS = 20_000, 1_682, 106, 5
METRICS = (*BY_HITS, "ndcg_cold_items", "coverage", "novelty", "popularity", "lift", "gini", "diversity")


class Product:
    """Scores by a matrix of items by items."""

    def __init__(self, items: int) -> None:
        self.weights = np.random.default_rng(1).normal(size=(items, items)).astype(np.float32)
        self.seconds = 0.0

    def predict(self, queries: Queries) -> Any:
        """Return the scores, and count what they take."""
        started = time.perf_counter()
        found = queries.history @ self.weights
        self.seconds += time.perf_counter() - started
        return found


def main() -> None:
    """Print one line a figure."""
    users, items = (int(size) for size in [*sys.argv[1:], *(USERS, ITEMS)[len(sys.argv) - 1 :]])
    data = _interactions(users, items)
    split = ranking_splits(data, Budget(folds=1, repeats=1), 0)[0][0]
    asking, relevant = asking_of(data, split), relevant_of(data, split)
    turns = [_turn(asking, relevant, items) for _ in range(TURNS)]
    scoring, ranking, measuring = (median(one) for one in zip(*turns, strict=True))
    count, total = len(asking), scoring + ranking + measuring
    print = Console(soft_wrap=True, highlight=False).print
    print(f"{count:,} users, {items:,} items, k = 10, {len(METRICS)} metrics; medians of {TURNS} turns:")
    print(f"scores, lists and all metrics: {count / total:,.0f} users a second")
    print(f"lists and all metrics, of scores at hand: {count / (ranking + measuring):,.0f} users a second")
    for name, seconds in (("scores", scoring), ("lists", ranking), ("metrics", measuring)):
        print(f"{name}: {count / seconds:,.0f} users a second, {seconds / total:.0%} of the time")


def _turn(asking: Any, relevant: Any, items: int) -> tuple[float, float, float]:
    model = Product(items)
    started = time.perf_counter()
    lists = rank(model, asking)
    ranked = time.perf_counter()
    scores(METRICS, relevant, lists)
    defects(relevant, lists)
    return model.seconds, ranked - started - model.seconds, time.perf_counter() - ranked


def _interactions(users: int, items: int) -> Dataset:
    """Return what users took up: popular items more often, and some users ten times as much as others."""
    generator = np.random.default_rng(0)
    sizes = np.clip(generator.lognormal(np.log(EACH) - 0.5, 1.0, users), 20, items // 3).astype(int)
    user = np.repeat(np.arange(users, dtype=np.int32), sizes)
    item = np.minimum(items * generator.random(len(user)) ** 3, items - 1).astype(np.int32)
    kept = np.unique(user.astype(np.int64) * items + item, return_index=True)[1]
    X = pd.DataFrame({"user": user[kept], "item": item[kept]})
    asked = Recommending(
        k=10,
        users=np.arange(users),
        items=np.arange(items),
        tagged=generator.random((items, 19)) < 0.1,
    )
    return Dataset(
        name="synthetic",
        X=X,
        y=np.ones(len(X), dtype=np.float32),
        classes=(),
        recommending=asked,
        ranking=Ranking(split="random", share=0.2),
    )


if __name__ == "__main__":
    main()
