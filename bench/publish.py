"""From the tables of a folder to the files that people read: Markdown, HTML, the decision, and the overview of all."""

import contextlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.files import write_atomically
from bench.predictions import Predictions, Truth
from bench.report.content import Content
from bench.report.html import Example, report_html
from bench.report.markdown import overview_markdown, report_markdown
from bench.report.pretraining import exposed_models, stand_in
from bench.report.protocols import with_protocols
from bench.report.read import read_content
from bench.report.shown_lists import ShownUser, shown_models, shown_users
from bench.results import read_records

EXAMPLES = 12
"""Wrong predictions that a page shows of each model, the most confident first, or the largest errors."""


def publish(folder: Path, results_dir: Path, machine: str, scratch: Path) -> Content | None:
    """Write report, decision and overview of one folder; return what they say, or None without a reference.

    Parameters
    ----------
    folder : Path
        ``<results_dir>/<task>/<data>/<budget>``.
    results_dir : Path
    machine : str
        Machine class whose costs are preferred.
    scratch : Path
        Where predictions lie, and HTML goes.
    """
    content = read_content(folder, results_dir, machine)
    if content is None:
        return None
    content = with_protocols(content, folder, results_dir)
    write_atomically(folder / "report.md", report_markdown(content).encode())
    write_atomically(folder / "decision.json", decision_json(content))
    write_atomically(results_dir / "README.md", overview_markdown(read_decisions(results_dir)).encode())
    truth = predictions_of(content, scratch).load_truth(content.facts["inputs"]["data_fingerprint"])
    shown = examples(content, folder, scratch, truth) if truth is not None else []
    labels = content.facts["about"].get("labels") or (truth.classes if truth is not None else ())
    page = report_html(content, shown, tuple(labels), users_shown(content, folder, scratch, truth))
    write_atomically(html_path(content, scratch), page.encode())
    return content


def html_path(content: Content, scratch: Path) -> Path:
    """Return where the page of a report lies."""
    return scratch / "reports" / f"{content.task.name}-{content.data}-{content.budget}.html"


def decision_json(content: Content) -> bytes:
    """Return the decision as JSON, six significant digits: for programs, and for the overview."""
    decision = {name: _plain(value) for name, value in asdict(content.decision).items()}
    best = content.best.scores.name if content.best is not None else ""
    # What the overview compares over data sets.
    means = {
        row.scores.name: _plain(content.unit.sign * row.scores.mean)
        for row in content.rows
        if row.scores.role != "floor"
    }
    whole = {**decision, "best": best, "means": means, "reference": content.task.reference}
    if not content.unit.in_points:
        whole["unit"] = asdict(content.unit)
    if panel := content.facts["about"].get("panel"):
        whole["panel"] = {name: panel[name] for name in ("freq", "season", "series")}
    if ranking := content.facts["about"].get("ranking"):
        whole["protocol"] = ranking["hash"]
    mode = content.settings.exposed
    if seen := exposed_models(content) if mode == "show" else list(content.hidden):
        whole["exposed"] = {"models": sorted(seen), "as": mode, "imputed_by": stand_in(content)}
    return (json.dumps(whole, indent=2, sort_keys=True) + "\n").encode()


def read_decisions(results_dir: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return (folder below ``results_dir``, decision) of every report, in alphabetical order.

    A damaged one elsewhere is for ``validate`` to report, and no reason to lose this run's report.
    """
    found = []
    for path in sorted(results_dir.glob("*/*/*/decision.json")):
        with contextlib.suppress(ValueError):
            decision = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(decision, dict) and {"pick", "best", "price", "means", "reference"} <= set(decision):
                found.append((path.parent.relative_to(results_dir).as_posix(), decision))
    return found


def examples(content: Content, folder: Path, scratch: Path, truth: Truth) -> list[Example]:
    """Return the worst predictions of the pick and the runner-up, as far as predictions are at hand.

    Of forecasts there are none: series are shown in pictures, whole. Nor of lists, which are shown user by user.
    """
    if content.task.prediction in ("quantiles", "ranking"):
        return []
    predictions = predictions_of(content, scratch)
    models = [name for name in (content.decision.pick, content.decision.runner_up) if name]
    if not truth.classes:
        return [example for model in models for example in _far_off(model, folder, content, predictions, truth)]
    if not truth.items:
        return []
    return [example for model in models for example in _wrong(model, folder, content, predictions, truth)]


def users_shown(content: Content, folder: Path, scratch: Path, truth: Truth | None) -> list[ShownUser]:
    """Return users with their lists under the first seed, as far as lists are at hand; see `shown_users`."""
    if truth is None or truth.ranking is None:
        return []
    predictions, place, lists = predictions_of(content, scratch), (*truth.ranking.shown, 0), {}
    for model in shown_models(content):
        for record in read_records(folder / f"{model}.csv", content.task.metrics):
            own = predictions.load(record) if (record.repeat, record.fold, record.seed) == place else None
            if own is not None and len(own) == len(truth.ranking.relevant[truth.ranking.shown].users):
                lists[model] = own
    return shown_users(truth.ranking, lists)


def predictions_of(content: Content, scratch: Path) -> Predictions:
    """Return where the predictions behind a report lie."""
    return Predictions(scratch / "predictions" / content.task.name / content.data / content.budget)


def _wrong(model: str, folder: Path, content: Content, predictions: Predictions, truth: Truth) -> list[Example]:
    """Return the most confident mistakes of the first seed of the first repeat."""
    found = []
    for record in read_records(folder / f"{model}.csv", content.task.metrics):
        p = predictions.load(record) if (record.repeat, record.seed) == (0, 0) else None
        if p is None:
            continue
        rows, guesses = truth.tests[record.repeat, record.fold], p.argmax(axis=1)
        for at in np.flatnonzero(guesses != truth.y[rows]):
            found.append(
                Example(
                    model=model,
                    true=truth.classes[truth.y[rows[at]]],
                    predicted=truth.classes[guesses[at]],
                    confidence=float(p[at].max()),
                    text=truth.items[rows[at]],
                )
            )
    return sorted(found, key=lambda example: (-example.confidence, example.text))[:EXAMPLES]


def _far_off(model: str, folder: Path, content: Content, predictions: Predictions, truth: Truth) -> list[Example]:
    """Return the largest errors of the first seed of the first repeat."""
    found = []
    for record in read_records(folder / f"{model}.csv", content.task.metrics):
        values = predictions.load(record) if (record.repeat, record.seed) == (0, 0) else None
        if values is None:
            continue
        rows = truth.tests[record.repeat, record.fold]
        errors = np.abs(values - truth.y[rows])
        for at in np.argsort(-errors, kind="stable")[:EXAMPLES]:
            text = truth.items[rows[at]] if truth.items else f"row {rows[at]}"
            true, predicted = (f"{value:.6g}" for value in (truth.y[rows[at]], values[at]))
            one = Example(model=model, true=true, predicted=predicted, confidence=math.nan, text=text)
            found.append((float(errors[at]), one))
    return [example for _, example in sorted(found, key=lambda pair: (-pair[0], pair[1].text))[:EXAMPLES]]


def _plain(value: object) -> object:
    if isinstance(value, float):
        return None if value != value else float(f"{value:.6g}")
    return value
