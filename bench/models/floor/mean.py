"""The mean of the training rows' targets, whatever the input."""

from dataclasses import dataclass

from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model("mean", task_types=["tabular_reg"], params=Params, role="floor", deterministic=True)
def build(params: Params, context: Context) -> Model:
    """Mean of the training rows' targets."""
    from sklearn.dummy import DummyRegressor

    model: Model = DummyRegressor(strategy="mean")
    return model
