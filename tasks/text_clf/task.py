"""How texts with labels are read, checked and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.data import column, fingerprint, infer_kinds
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.splits import make_splits
from bench.types import Dataset, Prediction, Split
from tasks.labels import (
    as_labels,
    check_labels,
    group_codes,
    only_target,
    sized,
    time_stamps,
)
from tasks.text_clf import perturb


@dataclass(frozen=True)
class TextClassification:
    """The task type ``text_clf``."""

    name: str = "text_clf"
    prediction: Prediction = "probability"
    metrics: tuple[str, ...] = ("accuracy", "macro_f1", "balanced_accuracy", "log_loss", "brier")
    protocol: str = "cv"
    reference: str = "tfidf_logreg"
    floor: str = "prior"
    margin: float = 0.01
    margin_relative: bool = False
    version: int = 1

    def load(self, spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Dataset:
        """Read texts and labels; see `bench.registry.TaskType.load`."""
        frame = read(spec.path)
        test = np.zeros(len(frame), bool)
        if spec.test_path:
            part = read(spec.test_path)
            test = np.concatenate([test, np.ones(len(part), bool)])
            frame = pd.concat([frame, part], ignore_index=True)
        source = spec.name or spec.path
        target = spec.target or only_target(frame, source)
        labels = column(frame, target, source)
        kinds = infer_kinds(frame.drop(columns=target), spec.kinds)
        text = spec.text or _only_text(kinds, source)
        if text == target:
            raise DataError(f"{source}: column {text!r} is given as text and as label. Give two different columns.")
        texts, notes = _clean_texts(column(frame, text, source))
        missing = labels.isna() | (labels.astype(str).str.strip() == "")
        if missing.any():
            notes += (f"{missing.sum()} of {len(frame)} rows have no {target!r} and were dropped.",)
        kept = np.flatnonzero(~missing)
        if len(kept) == 0:
            raise DataError(f"{source}: no row has a label in column {target!r}.")
        codes, classes = pd.factorize(as_labels(labels.iloc[kept], target).to_numpy(), sort=True)
        groups = None
        if spec.groups:
            groups, said = group_codes(column(frame, spec.groups, source).iloc[kept], spec.groups)
            notes += said
        time = None
        if spec.time:
            time, said = time_stamps(column(frame, spec.time, source).iloc[kept], spec.time)
            notes += said
        dataset = Dataset(
            name=spec.name,
            X=texts.iloc[kept].reset_index(drop=True),
            y=codes,
            classes=tuple(classes),
            groups=groups,
            time=time,
            test=test[kept] if spec.test_path else None,
            columns=kinds,
            licence=spec.licence,
            citation=spec.citation,
            notes=notes,
        )
        check_labels(dataset, target, source)
        split_by = [f"Rows of one {spec.groups!r} never stand in both parts."] if spec.groups else []
        split_by += [f"Folds follow {spec.time!r}: no training row is later than a test row."] if spec.time else []
        dataset = replace(dataset, notes=(*split_by, *dataset.notes))
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Merge rare classes where that was asked for, and subsample; see `bench.registry.TaskType.sized`."""
        return sized(dataset, spec, budget, self.name, seed)

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the published parts, growing parts, or repeated folds; see `bench.registry.TaskType.splits`."""
        return make_splits(dataset, protocol, self.name, budget, seed)

    def perturbed(self, X: pd.Series, seed: int) -> dict[str, pd.Series]:
        """Return the texts with typos, in capitals, spaced out and with more commas."""
        return perturb.perturbed(X, seed)


def _only_text(kinds: dict[str, str], source: str) -> str:
    texts = [name for name, kind in kinds.items() if kind == "text"]
    if len(texts) == 1:
        return texts[0]
    if len(kinds) == 1:
        return next(iter(kinds))
    found = f"{', '.join(texts)} all hold text" if texts else "no column looks like text"
    listed = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    raise DataError(f"Which column of {source} holds the text? Give data.text=COLUMN: {found}. Columns: {listed}.")


def _clean_texts(values: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    absent = values.isna()
    foreign = ~absent & ~values.map(lambda value: isinstance(value, str))
    texts = values.where(~absent, "").map(str)
    empty = texts.str.strip() == ""
    if foreign.any():
        notes += (f"{foreign.sum()} of {len(values)} texts are not strings; their printed form was kept.",)
    if empty.any():
        notes += (f"{empty.sum()} of {len(values)} texts are empty; they were kept.",)
    return texts.rename(None), notes
