"""Nearest neighbours on standardised columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.columns import Dense, OnColumns
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
    regression: bool
    model: Any = None

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.model.classes_
        return classes

    def fit(self, X: NDArray[np.float64], y: NDArray[Any]) -> "Neighbours":
        """Keep the rows."""
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        kind = KNeighborsRegressor if self.regression else KNeighborsClassifier
        self.model = kind(min(self.n_neighbors, len(y)), weights="distance", n_jobs=self.threads).fit(X, y)
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        values: NDArray[np.floating] = self.model.predict(X)
        return values

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.model.predict_proba(X)
        return probabilities


def space(trial: Any) -> dict[str, Any]:
    """Return the number of neighbours to try."""
    return {"n_neighbors": trial.suggest_int("n_neighbors", 1, 100, log=True)}


@register_model(
    "knn",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    deterministic=True,
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """Nearest neighbours in standardised numbers and indicators of categories, nearer ones counting more."""
    return OnColumns(Dense(seed=0), Neighbours(params.n_neighbors, context.threads, context.prediction == "value"))
