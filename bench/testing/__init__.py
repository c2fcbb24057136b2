"""Checks for authors of models and task types: what every one of them must do, ours included.

A package that adds a model runs each of `MODEL_CHECKS` on a `ModelBench` of it in its own tests; one that adds a task
type runs `check_task_type`.
"""

from bench.testing.models import MODEL_CHECKS, ModelBench, Outcome
from bench.testing.task_types import check_task_type

__all__ = ["MODEL_CHECKS", "ModelBench", "Outcome", "check_task_type"]
