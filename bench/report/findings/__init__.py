"""What a sceptic would say of a result: one module a finding, each with a stable code.

A module offers ``CODE`` and ``find(content)``, which yields one text for every model or pair that it concerns.
"""

from collections.abc import Callable, Iterator

from bench.report.content import Content
from bench.report.findings import (
    answered_by_simpler,
    exploding_forecasts,
    exposed,
    floor_unbeaten,
    fragile,
    future_in_training,
    gain_within_noise,
    imputed_failures,
    intervals_off,
    miscalibrated,
    mostly_cold,
    new_users_unserved,
    not_deterministic,
    order_dependent,
    popularity_shift,
    tied_times,
    tied_with_simpler,
    too_few_seeds,
    tuning_bought_nothing,
    unpinned,
    zoo_at_the_floor,
    zoo_behind_stable,
)
from bench.stats.verdicts import Finding

_CHECKS: dict[str, Callable[[Content], Iterator[str]]] = {
    module.CODE: module.find
    for module in (
        floor_unbeaten,
        imputed_failures,
        not_deterministic,
        order_dependent,
        future_in_training,
        mostly_cold,
        new_users_unserved,
        popularity_shift,
        tied_times,
        fragile,
        exploding_forecasts,
        answered_by_simpler,
        exposed,
        zoo_at_the_floor,
        zoo_behind_stable,
        tied_with_simpler,
        gain_within_noise,
        tuning_bought_nothing,
        too_few_seeds,
        miscalibrated,
        intervals_off,
        unpinned,
    )
}


def find_all(content: Content) -> tuple[Finding, ...]:
    """Return every finding, the gravest kind first."""
    return tuple(Finding(code=code, text=text) for code, find in _CHECKS.items() for text in find(content))
