"""How tables with a quantity are read, checked and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.data import fingerprint, take
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.splits import make_splits
from bench.types import Dataset, Prediction, Split, seed_for
from tasks.perturbed_tables import perturbed_rows
from tasks.tables import THOUSANDS, read_table

FEWEST_VALUES = 10
"""Different numbers below which a target of whole numbers is taken for labels."""


@dataclass(frozen=True)
class TabularRegression:
    """The task type ``tabular_reg``."""

    name: str = "tabular_reg"
    prediction: Prediction = "value"
    metrics: tuple[str, ...] = ("rmse", "mae", "r2")
    protocol: str = "cv"
    reference: str = "ridge"
    floor: str = "mean"
    margin: float = 0.01
    margin_relative: bool = True
    version: int = 1

    def load(self, spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Dataset:
        """Read columns and the quantity; see `bench.registry.TaskType.load`."""
        table = read_table(spec, read)
        y, source = _as_numbers(table.target, table.name, spec.name or spec.path), spec.name
        dataset = Dataset(
            name=source,
            X=table.X,
            y=y,
            classes=(),
            groups=table.groups,
            time=table.time,
            test=table.test,
            columns=table.kinds,
            licence=spec.licence,
            citation=spec.citation,
            notes=table.notes,
        )
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Return a random subsample where the budget asks for one; see `bench.registry.TaskType.sized`."""
        if not budget.rows or len(dataset.y) <= budget.rows:
            return dataset
        generator = np.random.default_rng(seed_for(seed, "subsample", self.name))
        kept = np.sort(generator.choice(len(dataset.y), budget.rows, replace=False))
        note = f"A subsample of {budget.rows} of {len(dataset.y)} rows, drawn at random."
        return replace(take(dataset, kept), notes=(*dataset.notes, note))

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the published parts, growing parts, or repeated folds; see `bench.registry.TaskType.splits`."""
        return make_splits(dataset, protocol, self.name, budget, seed)

    def perturbed(self, X: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
        """Return the rows with values missing, numbers moved a little, and categories that were never seen."""
        return perturbed_rows(X, seed)


def _as_numbers(values: pd.Series, name: str, source: str) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    if (bad := ~np.isfinite(numbers)).any():
        shown = ", ".join(sorted({repr(value) for value in values[bad]})[:5])
        hint = "Use task=tabular_clf for labels. " if bad.mean() > 0.5 else "Mend or empty these cells. "
        written = values[bad].astype(str).str.strip()
        if written.str.fullmatch(THOUSANDS).all():
            hint = "Take the commas out if they part thousands, or give data.decimal=, if they are decimal. "
        elif written.str.fullmatch(r"[+-]?[\d.]+,\d+").all():
            hint = "Give data.decimal=, for numbers with a decimal comma. "
        raise DataError(
            f"{source}: column {name!r} holds {int(bad.sum())} values that are no numbers ({shown}). {hint}"
            "Regression needs a quantity in every row."
        )
    distinct = numbers.nunique()
    if distinct == 1:
        raise DataError(f"{source}: every row has {numbers.iloc[0]:g} in column {name!r}. Is this the right column?")
    if distinct < FEWEST_VALUES and (numbers == numbers.round()).all() and len(numbers) > 5 * distinct:
        raise DataError(
            f"{source}: column {name!r} holds {distinct} different whole numbers, which look like labels. "
            "Use task=tabular_clf, or give the column with the quantity by data.target=COLUMN."
        )
    return numbers.to_numpy()
