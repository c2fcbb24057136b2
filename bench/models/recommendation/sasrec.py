"""SASRec: a causal self-attention network over what a user did, trained to say what comes next.

Its loss is the cross-entropy over all items: with the sampled negatives of the original it is far behind.

References
----------
Kang & McAuley 2018, Self-Attentive Sequential Recommendation; Klenitskiy & Vasilev 2023, Turning Dross Into Gold Loss:
is BERT4Rec really better than SASRec?
"""

from dataclasses import dataclass
from typing import Any

from bench.models.interactions import positive, without_time
from bench.models.sequences import NextItem, Shape, Training
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``sasrec``."""

    width: int = 64
    """Length of the vectors of items."""
    layers: int = 2
    heads: int = 2
    length: int = 50
    """Last interactions that are read; longer histories are learned from in parts."""
    dropout: float = 0.2
    learning_rate: float = 2e-3
    batch_size: int = 32
    """Histories, or parts of them, of a step."""
    epochs: int = 100
    """At most."""
    patience: int = 5
    """Epochs without gain on interactions that are held out, each user's last one, after which training ends."""
    seconds: float = 600.0
    """After which training ends in any case, and what it has learned does not repeat exactly; 0 for no such limit."""

    def __post_init__(self) -> None:
        positive(width=self.width, layers=self.layers, heads=self.heads, learning_rate=self.learning_rate)
        positive(batch_size=self.batch_size, epochs=self.epochs, patience=self.patience)
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads={self.heads}, not {self.width}")
        if self.length < 2:
            raise ValueError(f"length must be at least 2, one interaction and what follows it, not {self.length}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout:g}")
        if self.seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {self.seconds:g}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "width": trial.suggest_categorical("width", [32, 64, 128]),
        "layers": trial.suggest_int("layers", 1, 3),
        "length": trial.suggest_categorical("length", [20, 50, 100, 200]),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True),
    }


@register_model(
    "sasrec",
    task_types=["recommendation"],
    params=Params,
    space=space,
    role="stable",
    from_budget="standard",
    unfit_for=without_time,
    libraries=("numpy", "torch"),
)
def build(params: Params, context: Context) -> Model:
    """SASRec, a self-attention network over the order of interactions, with cross-entropy over all items."""
    training = Training(
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        epochs=params.epochs,
        patience=params.patience,
        seconds=params.seconds,
    )

    shape = Shape(
        width=params.width, layers=params.layers, heads=params.heads, length=params.length, dropout=params.dropout
    )
    return NextItem(shape, training, context)
