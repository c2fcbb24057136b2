"""Which models have room for what they need: windows within the history before each origin.

Weights of an ensemble and searches go by such windows. Where even the longest series has none, a cell could only fail,
however often it is repeated.
"""

from collections.abc import Sequence

import numpy as np

from bench.panel import Rolling, least_history
from bench.types import Dataset, ModelChoice, Split


def without_room(
    models: Sequence[ModelChoice], dataset: Dataset, splits: Sequence[Split]
) -> tuple[tuple[ModelChoice, ...], list[str]]:
    """Return the models without ensembles and searches that have no window to go by, and a sentence on these.

    Parameters
    ----------
    models : sequence of ModelChoice
    dataset : Dataset
        Of anything; only panels can be too short.
    splits : sequence of Split
    """
    asked, groups = dataset.forecasting, dataset.groups
    wanting = [choice.name for choice in models if choice.tuned or choice.members]
    if asked is None or groups is None or not wanting:
        return tuple(models), []
    takes = asked.horizon + least_history(asked.season)
    shortest = min(int(np.bincount(groups[split.fitted]).max()) for split in splits)
    if shortest >= takes:
        return tuple(models), []
    said = (
        f"{', '.join(wanting)} {'are' if len(wanting) > 1 else 'is'} left out: weights and searches go by windows "
        f"within the history before each origin, which take {takes} steps, and before one origin no series has more "
        f"than {shortest}. {_what_would_do(dataset)}"
    )
    return tuple(choice for choice in models if choice.name not in wanting), [said]


def _what_would_do(dataset: Dataset) -> str:
    """Return what would leave room for two windows, and one within the history before each."""
    assert dataset.forecasting is not None
    assert dataset.groups is not None
    rolling = dataset.rolling or Rolling()
    spare = int(np.bincount(dataset.groups).max()) - least_history(dataset.forecasting.season)
    longest = (spare - rolling.step) // 2 if rolling.step else spare // 3
    if rolling.context:
        longest = min(longest, rolling.context - least_history(dataset.forecasting.season))
    if longest < 1 or dataset.test is not None:
        return "Longer series would have room."
    return f"data.windows=2 data.horizon={longest} would leave room."
