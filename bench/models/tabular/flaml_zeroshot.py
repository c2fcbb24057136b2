"""Parameters that FLAML mined on public tasks, chosen by the shape of the table: tuning for the cost of one fit.

The portfolios are files of the package, read without importing it: its own reader needs XGBoost for any learner.

References
----------
Wang et al. 2022, Mining Robust Default Configurations for Resource-constrained AutoML.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.models.boosted import boosted
from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Model

LEARNERS = ("lgbm", "rf", "extra_tree")
LEAST_LEAVES = 10
"""Largest leaves that a table must have room for: the smallest task that was mined has 621 rows."""
MINED_ON = (
    "Airlines, Albert, Amazon_employee_access, APSFailure, Australian, Covertype, Dionis, Fashion-MNIST, Helena, "
    "Jannis, KDDCup09_appetency, MiniBooNE, adult, bank-marketing, blood-transfusion, bng_echomonths, bng_lowbwt, "
    "bng_pharynx, car, christine, cnae-9, connect-4, credit-g, dilbert, fabert, fried, guillermo, higgs, house_16H, "
    "house_8L, houses, jasmine, jungle_chess_2pcs_raw_endgame_complete, kc1, kr-vs-kp, mfeat-factors, mv, nomao, "
    "particulate-matter, phoneme, poker, pol, riccardo, robert, segment, shuttle, sylvine, vehicle, volkert"
)
"""Tasks that the portfolios name as the source of a configuration, or hold with the shape of a public benchmark's."""


@dataclass
class Params:
    """Parameters of ``flaml_zeroshot``."""

    learner: str = "lgbm"
    """FLAML's name of what is fitted: lgbm, rf or extra_tree."""

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS:
            raise ValueError(f"learner must be one of {', '.join(LEARNERS)}, not {self.learner!r}")


@dataclass
class ZeroShot:
    """An estimator whose parameters follow from the shape of its training rows."""

    learner: str
    context: Context
    estimator: Any = None

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Look the parameters up, and fit on the rows."""
        classes = 0 if self.context.prediction == "value" else len(np.unique(y))
        numbers = sum(not isinstance(kind, pd.CategoricalDtype) for kind in X.dtypes)
        shape = (len(X), X.shape[1], classes, numbers / X.shape[1])
        self.estimator = estimator(self.learner, suggested(self.learner, shape), len(X), self.context)
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


def suggested(learner: str, shape: tuple[int, int, int, float]) -> dict[str, Any]:
    """Return the parameters of the mined task that is nearest in shape, under FLAML's names.

    Parameters
    ----------
    learner : str
    shape : (int, int, int, float)
        Rows, columns, classes (0 for a quantity), and the share of columns that are numbers.
    """
    kind = {0: "regression", 2: "binary"}.get(shape[2], "multiclass")
    mined = json.loads((_portfolios() / learner / f"{kind}.json").read_text(encoding="utf-8"))
    scaling = mined["preprocessing"]
    here = (np.array(shape) - scaling["center"]) / scaling["scale"]
    distances = [float(np.sum((here - task["features"]) ** 2)) for task in mined["neighbors"]]
    nearest = mined["neighbors"][int(np.argmin(distances))]
    found = dict(mined["portfolio"][nearest["choice"][0]]["hyperparameters"])
    # How many rows it was mined on, and no parameter.
    found.pop("FLAML_sample_size", None)
    return found


def estimator(learner: str, found: dict[str, Any], rows: int, context: Context) -> Any:
    """Return an estimator that is not fitted, with what FLAML suggests under the names of its library."""
    found = dict(found)
    if learner == "lgbm":
        if "log_max_bin" in found:
            found["max_bin"] = 2 ** found.pop("log_max_bin") - 1
        if "min_child_samples" in found:
            found["min_child_samples"] = min(found["min_child_samples"], max(1, rows // LEAST_LEAVES))
        return boosted(context, **found)
    from sklearn import ensemble

    if "max_leaves" in found:
        found["max_leaf_nodes"] = found.pop("max_leaves")
    if context.prediction == "value":
        # A measure of purity, which has no meaning for quantities.
        found.pop("criterion", None)
    family = {"rf": "RandomForest", "extra_tree": "ExtraTrees"}[learner]
    kind = getattr(ensemble, family + ("Regressor" if context.prediction == "value" else "Classifier"))
    return kind(**found, random_state=context.seed, n_jobs=context.threads)


@register_model(
    "flaml_zeroshot",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="zoo",
    # On quantities it grows thousands of large trees, whatever the number of rows.
    from_budget="standard",
    libraries=("numpy", "scipy", "scikit-learn", "lightgbm", "skrub", "flaml"),
    trained_on=MINED_ON,
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """LightGBM with parameters that FLAML mined on public tasks, by the shape of the table (zero-shot AutoML)."""
    columns = Split(seed=0, as_category=params.learner == "lgbm")
    least_classes = 1 if context.prediction == "value" else 2
    return OnColumns(columns, ZeroShot(params.learner, context), least_classes)


def _portfolios() -> Path:
    found = importlib.util.find_spec("flaml")
    if found is None or found.origin is None:
        raise ModelError("flaml is not installed. Install it by: pip install flaml")
    return Path(found.origin).parent / "default"
