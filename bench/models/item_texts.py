"""Items as vectors of what can be read of them: shared by the recommenders that know items by their text.

A user's profile is the mean of the vectors of what the user had. It is asked of every item that has a text, so that
items which nobody took up yet can be recommended as well.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.ranking.asked import ITEM, Queries
from bench.ranking.scale import standardised
from bench.types import Context, Dataset, Encoder, Vectors

Scores = NDArray[np.float32]
"""Shape (n, items)."""


def without_texts(dataset: Dataset) -> str:
    """Say that items without texts leave nothing to read."""
    asked = dataset.recommending
    return "" if asked is not None and any(asked.texts) else "no table of items with text: data.items_path="


@dataclass
class Reading:
    """Parameters of every model that reads items: how a profile is made of them."""

    half_life: float = 0.0
    """Interactions after which one counts for half in a profile; 0: all count alike."""
    centred: bool = True
    """Whether the mean of all items is taken off: what texts have in common says nothing of a taste."""

    def __post_init__(self) -> None:
        if self.half_life < 0:
            raise ValueError(f"half_life must be at least 0, not {self.half_life}")


@dataclass
class ItemTexts:
    """Unit vectors of items, and how well each item fits what a user had."""

    vectors: Vectors
    """Shape (items, d); zeros where there is nothing to read."""
    half_life: float = 0.0

    @classmethod
    def of(cls, encoder: Encoder, context: Context, reading: Reading) -> Self:
        """Return the vectors that a frozen encoder makes of the texts of a data set's items.

        Parameters
        ----------
        encoder : Encoder
        context : Context
        reading : Reading
        """
        assert context.recommending is not None
        texts = list(context.recommending.texts)
        if not any(text.strip() for text in texts):
            raise ValueError("no item has a text; name a table of items that have: data.items_path=")
        vectors = context.features(encoder, texts).astype(np.float32)
        read = np.array([bool(text.strip()) for text in texts]) & (np.abs(vectors).sum(axis=1) > 0)
        # A single text is no mean of several: nothing of it would be left.
        if reading.centred and len(np.unique(vectors[read], axis=0)) > 1:
            vectors = vectors - vectors[read].mean(axis=0)
        vectors = np.where(read[:, None], vectors, np.float32(0))
        return cls(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), reading.half_life)

    @property
    def read(self) -> NDArray[np.bool_]:
        """Whether each item has a text, shape (items,)."""
        found: NDArray[np.bool_] = np.abs(self.vectors).sum(axis=1) > 0
        return found

    def cosines(self, queries: Queries) -> Scores:
        """Return the cosine of each user's profile to each item; minus infinity where either says nothing."""
        profiles = recent_history(queries, self.half_life) @ self.vectors
        length = np.linalg.norm(profiles, axis=1, keepdims=True)
        cosines: Scores = (profiles / np.maximum(length, 1e-12)) @ self.vectors.T
        cosines[length[:, 0] <= 0] = -np.inf
        cosines[:, ~self.read] = -np.inf
        return cosines


def recent_history(queries: Queries, half_life: float) -> Any:
    """Return histories as a csr_array of weights that halve every so many interactions back; 0 halves none.

    Examples
    --------
    >>> queries = Queries(users=np.array([0]), starts=np.array([0, 3]), items=np.array([2, 0, 1]),
    ...                   weights=np.ones(3, np.float32), times=None, catalogue=3)
    >>> recent_history(queries, 1.0).toarray().tolist()
    [[0.5, 1.0, 0.25]]
    """
    from scipy.sparse import csr_array

    if not half_life:
        return queries.history
    sizes = np.diff(queries.starts)
    back = np.repeat(queries.starts[1:], sizes) - 1 - np.arange(len(queries.items))
    weights = (queries.weights * 0.5 ** (back / half_life)).astype(np.float32)
    # A copy, for sums put a row in the order of items.
    found = csr_array((weights, queries.items, queries.starts), shape=(len(queries), queries.catalogue), copy=True)
    found.sum_duplicates()
    return found


@dataclass
class ContentReading(Reading):
    """Parameters of models that know items by text alone."""

    popularity: float = 0.7
    """Share of what is popular in a score, between 0 and 1; the rest is how well the text fits. Text alone is worse
    than what is popular, and both together are better: the share, like the other defaults, was chosen on splits within
    the earlier 80 % of MovieLens 100K."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.popularity < 1:
            raise ValueError(f"popularity must be at least 0 and below 1, not {self.popularity}")


def content_space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "half_life": trial.suggest_categorical("half_life", [0.0, 5.0, 10.0, 20.0, 50.0]),
        "popularity": trial.suggest_float("popularity", 0.0, 0.9),
        "centred": trial.suggest_categorical("centred", [True, False]),
    }


@dataclass
class ContentProfile:
    """What fits a user's profile by its text, with a share of what is popular."""

    encoder: Encoder
    context: Context
    reading: ContentReading
    texts: ItemTexts | None = None
    popular: Scores = field(default_factory=lambda: np.empty((1, 0), np.float32))
    """Logarithm of the interactions of each item, standardised; 0 for one without any, shape (1, items)."""

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Read the items, and count their interactions."""
        self.texts = ItemTexts.of(self.encoder, self.context, self.reading)
        counts = np.bincount(X[ITEM], minlength=len(self.texts.vectors))
        logarithms = np.where(counts > 0, np.log(np.maximum(counts, 1)), -np.inf)
        # What is new may become anything: it is taken for an average item, not for an unpopular one.
        self.popular = np.nan_to_num(standardised(logarithms[None]), neginf=0.0)
        return self

    def predict(self, X: Queries) -> Scores:
        """Return scores; users without a history, and items without a text, get none."""
        assert self.texts is not None
        share = self.reading.popularity
        cosines = self.texts.cosines(X)
        if not share:
            return cosines
        fits = standardised(cosines)
        mixed: Scores = np.where(np.isfinite(fits), (1 - share) * fits + share * self.popular, -np.inf)
        return mixed
