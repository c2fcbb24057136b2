"""The Pareto front of a table: `bench.stats.pareto` over the models that can be recommended."""

from collections.abc import Sequence

import numpy as np

from bench.stats.pareto import Front, pareto_front
from bench.stats.table import ModelScores, Scoring
from bench.types import seed_for


def front_of(scores: Sequence[ModelScores], scoring: Scoring) -> Front:
    """Return who is on the front of score, stability and cost; floors are left out."""
    models = [model for model in scores if model.role != "floor" and model.cells.size]
    folds = sorted({fold for model in models for fold in model.folds})
    cells = {}
    for model in models:
        table = np.full((len(folds), model.cells.shape[1]), np.nan)
        table[[folds.index(fold) for fold in model.folds]] = model.cells
        cells[model.name] = table
    return pareto_front(
        cells,
        {model.name: model.dependable.value for model in models},
        {model.name: model.cost for model in models},
        scoring.margin,
        scoring.test_train_ratio,
        seed_for(scoring.seed, "front"),
    )
