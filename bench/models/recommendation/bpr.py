"""Bayesian personalised ranking."""

from dataclasses import dataclass
from typing import Any

from bench.models.factors import PairwiseRanking
from bench.models.interactions import not_negative, positive
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``bpr``."""

    factors: int = 64
    epochs: int = 50
    """As many pairs are drawn as there are interactions, this often."""
    learning_rate: float = 0.01
    regularization: float = 0.001
    """Strength of the L2 penalty."""
    popularity: float = 1.0
    """Power of an item's interactions by which the odds of its score are multiplied. What is not there is drawn by
    popularity, so that scores are odds over popularity; 1 takes that back, and 0 leaves it."""

    def __post_init__(self) -> None:
        positive(factors=self.factors, epochs=self.epochs, learning_rate=self.learning_rate)
        not_negative(regularization=self.regularization, popularity=self.popularity)


def space(trial: Any) -> dict[str, Any]:
    """Return sizes, epochs and steps to try; ranges as in Ferrari Dacrema et al. 2021, epochs fewer."""
    return {
        "factors": trial.suggest_int("factors", 8, 200, log=True),
        "epochs": trial.suggest_int("epochs", 20, 300, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True),
        "regularization": trial.suggest_float("regularization", 1e-4, 1e-1, log=True),
        "popularity": trial.suggest_float("popularity", 0.0, 1.0),
    }


@register_model(
    "bpr",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    libraries=("numpy", "scipy", "pandas", "implicit"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """Vectors of users and items that rank what a user had above what is drawn by popularity (BPR)."""
    return PairwiseRanking(
        factors=params.factors,
        epochs=params.epochs,
        learning_rate=params.learning_rate,
        regularization=params.regularization,
        popularity=params.popularity,
        context=context,
    )
