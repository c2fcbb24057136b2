"""From a config to a run that can start: data read, splits made, models chosen; nothing is fitted."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import plan, registry
from bench.cell import CellInputs
from bench.data import Reader
from bench.executor import suited, threads_per_cell
from bench.files import write_atomically
from bench.memory import Memory
from bench.panel_truth import ceiling_of
from bench.predictions import Predictions
from bench.ranking.ceiling import best_lists
from bench.ranking.diagnostics import split_facts
from bench.ranking.protocol import under
from bench.room import without_room
from bench.settings import DataSpec, RunConfig
from bench.types import Cell, Dataset, ModelChoice, Split, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo

SCRATCH = Path(".bench")
"""Logs, predictions, HTML reports, and the tables of toy runs; ignored by git."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A run that can start."""

    config: RunConfig
    task: Task
    dataset: Dataset
    splits: tuple[Split, ...]
    models: tuple[ModelChoice, ...]
    zoo: Zoo

    @property
    def root(self) -> Path:
        """Folder of the tables: what a toy run finds is for the eye only."""
        return SCRATCH / "results" if self.config.budget.name == "toy" else self.config.results_dir

    @property
    def predictions(self) -> Predictions:
        """Where the predictions of the cells lie."""
        below = Path(self.task.name) / self.config.data.name / self.config.budget.name
        return Predictions(SCRATCH / "predictions" / below)

    def cells(self) -> list[Cell]:
        """Return every cell of this run, or those of its shard."""
        cells = plan.make_cells(self.config, self.task, self.models, self.splits)
        return plan.of_shard(cells, self.models, self.config.shard) if self.config.shard else cells

    def inputs(self) -> CellInputs:
        """Return what all cells share."""
        return CellInputs(
            task=self.task,
            dataset=self.dataset,
            splits=self.splits,
            models=self.models,
            zoo=self.zoo,
            features=FeatureCache(self.config.cache_dir / "features", _texts_of(self.dataset)),
            predictions=None if self.task.protocol == "curve" else self.predictions,
            seed=self.config.seed,
            threads=threads_per_cell(self.config.budget, self.config.executor),
            logs=SCRATCH / "logs",
            studies=SCRATCH / "studies",
            trials=self.config.budget.trials,
            cell_seconds=self.config.budget.cell_seconds,
            memory=Memory(self.config.cache_dir / "forecasts"),
        )


def prepare(config: RunConfig, say: Callable[[str], None]) -> Prepared:
    """Read the data and make the splits; what was changed on the way stands in the data set's notes."""
    task = plan.make_task(config)
    zoo = Zoo.open(config.cache_dir, allow_unpinned=config.allow_unpinned)
    kind = registry.task_type(config.task_type)
    dataset = kind.load(config.data, Reader(spec=config.data, zoo=zoo, say=say))
    dataset = kind.sized(dataset, config.data, config.budget, config.seed)
    if dataset.ranking is not None:
        dataset = under(dataset, task.protocol, config.budget)
    splits, notes = kind.splits(dataset, task.protocol, config.budget, config.seed)
    models, left_out = plan.without_unfit(plan.choose_models(config, task), config, dataset)
    models, too_short = without_room(models, dataset, splits)
    for sentence in (*left_out, *too_short):
        say(sentence)
    return Prepared(
        config=replace(config, executor=suited(config.executor, dataset)),
        task=task,
        dataset=replace(
            dataset,
            notes=(*dataset.notes, *notes),
            ceiling=ceiling_of(dataset, splits) or best_lists(dataset, splits),
            split_facts=split_facts(dataset, splits) if dataset.recommending is not None else {},
        ),
        splits=tuple(splits),
        models=models,
        zoo=zoo,
    )


def _texts_of(dataset: Dataset) -> str:
    """Return what names the texts of a data set: those of items are the same under every protocol."""
    if dataset.recommending is None:
        return dataset.fingerprint
    return hashlib.sha256("\x1e".join(dataset.recommending.texts).encode(errors="surrogatepass")).hexdigest()


def remember_data(spec: DataSpec) -> None:
    """Keep how a data set is read, so that cells on a user's own file can be run again from here."""
    write_atomically(_remembered(spec.name), json.dumps(asdict(spec), indent=2).encode(), durable=False)


def recall_data(name: str) -> DataSpec | None:
    """Return how a data set was last read from here; None where it was not."""
    try:
        return DataSpec.of(json.loads(_remembered(name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _remembered(name: str) -> Path:
    return SCRATCH / "data" / f"{name}.json"
