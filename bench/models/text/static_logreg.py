"""Static pretrained token vectors, mean-pooled, under logistic regression: pretraining without a network to run."""

from dataclasses import dataclass

from bench.models.parts import Chain, Frozen, logistic_head
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.static_vectors import StaticEncoder


@dataclass
class Params:
    """Parameters of ``static_logreg``."""

    vectors: str = "pkg:wordllama==0.4.0.post1/wordllama/weights/l2_supercat_256.safetensors"
    """Zoo address of the token vectors."""
    tokenizer: str = "pkg:wordllama==0.4.0.post1/wordllama/tokenizers/l2_supercat_tokenizer_config.json"
    """Zoo address of their tokenizer."""
    C: float = 10.0
    """Inverse strength of the head's L2 penalty."""


def encoder(params: Params, zoo: Weights) -> StaticEncoder:
    """Return the frozen encoder."""
    return StaticEncoder(vectors=params.vectors, tokenizer=params.tokenizer, zoo=zoo)


@register_model(
    "static_logreg",
    task_types=["text_clf"],
    params=Params,
    role="zoo",
    deterministic=True,
    zoo=("vectors", "tokenizer"),
    encoder=encoder,
    libraries=("numpy", "scipy", "scikit-learn", "tokenizers", "safetensors"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """WordLlama's static token vectors, mean-pooled, and logistic regression."""
    return Chain(Frozen(encoder(params, context.zoo), context.features), logistic_head(params.C))
