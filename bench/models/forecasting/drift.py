"""The line from the first value to the last."""

from dataclasses import dataclass

from bench.models.benchmarks import ClosedForm, straight_line
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "drift",
    task_types=["forecasting"],
    params=Params,
    # A straight line is what people ship, and on yearly data it is hard to beat.
    role="stable",
    deterministic=True,
    libraries=("numpy", "pandas"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The line from the first value to the last, drawn on."""
    assert context.forecasting is not None
    return ClosedForm(straight_line, context.forecasting)
