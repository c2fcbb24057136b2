"""The last season again: the reference of forecasts."""

from dataclasses import dataclass

from bench.models.benchmarks import ClosedForm, last_season
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "seasonal_naive",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    deterministic=True,
    libraries=("numpy", "pandas"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The values of the last season."""
    assert context.forecasting is not None
    return ClosedForm(last_season, context.forecasting)
