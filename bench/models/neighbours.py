"""Nearest neighbours, for models of any kind of columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
