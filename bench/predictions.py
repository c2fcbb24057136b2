"""Predictions of every cell, kept out of git, so that statistics can be computed anew without fitting.

``<folder>/truth.npz`` holds what was to be predicted, ``<folder>/<model>/<repeat>-<fold>-<seed>.npz`` what was said.
A file is believed only where its digest is the one in the table.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.files import write_atomically
from bench.panel_truth import PanelTruth, panel_arrays, read_panel
from bench.ranking.top import Lists
from bench.ranking.truth import RankingTruth, ranking_arrays, read_ranking
from bench.types import Cell, Dataset, Record, Split

SHOWN = 300

Probabilities = NDArray[np.float32]
"""Shape (rows, classes)."""
Values = NDArray[np.float64]
"""Shape (rows,)."""

Forecasts = NDArray[np.float64]
"""Shape (rows, 1 + levels): the point forecast first. Probabilities have half the width."""

DIGEST_DECIMALS = 4
"""Predictions are rounded before hashing: the last bits depend on the order in which a machine adds."""
DIGEST_DIGITS = 6
"""Of values, which have no scale of their own: significant digits instead of decimals, as many as tables print."""
ROWS_SHOWN = 100_000
"""Rows of a table up to which they are kept as text: what a page may show of its worst predictions."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the test parts hold."""

    y: NDArray[Any]
    """Class codes or values of all rows, shape (n,)."""
    classes: tuple[str, ...]
    groups: NDArray[np.integer] | None
    items: tuple[str, ...]
    """What to show of each row, cut to `SHOWN` characters; empty where there are too many rows."""
    tests: dict[tuple[int, int], NDArray[np.intp]]
    """Test rows of each (repeat, fold)."""
    panel: PanelTruth | None = None
    """What windows of a panel hold out; None for what is no panel."""
    ranking: RankingTruth | None = None
    """What users are to be shown; None for what is no interactions."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of one task, data set and budget."""

    folder: Path

    def save(self, cell: Cell, predicted: Probabilities | Values | Forecasts | Lists) -> None:
        """Keep the probabilities, values, forecasts or lists of one cell."""
        self._write(self._path(cell.model, cell.repeat, cell.fold, cell.seed), p=predicted)

    def load(self, record: Record) -> Any:
        """Return what a record's model predicted, or None where it is not here or is not that of the record."""
        # A filled cell has the predictions of the seed that was fitted.
        seed = 0 if record.origin == "fill" else record.seed
        content = _read(self._path(record.model, record.repeat, record.fold, seed))
        if content is None or "p" not in content or prediction_digest(content["p"]) != record.digest:
            return None
        return content["p"]

    def save_truth(self, dataset: Dataset, splits: Sequence[Split]) -> None:
        """Keep targets, classes, groups and test rows; of panels and interactions what their test parts hold."""
        tests = {f"test_{split.repeat}_{split.fold}": split.test for split in splits}
        # Interactions are told by the titles of items.
        texts = _as_text(dataset.X) if dataset.recommending is None else ()
        shown = "\x1e".join(item[:SHOWN] for item in texts)
        groups = {} if dataset.groups is None else {"groups": dataset.groups}
        fingerprint, classes = np.array(dataset.fingerprint), np.array(dataset.classes, dtype=str)
        items = np.frombuffer(shown.encode(errors="replace"), np.uint8)
        whole = {"fingerprint": fingerprint, "y": dataset.y, "classes": classes, "items": items}
        kinds = {**panel_arrays(dataset, splits), **ranking_arrays(dataset, splits)}
        self._write(self.folder / "truth.npz", **whole, **groups, **tests, **kinds)

    def load_truth(self, fingerprint: str) -> Truth | None:
        """Return what was to be predicted, or None where it is not here or belongs to other data."""
        content = _read(self.folder / "truth.npz")
        if content is None or not {"fingerprint", "y", "classes", "items"} <= set(content):
            return None
        if str(content["fingerprint"]) != fingerprint:
            return None
        tests = {tuple(map(int, name.split("_")[1:])): rows for name, rows in content.items() if "test_" in name}
        return Truth(
            y=content["y"],
            classes=tuple(map(str, content["classes"])),
            groups=content.get("groups"),
            items=tuple(content["items"].tobytes().decode().split("\x1e")) if len(content["items"]) else (),
            tests=tests,  # type: ignore[arg-type]
            panel=read_panel(content),
            ranking=read_ranking(content),
        )

    def _path(self, model: str, repeat: int, fold: int, seed: int) -> Path:
        return self.folder / model / f"{repeat}-{fold}-{seed}.npz"

    def _write(self, path: Path, **arrays: Any) -> None:
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        # A file is believed only by its digest, so it need not survive a power loss.
        write_atomically(path, content.getvalue(), durable=False)


def prediction_digest(predicted: NDArray[Any]) -> str:
    """Return a hash of predictions as far as machines agree on them.

    Of probabilities, two dimensions of half width, the predicted classes and the numbers rounded to four decimals; of
    values, one dimension, and of forecasts, two of full width, the numbers rounded to six significant digits; of
    lists, whole numbers, all of them.

    Examples
    --------
    >>> one, other = np.array([[0.25, 0.75]]), np.array([[0.25000001, 0.74999999]])
    >>> prediction_digest(one) == prediction_digest(other)
    True
    >>> prediction_digest(np.array([532.1])) == prediction_digest(np.array([532.1 + 1e-9]))
    True
    """
    if np.issubdtype(predicted.dtype, np.integer):
        content = f"{predicted.shape} ".encode() + predicted.astype("<i4").tobytes()
    elif predicted.ndim == 1:
        # Minus zero is zero.
        content = " ".join(f"{value + 0.0:.{DIGEST_DIGITS}g}" for value in predicted.tolist()).encode()
    elif predicted.dtype == np.float64:
        content = _significant(predicted.astype(np.float64))
    else:
        rounded = np.round(np.asarray(predicted, np.float64) * 10**DIGEST_DECIMALS).astype(np.int64)
        content = predicted.argmax(axis=1).astype(np.int64).tobytes() + rounded.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _significant(values: NDArray[np.float64]) -> bytes:
    """Return numbers as their first digits and their power of ten."""
    with np.errstate(divide="ignore"):
        power = np.where(values == 0, 0, np.floor(np.log10(np.abs(values)))) - (DIGEST_DIGITS - 1)
    digits = np.round(values / 10.0**power)
    # 999999.7 rounds up to one more digit.
    over = np.abs(digits) >= 10**DIGEST_DIGITS
    digits, power = np.where(over, digits / 10, digits), power + over
    return np.stack([digits, power]).astype(np.int64).tobytes()


def _as_text(X: pd.Series | pd.DataFrame) -> Iterator[str]:
    """Yield what to show of each row: the text itself, or the columns that hold something."""
    if isinstance(X, pd.Series):
        yield from map(str, X)
    elif len(X) <= ROWS_SHOWN:
        columns = [str(name) for name in X.columns]
        for row in X.itertuples(index=False, name=None):
            yield ", ".join(f"{name} {_short(value)}" for name, value in zip(columns, row, strict=True))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return "?" if value != value else f"{value:.6g}"
    return "?" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
