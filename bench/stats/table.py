"""From records to the table of a report: one row a model, compared with the reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.stats.pairs import CorrectedMean, corrected_mean, prediction_bound
from bench.types import Comparison, Record, Role


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelScores:
    """The primary metric of one model, turned so that larger is better."""

    name: str
    role: Role
    folds: tuple[tuple[int, int], ...]
    """Repeat and fold of each of the K rows of ``cells``."""
    cells: NDArray[np.floating]
    """Shape (K, S); a failed cell holds the floor's score. Empty where no cell was run."""
    failed: int
    """Cells that failed, ran out of time or memory, or broke the contract."""
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
    def mean(self) -> float:
        """Mean over all cells; NaN where there are none."""
        return float(self.cells.mean()) if self.cells.size else math.nan

    @property
    def best(self) -> float:
        """The best single cell: a headline elsewhere, a curiosity here."""
        return float(self.cells.max()) if self.cells.size else math.nan

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
        folds = sorted({(r.repeat, r.fold) for r in mine})
        seeds = sorted({r.seed for r in mine})
        known = {(r.repeat, r.fold, r.seed): r for r in mine}
        complete = [fold for fold in folds if all((*fold, seed) in known for seed in seeds)]
        cells = [[_cell_score(known[(*fold, seed)], metric, sign, imputed) for seed in seeds] for fold in complete]
        others = [r.reason for r in records if r.model == model and r.status != "ok"]
        out.append(
            ModelScores(
                name=model,
                role=role,
                folds=tuple(complete),
                cells=np.array(cells).reshape(len(complete), len(seeds)) if complete else np.empty((0, 0)),
                failed=sum(r.status != "ok" for r in mine),
                digests=tuple(known[(*fold, seed)].digest for fold in complete for seed in seeds),
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
    return corrected_mean(scores.cells.mean(axis=1) if scores.cells.size else np.empty(0), test_train_ratio)


def paired(one: ModelScores, other: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the mean difference ``one - other`` over the folds that both have, seeds averaged."""
    shared = [fold for fold in one.folds if fold in other.folds]
    mine, theirs = (
        np.array([scores.cells[scores.folds.index(fold)].mean() for fold in shared]) for scores in (one, other)
    )
    return corrected_mean(mine - theirs, test_train_ratio)


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


def _cell_score(record: Record, metric: str, sign: float, imputed: float) -> float:
    return sign * record.scores[metric] if record.status == "ok" else imputed


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _median(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.median(finite)) if finite else math.nan
