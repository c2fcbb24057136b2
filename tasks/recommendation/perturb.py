"""Changes of what users did that leave what they are to be shown alone."""

from dataclasses import replace

import numpy as np

from bench.ranking.asked import Queries
from bench.ranking.top import Asking

SHARE = 0.1
"""Of a history that goes missing."""


def thinned(asking: Asking, seed: int) -> Asking:
    """Return queries whose histories lack a tenth of their interactions, drawn at random; one of each user stays."""
    queries = asking.queries
    sizes = np.diff(queries.starts)
    kept = np.random.default_rng(seed).random(len(queries.items)) >= SHARE
    # The last one, which says most of what comes next.
    kept[queries.starts[1:][sizes > 0] - 1] = True
    starts = np.r_[0, np.cumsum(kept)][queries.starts]
    return replace(
        asking,
        queries=Queries(
            users=queries.users,
            starts=starts,
            items=queries.items[kept],
            weights=queries.weights[kept],
            times=None if queries.times is None else queries.times[kept],
            catalogue=queries.catalogue,
        ),
    )
