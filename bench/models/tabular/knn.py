"""Nearest neighbours on standardised columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.models.columns import Dense
from bench.models.parts import Chain
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``knn``."""

    n_neighbors: int = 15


@dataclass
class Neighbours:
    """Nearest neighbours, as many as there are rows at most."""

    n_neighbors: int
    threads: int

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> "Neighbours":
        """Keep the rows."""
        from sklearn.neighbors import KNeighborsClassifier

        neighbours = min(self.n_neighbors, len(y))
        self.classifier = KNeighborsClassifier(neighbours, weights="distance", n_jobs=self.threads).fit(X, y)
        self.classes_ = self.classifier.classes_
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.classifier.predict_proba(X)
        return probabilities


@register_model(
    "knn",
    task_types=["tabular_clf"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Nearest neighbours in standardised numbers and indicators of categories, nearer ones counting more."""
    return Chain(Dense(seed=0), Neighbours(params.n_neighbors, context.threads))
