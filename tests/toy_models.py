"""Models that misbehave in one way each, and one that does not; never registered."""

import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.types import Context, ModelChoice, ModelSpec
from tests import misdeeds


@dataclass
class Params:
    """How to behave."""

    way: str = "well"
    notes: str = ""
    """File that gets a line with every fit: the process, and the time of its beginning on the monotonic clock."""


@dataclass
class Toy:
    """Predicts the class frequencies of the training rows, unless told to misbehave."""

    way: str
    seed: int
    classes_: Any = field(default_factory=lambda: np.empty(0, int))

    def fit(self, X: Any, y: Any) -> "Toy":
        match self.way:
            case way if way in misdeeds.WAYS:
                misdeeds.WAYS[way]()
            case "raises":
                raise RuntimeError("the model says no")
            case "exits":
                os._exit(7)
            case "sleeps":
                time.sleep(60)
            case "runs out of memory":
                raise MemoryError
            case "takes a gigabyte":
                self.ballast = np.ones(10**9 // 8)
            case "goes online":
                socket.create_connection(("192.0.2.1", 80), timeout=1)
            case "interrupts":
                raise KeyboardInterrupt
        self.classes_, counts = np.unique(y, return_counts=True)
        self.frequencies = counts / counts.sum()
        return self

    def predict_proba(self, X: Any) -> Any:
        p = np.tile(self.frequencies, (len(X), 1))
        match self.way:
            case "returns NaN":
                p[0, 0] = np.nan
            case "returns too few rows":
                return p[:-1]
            case "returns too few columns":
                return p[:, :-1]
            case "does not sum to one":
                return p * 2
            case "returns negative numbers":
                return p + np.array([1.5, *[-1.5 / (p.shape[1] - 1)] * (p.shape[1] - 1)])
            case "depends on the seed":
                p = np.random.default_rng(self.seed).dirichlet(np.ones(p.shape[1]), len(X))
        return p


def build(params: Params, context: Context) -> Toy:
    if params.notes:
        with Path(params.notes).open("a") as file:
            file.write(f"{os.getpid()} {time.monotonic()}\n")
    return Toy(params.way, context.seed)


def toy(name: str = "toy", way: str = "well", notes: Path | str = "", **spec: Any) -> ModelChoice:
    """Return a model that behaves in the given way."""
    made = ModelSpec(
        name=name, task_types=("text_clf",), role=spec.pop("role", "stable"), params=Params, build=build, **spec
    )
    return ModelChoice(name=name, spec=made, params=Params(way=way, notes=str(notes)))


@dataclass
class ToyValues(Toy):
    """Predicts a line through the training rows, unless told to misbehave."""

    def fit(self, X: Any, y: Any) -> "ToyValues":
        super().fit(X, np.zeros(len(X), int))
        self.mean, self.spread = y.mean(), y.std()
        self.slopes = np.linalg.lstsq(np.asarray(X, float) - np.mean(X, axis=0).to_numpy(), y - self.mean)[0]
        self.centre = np.mean(X, axis=0).to_numpy()
        return self

    def predict(self, X: Any) -> Any:
        values = (np.asarray(X, float) - self.centre) @ self.slopes + self.mean
        match self.way:
            case "predicts zero":
                values = np.zeros(len(X))
            case "predicts the mean":
                values = np.full(len(X), self.mean)
            case "returns NaN":
                values[0] = np.nan
            case "returns too few rows":
                return values[:-1]
            case "returns text":
                return values.astype(str).astype(object) + " m"
            case "returns a column":
                return values[:, None]
            case "depends on the seed":
                values = values + np.random.default_rng(self.seed).normal(0, 0.055 * self.spread, len(X))
        return values


def build_values(params: Params, context: Context) -> ToyValues:
    assert context.prediction == "value"
    return ToyValues(params.way, context.seed)


def toy_values(name: str = "toy", way: str = "well", **spec: Any) -> ModelChoice:
    """Return a model of values that behaves in the given way."""
    made = ModelSpec(
        name=name, task_types=("toy_reg",), role=spec.pop("role", "stable"), params=Params, build=build_values, **spec
    )
    return ModelChoice(name=name, spec=made, params=Params(way=way))
