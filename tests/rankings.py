"""Lists and what they are scored against, for tests of what is measured on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.predictions import Predictions, prediction_digest
from bench.ranking.asked import Queries, Ranking, Recommending
from bench.ranking.held import Relevant, asking_of, relevant_of
from bench.ranking.metrics import defects
from bench.ranking.splits import ranking_splits
from bench.ranking.top import rank
from bench.settings import Budget
from bench.types import Cell, Dataset, Record, Split

METRICS = ("ndcg", "recall", "map", "hit_rate", "ndcg_cold_users", "ndcg_cold_items", "coverage", "novelty", "gini")


def relevant(targets: list[list[int]], items: int = 30, k: int = 5, **changes: Any) -> Relevant:
    """Return users with these targets; all of them and all items are known, unless changes say otherwise."""
    users, sizes = len(targets), [len(own) for own in targets]
    known: dict[str, Any] = {
        "users": np.arange(users),
        "starts": np.r_[0, np.cumsum(sizes)].astype(np.intp),
        "items": np.array([item for own in targets for item in sorted(own)], dtype=np.intp),
        "k": k,
        "ideal": "min",
        "drop_cold": False,
        "warm": np.ones(users, dtype=bool),
        "popularity": np.ones(items, dtype=np.intp),
        "fitted_users": 8,
        "profile": np.ones(users),
        "history": np.full(users, 3),
        "candidates": items,
        "open": np.full(users, items),
        "sampled": False,
    }
    return Relevant(**{**known, **changes})


def lists(*own: list[int], k: int = 5, cold: list[list[int]] | None = None) -> Any:
    """Return the lists of users as the harness keeps them, short ones filled up."""
    parts = [list(own), [[] for _ in own] if cold is None else cold]
    return np.hstack([[one + [-1] * (k - len(one)) for one in part] for part in parts]).astype(np.int32)


def interactions(users: int = 40, items: int = 20, each: int = 10, seed: int = 0, **protocol: Any) -> Dataset:
    """Return what users of two tastes took up, one after the other; those with higher codes took up less."""
    generator = np.random.default_rng(seed)
    sizes = np.maximum(3, each - np.arange(users) // 8)
    user = np.repeat(np.arange(users), sizes)
    liked = 1.0 + 5.0 * ((np.arange(items) % 2) == (np.arange(users)[:, None] % 2))
    own = [
        generator.choice(items, size, replace=False, p=row / row.sum()) for size, row in zip(sizes, liked, strict=True)
    ]
    X = pd.DataFrame({"user": user, "item": np.concatenate(own), "time": generator.permutation(len(user))})
    X = X.sort_values("time", ignore_index=True).astype({"user": np.int32, "item": np.int32})
    asked = Recommending(
        k=4,
        users=np.array([f"u{code}" for code in range(users)]),
        items=np.array([f"i{code}" for code in range(items)]),
        titles=tuple(f"Title {code}" for code in range(items)),
        tagged=(np.arange(items)[:, None] + np.arange(3)) % 2 == 0,
    )
    made = Dataset(
        name="shop",
        X=X,
        y=np.ones(len(X), np.float32),
        classes=(),
        time=X["time"].to_numpy(),
        recommending=asked,
        ranking=Ranking(**{"k": 4, "split": "random", "share": 0.25} | protocol),
    )
    return replace(made, fingerprint="shop")


def splits_of(data: Dataset, folds: int = 3, repeats: int = 1) -> list[Split]:
    """Return the splits of the protocol."""
    return ranking_splits(data, Budget(folds=folds, repeats=repeats), 0)[0]


class Taste:
    """Scores items by what users of the same history took up, and noise that the seed draws."""

    def __init__(self, data: Dataset, split: Split, seed: int, noise: float) -> None:
        X = data.X.iloc[split.fitted]
        items = len(data.recommending.items)
        taken = np.zeros((len(data.recommending.users), items))
        taken[X["user"], X["item"]] = 1
        self.alike, self.noise = taken.T @ taken, noise
        self.generator = np.random.default_rng([seed, split.repeat, split.fold])

    def predict(self, queries: Queries) -> Any:
        """Return the scores."""
        scores = queries.history @ self.alike
        return scores + self.noise * self.generator.normal(size=scores.shape) * scores.std()


def written(folder: Path, data: Dataset, splits: list[Split], model: str = "toy", seeds: int = 2, noise: float = 0.5):
    """Keep lists by (repeat, fold, seed); return them, their records, where they lie, and the truth."""
    predictions = Predictions(folder)
    predictions.save_truth(data, splits)
    made, records = {}, []
    for split in splits:
        relevant = relevant_of(data, split)
        for seed in range(seeds):
            own = rank(Taste(data, split, seed, noise), asking_of(data, split))
            place = {"model": model, "repeat": split.repeat, "fold": split.fold, "seed": seed}
            predictions.save(Cell(task="toy", data="shop", budget="quick", spec=model, **place), own)
            made[split.repeat, split.fold, seed] = own
            records.append(
                Record(
                    **place,
                    status="ok",
                    scores=metrics.scores(METRICS, relevant, own),
                    n_train=len(split.fitted),
                    n_test=len(split.test),
                    digest=prediction_digest(own),
                    fit_seconds=1.0,
                    predict_seconds=0.1,
                    found={"lists": defects(relevant, own)},
                )
            )
    return made, records, predictions, predictions.load_truth(data.fingerprint)
