"""What single predictions say of a model, computed once after its cells and kept beside its table.

Here stands what is said of classes; of values see `bench.item_errors`, of forecasts `bench.forecast_items`, of lists of
items `bench.ranking.list_items`.
Reports read these figures, so that they come out the same where the predictions themselves are not at hand. The file
holds which rows were predicted right (one bit each), which lets any two models be compared on the same items.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import forecast_items
from bench.files import write_atomically
from bench.forecast_items import ForecastItems
from bench.item_errors import ErrorItems, as_content, measure_errors, of_content
from bench.item_files import digests_of, in_order, number, pack, pack_codes, rounded, unpack, unpack_codes, whole_runs
from bench.measured_forecasts import measure_forecasts
from bench.predictions import Predictions, Probabilities, Truth
from bench.ranking import list_items
from bench.ranking.list_items import ListItems
from bench.ranking.measured_lists import measure_lists
from bench.settings import ReportSettings
from bench.stats.churn import excess_churn, label_churn
from bench.stats.confidence import calibration, reliability, risk_coverage, temperature
from bench.stats.deferral import Accepted, accepted
from bench.types import Record, seed_for


@dataclass(frozen=True, kw_only=True, eq=False)
class Items:
    """Figures of one model over the items of its test parts."""

    digests: str
    """Hash over the digests of the predictions that were used: of other predictions, these are not the figures."""
    right: Mapping[tuple[int, int], NDArray[np.bool_]]
    """Of each (repeat, seed): whether each tested row was predicted right, in the order of rows."""
    churn: tuple[float, float, float]
    """Share of items whose class changes between two seeds, mean over pairs, with its interval; NaN for one seed."""
    excess_churn: tuple[float, float, float]
    """Churn beyond what the error rates force, as a share of what they allow."""
    calibration_error: tuple[float, float, float]
    """Value, and ends of its 95 % interval."""
    calibration_null: float
    """Error that perfectly calibrated probabilities would stay below with probability 0.95."""
    log_loss: float
    log_loss_rescaled: float
    """After one temperature, fitted on the other folds; NaN for a single fold."""
    augrc: float
    accepted: Accepted
    """What each threshold of confidence lets through, fold by fold."""
    reliability: tuple[tuple[float, float, int], ...]
    """Mean confidence, accuracy and number of items of each bin."""
    confusion: tuple[tuple[int, int, float], ...]
    """True class, predicted class, and items (mean over seeds and repeats); those that occur, and no right ones."""
    groups: NDArray[np.intp] | None = None
    """Code of the group of each tested row of the first repeat, by first appearance; None without groups."""

    @property
    def seeds(self) -> int:
        """Number of seeds of the first repeat."""
        first = min(self.right)[0]
        return sum(repeat == first for repeat, _ in self.right)

    @property
    def curve(self) -> tuple[tuple[float, float, float], ...]:
        """Threshold, coverage and generalised risk, from the strictest threshold on."""
        errors = self.accepted.mistakes.sum(axis=0) / self.accepted.items[:, -1].sum()
        pairs = zip(self.accepted.thresholds, self.accepted.coverage, errors, strict=True)
        return tuple((float(threshold), float(coverage), float(risk)) for threshold, coverage, risk in pairs)


Measured = Items | ErrorItems | ForecastItems | ListItems
"""What is said of single predictions of any kind."""


def measure(
    records: Sequence[Record],
    predictions: Predictions,
    truth: Truth,
    model: str,
    root_seed: int,
    level: float = ReportSettings.interval_level,
    metric: str = "",
) -> Measured | None:
    """Return the figures of one model, or None where a prediction is missing or a cell failed.

    Parameters
    ----------
    records : sequence of Record
        All of one model.
    predictions : Predictions
    truth : Truth
    model : str
    root_seed : int
        Seeds the resampling, with the model's name.
    level : float
        Of the intervals of values.
    metric : str
        The primary one, which forecasts are taken apart by.
    """
    if truth.panel is not None:
        return measure_forecasts(records, predictions, truth, metric)
    if truth.ranking is not None:
        return measure_lists(records, predictions, truth)
    if not truth.classes:
        return measure_errors(records, predictions, truth, seed_for(root_seed, "intervals", model), level)
    folds: dict[tuple[int, int], list[tuple[NDArray[np.intp], Probabilities]]] = {}
    for record in sorted(whole_runs(records, truth), key=lambda r: (r.repeat, r.seed, r.fold)):
        p = predictions.load(record) if record.status == "ok" else None
        rows = truth.tests.get((record.repeat, record.fold))
        if p is None or rows is None or len(rows) != len(p):
            return None
        folds.setdefault((record.repeat, record.seed), []).append((rows, p))
    if not folds:
        return None
    labels = {run: _in_row_order(parts) for run, parts in folds.items()}
    right = {run: predicted == truth.y[rows] for run, (rows, predicted) in labels.items()}
    # One deployment: the first seed of the first repeat. The others tell how much the next one may differ.
    first = folds[min(folds)]
    groups = None if truth.groups is None else [truth.groups[rows] for rows, _ in first]
    by_fold = [(p.max(axis=1).astype(float), p.argmax(axis=1) == truth.y[rows]) for rows, p in first]
    confidence, correct = (np.concatenate(parts) for parts in zip(*by_fold, strict=True))
    seed, together = seed_for(root_seed, "calibration", model), None if groups is None else np.concatenate(groups)
    error, null = calibration(confidence, correct, seed, together)
    loss, rescaled = _losses(first, truth)
    churn, excess = _churn(labels, truth)
    return Items(
        digests=digests_of(records),
        right=right,
        churn=churn,
        excess_churn=excess,
        calibration_error=(error.value, error.low, error.high),
        calibration_null=null,
        log_loss=loss,
        log_loss_rescaled=rescaled,
        augrc=risk_coverage(confidence, correct).augrc,
        accepted=accepted(by_fold, groups),
        reliability=tuple(reliability(confidence, correct)),
        confusion=_confusion(labels, truth),
        groups=None if truth.groups is None else in_order(truth.groups[labels[min(labels)][0]]),
    )


def write_items(path: Path, items: Measured) -> None:
    """Write the figures as JSON: six significant digits, sorted keys; nothing of groups where there are none."""
    match items:
        case ErrorItems():
            content = as_content(items)
        case ForecastItems():
            content = forecast_items.as_content(items)
        case ListItems():
            content = list_items.as_content(items)
        case _:
            content = _content(items)
    write_atomically(path, (json.dumps(rounded(content), sort_keys=True, separators=(",", ":")) + "\n").encode())


def _content(items: Items) -> dict[str, Any]:
    content = {field.name: getattr(items, field.name) for field in fields(items)}
    known = {name: values for name, values in vars(items.accepted).items() if values is not None}
    content["accepted"] = {name: values.tolist() for name, values in known.items()}
    content["right"] = {f"{repeat} {seed}": pack(bits) for (repeat, seed), bits in items.right.items()}
    if items.groups is None:
        del content["groups"]
    else:
        content["groups"] = pack_codes(items.groups)
    return content


def read_items(path: Path, records: Sequence[Record]) -> Measured | None:
    """Return the figures of these records, or None where they are missing, damaged, or of other predictions."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["digests"] != digests_of(records):
            return None
        if content.get("prediction") == "value":
            return of_content(content)
        if content.get("prediction") == "quantiles":
            return forecast_items.of_content(content)
        if content.get("prediction") == "ranking":
            return list_items.of_content(content)
        right = {tuple(map(int, run.split())): unpack(packed) for run, packed in content["right"].items()}
        lists = {name: tuple(map(tuple, content[name])) for name in ("reliability", "confusion")}
        # A threshold that lets one group through has no effect that could be known.
        counts = Accepted(
            **{
                name: np.array([np.inf if value is None else value for value in values] if name == "effect" else values)
                for name, values in content["accepted"].items()
            }
        )
        spans = {name: tuple(map(number, content[name])) for name in ("calibration_error", "churn", "excess_churn")}
        plain = {name: number(value) for name, value in content.items() if isinstance(value, (int, float, type(None)))}
        groups = unpack_codes(content["groups"]) if "groups" in content else None
        if groups is not None and len(groups) != len(right[min(right)]):
            return None
        return Items(**{**content, **plain, **lists, **spans, "right": right, "accepted": counts, "groups": groups})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _in_row_order(parts: Sequence[tuple[NDArray[np.intp], Probabilities]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows = np.concatenate([rows for rows, _ in parts])
    order = np.argsort(rows)
    return rows[order], np.concatenate([p.argmax(axis=1) for _, p in parts])[order]


def _churn(
    labels: Mapping[tuple[int, int], tuple[NDArray[np.intp], NDArray[np.intp]]], truth: Truth
) -> tuple[tuple[float, float, float], ...]:
    """Return plain and excess churn over the seeds of the first repeat."""
    first = min(repeat for repeat, _ in labels)
    runs = [run for run in sorted(labels) if run[0] == first]
    seeds, rows = np.stack([labels[run][1] for run in runs]), labels[runs[0]][0]
    # Excess churn needs no groups: its interval is that of the seeds.
    groups = None if truth.groups is None else truth.groups[rows]
    found = label_churn(seeds, groups), excess_churn(seeds, truth.y[rows])
    if not found[0].value:
        # Nothing changed, so nothing changed in excess.
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    # In this order a value that is not a number stays one.
    return tuple((max(churn.value, 0.0), churn.low, churn.high) for churn in found)


def _losses(parts: Sequence[tuple[NDArray[np.intp], Probabilities]], truth: Truth) -> tuple[float, float]:
    """Return the log loss, and the one after a temperature that was fitted on the other folds."""
    from scipy.special import log_softmax

    logs = [np.log(np.clip(p.astype(float), 1e-15, 1)) for _, p in parts]
    targets = [truth.y[rows] for rows, _ in parts]

    def loss(log_p: NDArray[np.floating], y: NDArray[np.integer]) -> float:
        return float(-log_p[np.arange(len(y)), y].sum())

    total = sum(map(len, targets))
    plain = sum(map(loss, logs, targets)) / total
    if len(parts) < 2:
        return plain, float("nan")
    rescaled = 0.0
    for fold, (log_p, y) in enumerate(zip(logs, targets, strict=True)):
        others = [number for number in range(len(parts)) if number != fold]
        fitted = temperature(np.concatenate([logs[n] for n in others]), np.concatenate([targets[n] for n in others]))
        rescaled += loss(log_softmax(log_p / fitted, axis=1), y)
    return plain, rescaled / total


def _confusion(
    labels: Mapping[tuple[int, int], tuple[NDArray[np.intp], NDArray[np.intp]]], truth: Truth
) -> tuple[tuple[int, int, float], ...]:
    counts: dict[tuple[int, int], int] = {}
    for rows, predicted in labels.values():
        wrong = predicted != truth.y[rows]
        pairs, numbers = np.unique(np.stack([truth.y[rows][wrong], predicted[wrong]]), axis=1, return_counts=True)
        for true, guess, count in zip(*pairs.tolist(), numbers.tolist(), strict=True):
            counts[true, guess] = counts.get((true, guess), 0) + count
    return tuple((true, guess, count / len(labels)) for (true, guess), count in sorted(counts.items()))
