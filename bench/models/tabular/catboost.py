"""CatBoost with its own defaults."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``catboost``; the defaults are the library's."""

    iterations: int = 1000
    learning_rate: float = 0.0
    """0 lets the library choose by the number of rows and iterations."""
    depth: int = 6
    l2_leaf_reg: float = 3.0
    random_strength: float = 1.0
    """How much noise is in the choice of a split."""
    one_hot_max_size: int = 0
    """Levels up to which a category is split on single levels; 0 leaves it to the library."""


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "depth": trial.suggest_int("depth", 3, 8),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 30.0, log=True),
        "random_strength": trial.suggest_float("random_strength", 0.1, 10.0, log=True),
        "one_hot_max_size": trial.suggest_categorical("one_hot_max_size", [2, 10, 50]),
    }


@dataclass
class OnLevels:
    """An estimator of the library over categories by their names, which it encodes by the targets of earlier rows."""

    estimator: Any

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit on the rows."""
        categories = [name for name in X.columns if isinstance(X[name].dtype, pd.CategoricalDtype)]
        self.estimator.fit(_named(X), y, cat_features=categories)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        values: NDArray[np.floating] = self.estimator.predict(_named(X))
        return values

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.estimator.predict_proba(_named(X))
        return probabilities


@register_model(
    "catboost",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    libraries=("numpy", "scipy", "scikit-learn", "skrub", "catboost"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Gradient-boosted symmetric trees, with categories encoded by the targets of earlier rows (CatBoost)."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    regression = context.prediction == "value"
    trees = (CatBoostRegressor if regression else CatBoostClassifier)(
        iterations=params.iterations,
        learning_rate=params.learning_rate or None,
        depth=params.depth,
        l2_leaf_reg=params.l2_leaf_reg,
        random_strength=params.random_strength,
        one_hot_max_size=params.one_hot_max_size or None,
        random_seed=context.seed,
        thread_count=context.threads,
        allow_const_label=True,
        allow_writing_files=False,
        verbose=False,
    )
    return OnColumns(Split(seed=0, as_category=True), OnLevels(trees), least_classes=1 if regression else 2)


def _named(X: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a name for every level; a gap is one of its own."""
    names = {
        name: X[name].astype(object).where(X[name].notna(), "")
        for name in X.columns
        if isinstance(X[name].dtype, pd.CategoricalDtype)
    }
    return X.assign(**names)
