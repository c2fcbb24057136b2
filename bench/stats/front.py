"""The Pareto front of a table: `bench.stats.pareto` over the models that can be recommended."""

from collections.abc import Sequence

from bench.stats.pareto import Front, pareto_front
from bench.stats.pareto_items import pareto_front_on_one_split
from bench.stats.table import ModelScores, Scoring
from bench.types import seed_for


def front_of(scores: Sequence[ModelScores], scoring: Scoring) -> Front:
    """Return who is on the front of score, stability and cost; floors are left out.

    All models are drawn on the folds of the reference. One that has other folds must not cost the others theirs: it is
    completed by `bench.stats.bridge`, and left out where it shares fewer than two folds with the reference. Of a panel
    the series are drawn, as the items of one split are.
    """
    cells = {
        model.name: model.cells if model.bridged is None else model.bridged for model in scores if model.role != "floor"
    }
    drawn = [model for model in scores if model.name in cells and cells[model.name].size]
    if all(len(cells[model.name]) == 1 for model in drawn) or any(model.facts.sample for model in drawn):
        return _on_one_split(drawn, scoring)
    return pareto_front(
        {model.name: cells[model.name] for model in drawn},
        {model.name: model.dependable.value for model in drawn},
        {model.name: model.cost for model in drawn},
        scoring.margin,
        scoring.test_train_ratio,
        seed_for(scoring.seed, "front"),
    )


def _on_one_split(models: Sequence[ModelScores], scoring: Scoring) -> Front:
    """Return the front over items, of the models whose single predictions are known."""
    known = {model.name: model.facts.by_item for model in models if model.facts.by_item is not None}
    facts = next((model.facts for model in models if model.name in known), None)
    return pareto_front_on_one_split(
        known,
        facts.groups if facts is not None else None,
        {model.name: model.dependable.value for model in models},
        {model.name: model.cost for model in models},
        scoring.margin,
        seed_for(scoring.seed, "front"),
        facts.sample if facts is not None else "",
    )
