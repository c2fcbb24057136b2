"""TF-IDF and logistic regression: the reference that everything else is compared with."""

from dataclasses import dataclass

from bench.models.parts import Chain, logistic_head
from bench.models.text.tfidf import tfidf
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``tfidf_logreg``."""

    C: float = 10.0
    """Inverse strength of the L2 penalty."""


@register_model("tfidf_logreg", task_types=["text_clf"], params=Params, role="stable", deterministic=True)
def build(params: Params, context: Context) -> Model:
    """TF-IDF and multinomial logistic regression."""
    return Chain(tfidf(), logistic_head(params.C))
