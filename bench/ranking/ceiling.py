"""What the best possible lists score, of data that were made by a known law."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.ranking.held import asking_of, relevant_of
from bench.ranking.metrics import mean_over_users
from bench.ranking.top import lists_of

if TYPE_CHECKING:
    from bench.types import Dataset, Split

CEILING = ("ndcg", "recall", "recall_min", "precision")
"""Scores that ranking by the odds of every item maximises on average."""


def best_lists(dataset: "Dataset", splits: Sequence["Split"]) -> dict[str, float]:
    """Return what lists by the law's own odds score, a mean over splits; nothing where no law of interactions is known.

    Scores of what was drawn, not expected ones, so that they stand beside those of models on the same users.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
    """
    law = dataset.law
    if law is None or dataset.recommending is None:
        return {}
    found: dict[str, list[float]] = {name: [] for name in CEILING}
    for split in splits:
        lists = lists_of(np.array(law(dataset, split), dtype=np.float64), asking_of(dataset, split))
        relevant = relevant_of(dataset, split)
        for name in CEILING:
            found[name].append(mean_over_users(relevant, lists, name))
    # In digits that are the same on every machine.
    means = {name: float(f"{np.mean(values):.8g}") for name, values in found.items()}
    return {name: mean for name, mean in means.items() if np.isfinite(mean)}
