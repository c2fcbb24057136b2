"""Forecasters that misbehave in one way each, and one that does not; never registered."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench.panel import Forecasting
from bench.types import Context, ModelChoice, ModelSpec


@dataclass
class Params:
    """How to behave, and what is added to the last value."""

    way: str = "well"
    shift: float = 0.0


@dataclass
class LastValue:
    """Forecasts the last value of each series, give or take a step for each level, unless told to misbehave."""

    params: Params
    forecasting: Forecasting
    fits: int = 0
    last: dict[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def fit(self, X: pd.DataFrame, y: Any) -> "LastValue":
        self.fits += 1
        self.columns = tuple(X.columns)
        self.last = dict(zip(X["unique_id"], y, strict=True))
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        found = X[["unique_id", "ds"]].copy()
        point = X["unique_id"].map(self.last).to_numpy() + self.params.shift
        found["point"] = point
        for level in self.forecasting.levels:
            found[f"q{level:g}"] = point + 10 * (level - 0.5)
        match self.params.way:
            case "looks aside":
                found["point"] += X["unique_id"].nunique()
            case "follows the order":
                found["point"] += np.arange(len(X))
            case "peeks":
                found["point"] = X["stock"] - 1
            case "forgets a step":
                found = found.iloc[1:]
            case "repeats a step":
                found = pd.concat([found, found.iloc[:1]])
            case "names another series":
                found.loc[0, "unique_id"] = "s9"
            case "dates another step":
                found["ds"] = found["ds"] + pd.Timedelta(days=1)
            case "leaves a level out":
                found = found.drop(columns="q0.9")
            case "returns NaN":
                found.loc[3, "q0.1"] = np.nan
            case "returns infinity":
                found.loc[3, "point"] = np.inf
            case "returns text":
                found["point"] = "high"
            case "returns an array":
                return found.to_numpy()
            case "crosses":
                found.loc[:1, ["q0.1", "q0.9"]] = found.loc[:1, ["q0.9", "q0.1"]].to_numpy()
        return found.iloc[::-1]


@dataclass
class Observing(LastValue):
    """The same, which goes on from later history without a fit."""

    fallbacks_: int = 1

    def observe(self, X: pd.DataFrame, y: Any) -> None:
        self.last = dict(zip(X["unique_id"], y, strict=True))


def build(params: Params, context: Context) -> LastValue:
    assert context.forecasting is not None
    return (Observing if params.way == "observes" else LastValue)(params, context.forecasting)


def toy_forecaster(name: str = "toy", way: str = "well", shift: float = 0.0, **spec: Any) -> ModelChoice:
    made = ModelSpec(name=name, task_types=("forecasting",), role="stable", params=Params, build=build, **spec)
    return ModelChoice(name=name, spec=made, params=Params(way, shift))
