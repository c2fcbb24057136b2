"""A small panel on the disk with forecasts of it, for tests of what is measured on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.data import fingerprint
from bench.panel import Forecasting, Rolling, held_of
from bench.predictions import Predictions, prediction_digest
from bench.types import Cell, Dataset, Record, Split

METRICS = ("mase", "sql", "wape", "coverage_80")
SEASON, HORIZON = 4, 6


def panel(
    series: int = 8, length: int = 60, step: int = HORIZON, levels: tuple[float, ...] = (0.1, 0.5, 0.9)
) -> Dataset:
    """Return series of a season, a trend and noise, each ten times as large as the one before the last."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(series), length)
    time = np.tile(np.arange(length), series)
    size = 10.0 ** (groups // 2 % 4)
    wave = np.where(groups % 2, 2.0, 0.2) * np.sin(2 * np.pi * time / SEASON)
    y = size * (10 + 0.05 * time + wave + generator.normal(0, 0.5, len(time)))
    ids = [f"S{code}" for code in groups]
    made = Dataset(
        name="toy", X=pd.DataFrame({"unique_id": ids, "ds": time}), y=y, classes=(), groups=groups, time=time,
        forecasting=Forecasting(horizon=HORIZON, season=SEASON, freq="", levels=levels), rolling=Rolling(step=step),
    )  # fmt: skip
    return replace(made, fingerprint=fingerprint(made))


def windows(data: Dataset, count: int, step: int = HORIZON) -> list[Split]:
    """Return windows that end where the series end, the earliest first."""
    assert data.groups is not None
    sizes = np.bincount(data.groups)
    to_end = np.repeat(sizes, sizes) - np.concatenate([np.arange(size) for size in sizes])
    made = []
    for fold in range(count):
        last = (count - 1 - fold) * step
        test = np.flatnonzero((to_end > last) & (to_end <= last + HORIZON))
        made.append(Split(repeat=0, fold=fold, train=np.flatnonzero(to_end > last + HORIZON), test=test))
    return made


def forecasts(data: Dataset, split: Split, seed: int = 0, error: float = 1.0, spread: float = 1.0) -> Any:
    """Return the truth, off by ``error`` scales of noise, with quantiles as far apart as ``spread`` scales."""
    from scipy.stats import norm

    held = held_of(data, split.train, split.test)
    noise = np.random.default_rng([seed, split.fold]).normal(size=len(held.y))
    scale = held.scale[held.series]
    point = data.y[split.test] + error * scale * noise
    return np.column_stack([point, *(point + spread * scale * norm.ppf(level) for level in held.levels)])


def written(
    folder: Path, data: Dataset, splits: list[Split], model: str, made: dict[tuple[int, int], Any], fallbacks: int = 0
) -> Any:
    """Keep forecasts by (fold, seed); return their records, where they lie, and the truth."""
    predictions = Predictions(folder)
    predictions.save_truth(data, splits)
    records = []
    for (fold, seed), p in made.items():
        split = splits[fold]
        cell = Cell(
            task="toy", data="toy", model=model, budget="quick", repeat=0, fold=fold, seed=seed, spec=model,
        )  # fmt: skip
        predictions.save(cell, p)
        scores = metrics.scores(METRICS, held_of(data, split.train, split.test), p)
        records.append(
            Record(
                model=model,
                repeat=0,
                fold=fold,
                seed=seed,
                status="ok",
                scores=scores,
                n_train=len(split.train),
                n_test=len(split.test),
                digest=prediction_digest(p),
                fit_seconds=1.0,
                predict_seconds=0.1,
                found={"forecasts": {"crossed": fold, "fallbacks": fallbacks}},
            )
        )
    return records, predictions, predictions.load_truth(data.fingerprint)
