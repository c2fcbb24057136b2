"""What a sceptic asks of a split of interactions before a score is believed; figures alone, no verdict.

References
----------
Ji, Sun, Zhang & Li 2023, A Critical Study on Data Leakage in Recommender System Offline Evaluation (training
interactions that are later than the test part).
Ferrari Dacrema, Boglio, Cremonesi & Jannach 2021, A Troubling Analysis of Reproducibility and Progress in Recommender
Systems Research, section 4 (a published split whose test part was of another popularity than its training part).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.ranking.asked import ITEM, TIME, USER, Codes
from bench.ranking.metrics import gini_of

if TYPE_CHECKING:
    from bench.types import Dataset, Split


@dataclass(frozen=True, kw_only=True)
class SplitFacts:
    """Figures of one split, or their means over several."""

    train: float
    """Interactions that models are fitted on."""
    test: float
    """Interactions to be found."""
    users: float
    """Users who are tested."""
    cold_users: float
    """Of these the share of whom no model knows anything."""
    cold_items: float
    """Share of the interactions to be found whose item the training part lacks."""
    later: float
    """Share of the training interactions that are later than the median interaction to be found; NaN without times."""
    gini_train: float
    """Of the popularity of items in the training part: 0 where all are taken up as often, 1 where one takes it all."""
    gini_test: float
    rank_correlation: float
    """Kendall's tau between the popularity of items in the training and in the test part."""


def facts_of(dataset: "Dataset", split: "Split") -> SplitFacts:
    """Return the figures of one split.

    Parameters
    ----------
    dataset : Dataset
        Of interactions.
    split : Split
    """
    from scipy.stats import kendalltau

    assert dataset.recommending is not None
    user, item = dataset.X[USER].to_numpy(), dataset.X[ITEM].to_numpy()
    items = len(dataset.recommending.items)
    train, test = (np.bincount(item[rows], minlength=items) for rows in (split.fitted, split.test))
    either = (train + test) > 0
    users = np.unique(user[split.test])
    known = np.unique(user[split.train])
    return SplitFacts(
        train=float(len(split.fitted)),
        test=float(len(split.test)),
        users=float(len(users)),
        cold_users=float(1 - np.isin(users, known).mean()),
        cold_items=float((train[item[split.test]] == 0).mean()),
        later=_later(dataset, split),
        gini_train=gini_of(train[train > 0], int(either.sum())),
        gini_test=gini_of(test[test > 0], int(either.sum())),
        rank_correlation=float(kendalltau(train[either], test[either]).statistic),
    )


def mean_facts(found: list[SplitFacts]) -> SplitFacts:
    """Return the means over splits of each figure."""
    return SplitFacts(**{name: float(np.mean([getattr(one, name) for one in found])) for name in vars(found[0])})


def tied(dataset: "Dataset") -> float:
    """Return the share of interactions whose user has another one with the same time stamp; NaN without times."""
    if TIME not in dataset.X.columns or not len(dataset.X):
        return float("nan")
    moments = pd.MultiIndex.from_frame(pd.DataFrame(dataset.X)[[USER, TIME]])
    return float(moments.duplicated(keep=False).mean())


def _later(dataset: "Dataset", split: "Split") -> float:
    if dataset.time is None:
        return float("nan")
    stamps: Codes = dataset.time
    middle = np.sort(stamps[split.test])[len(split.test) // 2]
    return float((stamps[split.fitted] > middle).mean())


def split_facts(dataset: "Dataset", splits: Sequence["Split"]) -> dict[str, float | None]:
    """Return the mean figures of all splits, and the share of tied time stamps, by name; None for what is no number."""
    found = {**vars(mean_facts([facts_of(dataset, split) for split in splits])), "tied": tied(dataset)}
    return {name: None if math.isnan(value) else float(f"{value:.6g}") for name, value in found.items()}
