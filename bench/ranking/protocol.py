"""The protocol of a run, made part of its data: lists of another one answer another question."""

from dataclasses import replace

from bench.data import fingerprint
from bench.errors import ConfigError
from bench.ranking.held import kind_of
from bench.ranking.splits import usual_windows
from bench.settings import Budget
from bench.types import Dataset

SPLITS = ("global_time", "leave_last", "random", "held_out_users")


def under(dataset: Dataset, protocol: str, budget: Budget) -> Dataset:
    """Return a data set of interactions as it is tested under a protocol, with its new fingerprint.

    Parameters
    ----------
    dataset : Dataset
    protocol : str
        Name of the split.
    budget : Budget
        Tells how often time is cut, where nobody does.

    Raises
    ------
    ConfigError
        If recommendations are not tested so.
    """
    _, ranking = kind_of(dataset)
    if protocol not in SPLITS:
        asked = "curve=true" if protocol == "curve" else f"protocol={protocol}"
        raise ConfigError(f"{asked} is not for recommendation, which has protocol={', '.join(SPLITS)}.")
    # A protocol's name must say how often time is cut, and not hang on it where nothing is.
    windows = usual_windows(ranking, budget.folds) if protocol == "global_time" else 0
    if (protocol, windows) == (ranking.split, ranking.windows):
        return dataset
    changed = replace(dataset, ranking=replace(ranking, split=protocol, windows=windows))
    return replace(changed, fingerprint=fingerprint(changed))
