"""In which columns a file holds its predictions: the layouts of services, told apart by their columns.

Sources: AutoML Tables, reference of ``BatchPredictOutputConfig``; Vertex AI, references of ``BatchPredictionJob`` and
of the tabular prediction results, and tables in BigQuery; Azure automated ML, the source of
azureml-train-automl-runtime 1.62; Azure Machine Learning designer, the component Score Model. No reference names the
columns of scores in a CSV file of Vertex AI: they are those of AutoML Tables in the plural, and either is read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.errors import DataError

OF_CLASSES = {
    "Vertex AI": "{target}_{label}_scores",
    "AutoML Tables": "{target}_{label}_score",
    "Azure automated ML": "{label}_predicted_proba",
    "Azure designer": "Scored Probabilities_{label}",
    "one column a class": "{label}",
}
"""Columns of probabilities; the last one fits names of inputs too, so it comes last."""
NESTED = ("predicted_{target}", "prediction", "predictions")
"""Columns that hold classes with their scores, as BigQuery and JSON lines have it."""
OF_VALUES = {
    "Vertex AI": "predicted_{target}",
    "Azure automated ML": "{target}_predicted",
    "Azure designer": "Scored Labels",
    "one column": "prediction",
    "AutoML Tables": "{target}",
}
OF_LABELS = ("{target}_predicted", "predicted_{target}", "Scored Labels", "prediction", "predicted_label")
SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for."""

    targets: tuple[str, ...]
    """Names of the target: as it was exported, and as it is called in the data."""
    classes: tuple[str, ...]
    """Labels in code order; empty for values."""
    taught: frozenset[str] = frozenset()
    """Labels that the training part holds: for each of them there must be a prediction."""


def predictions_in(table: pd.DataFrame, wanted: Wanted) -> tuple[pd.DataFrame, str]:
    """Return what a table holds of predictions, unchecked, and the name of its layout.

    Returns
    -------
    predictions : DataFrame
        A column for each label, missing where the layout has none of it; or one column of values.
    layout : str

    Raises
    ------
    DataError
        With the columns that there are and those that were expected, if no layout fits.
    """
    if not wanted.classes:
        return _values_in(table, wanted)
    for layout, pattern in OF_CLASSES.items():
        for target in wanted.targets:
            names = {label: pattern.format(target=target, label=label) for label in wanted.classes}
            if found := _columns(table, names):
                _check_taught(found, names, wanted, table, layout)
                return _of_labels({label: table[name] for label, name in found.items()}, wanted, table.index), layout
        if layout == "Azure designer" and (nested := _nested_in(table, wanted)) is not None:
            return nested, "classes with scores"
    raise DataError(_unknown(table, wanted))


def _columns(table: pd.DataFrame, names: Mapping[str, str]) -> dict[str, str]:
    """Return the columns with these names, by label; where none has, those that differ in capitals and signs only."""
    if exact := {label: name for label, name in names.items() if name in table.columns}:
        return exact
    folded: dict[str, list[str]] = {}
    for column in table.columns:
        folded.setdefault(_folded(column), []).append(column)
    alike = [_folded(name) for name in names.values()]
    return {
        label: folded[_folded(name)][0]
        for label, name in names.items()
        if len(folded.get(_folded(name), ())) == 1 and alike.count(_folded(name)) == 1
    }


def _folded(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold())


def _check_taught(
    found: Mapping[str, str], names: Mapping[str, str], wanted: Wanted, table: pd.DataFrame, layout: str
) -> None:
    if missing := [label for label in wanted.classes if label in wanted.taught and label not in found]:
        raise DataError(
            f"there is no probability of {_some(missing)}: no column {names[missing[0]]!r} ({layout}). Columns: "
            f"{_some(table.columns)}. Every class of the training rows needs one."
        )


def _of_labels(found: Mapping[str, Any], wanted: Wanted, index: pd.Index) -> pd.DataFrame:
    # A class that the training rows lack cannot be predicted.
    return pd.DataFrame({label: found.get(label, 0.0) for label in wanted.classes}, index=index)


def _nested_in(table: pd.DataFrame, wanted: Wanted) -> pd.DataFrame | None:
    """Return the probabilities out of a column of classes with their scores, or None where there is no such column."""
    for name in _filled(NESTED, wanted):
        cells = [_parsed(value) for value in table[name]] if name in table.columns else []
        if not any(isinstance(cell, dict) and {"classes", "scores"} <= cell.keys() for cell in cells):
            continue
        rows = []
        for at, cell in enumerate(cells):
            if not isinstance(cell, dict) or len(cell.get("classes", ())) != len(cell.get("scores", ())):
                raise DataError(f"column {name!r} holds no classes with their scores in row {at + 1}.")
            rows.append({str(label): score for label, score in zip(cell["classes"], cell["scores"], strict=True)})
        known = {label for row in rows for label in row}
        if strange := sorted(known - set(wanted.classes)):
            raise DataError(f"column {name!r} holds classes that the data do not have: {_some(strange)}.")
        _check_taught(dict.fromkeys(known, name), dict.fromkeys(wanted.classes, name), wanted, table, "nested")
        return pd.DataFrame([{label: row.get(label, 0.0) for label in wanted.classes} for row in rows], table.index)
    return None


def _values_in(table: pd.DataFrame, wanted: Wanted) -> tuple[pd.DataFrame, str]:
    for layout, pattern in OF_VALUES.items():
        for name in _filled([pattern], wanted):
            if found := _columns(table, {"value": name}):
                cells = table[found["value"]].map(_parsed)
                return cells.map(lambda cell: cell.get("value") if isinstance(cell, dict) else cell).to_frame(), layout
    raise DataError(_unknown(table, wanted))


def _parsed(value: Any) -> Any:
    """Return what a cell holds that was written as JSON, or the cell itself."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _filled(patterns: Sequence[str], wanted: Wanted) -> Iterator[str]:
    return (pattern.format(target=target) for pattern in patterns for target in wanted.targets)


def _unknown(table: pd.DataFrame, wanted: Wanted) -> str:
    target = wanted.targets[0]
    label = wanted.classes[0] if wanted.classes else ""
    layouts = OF_CLASSES if wanted.classes else OF_VALUES
    expected = "; ".join(
        f"{pattern.format(target=target, label=label)!r} ({name})" for name, pattern in layouts.items()
    )
    labels = [name for name in _filled(OF_LABELS, wanted) if name in table.columns] if wanted.classes else []
    only = f" {labels[0]!r} holds labels, and probabilities are needed: ask the service for them." if labels else ""
    what = f"for each class, as for {label!r}, " if wanted.classes else ""
    return f"its predictions were not found.{only} Columns: {_some(table.columns)}. Expected {what}one of {expected}."


def _some(names: Any) -> str:
    listed = list(names)
    shown = ", ".join(repr(str(name)) for name in listed[:SHOWN])
    return shown + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "")
