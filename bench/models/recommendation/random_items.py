"""Items in a random order: what learns nothing."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from bench.models.interactions import Scores
from bench.ranking.asked import Queries
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@dataclass
class Drawn:
    """Uniform scores, drawn for each user alone, so that neither order nor company of users matters."""

    seed: int

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn nothing."""
        return self

    def predict(self, X: Queries) -> Scores:
        """Return scores of every item of the catalogue: new items and new users are no harder than others."""
        drawn = [np.random.default_rng((self.seed, int(user))).random(X.catalogue) for user in X.users]
        return np.array(drawn).reshape(len(X), X.catalogue)


@register_model("random_items", task_types=["recommendation"], params=Params, role="floor", libraries=("numpy",))
def build(params: Params, context: Context) -> Model:
    """Items in a random order, another one for each user."""
    return Drawn(context.seed)
