"""A text encoder that knows nothing: mean-pooled random token vectors under the head that the real encoders get.

What pretraining is worth is a zoo model's lead over this row, not its score.

References
----------
Wieting & Kiela 2019, No Training Required: Exploring Random Encoders for Sentence Classification.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.parts import Chain, logistic_head
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``random_encoder``."""

    dimensions: int = 384
    """Length of a vector; MiniLM's."""
    C: float = 10.0
    """Inverse strength of the head's L2 penalty."""


class RandomTokenVectors:
    """Mean of one random vector per token of the training vocabulary, scaled to unit length."""

    def __init__(self, dimensions: int, seed: int) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self.dimensions = dimensions
        self.seed = seed
        self.counts = CountVectorizer(token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
        self.vectors: NDArray[np.float32] = np.empty((0, dimensions), np.float32)

    def fit_transform(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Draw a vector for each token of the rows, and return the rows' means, shape (n, dimensions)."""
        tokens = self.counts.fit_transform(X)
        generator = np.random.default_rng(self.seed)
        self.vectors = generator.standard_normal((tokens.shape[1], self.dimensions), dtype=np.float32)
        return self._pooled(tokens)

    def transform(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Return the rows' means, shape (n, dimensions); unknown tokens count for nothing."""
        return self._pooled(self.counts.transform(X))

    def _pooled(self, tokens: Any) -> NDArray[np.float32]:
        # The length of the text cancels in the scaling to unit length.
        total: NDArray[np.float32] = tokens @ self.vectors
        total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
        return total


@register_model("random_encoder", task_types=["text_clf"], params=Params, role="floor", from_budget="toy")
def build(params: Params, context: Context) -> Model:
    """Random token vectors, mean-pooled, under the encoders' head: what a zoo model must beat."""
    return Chain(RandomTokenVectors(params.dimensions, context.seed), logistic_head(params.C))
