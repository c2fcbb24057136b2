"""From records to the table of a report: one row a model, compared with the reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.stats.pairs import CorrectedMean, corrected_mean, detectable_difference, folds_needed, prediction_bound
from bench.types import Comparison, Record, Role


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelScores:
    """The primary metric of one model, turned so that larger is better."""

    name: str
    role: Role
    folds: tuple[tuple[int, int], ...]
    """Repeat and fold of each of the K rows of ``cells``."""
    cells: NDArray[np.floating]
    """Shape (K, S); a failed cell holds the floor's score, one that was not run NaN. Empty where no cell was run."""
    failed: int
    """Cells that failed, ran out of time or memory, or broke the contract."""
    ran: int
    """Cells that were run, failed ones too."""
    not_run: int
    """Cells that were skipped, or could not run here; they count nowhere."""
    items: int
    """Different rows that were tested; the resolution of a score is one of them."""
    digests: tuple[str, ...]
    cost: float
    """Seconds per 1,000 predictions, rounded to a 1-2-5 step; NaN where not measured."""
    fit_seconds: float
    """Median over cells, rounded to a 1-2-5 step; NaN where not measured."""
    weights_mb: float
    """Size of pretrained weights."""
    reason: str = ""
    """Why there are no cells, or why the first failed one failed."""

    @property
    def by_fold(self) -> NDArray[np.floating]:
        """Mean over the seeds of each fold, shape (K,)."""
        return np.nanmean(self.cells, axis=1) if self.cells.size else np.empty(0)

    @property
    def mean(self) -> float:
        """Mean over folds of the mean over seeds; NaN where there are none."""
        return float(self.by_fold.mean()) if self.cells.size else math.nan

    @property
    def best(self) -> float:
        """The best single cell: a headline elsewhere, a curiosity here."""
        return float(np.nanmax(self.cells)) if self.cells.size else math.nan

    @property
    def dependable(self) -> float:
        """What nine fresh training runs in ten would score at least."""
        return prediction_bound(self.cells) if self.cells.size else math.nan


def scores_by_model(
    records: Sequence[Record],
    roles: Mapping[str, Role],
    metric: str,
    sign: float,
    floor: str,
    weights_mb: Mapping[str, float],
) -> list[ModelScores]:
    """Return the scores of every model, in the order of ``roles``.

    Parameters
    ----------
    records : sequence of Record
    roles : mapping
        Role of each model.
    metric : str
    sign : float
        +1 where larger is better, -1 where smaller is.
    floor : str
        Model whose mean stands in for failed cells.
    weights_mb : mapping
        Size of each model's pretrained weights in MB.
    """
    ran = [record for record in records if record.status not in ("skipped", "unavailable")]
    imputed = _mean([sign * r.scores[metric] for r in ran if r.model == floor and r.status == "ok"])
    out = []
    for model, role in roles.items():
        mine = [record for record in ran if record.model == model]
        seeds = sorted({r.seed for r in mine})
        known = {(r.repeat, r.fold, r.seed): _cell_score(r, metric, sign, imputed) for r in mine}
        digests = {(r.repeat, r.fold, r.seed): r.digest for r in mine}
        # A failed cell has no score where the floor has none.
        folds = sorted({(repeat, fold) for (repeat, fold, _), score in known.items() if not math.isnan(score)})
        grid = [[(*fold, seed) for seed in seeds] for fold in folds]
        others = [r.reason for r in records if r.model == model and r.status != "ok"]
        out.append(
            ModelScores(
                name=model,
                role=role,
                folds=tuple(folds),
                cells=np.array([[known.get(cell, math.nan) for cell in row] for row in grid]).reshape(
                    len(folds), len(seeds)
                ),
                failed=sum(r.status != "ok" for r in mine),
                ran=len(mine),
                not_run=sum(r.model == model for r in records) - len(mine),
                items=_tested_items(mine),
                digests=tuple(digests.get(cell, "") for row in grid for cell in row),
                cost=one_two_five(
                    _median([1000 * r.predict_seconds / r.n_test for r in mine if r.status == "ok" and r.n_test])
                ),
                fit_seconds=one_two_five(_median([r.fit_seconds for r in mine if r.status == "ok"])),
                weights_mb=weights_mb.get(model, 0.0),
                reason=others[0] if others else "",
            )
        )
    return out


def score_interval(scores: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the mean score over folds with its corrected standard error."""
    return corrected_mean(scores.by_fold, test_train_ratio, _resolution(scores))


def paired(one: ModelScores, other: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the mean difference ``one - other`` over the folds that both have, seeds averaged."""
    theirs = dict(zip(other.folds, other.by_fold, strict=True))
    gaps = [mine - theirs[fold] for fold, mine in zip(one.folds, one.by_fold, strict=True) if fold in theirs]
    return corrected_mean(np.array(gaps), test_train_ratio, max(_resolution(one), _resolution(other)))


def compare(
    one: ModelScores, reference: ModelScores, metric: str, margin: float, test_train_ratio: float
) -> Comparison:
    """Compare a model with the reference.

    A verdict needs a probability of 0.95 that the difference lies beyond the margin, or within it. An interval that
    excludes zero is not enough: what is surely better by less than matters is not better.
    """
    difference = paired(one, reference, test_train_ratio)
    low, high = difference.interval()
    p_better, p_worse = difference.probability_above(margin), 1 - difference.probability_above(-margin)
    verdict: Literal["better", "worse", "equal", "cannot tell", "identical"] = "cannot tell"
    if one.digests and one.digests == reference.digests:
        verdict = "identical"
    elif p_better >= 0.95:
        verdict = "better"
    elif p_worse >= 0.95:
        verdict = "worse"
    elif 1 - p_better - p_worse >= 0.95:
        verdict = "equal"
    return Comparison(
        model=one.name,
        reference=reference.name,
        metric=metric,
        difference=difference.mean,
        low=low,
        high=high,
        p_better=p_better,
        p_equivalent=1 - p_better - p_worse,
        p_worse=p_worse,
        verdict=verdict,
        detectable=detectable_difference(difference),
        folds_needed=folds_needed(difference, margin),
    )


def one_two_five(value: float) -> float:
    """Round to the nearest of 1, 2, 5 times a power of ten, on the logarithmic scale.

    Timings move from run to run; steps this wide keep noise out of tables and decisions.

    Examples
    --------
    >>> one_two_five(0.0437), one_two_five(130.0)
    (0.05, 100.0)
    """
    if not value > 0 or math.isinf(value):
        return value
    exponent = math.floor(math.log10(value))
    steps = [step * 10.0**power for power in (exponent, exponent + 1) for step in (1, 2, 5)]
    return float(f"{min(steps, key=lambda step: abs(math.log(step / value))):.1g}")


def _resolution(scores: ModelScores) -> float:
    return 1 / scores.items if scores.items else 0.0


def _tested_items(records: Sequence[Record]) -> int:
    """Return the rows that one repeat tests."""
    sizes = {(r.repeat, r.fold): r.n_test for r in records if r.n_test}
    by_repeat: dict[int, int] = {}
    for (repeat, _), size in sizes.items():
        by_repeat[repeat] = by_repeat.get(repeat, 0) + size
    return max(by_repeat.values(), default=0)


def _cell_score(record: Record, metric: str, sign: float, imputed: float) -> float:
    return sign * record.scores[metric] if record.status == "ok" else imputed


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _median(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.median(finite)) if finite else math.nan
