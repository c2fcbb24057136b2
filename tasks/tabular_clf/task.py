"""How tables with labels are read, checked and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.data import fingerprint
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.splits import make_splits
from bench.types import Dataset, Prediction, Split
from tasks.labels import as_labels, check_labels, sized
from tasks.perturbed_tables import perturbed_rows
from tasks.tables import read_table

MANY_VALUES = 100
"""Different numbers from which a target is no label any more, unless each stands there often."""


@dataclass(frozen=True)
class TabularClassification:
    """The task type ``tabular_clf``."""

    name: str = "tabular_clf"
    prediction: Prediction = "probability"
    metrics: tuple[str, ...] = ("roc_auc", "accuracy", "balanced_accuracy", "macro_f1", "mcc", "log_loss", "brier")
    protocol: str = "cv"
    reference: str = "logreg"
    floor: str = "prior"
    margin: float = 0.01
    margin_relative: bool = False
    version: int = 1

    def load(self, spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Dataset:
        """Read columns and labels; see `bench.registry.TaskType.load`."""
        table = read_table(spec, read)
        source = spec.name or spec.path
        labels = as_labels(table.target, table.name)
        _refuse_numbers(labels, table.name, source)
        codes, classes = pd.factorize(labels.to_numpy(), sort=True)
        dataset = Dataset(
            name=spec.name,
            X=table.X,
            y=codes,
            classes=tuple(classes),
            groups=table.groups,
            time=table.time,
            test=table.test,
            columns=table.kinds,
            licence=spec.licence,
            citation=spec.citation,
            notes=table.notes,
        )
        check_labels(dataset, table.name, source)
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Merge rare classes where that was asked for, and subsample; see `bench.registry.TaskType.sized`."""
        return sized(dataset, spec, budget, self.name, seed)

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the published parts, growing parts, or repeated folds; see `bench.registry.TaskType.splits`."""
        return make_splits(dataset, protocol, self.name, budget, seed)

    def perturbed(self, X: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
        """Return the rows with values missing, numbers moved a little, and categories that were never seen."""
        return perturbed_rows(X, seed)


def _refuse_numbers(labels: pd.Series, name: str, source: str) -> None:
    """Refuse a target of many numbers, which is a quantity."""
    distinct = labels.nunique()
    numbers = pd.to_numeric(labels, errors="coerce")
    if numbers.notna().all() and distinct > MANY_VALUES and np.median(labels.value_counts()) < 10:
        raise DataError(
            f"{source}: column {name!r} holds {distinct:,} different numbers, which is a quantity and no label. "
            "Use task=tabular_reg, or give the column with the classes by data.target=COLUMN."
        )
