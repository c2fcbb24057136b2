"""Folders of results of invented recommenders, for tests of what reports say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.measure import measure_items
from bench.predictions import Predictions, prediction_digest
from bench.provenance import provenance_of
from bench.ranking.asked import Queries
from bench.ranking.diagnostics import split_facts
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.metrics import defects
from bench.ranking.protocol import under
from bench.ranking.top import rank
from bench.report.content import Content
from bench.report.read import read_content
from bench.results import Store
from bench.settings import Budget, Limits, ReportSettings
from bench.types import Cell, Dataset, Record, Split, Task
from bench.zoo.store import Zoo
from tests.builders import task
from tests.rankings import interactions, splits_of
from tests.toy_models import toy

METRICS = (
    *("ndcg", "recall", "map", "hit_rate", "coverage", "novelty", "popularity", "lift", "gini", "diversity"),
    *("ndcg_cold_users", "ndcg_cold_items"),
)
MODELS: Mapping[str, tuple[str, float, float]] = {
    # name: role, weight of what the user's likes are like, noise
    "ease": ("stable", 1.0, 0.0),
    "bpr": ("stable", 0.6, 0.6),
    "popularity": ("stable", 0.0, 0.0),
    "random_items": ("floor", 0.0, 50.0),
}


def shop(users: int = 60, **protocol: Any) -> Dataset:
    """Return a shop whose customers have one of two tastes."""
    return interactions(users=users, items=24, each=12, **protocol)


def ranking_task(protocol: str = "random", **changes: Any) -> Task:
    """Return the task under a protocol; random parts are the usual one."""
    name = "rec" if protocol == "random" else f"rec_{protocol}"
    values: dict[str, Any] = {
        "name": name, "type": "rec", "protocol": protocol, "prediction": "ranking", "metrics": METRICS,
        "reference": "popularity", "floor": "random_items", "margin": 0.005,
    }  # fmt: skip
    return task(**{**values, **changes})


class Liking:
    """Scores items by how often they were taken up, and by what others of the same taste took up."""

    def __init__(self, data: Dataset, split: Split, own: float, noise: float, seed: int) -> None:
        X = data.X.iloc[split.fitted]
        assert data.recommending is not None
        taken = np.zeros((len(data.recommending.users), len(data.recommending.items)))
        taken[X["user"], X["item"]] = 1
        self.popular, self.alike = taken.sum(axis=0), taken.T @ taken
        self.own, self.noise = own, noise
        self.generator = np.random.default_rng([seed, split.repeat, split.fold])

    def predict(self, queries: Queries) -> NDArray[np.floating]:
        """Return the scores; items that nobody took up have none."""
        scores = self.popular + self.own * (queries.history @ self.alike)
        scores = scores + self.noise * self.generator.normal(size=scores.shape)
        return np.where(self.popular > 0, scores, -np.inf)


def written(
    root: Path,
    data: Dataset,
    splits: Sequence[Split],
    wanted: Task,
    models: Mapping[str, tuple[str, float, float]] = MODELS,
    seeds: int = 2,
) -> Path:
    """Write tables, lists and what these say of every model; return their folder."""
    store = Store.open(root, "machine", wanted, data.name, "quick")
    scratch = Predictions(root / "scratch" / "predictions" / wanted.name / data.name / "quick")
    scratch.save_truth(data, splits)
    data, keys = replace(data, split_facts=split_facts(data, splits)), {}
    for name, (role, own, noise) in models.items():
        records = [
            _record(scratch, data, split, wanted, name, Liking(data, split, own, noise, seed), seed)
            for split in splits
            for seed in range(seeds)
        ]
        made = provenance_of(toy(name, role=role), wanted, data, Budget(seeds=seeds), splits, 0, Zoo.open(root))
        made["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits())}
        store.write(name, made, records, "keep")
        keys[name] = made["key"]
    measure_items(store, keys, scratch, data.fingerprint, 0)
    return store.folder


def _record(
    scratch: Predictions, data: Dataset, split: Split, wanted: Task, name: str, model: Liking, seed: int
) -> Record:
    relevant, lists = relevant_of(data, split), rank(model, asking_of(data, split))
    place: dict[str, Any] = {"model": name, "repeat": split.repeat, "fold": split.fold, "seed": seed}
    scratch.save(Cell(task=wanted.name, data=data.name, budget="quick", spec=name, **place), lists)
    scores = {one: metrics.metric(one).score(relevant, lists) for one in wanted.metrics}
    return Record(
        **place, status="ok", scores={one: score for one, score in scores.items() if score == score},
        n_train=len(split.fitted), n_test=len(split.test), digest=prediction_digest(lists), fit_seconds=1.0,
        predict_seconds=0.1, found={"lists": defects(relevant, lists)},
    )  # fmt: skip


def under_protocol(root: Path, protocol: str, folds: int = 3, data: Dataset | None = None, **kwargs: Any) -> Path:
    """Write the results of a shop under a protocol; return their folder."""
    data = under(shop() if data is None else data, protocol, Budget(folds=folds))
    return written(root, data, splits_of(data, folds), ranking_task(protocol), **kwargs)


def content_of(folder: Path) -> Content:
    """Return what the report of such a folder says."""
    content = read_content(folder, folder.parents[2], "machine")
    assert content is not None
    return content
