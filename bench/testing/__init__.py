"""Checks for authors of models and task types: what every one of them must do, ours included.

A package that adds a model runs each of `MODEL_CHECKS` on a `ModelBench` of it in its own tests, for a model of values
each of `VALUE_CHECKS`, of forecasts each of `FORECAST_CHECKS`, of lists each of `RANKING_CHECKS`; one that adds a task
type runs `check_task_type`.
"""

from bench.testing.forecasts import FORECAST_CHECKS
from bench.testing.models import ModelBench, Outcome
from bench.testing.probabilities import MODEL_CHECKS
from bench.testing.rankings import RANKING_CHECKS
from bench.testing.task_types import check_task_type
from bench.testing.values import VALUE_CHECKS

__all__ = [
    "FORECAST_CHECKS",
    "MODEL_CHECKS",
    "RANKING_CHECKS",
    "VALUE_CHECKS",
    "ModelBench",
    "Outcome",
    "check_task_type",
]
