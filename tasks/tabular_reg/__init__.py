"""Regression on rows: columns of any kind, one quantity a row."""

from bench.registry import register_task_type
from tasks.tabular_reg.task import TabularRegression

tabular_reg = register_task_type(TabularRegression())
