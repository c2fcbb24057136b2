"""The weighted mean of several forecasters of a panel, point by point and quantile by quantile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.panel import SERIES, TIME, Forecasting


class Member(Protocol):
    """A forecaster that says for which series it has no answer of its own."""

    @property
    def left_out(self) -> pd.Index:
        """Series that the last season answers for."""

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Any:
        """Learn from a panel."""

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Any:
        """Go on from later history."""

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""


@dataclass
class Averaged:
    """Several forecasters as one: of each series the mean of those that have an answer of their own."""

    members: Sequence[Member]
    weights: Sequence[float]
    asked: Forecasting

    @property
    def fallbacks_(self) -> int:
        """Number of series for which no member has an answer of its own."""
        none = self.members[0].left_out
        for member in self.members[1:]:
            none = none.intersection(member.left_out)
        return len(none)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit every member."""
        for member in self.members:
            member.fit(X, y)
        return self

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Let every member go on from later history."""
        for member in self.members:
            member.observe(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""
        columns = list(self.asked.columns)
        said = [member.predict(X)[columns].to_numpy() for member in self.members]
        own = np.column_stack([~X[SERIES].isin(member.left_out) for member in self.members])
        weights = np.where(own | ~own.any(axis=1, keepdims=True), self.weights, 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        mean = sum(weights[:, [place]] * answer for place, answer in enumerate(said))
        return pd.concat([X[[SERIES, TIME]].reset_index(drop=True), pd.DataFrame(mean, columns=columns)], axis=1)
