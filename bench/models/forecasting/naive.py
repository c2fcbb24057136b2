"""The last value, whatever came before it."""

from dataclasses import dataclass

from bench.models.benchmarks import ClosedForm, last_value
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "naive",
    task_types=["forecasting"],
    params=Params,
    role="floor",
    deterministic=True,
    libraries=("numpy", "pandas"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The last value, with the errors of a random walk."""
    assert context.forecasting is not None
    return ClosedForm(last_value, context.forecasting)
