"""The unit in which a report prints each metric."""

from bench.metrics import metric
from bench.stats.unit import Unit


def unit_of(name: str, typical: float) -> Unit:
    """Return the unit of a metric; ``typical`` is a score whose digits are to be seen."""
    found = metric(name)
    sign = 1.0 if found.greater_is_better else -1.0
    if found.in_points:
        return Unit(label=found.label, sign=sign)
    return Unit.own(found.label, sign, typical, found.decimals)
