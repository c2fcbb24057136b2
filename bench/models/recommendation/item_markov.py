"""What users took up right after what a user took up last."""

from dataclasses import dataclass
from typing import Any

from bench.models.interactions import not_negative, positive, without_time
from bench.models.transitions import Transitions
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``item_markov``."""

    steps: int = 10
    """Farthest step that is counted, and last items of a history that are gone by."""
    decay: float = 0.8
    """What a step counts of the one before."""
    prior: float = 10.0
    """Steps that the share of each item among all interactions stands for."""

    def __post_init__(self) -> None:
        positive(steps=self.steps, decay=self.decay)
        not_negative(prior=self.prior)
        if self.decay > 1:
            raise ValueError(f"decay must be 1 at most, not {self.decay:g}")


def space(trial: Any) -> dict[str, Any]:
    """Return reach, decay and prior to try."""
    return {
        "steps": trial.suggest_int("steps", 1, 50, log=True),
        "decay": trial.suggest_float("decay", 0.3, 1.0),
        "prior": trial.suggest_float("prior", 0.1, 1000.0, log=True),
    }


@register_model(
    "item_markov",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    deterministic=True,
    unfit_for=without_time,
    libraries=("numpy", "scipy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """What came soon after the last items of a history, smoothed by popularity."""
    return Transitions(params.steps, params.decay, params.prior, context)
