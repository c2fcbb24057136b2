"""What most users took up: the reference of recommendations."""

from dataclasses import dataclass

from bench.models.counted import Counted
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "popularity",
    task_types=["recommendation"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "pandas"),
)
def build(params: Params, context: Context) -> Model:
    """The items with the most interactions, the same for all users."""
    return Counted(context)
