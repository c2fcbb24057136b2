"""Lists and what they are scored against, for tests of what is measured on them."""

from typing import Any

import numpy as np

from bench.ranking.held import Relevant


def relevant(targets: list[list[int]], items: int = 30, k: int = 5, **changes: Any) -> Relevant:
    """Return users with these targets; all of them and all items are known, unless changes say otherwise."""
    users, sizes = len(targets), [len(own) for own in targets]
    known: dict[str, Any] = {
        "users": np.arange(users),
        "starts": np.r_[0, np.cumsum(sizes)].astype(np.intp),
        "items": np.array([item for own in targets for item in sorted(own)], dtype=np.intp),
        "k": k,
        "ideal": "min",
        "drop_cold": False,
        "warm": np.ones(users, dtype=bool),
        "popularity": np.ones(items, dtype=np.intp),
        "fitted_users": 8,
        "profile": np.ones(users),
        "history": np.full(users, 3),
        "candidates": items,
        "open": np.full(users, items),
        "sampled": False,
    }
    return Relevant(**{**known, **changes})


def lists(*own: list[int], k: int = 5, cold: list[list[int]] | None = None) -> Any:
    """Return the lists of users as the harness keeps them, short ones filled up."""
    parts = [list(own), [[] for _ in own] if cold is None else cold]
    return np.hstack([[one + [-1] * (k - len(one)) for one in part] for part in parts]).astype(np.int32)
