"""One model beside another: the mean with its interval, the paired difference, the verdict."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from bench.stats.blocks import block_mean
from bench.stats.bootstrap import item_variance, mcnemar
from bench.stats.bridge import Floats, shared_folds
from bench.stats.pairs import CorrectedMean, corrected_mean, detectable_difference, folds_needed
from bench.stats.single_split import item_difference, mean_on_one_split
from bench.stats.table import ModelScores
from bench.stats.variance import AGREE
from bench.stats.verdicts import Comparison
from bench.types import seed_for

OVER_FOLDS = "corrected resampled t over folds"


def score_interval(scores: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the mean score with its corrected standard error; of a single split, that over its items.

    Of several windows of a panel it is that over the series, each with all its windows; of one series over its windows.
    """
    facts = scores.facts
    if len(scores.folds) == 1 and not math.isnan(scores.item_variance):
        return mean_on_one_split(scores.cells, scores.item_variance, facts.group_count, facts.sample)
    if facts.sample and facts.by_item is not None:
        means = np.nanmean(scores.cells, axis=0, keepdims=True)
        variance = item_variance(facts.by_item.astype(float), facts.groups)
        return mean_on_one_split(means, variance, facts.group_count, facts.sample)
    return _over_folds(scores.by_fold, facts.block, test_train_ratio, _resolution(scores, scores.by_fold))


def paired(one: ModelScores, other: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the mean difference ``one - other``, seeds averaged.

    Over the folds that both have; where that is a single one, over its items, if the predictions of both are known. Of
    a panel over the series, each with all its windows; of one series over its windows. Equal predictions surely differ
    by nothing.
    """
    found = _paired(one, other, test_train_ratio)
    return replace(found, mean=0.0, scale=0.0, df=max(found.df, 1)) if _same(one, other) else found


def _paired(one: ModelScores, other: ModelScores, test_train_ratio: float) -> CorrectedMean:
    mine, theirs = shared_folds(one.folds, one.by_fold, other.folds, other.by_fold)
    gaps = mine - theirs
    known = one.facts.by_item is not None and other.facts.by_item is not None
    if known and (len(gaps) == 1 or (one.facts.sample and other.facts.sample)):
        # The same draws whichever way round the two are given.
        first, second = sorted((one, other), key=lambda model: model.name)
        seed, facts = seed_for(0, first.name, second.name), first.facts
        gap = item_difference(facts.by_item, second.facts.by_item, seed, facts.groups, one.scale, facts.sample)  # type: ignore[arg-type]
        return gap if first is one else replace(gap, mean=-gap.mean)
    resolution = max(_resolution(model, gaps) for model in (one, other))
    return _over_folds(gaps, max(one.facts.block, other.facts.block), test_train_ratio, resolution)


def _over_folds(values: Floats, block: int, test_train_ratio: float, resolution: float) -> CorrectedMean:
    """Return the mean over folds, or over windows where these are what folds are."""
    if block:
        return block_mean(values, block, resolution=resolution)
    return corrected_mean(values, test_train_ratio, resolution)


def _same(one: ModelScores, other: ModelScores) -> bool:
    """Return whether two models made the same predictions in every cell."""
    return bool(one.digests) and all(one.digests) and one.digests == other.digests


def bridged(one: ModelScores, other: ModelScores, reference: ModelScores, test_train_ratio: float) -> CorrectedMean:
    """Return the paired difference, or where too few folds are shared that of the differences to the reference."""
    direct = paired(one, other, test_train_ratio)
    if not math.isnan(direct.scale):
        return direct
    sides = [paired(model, reference, test_train_ratio) for model in (one, other)]
    scale, df = math.hypot(*(side.scale for side in sides)), min(side.df for side in sides)
    return CorrectedMean(mean=sides[0].mean - sides[1].mean, scale=scale, df=df)


def compare(
    one: ModelScores, reference: ModelScores, metric: str, margin: float, test_train_ratio: float
) -> Comparison:
    """Compare a model with the reference.

    A verdict needs a probability of 0.95 that the difference lies beyond the margin, or within it. An interval that
    excludes zero is not enough: what is surely better by less than matters is not better. Equal predictions need no
    probability.
    """
    difference = paired(one, reference, test_train_ratio)
    low, high = difference.interval()
    p_better, p_worse = difference.probability_above(margin), 1 - difference.probability_above(-margin)
    if _same(one, reference):
        return _identical(one, reference, metric, bool(difference.method))
    verdict: Literal["better", "worse", "equal", "cannot tell"] = "cannot tell"
    if p_better >= 0.95:
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
        method=difference.method if difference.df == 0 or difference.method else OVER_FOLDS,
        mcnemar=_mcnemar(one, reference) if difference.method else math.nan,
    )


def _identical(one: ModelScores, reference: ModelScores, metric: str, by_item: bool) -> Comparison:
    """Return the comparison of equal predictions, of which there is nothing to estimate."""
    return Comparison(
        model=one.name,
        reference=reference.name,
        metric=metric,
        difference=0.0,
        low=0.0,
        high=0.0,
        p_better=0.0,
        p_equivalent=1.0,
        p_worse=0.0,
        verdict="identical",
        method="none: the same predictions" if by_item else OVER_FOLDS,
        mcnemar=_mcnemar(one, reference) if by_item else math.nan,
    )


def _mcnemar(one: ModelScores, other: ModelScores) -> float:
    """Return McNemar's p; NaN where items come in groups, which it takes as independent, or are not right or wrong."""
    mine, theirs = one.facts.by_item, other.facts.by_item
    if mine is None or theirs is None or one.facts.groups is not None or mine.dtype != bool:
        return math.nan
    return mcnemar(mine[0].astype(bool), theirs[0].astype(bool))


def _resolution(scores: ModelScores, by_fold: Floats) -> float:
    """Return the least standard error: the weight of one item; of one group where the folds agree exactly.

    What windows of one series are made of is one group: there it is the weight of one window.
    """
    units = 0
    if len(by_fold) and np.ptp(by_fold) <= AGREE * scores.scale:
        units = len(by_fold) if scores.facts.block else scores.facts.group_count
    return scores.scale / (units or scores.items) if scores.items else 0.0
