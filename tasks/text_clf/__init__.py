"""Text classification: one text column, one label column, one label a row."""

from bench.registry import register_task_type
from tasks.text_clf.task import TextClassification

text_clf = register_task_type(TextClassification())
