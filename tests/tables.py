"""Tables on the disk with the predictions behind them, for tests of what reports read."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.measure import measure_items
from bench.predictions import Predictions, prediction_digest
from bench.provenance import provenance_of
from bench.results import Store
from bench.settings import Budget, Limits, ReportSettings
from bench.types import Record, Split, Task
from bench.zoo.store import Zoo
from tests.builders import cell, dataset, task
from tests.toy_models import toy

ROLES = {"reference": "stable", "floor": "floor"}


PUBLISHED = task(name="text_clf_published", protocol="published")


def published_folder(root: Path, right: Mapping[str, Any], groups: Any = None, wanted: Task = PUBLISHED) -> Path:
    """Write tables, predictions and what they say for models on one published split; return the folder.

    Parameters
    ----------
    root : Path
    right : mapping
        Whether each model predicts each test row right, shape (seeds, n).
    groups : array, shape (n,), optional
        Codes of the groups of the test rows.
    wanted : Task
    """
    seeds, n = next(iter(right.values())).shape
    data = dataset(2 * n, groups=None if groups is None else np.concatenate([groups.max() + 1 + np.arange(n), groups]))
    splits = [Split(repeat=0, fold=0, train=np.arange(n), test=np.arange(n, 2 * n))]
    store = Store.open(root, "machine", wanted, "toy", "quick")
    predictions = Predictions(root / "scratch/predictions/text_clf_published/toy/quick")
    predictions.save_truth(data, splits)
    keys = {}
    for name, known in right.items():
        choice = toy(name, role=ROLES.get(name, "zoo"))
        records = []
        for seed in range(seeds):
            p = _probabilities(data.y[n:], known[seed])
            predictions.save(cell(choice, seed=seed), p)
            records.append(_record(name, seed, data.y[n:], p, wanted.metrics))
        made = provenance_of(choice, wanted, data, Budget(seeds=seeds), splits, 0, Zoo.open(root))
        made["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits())}
        store.write(name, made, records, "keep")
        keys[name] = made["key"]
    measure_items(store, keys, predictions, data.fingerprint, 0)
    return store.folder


def _probabilities(y: Any, right: Any) -> Any:
    """Return probabilities of three classes, the most probable one right or wrong as told, and surer where right."""
    confidence = np.random.default_rng(0).uniform(0.5, np.where(right, 0.99, 0.8))
    p = np.repeat((1 - confidence)[:, None] / 2, 3, axis=1)
    p[np.arange(len(y)), np.where(right, y, (y + 1) % 3)] = confidence
    return p.astype(np.float32)


def _record(name: str, seed: int, y: Any, p: Any, names: tuple[str, ...]) -> Record:
    return Record(
        model=name, repeat=0, fold=0, seed=seed, status="ok", scores=metrics.scores(names, y, p), n_train=len(y),
        n_test=len(y), digest=prediction_digest(p), fit_seconds=1.0, predict_seconds=0.02,
    )  # fmt: skip
