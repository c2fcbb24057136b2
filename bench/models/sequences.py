"""Histories as sequences of items, and a network that is trained to say what comes next in them.

Torch is imported in functions alone: all modules of models are imported to know their names.
"""

import contextlib
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.interactions import Known, Scores, asked_of, only_known
from bench.models.zero_shot import device
from bench.ranking.asked import ITEM, USER, Codes, Queries
from bench.types import Context

MOST_HELD_OUT = 2_000
"""Users whose last interaction is held out to say when to stop; of more, as many in equal steps of their codes."""
LEAST = 3
"""Interactions of a user who can spare the last one."""
LOGITS = 2**26
"""Logits that are held at a time: steps of large catalogues are smaller."""
MASKED = -100
"""Stands where there is no target."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Size of a network."""

    width: int
    layers: int
    heads: int
    length: int
    """Items that are read."""
    dropout: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is trained."""

    batch_size: int
    """Sequences of a step."""
    learning_rate: float
    epochs: int
    """At most."""
    patience: int
    """Epochs without gain on what is held out, after which training ends."""
    seconds: float
    """After which training ends in any case; 0 for no such limit."""


@dataclass
class SelfAttention:
    """Transformer that reads a sequence from left to right; a logit is the product of a state and an item's vector."""

    parts: Any
    """Modules by name."""

    @classmethod
    def of(cls, items: int, shape: Shape) -> Self:
        """Return a network that is not trained."""
        from torch import nn

        layer = nn.TransformerEncoderLayer(
            shape.width, shape.heads, 4 * shape.width, shape.dropout, "gelu", batch_first=True, norm_first=True
        )
        of_items, of_places = nn.Embedding(items, shape.width), nn.Embedding(shape.length, shape.width)
        for vectors in (of_items, of_places):
            nn.init.normal_(vectors.weight, std=shape.width**-0.5)
        parts = {
            "of_items": of_items,
            "of_places": of_places,
            "dropout": nn.Dropout(shape.dropout),
            "layers": nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False),
            "last": nn.LayerNorm(shape.width),
        }
        return cls(nn.ModuleDict(parts))

    def states(self, sequences: Any) -> Any:
        """Return a state behind each item of sequences that are filled up on the right, shape (n, length, width)."""
        import torch

        places = torch.arange(sequences.shape[1], device=sequences.device)
        states = self.parts["dropout"](self.parts["of_items"](sequences) + self.parts["of_places"](places))
        ahead = torch.ones(2 * (sequences.shape[1],), dtype=torch.bool, device=sequences.device).triu(1)
        return self.parts["last"](self.parts["layers"](states, mask=ahead, is_causal=True))

    def logits(self, states: Any) -> Any:
        """Return a logit for each state and item."""
        return states @ self.parts["of_items"].weight.T


@dataclass
class NextItem:
    """Recommends what a network says comes next in a history."""

    shape: Shape
    training: Training
    context: Context
    network: SelfAttention | None = None
    known: Known = field(default_factory=lambda: np.empty(0, dtype=bool))
    """Items that it was trained on, shape (items,)."""
    epochs: int = 0
    """That were run."""
    best: int = 0
    """Epoch whose weights are kept."""

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Train on the order of the rows."""
        import torch

        self.known = np.bincount(X[ITEM], minlength=len(asked_of(self.context).items)) > 0
        order = np.argsort(X[USER].to_numpy(), kind="stable")
        users, items = X[USER].to_numpy()[order], self._places()[X[ITEM].to_numpy()[order]]
        histories = np.split(items, np.flatnonzero(np.diff(users)) + 1)
        with _threads(self.context.threads), torch.random.fork_rng():
            torch.manual_seed(self.context.seed)
            self.network = SelfAttention.of(int(self.known.sum()), self.shape)
            self.network.parts.to(device())
            self._train(*_held_out(histories))
            self.network.parts.to("cpu").eval()
        return self

    def predict(self, X: Queries) -> Scores:
        """Return logits of what comes next; users without an item that was trained on get none."""
        import torch

        assert self.network is not None
        places = self._places()
        histories = [
            kept[kept >= 0]
            for kept in (places[X.items[start:end]] for start, end in zip(X.starts[:-1], X.starts[1:], strict=True))
        ]
        scores = np.full((len(X), X.catalogue), -np.inf, dtype=np.float32)
        told = np.flatnonzero([len(history) > 0 for history in histories])
        with _threads(self.context.threads), torch.inference_mode():
            for rows in np.array_split(told, max(1, -(-len(told) // self.training.batch_size))):
                if len(rows):
                    states = self._last_states([histories[row] for row in rows])
                    scores[np.ix_(rows, self.known)] = self.network.logits(states).float().cpu().numpy()
        return only_known(scores, X, self.known)

    def _places(self) -> Codes:
        """Return the place of each item among those that are known, -1 for the others."""
        return np.where(self.known, np.cumsum(self.known) - 1, -1)

    def _last_states(self, histories: Sequence[Codes]) -> Any:
        import torch

        assert self.network is not None
        sequences = [history[-self.shape.length :] for history in histories]
        where = self.network.parts["of_items"].weight.device
        ends = torch.tensor([len(sequence) - 1 for sequence in sequences], device=where)
        states = self.network.states(_filled_up(sequences, 0).to(where))
        return states[torch.arange(len(sequences), device=where), ends]

    def _train(self, histories: list[Codes], held: list[Codes]) -> None:
        """Step until nothing is gained on what is held out, and keep the best weights."""
        import torch

        assert self.network is not None
        parts, generator = self.network.parts, np.random.default_rng(self.context.seed)
        optimizer = torch.optim.Adam(parts.parameters(), lr=self.training.learning_rate, betas=(0.9, 0.98))
        pieces = [piece for history in histories for piece in _pieces(history, self.shape.length)]
        started, late, least, kept = time.monotonic(), False, np.inf, None
        for epoch in range(1, self.training.epochs + 1):
            parts.train()
            for batch in self._batches(pieces, generator):
                self._step(batch, optimizer)
                late = bool(self.training.seconds) and time.monotonic() - started > self.training.seconds
                if late:
                    break
            self.epochs = epoch
            loss = self._loss_of(held)
            if loss < least or not held:
                least, self.best = loss, epoch
                kept = {name: values.detach().clone() for name, values in parts.state_dict().items()}
            if late:
                warnings.warn(
                    f"Training ended by the clock in epoch {epoch} of {self.training.epochs} at most: it does not "
                    "repeat exactly. Raise seconds.",
                    stacklevel=3,
                )
            if late or epoch - self.best >= self.training.patience:
                break
        if kept is not None:
            parts.load_state_dict(kept)

    def _batches(self, pieces: list[Codes], generator: np.random.Generator) -> Iterator[list[Codes]]:
        most = max(1, LOGITS // (int(self.known.sum()) * self.shape.length))
        size = min(self.training.batch_size, most)
        order = generator.permutation(len(pieces))
        for start in range(0, len(order), size):
            yield [pieces[place] for place in order[start : start + size]]

    def _step(self, batch: list[Codes], optimizer: Any) -> None:
        import torch

        assert self.network is not None
        where = device()
        targets = _filled_up([piece[1:] for piece in batch], MASKED).to(where)
        there = targets != MASKED
        # Half the digits where that is several times as fast.
        with torch.autocast("cuda", torch.bfloat16, enabled=where == "cuda"):
            states = self.network.states(_filled_up([piece[:-1] for piece in batch], 0).to(where))
            logits = self.network.logits(states[there])
        optimizer.zero_grad()
        loss: Any = torch.nn.functional.cross_entropy(logits.float(), targets[there])
        loss.backward()
        optimizer.step()

    def _loss_of(self, held: list[Codes]) -> float:
        """Return the mean cross-entropy of the last items of histories."""
        import torch

        assert self.network is not None
        self.network.parts.eval()
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(held), self.training.batch_size):
                batch = held[start : start + self.training.batch_size]
                logits = self.network.logits(self._last_states([history[:-1] for history in batch]))
                wanted = torch.tensor([int(history[-1]) for history in batch], device=logits.device)
                total += float(torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="sum"))
        return total / max(1, len(held))


def _held_out(histories: list[Codes]) -> tuple[list[Codes], list[Codes]]:
    """Return histories to train on, and whole ones of which the last item is held out of the former."""
    able = [place for place, history in enumerate(histories) if len(history) >= LEAST]
    chosen = {able[at] for at in np.linspace(0, len(able) - 1, min(len(able), MOST_HELD_OUT)).astype(int)}
    kept = [history[:-1] if place in chosen else history for place, history in enumerate(histories)]
    return kept, [histories[place] for place in sorted(chosen)]


def _pieces(history: Codes, length: int) -> list[Codes]:
    """Return a history in pieces, from its end, that share one item: each step from item to item is in one of them.

    Examples
    --------
    >>> [piece.tolist() for piece in _pieces(np.arange(6), 2)]
    [[3, 4, 5], [1, 2, 3], [0, 1]]
    """
    return [history[max(0, end - length - 1) : end] for end in range(len(history), 1, -length)]


def _filled_up(sequences: Sequence[Codes], value: int) -> Any:
    """Return sequences as one tensor, shape (n, longest), filled up on the right."""
    import torch

    found = np.full((len(sequences), max(map(len, sequences))), value, dtype=np.int64)
    for row, sequence in enumerate(sequences):
        found[row, : len(sequence)] = sequence
    return torch.from_numpy(found)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)
