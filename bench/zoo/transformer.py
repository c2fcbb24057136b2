"""Frozen text encoder from a transformers folder: mean pooling over the last layer.

Texts are tokenised once, sorted by length and run in batches, in bfloat16 where the processor multiplies it in
hardware (cosine to float32 at least 0.9999 on MiniLM) and in float32 elsewhere.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import machine
from bench.errors import MissingExtraError, ZooError
from bench.types import Weights
from bench.zoo.torchvision_ops import declare_missing_operators

OLDEST_TRANSFORMERS = (5, 5)
"""Older ones let a config file run code even with remote code refused (CVE-2026-4372, CVE-2026-5241)."""


@dataclass(frozen=True, kw_only=True)
class TransformerEncoder:
    """Mean-pooled, L2-normalised last hidden states."""

    weights: str
    """Address of a folder with config, tokenizer and ``model.safetensors``."""
    max_tokens: int
    """Longer texts are cut."""
    zoo: Weights
    batch_size: int = 32

    @property
    def key(self) -> Mapping[str, str | int]:
        """Weights, preprocessing, number format and library versions."""
        return {
            "weights": self.zoo.revision(self.weights),
            "max_tokens": self.max_tokens,
            "pooling": "mean, L2",
            "number_format": number_format(),
            **{library: machine.release(library) for library in ("torch", "transformers", "tokenizers")},
        }

    def encode(self, items: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.float32]:
        """Return one unit vector a text, shape (n, hidden size).

        Raises
        ------
        ZooError
            If the weights are not what the lock says, were not really loaded, or read fewer tokens.
        """
        import torch

        tokenizer, model = self._loaded()
        if self.max_tokens > (most := getattr(model.config, "max_position_embeddings", self.max_tokens)):
            raise ZooError(f"{self.weights} reads at most {most} tokens a text; max_tokens={self.max_tokens} is more.")
        name, device = number_format().split(" on ")
        model.to(device, getattr(torch, name))
        ids = tokenizer(list(items), truncation=True, max_length=self.max_tokens)["input_ids"] if len(items) else []
        longest_first = np.argsort([-len(row) for row in ids], kind="stable")
        batches = [longest_first[at : at + self.batch_size] for at in range(0, len(items), self.batch_size)]
        out = np.zeros((len(items), model.config.hidden_size), np.float32)

        def encode_batch(rows: NDArray[np.intp]) -> int:
            with torch.inference_mode():
                batch = tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt").to(device)
                hidden = model(**batch).last_hidden_state.float()
                mask = batch["attention_mask"].unsqueeze(-1)
                mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
                out[rows] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
            return len(rows)

        with _one_thread_a_batch() as threads, ThreadPoolExecutor(threads if device == "cpu" else 1) as pool:
            for done in pool.map(encode_batch, batches):
                advance(done)
        return out

    def _loaded(self) -> tuple[Any, Any]:
        revision = self.zoo.revision(self.weights)
        if revision not in _opened:
            _opened[revision] = load_encoder(self.zoo(self.weights))
        return _opened[revision]


_opened: dict[str, tuple[Any, Any]] = {}
"""Tokenizer and model by revision: checked and loaded once a process."""


@contextlib.contextmanager
def _one_thread_a_batch() -> Iterator[int]:
    """Let each batch run on one thread, and yield how many may run side by side.

    Small matrices gain less from two threads that wait for each other than from two batches that do not; the vectors
    are the same bit for bit.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def number_format() -> str:
    """Return the number format and device that encoding uses on this machine, such as ``bfloat16 on cpu``."""
    import torch

    if torch.cuda.is_available():
        return f"{'bfloat16' if torch.cuda.is_bf16_supported() else 'float32'} on cuda"
    return f"{'bfloat16' if machine.has_bfloat16() else 'float32'} on cpu"


def load_encoder(folder: Path) -> tuple[Any, Any]:
    """Load tokenizer and model from a local folder, and check that the weights were really loaded.

    Raises
    ------
    MissingExtraError
        If transformers is older than the oldest safe release.
    ZooError
        If any parameter of the model does not come from the file.
    """
    declare_missing_operators()
    import transformers
    from safetensors.torch import load_file

    if tuple(map(int, transformers.__version__.split(".")[:2])) < OLDEST_TRANSFORMERS:
        raise MissingExtraError(
            f"transformers {transformers.__version__} can run code from a model's config file (CVE-2026-4372, "
            'CVE-2026-5241). Install a newer one: pip install "transformers>=5.5"'
        )
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
    model = transformers.AutoModel.from_pretrained(folder, use_safetensors=True, **local).eval()
    assert_loaded(model, load_file(folder / "model.safetensors"), folder)
    return tokenizer, model


def assert_loaded(model: Any, tensors: Mapping[str, Any], folder: Path) -> None:
    """Check that every parameter of a model equals its tensor in the file, bit for bit.

    Loaders go on with random numbers where a name does not match, and only log it.

    Raises
    ------
    ZooError
        Naming the parameters that differ.
    """
    import torch

    prefix = f"{model.base_model_prefix}."
    named = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    wrong = [
        name
        for name, parameter in model.named_parameters()
        if name not in named or not torch.equal(parameter, named[name].to(parameter.dtype))
    ]
    if wrong:
        raise ZooError(
            f"{folder}: {len(wrong)} of {len(list(model.parameters()))} parameters were not loaded from the file, "
            f"the first is {wrong[0]!r}. The file belongs to another architecture than its config says."
        )
