"""The class frequencies of the training rows, whatever the input."""

from dataclasses import dataclass

from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """No parameters."""


@register_model("prior", task_types=["text_clf", "tabular_clf"], params=Params, role="floor", deterministic=True)
def build(params: Params, context: Context) -> Model:
    """Class frequencies of the training rows."""
    from sklearn.dummy import DummyClassifier

    model: Model = DummyClassifier(strategy="prior")
    return model
