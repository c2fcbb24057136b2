"""Small valid values that tests change in one place."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cell import CellInputs
from bench.data import fingerprint
from bench.panel import Forecasting
from bench.predictions import Predictions
from bench.settings import Budget
from bench.splits import cross_validation_splits
from bench.types import Cell, Dataset, ModelChoice, Record, Split, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo

WORDS = {"tea": "leaf cup brew steep green", "tin": "ore mine metal smelt price", "oil": "barrel crude rig well export"}


def task(**changes: Any) -> Task:
    values: dict[str, Any] = {
        "name": "text_clf",
        "type": "text_clf",
        "protocol": "cv",
        "metrics": ("accuracy", "macro_f1", "balanced_accuracy", "log_loss"),
        "reference": "reference",
        "floor": "floor",
        "margin": 0.01,
        "version": 1,
    }
    return Task(**{**values, **changes})


def texts(rows: int, classes: Sequence[str] = ("tea", "tin", "oil"), seed: int = 0) -> tuple[list[str], list[str]]:
    """Return texts and labels that a linear model tells apart, mostly."""
    generator = np.random.default_rng(seed)
    labels = [classes[row % len(classes)] for row in range(rows)]
    common = ["the", "a", "of", "and", "said", "market", "week"]
    made = []
    for label in labels:
        words = [*generator.choice(WORDS[label].split(), 4), *generator.choice(common, 6)]
        made.append(" ".join(generator.permutation(words)))
    return made, labels


def table(rows: int, classes: int = 3, seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Return columns of every kind, with gaps, and classes that some of them tell."""
    generator = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    cities = np.array(["Oslo", "Rome", "Lima", "Kyiv"])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), unit="D")
    texts = [f"{'small red' if code else 'large blue'} thing number {n % 7} of the shop" for n, code in enumerate(y)]
    X = pd.DataFrame(
        {
            "size": y + generator.normal(0, 0.3, rows),
            "city": np.where(generator.random(rows) < 0.8, cities[y], generator.choice(cities, rows)).astype(object),
            "day": days,
            "note": pd.Series(texts, dtype="string"),
            "member": (generator.random(rows) < 0.5).astype(float),
            "noise": generator.normal(0, 1, rows),
        }
    )
    for name in X.columns:
        X.loc[generator.random(rows) < 0.05, name] = pd.NaT if name == "day" else None
    return X, y


def dataset(rows: int = 60, **changes: Any) -> Dataset:
    X, labels = texts(rows)
    codes, classes = pd.factorize(np.array(labels, dtype=object), sort=True)
    made = Dataset(name="toy", X=pd.Series(X), y=codes, classes=tuple(classes))
    made = replace(made, **changes)
    return replace(made, fingerprint=fingerprint(made))


def value_task(**changes: Any) -> Task:
    values: dict[str, Any] = {
        "name": "toy_reg",
        "type": "toy_reg",
        "metrics": ("rmse", "mae", "r2"),
        "prediction": "value",
        "margin_relative": True,
    }
    return task(**{**values, **changes})


def values(rows: int = 60, scale: float = 1.0, **changes: Any) -> Dataset:
    """Return numbers and a target that they tell but for some noise, of SD ``scale``."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame({name: generator.normal(size=rows) for name in ("width", "height", "age")})
    y = scale * (10 + 3 * X["width"] - 2 * X["height"] + generator.normal(size=rows)).to_numpy()
    made = replace(Dataset(name="toy", X=X, y=y, classes=()), **changes)
    return replace(made, fingerprint=fingerprint(made))


def panel(sizes: Sequence[int] = (40, 30, 25), horizon: int = 6, season: int = 4, **changes: Any) -> Dataset:
    """Return quarterly series with a trend and a season, and a column of each kind: known, past and static."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    step = np.concatenate([np.arange(size) for size in sizes])
    generator = np.random.default_rng(0)
    y = 100 * (groups + 1) + step + 10.0 * (step % season) + generator.normal(0, 2, len(step))
    X = pd.DataFrame(
        {
            "unique_id": np.array([f"s{code}" for code in groups], dtype=object),
            "ds": pd.date_range("2001-01-01", periods=max(sizes), freq="QS")[step],
            "quarter": step % 4,
            "stock": y + 1,
            "shop": groups % 2,
        }
    )
    asked = Forecasting(
        horizon=horizon, season=season, freq="QS", known=("quarter",), past=("stock",), static=("shop",)
    )
    made = Dataset(
        name="toy", X=X, y=y, classes=(), groups=groups, time=X["ds"].to_numpy(), forecasting=asked,
    )  # fmt: skip
    made = replace(made, **changes)
    return replace(made, fingerprint=fingerprint(made))


def last_window(data: Dataset, back: int = 0, **changes: Any) -> Split:
    """Return the window that ends ``back`` steps before the end of every series."""
    assert data.forecasting is not None
    assert data.groups is not None
    sizes = np.bincount(data.groups)
    to_end = np.concatenate([np.arange(size, 0, -1) for size in sizes])
    ahead = back + data.forecasting.horizon
    train, test = np.flatnonzero(to_end > ahead), np.flatnonzero((to_end <= ahead) & (to_end > back))
    return Split(**{"repeat": 0, "fold": 0, "train": train, "test": test, **changes})


def cell(choice: ModelChoice, repeat: int = 0, fold: int = 0, seed: int = 0) -> Cell:
    import json
    from dataclasses import asdict

    params = json.dumps(asdict(choice.params))
    return Cell(
        task="text_clf", data="toy", model=choice.name, spec=choice.spec.name, params=params, budget="quick",
        repeat=repeat, fold=fold, seed=seed,
    )  # fmt: skip


def panel_inputs(folder: Path, models: Sequence[ModelChoice], data: Dataset, *splits: Split) -> CellInputs:
    """Return what cells on a panel share: the last window, or those given."""
    wanted = task(
        name="forecasting", type="forecasting", protocol="rolling", metrics=("mase", "wql"), prediction="quantiles",
        margin_relative=True,
    )  # fmt: skip
    return CellInputs(
        task=wanted,
        dataset=data,
        splits=splits or (last_window(data),),
        models=tuple(models),
        zoo=Zoo.open(folder / "cache"),
        features=FeatureCache(folder / "features", data.fingerprint),
        predictions=Predictions(folder / "predictions"),
        seed=0,
        threads=1,
        logs=folder / "logs",
    )


def inputs(folder: Path, models: Sequence[ModelChoice], data: Dataset | None = None) -> CellInputs:
    data = data if data is not None else dataset()
    splits, _ = cross_validation_splits(data, "text_clf", Budget(folds=3), 0)
    return CellInputs(
        task=task() if data.classes else value_task(),
        dataset=data,
        splits=tuple(splits),
        models=tuple(models),
        zoo=Zoo.open(folder / "cache"),
        features=FeatureCache(folder / "features", data.fingerprint),
        predictions=Predictions(folder / "predictions"),
        seed=0,
        threads=1,
        logs=folder / "logs",
    )


def record(model: str = "toy", fold: int = 0, seed: int = 0, score: float = 0.9, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "model": model,
        "repeat": 0,
        "fold": fold,
        "seed": seed,
        "status": "ok",
        "scores": {"accuracy": score, "macro_f1": score, "balanced_accuracy": score, "log_loss": 1 - score},
        "n_train": 80,
        "n_test": 20,
        "digest": f"{model}{fold}{score}",
        "fit_seconds": 1.0,
        "predict_seconds": 0.02,
    }
    return Record(**{**values, **changes})
