"""How texts with labels are read, checked and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.data import column, fingerprint, infer_kinds, take
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.splits import cross_validation_splits, learning_curve_splits, published_split
from bench.types import Dataset, Prediction, Split, seed_for
from tasks.text_clf import perturb

TARGET_NAMES = ("label", "target", "class", "category", "y")


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
        target = spec.target or _only_target(frame, source)
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
        codes, classes = pd.factorize(_as_labels(labels.iloc[kept], target).to_numpy(), sort=True)
        groups = None
        if spec.groups:
            groups, said = _groups(column(frame, spec.groups, source).iloc[kept], spec.groups)
            notes += said
        dataset = Dataset(
            name=spec.name,
            X=texts.iloc[kept].reset_index(drop=True),
            y=codes,
            classes=tuple(classes),
            groups=groups,
            time=_times(column(frame, spec.time, source).iloc[kept], spec.time) if spec.time else None,
            test=test[kept] if spec.test_path else None,
            columns=kinds,
            licence=spec.licence,
            citation=spec.citation,
            notes=notes,
        )
        _check_labels(dataset, target, source)
        split_by = [f"Rows of one {spec.groups!r} never stand in both parts."] if spec.groups else []
        split_by += [f"Folds follow {spec.time!r}: no training row is later than a test row."] if spec.time else []
        dataset = replace(dataset, notes=(*split_by, *dataset.notes))
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Merge rare classes where that was asked for, and subsample; see `bench.registry.TaskType.sized`."""
        if spec.merge_rare:
            dataset = merge_rare(dataset, spec.merge_rare, budget.folds)
        if budget.rows and len(dataset.y) > budget.rows:
            dataset = subsample(dataset, budget.rows, seed_for(seed, "subsample", self.name), budget.folds)
        return dataset

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the published parts, growing parts, or repeated folds; see `bench.registry.TaskType.splits`."""
        if protocol == "published":
            return published_split(dataset)
        if protocol == "curve":
            return learning_curve_splits(dataset, self.name, budget, seed)
        return cross_validation_splits(dataset, self.name, budget, seed)

    def perturbed(self, X: pd.Series, seed: int) -> dict[str, pd.Series]:
        """Return the texts with typos, in capitals, spaced out and with more commas."""
        return perturb.perturbed(X, seed)


def subsample(dataset: Dataset, rows: int, seed: int, least: int) -> Dataset:
    """Keep about ``rows`` rows: each class in its proportion, but with ``least`` members where it has them."""
    generator = np.random.default_rng(seed)
    share = rows / len(dataset.y)
    # Published parts keep their proportion too.
    strata = dataset.y if dataset.test is None else 2 * dataset.y + dataset.test
    kept = []
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        wanted = min(len(members), max(least, round(share * len(members))))
        kept.append(generator.choice(members, wanted, replace=False))
    smaller = take(dataset, np.sort(np.concatenate(kept)))
    note = f"A subsample of {len(smaller.y)} of {len(dataset.y)} rows, stratified by class."
    return replace(smaller, notes=(*dataset.notes, note))


def merge_rare(dataset: Dataset, name: str, least: int) -> Dataset:
    """Merge every class with fewer than ``least`` members into one class called ``name``."""
    members = np.bincount(dataset.y, minlength=len(dataset.classes))
    rare = [label for label, count in zip(dataset.classes, members, strict=True) if count < least]
    if not rare:
        return dataset
    labels = np.array(dataset.classes, dtype=object)[dataset.y]
    labels[np.isin(labels, rare)] = name
    if (labels == name).sum() < 2:
        raise DataError(
            f"{dataset.name}: data.merge_rare={name} finds one row to merge, of the class {rare[0]!r}, and a class of "
            f"one row cannot be split. Merge it into a class that exists, as in data.merge_rare="
            f"{dataset.classes[int(members.argmax())]}, or drop the row."
        )
    codes, classes = pd.factorize(labels, sort=True)
    note = f"{len(rare)} classes with fewer than {least} members were merged into {name!r}: {', '.join(rare)}."
    merged = replace(dataset, y=codes, classes=tuple(classes), notes=(*dataset.notes, note))
    if len(merged.classes) < 2:
        raise DataError(f"{dataset.name}: after merging the rare classes only {name!r} is left.")
    return replace(merged, fingerprint=fingerprint(merged))


def _only_target(frame: pd.DataFrame, source: str) -> str:
    named = [name for name in frame.columns if name.lower() in TARGET_NAMES]
    if len(named) == 1:
        return str(named[0])
    raise DataError(
        f"Which column of {source} holds the label? Give data.target=COLUMN. Columns: {', '.join(frame.columns)}."
    )


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


def _as_labels(values: pd.Series, name: str) -> pd.Series:
    nested = values.map(lambda value: isinstance(value, (list, dict, np.ndarray)))
    if nested.any():
        raise DataError(
            f"Column {name!r} holds {values[nested].iloc[0]!r}, a list and no label. Each row needs one label: "
            "several labels a text are another kind of task."
        )
    if pd.api.types.is_float_dtype(values) and (values == values.round()).all():
        # Whole numbers with gaps are read as fractions.
        values = values.astype("int64")
    return values.astype(str)


def _groups(values: pd.Series, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return group codes; a row without a group is a group of its own."""
    absent = (values.isna() | (values.astype(str).str.strip() == "")).to_numpy()
    codes = pd.factorize(values.astype(str))[0]
    codes[absent] = codes.max() + 1 + np.arange(absent.sum())
    if not absent.any():
        return codes, ()
    return codes, (f"{absent.sum()} of {len(values)} rows have no {name!r}; each counts as a group of its own.",)


def _times(values: pd.Series, name: str) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(numbers).all():
        return numbers
    stamps = pd.to_datetime(values, errors="coerce", format="mixed", utc=True)
    if stamps.isna().any():
        bad = values[stamps.isna()].iloc[0]
        raise DataError(f"Column {name!r} holds {bad!r}, which is neither a number nor a date; data.time needs one.")
    return stamps.astype("int64").to_numpy()


def _check_labels(dataset: Dataset, target: str, source: str) -> None:
    if len(dataset.classes) < 2:
        raise DataError(
            f"{source}: every row has the same label, {dataset.classes[0]!r}, in column {target!r}. "
            "Classification needs at least two classes: is this the right column?"
        )
    members = np.bincount(dataset.y)
    if len(dataset.classes) > 20 and np.median(members) < 2:
        raise DataError(
            f"{source}: column {target!r} has {len(dataset.classes)} different values in {len(dataset.y)} rows, "
            "most of them once. Is this the right column? Classification needs labels that repeat."
        )
