"""The mean of all that is known."""

from dataclasses import dataclass

from bench.models.benchmarks import ClosedForm, mean_of_all
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "historic_mean",
    task_types=["forecasting"],
    params=Params,
    role="floor",
    deterministic=True,
    libraries=("numpy", "pandas"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The mean of the history."""
    assert context.forecasting is not None
    return ClosedForm(mean_of_all, context.forecasting)
