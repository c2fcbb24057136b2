"""Churn as a report takes it from the counts beside the tables: with its interval, or why it is not known."""

import math

from bench.forecast_items import ForecastItems
from bench.items import Measured
from bench.ranking.list_items import ListItems
from bench.stats.estimate import Estimate
from bench.stats.table import ModelScores


def churn_estimates(items: Measured | None, scores: ModelScores) -> tuple[Estimate, Estimate]:
    """Return plain and excess churn of one model, or why they are not known."""
    if scores.all_failed:
        why = Estimate.not_measured("every cell failed")
        return why, why
    if items is None:
        why = Estimate.not_measured("the predictions are not kept here" if scores.cells.size else "no cells")
        return why, why
    if math.isnan(items.churn[0]):
        flat = "the middle half of the targets is one value"
        flat = "all targets are zero" if isinstance(items, ForecastItems) else flat
        why = Estimate.not_measured("one seed" if items.seeds < 2 else flat)
        return why, why
    several = items.seeds > 2
    units, over_seeds = "groups" if items.groups is not None else "items", "jackknife over seeds"
    if isinstance(items, ForecastItems | ListItems):
        units = "series" if isinstance(items, ForecastItems) else "users"
    plain = f"t over {units}, {over_seeds if several else 'for this pair of seeds'}"
    excess = over_seeds if several else "as observed: one pair of seeds"
    if not items.churn[0]:
        plain = excess = "no prediction changed"
    return _estimate(items.churn, plain), _estimate(items.excess_churn, excess)


def _estimate(found: tuple[float, float, float], method: str) -> Estimate:
    value, low, high = found
    if math.isnan(value):
        return Estimate.not_measured("the error rates leave no room for churn")
    return Estimate(value=value, low=low, high=high, method=method)
