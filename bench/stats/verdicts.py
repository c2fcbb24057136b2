"""What statistics say in the end: a comparison, a decision, and what a sceptic finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something a sceptic would say; ``code`` is stable, ``text`` one paragraph."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A model against the reference on one metric, turned so that larger is better."""

    model: str
    reference: str
    metric: str
    difference: float
    low: float
    """Lower end of the 95 % interval; NaN where it cannot be had."""
    high: float
    p_better: float
    """Probability that the difference exceeds the margin."""
    p_equivalent: float
    """Probability that the difference lies within the margin either way."""
    p_worse: float
    verdict: Literal["better", "worse", "equal", "cannot tell", "identical"]
    detectable: float = float("nan")
    """Smallest true difference that these splits would find with power 0.8."""
    folds_needed: float = float("nan")
    """Folds over all repeats that would find the margin; infinity where no number would."""
    method: str = ""
    """How the interval was made; empty where there is none."""
    mcnemar: float = float("nan")
    """McNemar's p for one split and the first seed of both; NaN where it does not apply."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The recommendation."""

    pick: str
    """Empty when nothing can be recommended."""
    confidence: float
    """Probability that the pick is within the margin of the best; NaN where it cannot be had."""
    because: tuple[str, ...]
    price: float
    """Loss of score against the best mean, in units of the primary metric."""
    runner_up: str
    would_change_if: str
    settled: bool = True
    """Whether the data support the pick; False where the reference stays for want of evidence."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Models that break a hard limit, miss a floor or were pretrained on the data, and which of it."""
    also: str = ""
    """When another number of training rows would change the answer; a sentence, or empty."""
    winner_changes: float = float("nan")
    """Probability that the highest mean goes to another model if all is fitted again on the same folds."""
