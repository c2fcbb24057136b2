"""Theta models, of which each series gets the one that fits it best."""

from dataclasses import dataclass

from bench.models.series_by_series import SeriesBySeries
from bench.models.statistical import Theta
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model(
    "auto_theta",
    task_types=["forecasting"],
    params=Params,
    role="stable",
    from_budget="toy",
    deterministic=True,
    libraries=("numpy", "scipy", "pandas", "statsforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """The best of four Theta models for each series (Assimakopoulos & Nikolopoulos 2000)."""
    assert context.forecasting is not None
    return SeriesBySeries([Theta(context.forecasting.season)], context)
