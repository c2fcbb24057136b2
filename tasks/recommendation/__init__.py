"""Recommendation: which items a user takes up next, from who took up what."""

from bench.registry import register_task_type
from tasks.recommendation.task import Recommendation

recommendation = register_task_type(Recommendation())
