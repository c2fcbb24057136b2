"""A task type and models for `runner.py`: cells that cost nothing, or as many matrix products as asked for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.registry import register_model, register_task_type
from bench.types import Context
from tasks.text_clf.task import TextClassification


@dataclass
class Frequencies:
    """Predicts the class frequencies of the training rows, after so many products of a matrix of 300 x 300."""

    products: int
    classes_: Any = field(default_factory=lambda: np.empty(0, int))

    def fit(self, X: Any, y: Any) -> "Frequencies":
        """Count classes, and burn time."""
        self.classes_, counts = np.unique(y, return_counts=True)
        self.frequencies = counts / counts.sum()
        matrix = np.eye(300)
        for _ in range(self.products):
            matrix = matrix @ matrix
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return the same row for every item."""
        return np.tile(self.frequencies, (len(X), 1))


def _register(name: str, role: str) -> None:
    made = dataclass(type(f"Params_{name}", (), {"__annotations__": {"products": int}, "products": 0}))
    made.__module__, made.__qualname__ = __name__, f"Params_{name}"
    globals()[f"Params_{name}"] = made
    register_model(name, task_types=["grid"], params=made, role=role, libraries=("numpy",))(build)


def build(params: Any, context: Context) -> Frequencies:
    """Predict the class frequencies."""
    return Frequencies(params.products)


# Text classification under another name, with a reference and a floor that cost nothing.
grid = register_task_type(TextClassification(name="grid", reference="trivial_a", floor="trivial_floor"))
MODELS = (*(f"trivial_{letter}" for letter in "abcdefg"), "trivial_floor")
for model in MODELS[:-1]:
    _register(model, "stable")
_register(MODELS[-1], "floor")
