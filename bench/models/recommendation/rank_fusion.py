"""EASE, iALS and nearest neighbours of items as one, by the places in their lists."""

from dataclasses import dataclass
from functools import partial

from bench.models.factors import AlternatingLeastSquares
from bench.models.fused import Member, RankFusion
from bench.models.interactions import positive
from bench.models.item_weights import ItemWeights, closed_form, cosine, too_many_items
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``rank_fusion``."""

    constant: float = 60.0
    """Added to each place: the smaller, the more the first places count."""

    def __post_init__(self) -> None:
        positive(constant=self.constant)


@register_model(
    "rank_fusion",
    task_types=["recommendation"],
    params=Params,
    role="ensemble",
    from_budget="quick",
    unfit_for=too_many_items,
    libraries=("numpy", "scipy", "pandas", "implicit"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """EASE, iALS and nearest neighbours of items, by the places of items in their lists."""
    members: list[Member] = [
        ItemWeights(partial(closed_form, penalty=500.0), context),
        AlternatingLeastSquares(64, 12, 5.0, 0.8, context),
        ItemWeights(partial(cosine, neighbours=100, shrink=10.0, threads=context.threads), context),
    ]
    return RankFusion(members, params.constant)
