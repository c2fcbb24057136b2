"""Columns beside the target of a panel, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd

from bench.models.histories import Floats

MOST_VALUES = 30
"""Values of a text column that get a column each; rarer ones share none."""


@dataclass
class Covariates:
    """What training rows tell of columns: medians of numbers, which stand for holes, and the usual values of texts."""

    medians: dict[str, float] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    def fit(self, X: pd.DataFrame, names: Sequence[str]) -> Self:
        """Learn from training rows what the named columns hold."""
        for name in names:
            numbers = _numbers(X[name])
            if numbers is None:
                self.values[name] = list(X[name].astype(str).value_counts().index[:MOST_VALUES])
            else:
                self.medians[name] = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else 0.0
        return self

    def transform(self, X: pd.DataFrame, names: Sequence[str]) -> dict[str, Floats]:
        """Return the columns that stand for the named ones: one for numbers, one for each usual value of a text.

        They are numbered: names and values may hold what libraries refuse.

        Raises
        ------
        ValueError
            If a column that held numbers holds none any more.
        """
        found: dict[str, Floats] = {}
        order = [*self.medians, *self.values]
        for name in names:
            number = order.index(name)
            if name in self.values:
                texts = X[name].astype(str).to_numpy()
                usual = enumerate(self.values[name])
                found |= {f"x{number}_{place}": np.where(texts == value, 1.0, 0.0) for place, value in usual}
                continue
            numbers = _numbers(X[name])
            if numbers is None:
                raise ValueError(f"column {name!r} held numbers in training rows, and holds {X[name].dtype} now")
            found[f"x{number}"] = np.where(np.isfinite(numbers), numbers, self.medians[name])
        return found


def _numbers(column: pd.Series) -> Floats | None:
    """Return a column as floats, time stamps in days; None where it holds something else."""
    if pd.api.types.is_datetime64_any_dtype(column):
        stamps = column.to_numpy("datetime64[ns]")
        return np.where(np.isnat(stamps), np.nan, stamps.astype(np.float64) / 86400e9)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    return None
