"""Nearest neighbours on standardised columns."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import Dense, OnColumns
from bench.models.neighbours import Neighbours
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``knn``."""

    n_neighbors: int = 15


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
