"""What tasks with class labels share: labels, groups and times of rows, rare classes, subsamples."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.data import fingerprint, take
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.types import Dataset, seed_for

TARGET_NAMES = ("label", "target", "class", "category", "y")
DAY_AND_MONTH = r"^\s*(\d{1,2})([-/.])(\d{1,2})\b"
"""How a date begins that says by its numbers alone, if at all, which of them is the day."""


def only_target(frame: pd.DataFrame, source: str) -> str:
    """Return the only column whose name says that it is the target."""
    named = [name for name in frame.columns if name.lower() in TARGET_NAMES]
    if len(named) == 1:
        return str(named[0])
    raise DataError(
        f"Which column of {source} holds the label? Give data.target=COLUMN. Columns: {', '.join(frame.columns)}."
    )


def as_labels(values: pd.Series, name: str) -> pd.Series:
    """Return the labels as strings; whole numbers without their fractions."""
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


def group_codes(values: pd.Series, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return group codes; a row without a group is a group of its own."""
    absent = (values.isna() | (values.astype(str).str.strip() == "")).to_numpy()
    codes = pd.factorize(values.astype(str))[0]
    codes[absent] = codes.max() + 1 + np.arange(absent.sum())
    if not absent.any():
        return codes, ()
    return codes, (f"{absent.sum()} of {len(values)} rows have no {name!r}; each counts as a group of its own.",)


def time_stamps(values: pd.Series, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return sortable numbers of a column of numbers or dates, and a note where the order of their parts is a guess."""
    if count := int((values.isna() | (values.astype(str).str.strip() == "")).sum()):
        raise DataError(
            f"Column {name!r} is empty in {count} of {len(values)} rows; data.time needs a time in each. "
            "Fill or drop these rows."
        )
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(numbers).all():
        return numbers, ()
    stamps, said = parsed_dates(values.astype(str))
    if stamps.isna().any():
        bad = values[stamps.isna()].iloc[0]
        raise DataError(f"Column {name!r} holds {bad!r}, which is neither a number nor a date; data.time needs one.")
    return stamps.astype("int64").to_numpy(), (f"Column {name!r}: {said}",) if said else ()


def parsed_dates(strings: pd.Series) -> tuple[pd.Series, str]:
    """Return dates without their zone, NaT where there is none, and a note where day and month could be either.

    Days come first where more first numbers than second ones can be no month, or where as many can and points stand
    between. Dates of the other order are none.
    """
    parts = strings.str.extract(DAY_AND_MONTH).dropna()
    first, second = (pd.to_numeric(parts[at]) for at in (0, 2))
    days, months, points = int((first > 12).sum()), int((second > 12).sum()), bool((parts[1] == ".").any())
    day_first = days > months or (days == months and points)
    stamps = pd.to_datetime(strings, errors="coerce", format="mixed", dayfirst=day_first, utc=True)
    stamps[parts.index[(second if day_first else first) > 12]] = None
    guessed = days == months == 0 and not points and bool((first != second).any())
    naive: pd.Series = stamps.dt.tz_localize(None)
    return naive, f"dates such as {strings[parts.index[0]].strip()} are read as month/day." if guessed else ""


def check_labels(dataset: Dataset, target: str, source: str) -> None:
    """Refuse a target of one class, or one that hardly ever repeats."""
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


def sized(dataset: Dataset, spec: DataSpec, budget: Budget, task: str, seed: int) -> Dataset:
    """Merge rare classes where that was asked for, and subsample; see `bench.registry.TaskType.sized`."""
    if spec.merge_rare:
        dataset = merge_rare(dataset, spec.merge_rare, budget.folds)
    if budget.rows and len(dataset.y) > budget.rows:
        dataset = subsample(dataset, budget.rows, seed_for(seed, "subsample", task), budget.folds)
    return dataset


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
