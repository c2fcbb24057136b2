"""Static text embedding: the mean of fixed token vectors, without a neural network to run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import ZooError
from bench.machine import release
from bench.types import Weights

_opened: dict[tuple[str, str], tuple[Any, NDArray[np.float32]]] = {}
"""Tokenizer and vectors by revision: checked and loaded once a process."""


@dataclass(frozen=True, kw_only=True)
class StaticEncoder:
    """Mean-pooled, L2-normalised token vectors."""

    vectors: str
    """Address of a safetensors file with one matrix, shape (tokens, d)."""
    tokenizer: str
    """Address of a tokenizer file as the ``tokenizers`` library writes it."""
    zoo: Weights

    @property
    def key(self) -> Mapping[str, str | int]:
        """Weights, preprocessing and library versions."""
        return {
            "vectors": self.zoo.revision(self.vectors),
            "tokenizer": self.zoo.revision(self.tokenizer),
            "pooling": "mean, L2",
            **{library: release(library) for library in ("numpy", "tokenizers")},
        }

    def encode(self, items: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.float32]:
        """Return one unit vector a text; a text without tokens is the zero vector.

        Raises
        ------
        ZooError
            If the vectors do not fit the tokenizer.
        """
        tokenizer, table = self._loaded()
        out = np.zeros((len(items), table.shape[1]), np.float32)
        for start in range(0, len(items), 512):
            batch = tokenizer.encode_batch_fast(list(items[start : start + 512]))
            for row, encoding in enumerate(batch, start):
                if encoding.ids:
                    out[row] = table[encoding.ids].mean(axis=0)
            advance(len(batch))
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out

    def _loaded(self) -> tuple[Any, NDArray[np.float32]]:
        revision = self.zoo.revision(self.vectors), self.zoo.revision(self.tokenizer)
        if revision not in _opened:
            _opened[revision] = self._load()
        return _opened[revision]

    def _load(self) -> tuple[Any, NDArray[np.float32]]:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        tensors = load_file(self.zoo(self.vectors))
        if len(tensors) != 1:
            raise ZooError(f"{self.vectors} holds {len(tensors)} tensors; one matrix of token vectors was expected.")
        table = next(iter(tensors.values())).astype(np.float32)
        tokenizer = Tokenizer.from_file(str(self.zoo(self.tokenizer)))
        if tokenizer.get_vocab_size() > len(table):
            raise ZooError(
                f"{self.tokenizer} has {tokenizer.get_vocab_size()} tokens, {self.vectors} {len(table)} rows."
            )
        return tokenizer, table
