"""Hard limits: what a model must keep to be recommended at all."""

import math

from bench.settings import Limits
from bench.stats.table import ModelScores
from bench.types import LICENCE_AND


def broken_limit(model: ModelScores, limits: Limits) -> str:
    """Return which hard limit a model breaks, or an empty string. What was not measured cannot be shown to be kept."""
    cost = model.facts.cost
    for most, value, what in (
        (limits.max_latency_ms, cost.latency_p95_ms if cost else math.nan, "ms for 95 in 100 predictions"),
        (limits.max_memory_mb, cost.peak_mb if cost else math.nan, "MB of memory"),
    ):
        if most and not value <= most:
            return f"{'unknown' if math.isnan(value) else f'{value:.3g}'} {what}, {most:g} allowed"
    if limits.licences and not set(model.facts.licence.split(LICENCE_AND)) <= set(limits.licences):
        return f"licence {model.facts.licence}, allowed: {', '.join(limits.licences)}"
    rate = model.failed / model.ran if model.ran else 1.0
    if rate > limits.max_failure_rate:
        return f"{100 * rate:.0f} % of its cells failed, {100 * limits.max_failure_rate:g} % allowed"
    return ""
