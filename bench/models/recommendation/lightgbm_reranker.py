"""Two stages: several scorers propose items, and boosted trees that learned from held-out interactions order them.

The trees learn from the last interactions of each user, whatever the protocol, unless ``held_out`` says otherwise.

References
----------
Burges 2010, From RankNet to LambdaRank to LambdaMART: An Overview.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.candidates import FirstStage
from bench.models.held_out import PARTS, HeldOut
from bench.models.interactions import Scores, asked_of, positive
from bench.models.item_weights import too_many_items
from bench.ranking.asked import Queries
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``lightgbm_reranker``."""

    candidates: int = 100
    """Items that each of the scorers proposes to a user."""
    penalty: float = 500.0
    """Strength of the L2 penalty of EASE, which is one of them."""
    held_out: str = "last"
    """Which fifth of each user's interactions the trees learn from: the last, or random. What is wanted of either
    differs much: users take up what is popular first. It does not follow the protocol: under one of random parts
    ``random`` is what the test part is like."""
    n_estimators: int = 100
    learning_rate: float = 0.05
    num_leaves: int = 15
    min_child_samples: int = 50
    """Proposals that a leaf must have."""

    def __post_init__(self) -> None:
        positive(candidates=self.candidates, penalty=self.penalty, n_estimators=self.n_estimators)
        positive(learning_rate=self.learning_rate, min_child_samples=self.min_child_samples)
        if self.num_leaves < 2:
            raise ValueError(f"num_leaves must be at least 2, not {self.num_leaves}")
        if self.held_out not in PARTS:
            raise ValueError(f"held_out must be one of {', '.join(PARTS)}, not {self.held_out!r}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "candidates": trial.suggest_int("candidates", 20, 200, log=True),
        "held_out": trial.suggest_categorical("held_out", list(PARTS)),
        "penalty": trial.suggest_float("penalty", 50.0, 2000.0, log=True),
        "n_estimators": trial.suggest_int("n_estimators", 30, 300, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 500, log=True),
    }


@dataclass
class Reranker:
    """A first stage, and trees that order what it proposes; what it does not propose follows in the order of EASE."""

    params: Params
    context: Context
    stage: FirstStage | None = None
    trees: Any = None
    """None where nothing could be learned: then all stands in the order of EASE."""

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Learn to order what the other interactions propose, and propose by all of them from then on."""
        held = HeldOut.of(X, y, len(asked_of(self.context).items), self.params.held_out)
        self.trees = None if held is None else self._learned(held)
        self.stage = self._stage().fit(X, y)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return the trees' order of what is proposed, above the first stage's order of all else."""
        assert self.stage is not None
        found = self.stage.propose(X)
        scores = found.first.astype(np.float64)
        if self.trees is not None and len(found.items):
            said = self.trees.predict(found.features)
            finite = scores[np.isfinite(scores)]
            scores[found.users, found.items] = said - said.min() + finite.max(initial=0.0) + 1.0
        return scores

    def _stage(self) -> FirstStage:
        return FirstStage(self.context, self.params.penalty, self.params.candidates)

    def _learned(self, held: HeldOut) -> Any:
        """Return trees fitted on users of whom something held out is proposed, or None where there are none."""
        from lightgbm import LGBMRanker

        stage, features, labels, sizes = self._stage().fit(held.X, held.y), [], [], []
        for place, queries in held.queries.blocks():
            found = stage.propose(queries)
            hits = held.wanted[place].toarray()[found.users, found.items]
            counts = np.bincount(found.users, weights=hits, minlength=len(queries))
            useful = counts[found.users] > 0
            features.append(found.features[useful])
            labels.append(hits[useful])
            sizes.append(np.unique(found.users[useful], return_counts=True)[1])
        if not sum(map(len, labels)):
            return None
        trees = LGBMRanker(
            n_estimators=self.params.n_estimators,
            learning_rate=self.params.learning_rate,
            num_leaves=self.params.num_leaves,
            min_child_samples=self.params.min_child_samples,
            lambdarank_truncation_level=2 * asked_of(self.context).k,
            random_state=self.context.seed,
            n_jobs=self.context.threads,
            deterministic=True,
            force_row_wise=True,
            verbose=-1,
        )
        return trees.fit(np.concatenate(features), np.concatenate(labels), group=np.concatenate(sizes))


@register_model(
    "lightgbm_reranker",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="standard",
    deterministic=True,
    unfit_for=too_many_items,
    libraries=("numpy", "scipy", "lightgbm"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """Boosted trees (LambdaMART) that order what EASE, item neighbours, steps and popularity propose."""
    return Reranker(params, context)
