"""Classification of rows: columns of any kind, one label a row."""

from bench.registry import register_task_type
from tasks.tabular_clf.task import TabularClassification

tabular_clf = register_task_type(TabularClassification())
