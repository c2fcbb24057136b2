"""From records to the table of a report: one row a model."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bench.stats import bootstrap
from bench.stats.bridge import completed, shared_folds
from bench.stats.dependable import dependable_score
from bench.stats.estimate import Estimate
from bench.stats.seconds import median, one_two_five, relative_spread, seconds_per_thousand
from bench.stats.single_split import dependable_on_one_split
from bench.stats.unit import POINTS, Unit
from bench.types import Cost, Exposure, Record, Role, seed_for


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How the scores of one table are to be read."""

    metric: str
    sign: float
    """+1 where larger is better, -1 where smaller is."""
    is_share: bool
    """Whether the score is a share of the items, whose variance follows from its size."""
    reference: str
    floor: str
    """Model whose mean stands in for failed cells."""
    margin: float
    """The smallest difference that matters."""
    test_train_ratio: float
    """Test rows divided by training rows of a fold."""
    seed: int
    """Of all resampling."""
    unit: Unit = POINTS
    """How scores are printed."""
    scale: float = 1.0
    """By how much a single item moves a score, times the number of items: 1 where scores lie between 0 and 1."""
    least: float = -math.inf
    """Score below which there is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFacts:
    """What is known of a model beside its records."""

    role: Role
    licence: str
    weights_mb: float
    """Size of pretrained weights."""
    cost: Cost | None
    """None where it was not measured."""
    by_item: NDArray[np.bool_] | NDArray[np.floating] | None
    """Score of each tested row under each seed, shape (S, n), larger is better and the mean is the model's score; rows
    in one order for all models. Of a share, whether the row was predicted right."""
    item_variance: float = math.nan
    """Variance of a fold's score under other test items, where that is known and does not follow from the score."""
    groups: NDArray[np.integer] | None = None
    """Codes of the groups that these rows come in, shape (n,); None where they do not."""
    sample: str = ""
    """What these groups are called where they are the sample even of several folds: windows share their series, and
    most of what models were fitted to. Empty where the folds are."""
    block: int = 0
    """Windows in a row that share steps, 1 where none do; 0 where folds are no windows of time."""
    exposure: Exposure = "unknown"
    """Whether the model was pretrained on the data."""

    @property
    def group_count(self) -> int:
        """Return how many groups the tested rows come in; 0 where they do not."""
        return 0 if self.groups is None else len(np.unique(self.groups))


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelScores:
    """The primary metric of one model, turned so that larger is better."""

    name: str
    facts: ModelFacts
    folds: tuple[tuple[int, int], ...]
    """Repeat and fold of each of the K rows of ``cells``."""
    cells: NDArray[np.floating]
    """Shape (K, S); a failed cell holds the floor's score, one that was not run NaN. Empty where no cell was run."""
    succeeded: NDArray[np.floating]
    """The same with NaN for failed cells: what spread is computed from, for a failure is no draw of the scores."""
    failed: int
    """Cells that failed, ran out of time or memory, or broke the contract."""
    ran: int
    """Cells that were run, failed ones too."""
    fitted: int
    """Of these, the ones that were not filled in from another seed: how many tries the best of them had."""
    not_run: int
    """Cells that were skipped, or could not run here; they count nowhere."""
    items: int
    """Different rows that were tested; the resolution of a score is one of them."""
    digests: tuple[str, ...]
    cost: float
    """Seconds per 1,000 predictions, rounded to a 1-2-5 step; NaN where not measured."""
    fit_seconds: float
    """Rounded to a 1-2-5 step; NaN where not measured."""
    fit_spread: float
    """1.4826 x MAD / median of the seconds of a fit over cells; NaN for fewer than three."""
    dependable: Estimate
    """What nine fresh training runs in ten would score at least."""
    item_variance: float
    """Mean variance of a fold's score under other test items; NaN where it does not follow from the score."""
    reason: str = ""
    """Why there are no cells, or why the first failed one failed."""
    failed_by: Mapping[str, int] = field(default_factory=dict)
    """Failed cells by status, the most frequent first."""
    planned: int = 0
    """Folds that any model was to be run on."""
    shift: float = 0.0
    """What is added to the mean of its own folds to compare it with means of others; 0 where the folds are equal."""
    scale: float = 1.0
    """See `Scoring`."""
    bridged: NDArray[np.floating] | None = None
    """Cells on the folds of the reference, by `bench.stats.bridge`; None where it has these folds itself."""

    @property
    def role(self) -> Role:
        """Role of the model."""
        return self.facts.role

    @property
    def pretrained(self) -> bool:
        """Whether the model owes its place to pretrained weights."""
        return self.role == "zoo" or self.facts.weights_mb > 0

    @property
    def by_fold(self) -> NDArray[np.floating]:
        """Mean over the seeds of each fold, shape (K,)."""
        return np.nanmean(self.cells, axis=1) if self.cells.size else np.empty(0)

    @property
    def mean(self) -> float:
        """Mean over folds of the mean over seeds, as it compares with that of other models; NaN where there is none.

        A model with other folds than the reference has the reference's mean plus its difference to it over the folds
        that both have: what was run on easy folds only would look good otherwise.
        """
        return float(self.by_fold.mean()) + self.shift if self.cells.size else math.nan

    @property
    def replicated(self) -> bool:
        """Whether it has a mean over several folds that can be compared."""
        return len(self.folds) > 1 and math.isfinite(self.mean)

    @property
    def partial(self) -> bool:
        """Whether some of the folds were not run."""
        return 0 < len(self.folds) < self.planned

    @property
    def best(self) -> float:
        """The best single cell that succeeded: a headline elsewhere, a curiosity here."""
        return float(np.nanmax(self.succeeded)) if np.isfinite(self.succeeded).any() else math.nan

    @property
    def all_failed(self) -> bool:
        """Whether every cell failed: its scores are the floor's, and nothing is known of its own."""
        return 0 < self.ran == self.failed


def scores_by_model(records: Sequence[Record], facts: Mapping[str, ModelFacts], scoring: Scoring) -> list[ModelScores]:
    """Return the scores of every model, in the order of ``facts``."""
    ran = [record for record in records if record.status not in ("skipped", "unavailable")]
    floor = [record for record in ran if record.model == scoring.floor and record.status == "ok"]
    imputed = _mean([scoring.sign * record.scores[scoring.metric] for record in floor])
    planned = len({(record.repeat, record.fold) for record in records})
    models = [
        replace(_scores_of(name, [r for r in records if r.model == name], known, imputed, scoring), planned=planned)
        for name, known in facts.items()
    ]
    reference = next((model for model in models if model.name == scoring.reference), None)
    return models if reference is None else [_comparable(model, reference, imputed, scoring) for model in models]


def _comparable(model: ModelScores, reference: ModelScores, imputed: float, scoring: Scoring) -> ModelScores:
    """Return the model with what makes its mean and its dependable score comparable with those of the others."""
    if model.folds == reference.folds or not model.cells.size or not reference.cells.size:
        return model
    mine, its = shared_folds(model.folds, model.by_fold, reference.folds, reference.by_fold)
    if len(mine) < 2:
        few = "one fold" if len(mine) else "no fold"
        shift = reference.mean + float(mine[0] - its[0]) - model.mean if len(mine) else math.nan
        missing = Estimate.not_measured(f"{few} in common with the reference")
        return replace(model, shift=shift, bridged=np.empty((0, 0)), dependable=missing)
    cells = completed(model.folds, model.cells, reference.folds, reference.by_fold, scoring.test_train_ratio)
    # A failure is no draw of the scores: its fold is as missing as one that was not run.
    own, theirs = (_with_successes(one) for one in (model, reference))
    by_fold = np.nanmean(theirs[1], axis=1) if len(theirs[0]) else np.empty(0)
    succeeded = completed(*own, theirs[0], by_fold, scoring.test_train_ratio) if len(own[0]) else np.empty((0, 0))
    dependable = _dependable(model.name, succeeded, model.failed, imputed, model.item_variance, model.facts, scoring)
    shift = reference.mean + float((mine - its).mean()) - model.mean
    return replace(model, shift=shift, bridged=cells, dependable=dependable)


def _with_successes(model: ModelScores) -> tuple[list[tuple[int, int]], NDArray[np.floating]]:
    """Return the folds in which a run succeeded, and their cells."""
    kept = np.isfinite(model.succeeded).any(axis=1)
    return [fold for fold, one in zip(model.folds, kept, strict=True) if one], model.succeeded[kept]


def _scores_of(
    name: str, records: Sequence[Record], facts: ModelFacts, imputed: float, scoring: Scoring
) -> ModelScores:
    ran = [record for record in records if record.status not in ("skipped", "unavailable")]
    ok = [record for record in ran if record.status == "ok"]
    known = {(r.repeat, r.fold, r.seed): _cell_score(r, scoring, imputed) for r in ran}
    # A failed cell has no score where the floor has none.
    folds = sorted({(repeat, fold) for (repeat, fold, _), score in known.items() if not math.isnan(score)})
    grid = [[(*fold, seed) for seed in sorted({r.seed for r in ran})] for fold in folds]
    digests = {(r.repeat, r.fold, r.seed): r.digest for r in ran}
    item_variance = _item_variance(ok, facts, scoring)
    succeeded = _filled(grid, {(r.repeat, r.fold, r.seed): _cell_score(r, scoring, imputed) for r in ok})
    others = [r.reason for r in records if r.status != "ok"]
    return ModelScores(
        name=name,
        facts=facts,
        folds=tuple(folds),
        cells=_filled(grid, known),
        succeeded=succeeded,
        failed=len(ran) - len(ok),
        ran=len(ran),
        fitted=sum(r.origin != "fill" for r in ran),
        not_run=len(records) - len(ran),
        items=_tested_items(ran),
        digests=tuple(digests.get(cell, "") for row in grid for cell in row),
        cost=one_two_five(seconds_per_thousand(ok, facts.cost)),
        fit_seconds=one_two_five(facts.cost.fit_seconds if facts.cost else median([r.fit_seconds for r in ok])),
        fit_spread=relative_spread([r.fit_seconds for r in ok]),
        dependable=_dependable(name, succeeded, len(ran) - len(ok), imputed, item_variance, facts, scoring),
        item_variance=item_variance,
        reason=others[0] if others else "",
        scale=scoring.scale,
        failed_by=dict(Counter(r.status for r in ran if r.status != "ok").most_common()),
    )


def _dependable(
    name: str,
    succeeded: NDArray[np.floating],
    failed: int,
    imputed: float,
    item_variance: float,
    facts: ModelFacts,
    scoring: Scoring,
) -> Estimate:
    if len(succeeded) == 1:
        found = dependable_on_one_split(succeeded, item_variance, failed, imputed, facts.group_count)
    else:
        found = dependable_score(
            succeeded,
            scoring.test_train_ratio,
            seed_for(scoring.seed, "dependable", name),
            failed=failed,
            floor=imputed,
            item_variance=None if math.isnan(item_variance) else item_variance,
        )
    # In this order what is no number stays none.
    value, low, high = (max(one, scoring.least) for one in (found.value, found.low, found.high))
    return replace(found, value=value, low=low, high=high)


def _filled(
    grid: Sequence[Sequence[tuple[int, int, int]]], scores: Mapping[tuple[int, int, int], float]
) -> NDArray[np.floating]:
    rows = [[scores.get(cell, math.nan) for cell in row] for row in grid]
    return np.array(rows, dtype=float) if rows else np.empty((0, 0))


def _tested_items(records: Sequence[Record]) -> int:
    """Return the rows that one repeat tests."""
    sizes = {(r.repeat, r.fold): r.n_test for r in records if r.n_test}
    by_repeat: dict[int, int] = {}
    for (repeat, _), size in sizes.items():
        by_repeat[repeat] = by_repeat.get(repeat, 0) + size
    return max(by_repeat.values(), default=0)


def _cell_score(record: Record, scoring: Scoring, imputed: float) -> float:
    return scoring.sign * record.scores[scoring.metric] if record.status == "ok" else imputed


def _item_variance(ok: Sequence[Record], facts: ModelFacts, scoring: Scoring) -> float:
    """Return the variance that other test items give to a fold's score: the part that all seeds share, where known."""
    if not scoring.is_share:
        return facts.item_variance if ok else math.nan
    found, groups = facts.by_item, facts.groups
    if found is not None and (len(found) > 1 or groups is not None) and ok:
        items = float(np.mean([record.n_test for record in ok]))
        return float(bootstrap.item_variance(found.astype(float), groups) * found.shape[1] / items)
    shares = [(record.scores[scoring.metric], record.n_test) for record in ok if record.n_test]
    return _mean([share * (1 - share) / n for share, n in shares])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
