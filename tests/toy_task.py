"""A task type with values, and models for it, registered for the length of a test."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import registry
from bench.data import fingerprint
from bench.settings import Budget, DataSpec, ExecutorSpec, Limits, ReportSettings, RunConfig
from bench.splits import cross_validation_splits, published_split
from bench.types import Dataset, ModelSpec, Prediction, Split
from tests import toy_models
from tests.builders import values


@dataclass(frozen=True)
class ToyRegression:
    """Numbers in a CSV with a target ``y``, and ``family`` for groups."""

    name: str = "toy_reg"
    prediction: Prediction = "value"
    metrics: tuple[str, ...] = ("rmse", "mae", "r2")
    protocol: str = "cv"
    reference: str = "line"
    floor: str = "middle"
    margin: float = 0.01
    margin_relative: bool = True
    version: int = 1

    def load(self, spec: DataSpec, read: Any) -> Dataset:
        parts = [read(path).astype(float) for path in (spec.path, spec.test_path) if path]
        frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
        made = Dataset(
            name=spec.name,
            X=frame[["width", "height", "age"]],
            y=frame["y"].to_numpy(),
            classes=(),
            groups=frame[spec.groups].to_numpy(int) if spec.groups else None,
            test=np.arange(len(frame)) >= len(parts[0]) if len(parts) == 2 else None,
        )
        return replace(made, fingerprint=fingerprint(made))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        return dataset

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        if protocol == "published":
            return published_split(dataset)
        return cross_validation_splits(dataset, self.name, budget, seed)

    def perturbed(self, X: Any, seed: int) -> dict[str, Any]:
        return {"rounded": X.round(), "moved": X + 0.1}


@dataclass
class LineParams(toy_models.Params):
    """Of the reference."""


@dataclass
class MiddleParams(toy_models.Params):
    """Of the floor."""

    way: str = "predicts the mean"


@dataclass
class WobblyParams(toy_models.Params):
    """Of a model that its seed moves."""

    way: str = "depends on the seed"


@dataclass
class BrokenParams(toy_models.Params):
    """Of a model that fails."""

    way: str = "returns NaN"


def _spec(name: str, role: str, params: type, **changes: Any) -> ModelSpec:
    return ModelSpec(
        name=name, task_types=("toy_reg",), role=role, params=params, build=toy_models.build_values, summary="A toy.",
        **changes,
    )  # fmt: skip


MODELS = {
    "line": _spec("line", "stable", LineParams, deterministic=True),
    "middle": _spec("middle", "floor", MiddleParams, deterministic=True),
    "wobbly": _spec("wobbly", "zoo", WobblyParams),
    "broken": _spec("broken", "stable", BrokenParams),
}


def register(monkeypatch: Any) -> None:
    """Make the task type and its models known; nothing else is, so that the line-up is theirs."""
    # What is found later would be lost with the test.
    registry.models()
    monkeypatch.setattr(registry, "_task_types", {**registry.task_types(), "toy_reg": ToyRegression()})
    monkeypatch.setattr(registry, "_models", dict(MODELS))


def write_csv(path: Path, rows: int, scale: float = 1.0, skip: int = 0) -> None:
    """Write rows of `tests.builders.values` with a family of four rows each."""
    data = values(rows + skip, scale=scale)
    frame = data.X.assign(y=data.y, family=np.arange(rows + skip) // 4).iloc[skip:]
    frame.to_csv(path, index=False)


def config(folder: Path, data: DataSpec, **changes: Any) -> RunConfig:
    """Return a run of everything that is registered."""
    made: dict[str, Any] = {
        "task_type": "toy_reg", "data": data, "protocol": "", "executor": ExecutorSpec(), "models": (),
        "budget": Budget(name="quick", folds=3, seeds=2, probe_rows=20, race=False), "lineup": True, "tune": False,
        "shard": None, "seed": 0, "results_dir": folder / "results", "cache_dir": folder / "cache", "rerun": "none",
        "timings": "keep", "report": ReportSettings(), "limits": Limits(), "zoo_fetch": False,
        "allow_unpinned": False, "expected": (),
    }  # fmt: skip
    return RunConfig(**{**made, **changes})
