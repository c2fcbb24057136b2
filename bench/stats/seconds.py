"""Seconds as tables show them: medians, their spread, and steps so wide that noise moves none of them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bench.types import Cost, Record


def one_two_five(value: float) -> float:
    """Round to the nearest of 1, 2, 5 times a power of ten, on the logarithmic scale.

    Timings move from run to run; steps this wide keep noise out of tables and decisions.

    Examples
    --------
    >>> one_two_five(0.0437), one_two_five(130.0)
    (0.05, 100.0)
    """
    if not value > 0 or math.isinf(value):
        return value
    exponent = math.floor(math.log10(value))
    steps = [step * 10.0**power for power in (exponent, exponent + 1) for step in (1, 2, 5)]
    return float(f"{min(steps, key=lambda step: abs(math.log(step / value))):.1g}")


def seconds_per_thousand(ok: Sequence[Record], cost: Cost | None) -> float:
    """Return seconds of 1,000 predictions: as measured alone, else as the scoring cells took."""
    if cost is not None:
        return 1000 / cost.throughput_1000
    return median([1000 * record.predict_seconds / _answers(record) for record in ok if record.n_test])


def _answers(record: Record) -> int:
    """Return how many items were answered for: of lists the users, for a row is something to be found."""
    lists: Mapping[str, int] = record.found.get("lists", {})
    return lists.get("users", record.n_test)


def relative_spread(seconds: Sequence[float]) -> float:
    """Return 1.4826 x MAD / median, the share by which seconds spread; NaN for fewer than three."""
    finite = np.array([value for value in seconds if not math.isnan(value)])
    if len(finite) < 3 or np.median(finite) == 0:
        return math.nan
    return float(1.4826 * np.median(np.abs(finite - np.median(finite))) / np.median(finite))


def median(values: Sequence[float]) -> float:
    """Return the median of what is known; NaN where nothing is."""
    finite = [value for value in values if not math.isnan(value)]
    return float(np.median(finite)) if finite else math.nan
