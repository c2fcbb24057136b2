"""Items by their text, as the mean of static pretrained token vectors: without a network to run."""

from dataclasses import dataclass

from bench.models.item_texts import ContentProfile, ContentReading, content_space, without_texts
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.static_vectors import StaticEncoder


@dataclass
class Params(ContentReading):
    """Parameters of ``content_static``."""

    vectors: str = "pkg:wordllama==0.4.0.post1/wordllama/weights/l2_supercat_256.safetensors"
    """Zoo address of the token vectors."""
    tokenizer: str = "pkg:wordllama==0.4.0.post1/wordllama/tokenizers/l2_supercat_tokenizer_config.json"
    """Zoo address of their tokenizer."""


def encoder(params: Params, zoo: Weights) -> StaticEncoder:
    """Return the frozen encoder."""
    return StaticEncoder(vectors=params.vectors, tokenizer=params.tokenizer, zoo=zoo)


@register_model(
    "content_static",
    task_types=["recommendation"],
    params=Params,
    space=content_space,
    role="zoo",
    deterministic=True,
    zoo=("vectors", "tokenizer"),
    encoder=encoder,
    unfit_for=without_texts,
    libraries=("numpy", "scipy", "tokenizers", "safetensors"),
    licence="MIT",
)
def build(params: Params, context: Context) -> Model:
    """What reads like the items that a user had, by WordLlama's token vectors, with a share of what is popular."""
    return ContentProfile(encoder(params, context.zoo), context, params)
