"""What a report says: plain values, ready to be worded, printed or drawn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.exposure import Declaration
from bench.forecast_items import ForecastItems
from bench.items import Items
from bench.ranking.list_items import ListItems
from bench.settings import Expected, Limits, ReportSettings
from bench.stats.curve import Crossing, CurvePoint
from bench.stats.deferral import Deferral
from bench.stats.intervals import Intervals
from bench.stats.pairs import CorrectedMean
from bench.stats.protocols import Tested
from bench.stats.search import Tuning
from bench.stats.stability import Stability
from bench.stats.table import ModelScores
from bench.stats.unit import POINTS, Unit
from bench.stats.verdicts import Comparison, Decision, Finding
from bench.stats.weights import Weights
from bench.types import Cost, Exposure, Robustness, Task


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the joint bootstrap says of one model; see `bench.stats.pareto`."""

    membership: float
    """Probability of lying on the Pareto front of score, instability and cost."""
    p_best: float
    """Probability of the highest mean."""
    regret: float
    """Expected loss of mean score against the best."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How scores grow with the training rows."""

    points: tuple[CurvePoint, ...]
    crossing: Crossing | None
    """Of the best pretrained and the best stable model."""
    unit: Unit = POINTS
    """How its scores are printed."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model."""

    key: str
    """Of its table."""
    about: Mapping[str, Any]
    """What its provenance says for readers."""
    scores: ModelScores
    mean: CorrectedMean
    against: Comparison
    others: Mapping[str, float]
    """Means of the metrics that do not decide."""
    stability: Stability
    items: Items | None
    """What single predictions of classes say; None where they are not at hand."""
    cost: Cost | None
    robustness: Robustness | None
    deferral: Deferral | None
    intervals: Intervals | None = None
    """Of the predicted values; None where they were not measured at this level, and for classes."""
    forecasts: ForecastItems | None = None
    """What single forecasts say; None where they are not at hand, and for other predictions."""
    lists: ListItems | None = None
    """The same of lists of items."""
    standing: Standing | None
    """Place on the Pareto front; None where the model has no scores."""
    tuning: Tuning | None = None
    """What its searches bought; None where its parameters are fixed."""
    weights: Weights | None = None
    """Of its members; None where it is no ensemble."""
    declared: Declaration | None = None
    """What is said of its pretraining."""

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean; NaN where a model has fewer folds, for then the difference alone has one.

        NaN too where every cell failed: the floor's scores are no measurement of this model.
        """
        return (math.nan, math.nan) if self.scores.partial or self.scores.all_failed else self.mean.interval()

    @property
    def exposure(self) -> Exposure:
        """Whether it was pretrained on the data."""
        return self.scores.facts.exposure

    @property
    def imported(self) -> Mapping[str, Any]:
        """What its user says of predictions that were made elsewhere; empty where the model was run here."""
        found: Mapping[str, Any] = self.about.get("imported", {})
        return found

    @property
    def folds_run(self) -> str:
        """How many of the folds were run, as words for a table; empty where it is all of them."""
        return f"{len(self.scores.folds)} of {self.scores.planned} folds" if self.scores.partial else ""

    @property
    def label(self) -> str:
        """Name for tables whose figures are those of its own folds, and where no verdict stands beside it."""
        marks = [*([self.folds_run] if self.folds_run else []), *(["exposed"] if self.exposure == "exposed" else [])]
        return f"{self.scores.name} ({', '.join(marks)})" if marks else self.scores.name


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything a report shows of one task, data set and budget."""

    task: Task
    data: str
    budget: str
    facts: Mapping[str, Any]
    """Provenance of the reference's table."""
    machine: str
    """Machine class that the costs come from; empty where none was measured."""
    rows: tuple[Row, ...]
    test_train_ratio: float
    unit: Unit
    """How scores are printed."""
    margin: float
    """The smallest difference that matters, in units of the metric."""
    decision: Decision
    settings: ReportSettings
    limits: Limits
    left_out: tuple[str, ...]
    """Models whose tables were made from other data, splits or versions."""
    curve: Curve | None
    checks: tuple["Check", ...]
    """Published figures beside the measured ones."""
    findings: tuple[Finding, ...] = ()
    hidden: tuple[str, ...] = ()
    """Models that have scores and no row, for they were pretrained on the data; see ``report.exposed``."""
    tested: tuple[Tested, ...] = ()
    """The same data under each protocol that recommendations were tested by, this one first; empty where it is the only
    one. See `bench.report.protocols`."""

    @property
    def best(self) -> Row | None:
        """The model with the highest mean that is no floor; None where none has scores."""
        rows = [row for row in self.rows if row.scores.role != "floor" and math.isfinite(row.scores.mean)]
        return max(rows, key=lambda row: row.scores.mean, default=None)

    @property
    def part(self) -> str:
        """What a part of the data that is tested is called."""
        return "split" if self.task.prediction == "ranking" else "fold"

    @property
    def asked(self) -> str:
        """What models are asked about, one by one or together."""
        return "users" if self.task.prediction == "ranking" else "rows"

    @property
    def single_split(self) -> bool:
        """Whether the reference was scored on one split alone."""
        reference = self.row(self.task.reference)
        return reference is not None and len(reference.scores.folds) == 1

    @property
    def grouped(self) -> bool:
        """Whether test rows come in groups, as far as their predictions are known."""
        return any(
            row.scores.facts.groups is not None or (row.items is not None and row.items.groups is not None)
            for row in self.rows
        )

    def row(self, model: str) -> Row | None:
        """Return the row of a model, if there is one."""
        return next((row for row in self.rows if row.scores.name == model), None)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A published figure beside the measured one."""

    expected: Expected
    measured: float
    """NaN where the model has no score."""

    @property
    def met(self) -> bool:
        """Whether the measured figure lies within the tolerance, and not below the promised floor."""
        near = abs(self.measured - self.expected.score) <= self.expected.tolerance
        return near and self.measured >= self.expected.at_least
