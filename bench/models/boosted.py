"""LightGBM as several models build it."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.types import Context

HELD_OUT = 0.2
LEAST_ROWS = 1000
"""Training rows from which a part can be spared to say when to stop."""


def boosted(context: Context, **params: Any) -> Any:
    """Return LightGBM for labels or quantities, not fitted; one fit is as another on any number of threads."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMRegressor if context.prediction == "value" else LGBMClassifier)(
        **params,
        random_state=context.seed,
        n_jobs=context.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


@dataclass
class EarlyStopped:
    """LightGBM with as many rounds as serve a part of the training rows that it does not learn from, then on all."""

    template: Any
    """LightGBM, not fitted, with the largest number of rounds."""
    patience: int
    """Rounds without gain after which no more are tried."""
    seed: int
    estimator: Any = None

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Find the number of rounds where there are rows enough, and fit on all of them."""
        from sklearn.base import clone

        rounds = self._rounds(X, y) if len(y) >= LEAST_ROWS else self.template.n_estimators
        self.estimator = clone(self.template).set_params(n_estimators=rounds).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        values: NDArray[np.floating] = self.estimator.predict(X)
        return values

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.estimator.predict_proba(X)
        return probabilities

    def _rounds(self, X: pd.DataFrame, y: NDArray[Any]) -> int:
        from lightgbm import early_stopping
        from sklearn.base import clone, is_classifier

        tried = clone(self.template)
        held = held_out(y if is_classifier(tried) else None, len(y), self.seed)
        # Weighted rows are stopped by weighted ones, or the loss would be best where it is hardly learned.
        weights = {"eval_class_weight": [tried.class_weight]} if tried.class_weight else {}
        callbacks = [early_stopping(self.patience, verbose=False)]
        tried.fit(X[~held], y[~held], eval_set=[(X[held], y[held])], callbacks=callbacks, **weights)
        return max(1, int(tried.best_iteration_))


def held_out(labels: NDArray[Any] | None, rows: int, seed: int) -> NDArray[np.bool_]:
    """Return which rows to learn nothing from, about `HELD_OUT` of them; never all rows of a class.

    Parameters
    ----------
    labels : array, shape (rows,), optional
        Each class is held out in its proportion.
    rows : int
    seed : int
    """
    generator = np.random.default_rng(seed)
    found = np.zeros(rows, bool)
    strata = np.zeros(rows, int) if labels is None else np.unique(labels, return_inverse=True)[1]
    for code in np.unique(strata):
        members = np.flatnonzero(strata == code)
        found[generator.permutation(members)[: min(len(members) - 1, round(HELD_OUT * len(members)))]] = True
    return found
