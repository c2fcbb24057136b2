"""Models that are commands: they get files with training and test rows, and give back a file of predictions.

The command gets training rows with their target, test rows without, and a job in JSON that says where all lies, what
the columns are, and how long it may take; see ``bench/entrants/README.md``. It is told nothing else: no label of a
test row, and of the environment only what a program needs to start. It is not cut off from the network.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.models.launch import FORMATS, Command, job_folder, run
from bench.types import Context

PREDICTION = "prediction"
"""Column of predicted quantities."""


@dataclass
class Commanded:
    """A command as a model: it learns when it is asked, for only then are there rows to predict."""

    command: Command
    context: Context
    rows: Any = None
    target: Any = None

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order: those of the training rows."""
        return np.unique(self.target)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Keep the rows."""
        if self.context.prediction == "probability" and len(np.unique(y)) < 2:
            raise ValueError("a command needs training rows of two classes")
        self.rows, self.target = X, y
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the values that the command predicts, shape (n,)."""
        return self._ask(X, [PREDICTION])[:, 0]

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities that the command predicts, shape (n, classes)."""
        return self._ask(X, self._names(self.classes_))

    def _names(self, codes: NDArray[Any]) -> list[str]:
        names = self.context.classes
        return [names[code] if names else str(code) for code in codes.astype(int)]

    def _ask(self, X: pd.DataFrame, columns: list[str]) -> NDArray[np.float64]:
        with job_folder() as folder:
            job = self._write(X, folder)
            run(self.command, job, folder, self.context.threads)
            return answer_in(folder, len(X), columns)

    def _write(self, X: pd.DataFrame, folder: Path) -> Path:
        """Write the files of a job; return the path of the job itself."""
        quantities = self.context.prediction == "value"
        target = "target"
        while target in X.columns:
            target += "_"
        answers = self.target if quantities else np.array(self._names(self.target), dtype=object)
        paths = {part: folder / f"{part}.{self.command.format}" for part in ("train", "test", "predictions")}
        _write_table(self.rows.assign(**{target: answers}), paths["train"])
        _write_table(X, paths["test"])
        job = {
            "task": "regression" if quantities else "classification",
            **{part: str(path) for part, path in paths.items()},
            "target": target,
            "classes": [] if quantities else self._names(self.classes_),
            "columns": {name: _kind(X[name]) for name in X.columns},
            "metric": self.command.metric or ("rmse" if quantities else "roc_auc"),
            "seconds": self.command.seconds,
            "seed": self.context.seed,
            "threads": self.context.threads,
            **self.command.settings,
        }
        path = folder / "job.json"
        path.write_text(json.dumps(job, indent=2, ensure_ascii=False), encoding="utf-8")
        return path


def answer_in(folder: Path, rows: int, columns: list[str]) -> NDArray[np.float64]:
    """Return the predictions that a command wrote, shape (rows, len(columns)).

    Raises
    ------
    ModelError
        If they are not there, or are not what was asked for.
    """
    found = [path for suffix in FORMATS if (path := folder / f"predictions.{suffix}").is_file()]
    if not found:
        raise ModelError("The command wrote no predictions. Expected a file at the path that the job names.")
    try:
        table = pd.read_parquet(found[0]) if found[0].suffix == ".parquet" else pd.read_csv(found[0], dtype=object)
    except Exception as error:
        raise ModelError(f"The command's {found[0].name} cannot be read ({type(error).__name__}: {error}).") from error
    table.columns = table.columns.map(str)
    if sorted(table.columns) != sorted(columns):
        raise ModelError(
            f"The command's predictions have the columns {_some(table.columns)}; expected {_some(columns)}."
        )
    if len(table) != rows:
        raise ModelError(
            f"The command wrote {len(table)} rows; expected one for each of {rows} test rows, in their order."
        )
    try:
        return np.column_stack([pd.to_numeric(table[name]).to_numpy(np.float64, na_value=np.nan) for name in columns])
    except (TypeError, ValueError) as error:
        raise ModelError(f"The command's predictions are no numbers ({error}).") from error


def _write_table(table: pd.DataFrame, path: Path) -> None:
    objects = [name for name in table.columns if table[name].dtype == object]
    table = table.astype(dict.fromkeys(objects, "string"))
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)


def _kind(values: pd.Series) -> str:
    """Return the kind of a column, which its type tells; see `bench.models.columns`."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if values.dtype == object:
        return "category"
    return "text" if pd.api.types.is_string_dtype(values) else "number"


def _some(names: Any, most: int = 8) -> str:
    shown = ", ".join(repr(str(name)) for name in list(names)[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
