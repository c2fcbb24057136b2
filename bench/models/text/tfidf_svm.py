"""TF-IDF and a linear support vector machine, with probabilities by temperature scaling on inner folds."""

from dataclasses import dataclass
from functools import partial

from bench.models.parts import Chain, TemperatureScaled
from bench.models.text.tfidf import linear_svm, tfidf
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``tfidf_svm``."""

    C: float = 1.0
    """Inverse strength of the L2 penalty."""


@register_model("tfidf_svm", task_types=["text_clf"], params=Params, role="stable")
def build(params: Params, context: Context) -> Model:
    """TF-IDF and a linear support vector machine, calibrated by temperature."""
    return Chain(tfidf(), TemperatureScaled(partial(linear_svm, params.C, context.seed), context.seed))
