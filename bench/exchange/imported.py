"""The way back: predictions made elsewhere become rows, scored here and marked as imported."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.answers import kept
from bench.errors import DataError
from bench.exchange.checks import id_column, positions, probabilities, values
from bench.exchange.files import Returned, read_returned
from bench.exchange.folder import Manifest, parts_of, place, row_ids
from bench.exchange.layouts import Wanted, predictions_in
from bench.files import sha256_of
from bench.predictions import Probabilities, Values, prediction_digest
from bench.prepare import Prepared
from bench.provenance import provenance_of
from bench.types import Cell, Record, Split

OF_THE_SPLITS = (
    "task",
    "task_version",
    "protocol",
    "metrics",
    "data_fingerprint",
    "folds",
    "splits",
    "root_seed",
)
"""What tables of one report have in common."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Who made the predictions, as its user says."""

    name: str
    """Of its rows."""
    licence: str = "unknown"
    note: str = ""
    """One sentence for the report."""
    seconds: float = 0.0
    """Of training and predicting all splits; 0 where nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Sound predictions for one split and seed, in the order of the test rows."""

    split: Split
    seed: int
    predicted: Probabilities | Values
    layout: str
    files: tuple[Path, ...]

    @property
    def sha256(self) -> str:
        """Hash of the files, whatever their names and order."""
        return hashlib.sha256("".join(sorted(map(sha256_of, self.files))).encode()).hexdigest()[:16]


def check_unchanged(manifest: Manifest, run: Prepared) -> None:
    """Refuse predictions for splits that are not those of the run any more.

    Raises
    ------
    DataError
        Saying what has changed since the export.
    """
    splits = {place(split): split for split in run.splits}
    now = {
        "the task": (manifest.task, manifest.task_version) == (run.task.name, run.task.version),
        "the data": manifest.data_fingerprint == run.dataset.fingerprint,
        "the seed": manifest.root_seed == run.config.seed,
        "the splits": manifest.splits.keys() == splits.keys()
        and all(manifest.splits[name] == parts_of(split) for name, split in splits.items()),
    }
    if changed := [what for what, same in now.items() if not same]:
        raise DataError(
            f"Since the export {', '.join(changed)} changed, and these predictions are for other rows. Restore what "
            "was exported, or export anew into another folder and have it predicted again."
        )


def read_answers(returned: Sequence[Returned], manifest: Manifest, run: Prepared) -> list[Answer]:
    """Return the predictions of every file; nothing is read from labels of test rows.

    Raises
    ------
    DataError
        If a prediction is missing or is none, with the split and the first ids.
    """
    splits = {place(split): split for split in run.splits}
    ids = {name: row_ids(run.dataset.fingerprint, split) for name, split in splits.items()}
    homes = {one: name for name, mine in ids.items() for one in mine}
    answers = []
    for found in returned:
        try:
            predicted, layout = _answer(found, splits[found.place], ids[found.place], homes, manifest, run)
        except DataError as error:
            raise DataError(f"{found.where}: {error}") from error
        split = splits[found.place]
        answers.append(Answer(split=split, seed=found.seed, predicted=predicted, layout=layout, files=found.paths))
    return answers


def _answer(
    found: Returned, split: Split, ids: Sequence[str], homes: dict[str, str], manifest: Manifest, run: Prepared
) -> tuple[NDArray[Any], str]:
    table = read_returned(found.paths)
    column = id_column(table, manifest.row_id)
    listed = ", ".join(path.name for path in found.errors)
    hint = f" The service says what it could not predict in {listed}." if found.errors else ""
    at = positions([str(one).strip() for one in table[column]], ids, homes, hint)
    taught = np.unique(run.dataset.y[split.train]) if run.dataset.classes else np.empty(0, np.intp)
    wanted = Wanted(
        targets=tuple(dict.fromkeys((manifest.target, manifest.target_in_data))),
        classes=run.dataset.classes,
        taught=frozenset(run.dataset.classes[code] for code in taught),
    )
    raw, layout = predictions_in(table.drop(columns=column), wanted)
    raw = raw.iloc[at].reset_index(drop=True)
    answer = probabilities(raw, ids) if wanted.classes else values(raw, ids)
    return kept(answer, run.task.prediction), layout


def cell_of(answer: Answer, service: Service, run: Prepared) -> Cell:
    """Return the cell that an answer stands for."""
    return Cell(
        task=run.task.name,
        data=run.config.data.name,
        model=service.name,
        spec=service.name,
        budget=run.config.budget.name,
        repeat=answer.split.repeat,
        fold=answer.split.fold,
        seed=answer.seed,
    )


def records_of(answers: Sequence[Answer], service: Service, run: Prepared) -> list[Record]:
    """Return a row for every split and seed of the run: scored where there is an answer, skipped where not.

    Raises
    ------
    DataError
        If a score is no number.
    """
    known = {(answer.split.repeat, answer.split.fold, answer.seed): answer for answer in answers}
    rows = []
    for split in run.splits:
        for seed in range(run.config.budget.seeds):
            answer = known.get((split.repeat, split.fold, seed))
            seeds = any((split.repeat, split.fold, other) in known for other in range(seed))
            why = f"No predictions of a further training were imported ({place(split)}/seed{seed})."
            why = why if seeds else f"No predictions were imported for this split ({place(split)})."
            rows.append(
                _scored(answer, service, run)
                if answer is not None
                else Record(
                    model=service.name,
                    repeat=split.repeat,
                    fold=split.fold,
                    seed=seed,
                    status="skipped",
                    origin="import",
                    reason=why,
                )
            )
    return rows


def _scored(answer: Answer, service: Service, run: Prepared) -> Record:
    split = answer.split
    scores = metrics.scores(run.task.metrics, run.dataset.y[split.test], answer.predicted)
    if missing := [name for name, score in scores.items() if not np.isfinite(score)]:
        raise DataError(f"{place(split)}: the {missing[0]} of these predictions is not a number.")
    return Record(
        model=service.name,
        repeat=split.repeat,
        fold=split.fold,
        seed=answer.seed,
        status="ok",
        origin="import",
        scores=scores,
        n_train=len(split.train),
        n_test=len(split.test),
        digest=prediction_digest(answer.predicted),
    )


def made_elsewhere(answers: Sequence[Answer], service: Service, run: Prepared) -> dict[str, Any]:
    """Return what makes the rows, as `bench.provenance.provenance_of` does of a model that runs here.

    The key follows the files: other predictions are other rows.
    """
    reference, config = run.models[0], run.config
    beside = provenance_of(reference, run.task, run.dataset, config.budget, run.splits, config.seed, run.zoo)
    given = {f"{place(answer.split)}-seed{answer.seed}": answer for answer in answers}
    inputs = {name: beside["inputs"][name] for name in OF_THE_SPLITS}
    inputs |= {"model": service.name, "params": {}, "predictions": {name: one.sha256 for name, one in given.items()}}
    about = beside["about"] | {
        "role": "external",
        "licence": service.licence,
        "trained_on": "unknown",
        "deterministic": False,
        "weights_mb": 0.0,
        "unpinned": [],
        "encoder": {},
        "summary": "Predictions made elsewhere and imported.",
        "imported": {
            **{name: value for name, value in asdict(service).items() if name in ("note", "seconds")},
            "layouts": sorted({answer.layout for answer in answers}),
            "files": {name: sorted(path.name for path in one.files) for name, one in given.items()},
        },
    }
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return {"key": key, "inputs": inputs, "about": about}
