"""TabICL: a transformer that reads the training rows with the question, and learns nothing else from them.

The checkpoints are pickles on a hub that cannot be pinned. They are converted once, by hand, and locked; what is loaded
here is safetensors and JSON.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model

CLASSIFIER, REGRESSOR = "tabicl-classifier-v2-20260212.ckpt", "tabicl-regressor-v2-20260212.ckpt"


@dataclass
class Params:
    """Parameters of ``tabicl``; the defaults are the library's."""

    weights: str = "dir:~/models/tabicl-v2"
    """Zoo address of a folder with ``classifier`` and ``regressor``, as ``zoo convert`` writes them; one is enough for
    its kind of task."""
    n_estimators: int = 8
    """Views of the table, with columns and classes in other orders, whose answers are averaged."""


@dataclass
class Filled:
    """Numbers without gaps: a row's answer must not depend on what is missing in the rows beside it."""

    split: Split
    imputer: Any = None

    def fit_transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Fit on the rows, and return them."""
        from sklearn.impute import SimpleImputer

        self.imputer = SimpleImputer(keep_empty_features=True)
        found: NDArray[np.float64] = self.imputer.fit_transform(self.split.fit_transform(X))
        return found

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the rows as they were learned."""
        found: NDArray[np.float64] = self.imputer.transform(self.split.transform(X))
        return found


@dataclass
class InContext:
    """The package's estimator, which loads its weights from a file of its own format when it is fitted."""

    estimator: Any
    folder: Path
    constant: float | None = None
    """The only target of the training rows, where they have but one."""

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: NDArray[np.float64], y: NDArray[Any]) -> Self:
        """Load the weights, and keep the rows."""
        self.constant = float(y[0]) if len(np.unique(y)) == 1 else None
        with tempfile.TemporaryDirectory() as scratch:
            checkpoint = _checkpoint(self.folder, Path(scratch))
            self.estimator.set_params(model_path=str(checkpoint)).fit(X, y)
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        if self.constant is not None:
            return np.full(len(X), self.constant)
        values: NDArray[np.floating] = self.estimator.predict(X)
        return values

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.estimator.predict_proba(X)
        return probabilities


def lacks(params: Params) -> str:
    """Say how to get the weights, which no run can fetch."""
    scheme, _, place = params.weights.partition(":")
    if scheme != "dir" or Path(place).expanduser().exists():
        return ""
    return (
        f"There are no weights in {place}. Get them by: hf download jingang/TabICL {CLASSIFIER} --local-dir . && "
        f"python -m bench zoo convert {CLASSIFIER} {place}/classifier && python -m bench zoo lock '{params.weights}' "
        f"(for quantities the same with {REGRESSOR} and {place}/regressor)"
    )


@register_model(
    "tabicl",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="zoo",
    # On two cores and 4,000 rows it answers for a minute.
    from_budget="standard",
    zoo=("weights",),
    lacks=lacks,
    libraries=("numpy", "scipy", "scikit-learn", "skrub", "torch", "safetensors", "tabicl"),
    # Tables drawn from random structural causal models, and no others.
    trained_on="clean",
    licence="BSD-3-Clause",
)
def build(params: Params, context: Context) -> Model:
    """TabICLv2, a transformer pretrained on synthetic tables, with the training rows as its context."""
    from tabicl import TabICLClassifier, TabICLRegressor

    regression = context.prediction == "value"
    folder = context.zoo(params.weights) / ("regressor" if regression else "classifier")
    if not folder.is_dir():
        raise ValueError(f"{params.weights} holds no {folder.name}; see python -m bench zoo convert")
    estimator = (TabICLRegressor if regression else TabICLClassifier)(
        n_estimators=params.n_estimators,
        allow_auto_download=False,
        random_state=context.seed,
        n_jobs=context.threads,
    )
    return OnColumns(Filled(Split(seed=0)), InContext(estimator, folder), least_classes=1 if regression else 2)


def _checkpoint(folder: Path, scratch: Path) -> Path:
    """Write verified weights in the one format that the package reads."""
    import torch
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    path = scratch / "weights.ckpt"
    torch.save({"config": config, "state_dict": load_file(folder / "model.safetensors")}, path)
    return path
