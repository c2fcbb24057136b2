"""The protocol of a run, made part of its data: lists of another one answer another question."""

from dataclasses import replace

from bench.data import fingerprint
from bench.errors import ConfigError
from bench.ranking.held import kind_of
from bench.types import Dataset

SPLITS = ("global_time", "leave_last", "random", "held_out_users")


def under(dataset: Dataset, protocol: str) -> Dataset:
    """Return a data set of interactions as it is tested under a protocol, with its new fingerprint.

    Parameters
    ----------
    dataset : Dataset
    protocol : str
        Name of the split.

    Raises
    ------
    ConfigError
        If recommendations are not tested so.
    """
    _, ranking = kind_of(dataset)
    if protocol not in SPLITS:
        raise ConfigError(f"protocol={protocol} is not for recommendation, which has {', '.join(SPLITS)}.")
    if protocol == ranking.split:
        return dataset
    changed = replace(dataset, ranking=replace(ranking, split=protocol))
    return replace(changed, fingerprint=fingerprint(changed))
