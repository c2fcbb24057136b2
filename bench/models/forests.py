"""What forests of randomised trees share: how they are built, and what of them is searched."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.types import Context

FULL_UP_TO = 15_000
"""Training rows up to which a forest has all its trees. Of more rows it has fewer, half of them at least: time grows
with rows times trees, and on 43,000 rows the other half lowers the error by a quarter per cent."""


@dataclass
class Forest:
    """A forest of scikit-learn's whose number of trees falls as rows grow."""

    estimator: Any
    trees: int

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit as many trees as the rows call for."""
        share = max(0.5, min(1.0, FULL_UP_TO / len(y)))
        self.estimator.set_params(n_estimators=max(1, round(share * self.trees)))
        self.estimator.fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        values: NDArray[np.floating] = self.estimator.predict(X)
        return values

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.estimator.predict_proba(X)
        return probabilities


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }


def forest(classifier: Any, regressor: Any, params: Any, context: Context) -> Forest:
    """Return a forest that is not fitted.

    Parameters
    ----------
    classifier : type
        scikit-learn's class for labels.
    regressor : type
        Its class for quantities.
    params : dataclass
        With ``n_estimators``, ``min_samples_leaf`` and ``max_features``; 0 of the last takes the square root of the
        number of columns, or all for a quantity.
    context : Context
    """
    regression = context.prediction == "value"
    trees = (regressor if regression else classifier)(
        min_samples_leaf=params.min_samples_leaf,
        max_features=params.max_features or (1.0 if regression else "sqrt"),
        random_state=context.seed,
        n_jobs=context.threads,
    )
    return Forest(trees, params.n_estimators)
