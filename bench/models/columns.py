"""Columns of a table as models want them; fitted on training rows only.

Kinds are told by type, as task types hand them over: ``float64`` numbers, ``datetime64`` dates, ``object`` categories
and ``string`` texts. Columns get plain names, since some libraries refuse what people write into headers.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COMPONENTS = 30
"""Dimensions that very many levels, or a column of texts, become."""
LEARNED_FROM = 100_000
"""Rows from which the components of n-grams are learned; more of them hardly move these."""
MOST_LEVELS = 10_000


@dataclass
class Levels:
    """One category.

    Few levels become indicators, with one that those of a single row share, and one for what is missing. Many become
    the leading components of their character n-grams.
    """

    known: list[str]
    table: NDArray[np.float64]
    """A row for each known level, one for what is missing, and one for what was never seen."""
    encoder: Any = None
    """Of n-grams, which say something of a level that was never seen too."""

    def transform(self, values: pd.Series) -> NDArray[np.float64]:
        """Return the rows' numbers, shape (n, width)."""
        codes = pd.Categorical(values, categories=self.known).codes.astype(np.intp)
        missing = values.isna().to_numpy()
        unseen = (codes < 0) & ~missing
        codes[missing] = len(self.known)
        found = self.table[codes]
        if self.encoder is not None and unseen.any():
            places, levels = pd.factorize(values[unseen])
            found[unseen] = _encoded(self.encoder, list(levels))[places]
        return found


@dataclass
class Dense:
    """Standardised numbers without gaps, for linear models and neighbours: shape (n, d).

    Categories become indicators, or from ``cardinality`` levels on the leading components of their character n-grams;
    dates become their parts; what is missing becomes the mean, with an indicator.
    """

    seed: int
    cardinality: int = 40
    levels: dict[str, Levels] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Dates and texts."""
    vectoriser: Any = None
    imputer: Any = None
    scaler: Any = None

    def fit_transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Fit on the rows, and return them."""
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
        from skrub import DatetimeEncoder, StringEncoder, TableVectorizer

        X = _plain(X)
        categories = [name for name in X.columns if X[name].dtype == object]
        self.levels = {name: _learned(X[name], self.cardinality, self.seed) for name in categories}
        # Numbers need no vectoriser, which takes ten milliseconds a column.
        self.numbers = [name for name in X.columns if X[name].dtype.kind in "fiub"]
        self.others = [name for name in X.columns if name not in {*categories, *self.numbers}]
        self.vectoriser = TableVectorizer(
            cardinality_threshold=self.cardinality,
            low_cardinality=OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=2),
            high_cardinality=StringEncoder(COMPONENTS, random_state=self.seed),
            datetime=DatetimeEncoder(add_weekday=True, add_total_seconds=True),
        )
        self.imputer = SimpleImputer(add_indicator=True, keep_empty_features=True, copy=False)
        self.scaler = StandardScaler(copy=False)
        scaled: NDArray[np.float64] = self.scaler.fit_transform(self._joined(X, "fit_transform"))
        return scaled

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the rows as they were learned."""
        scaled: NDArray[np.float64] = self.scaler.transform(self._joined(_plain(X), "transform"))
        # A standard deviation of nearly nothing must not let one odd row rule all others.
        return np.clip(scaled, -1e3, 1e3, out=scaled)

    def _joined(self, X: pd.DataFrame, do: Literal["fit_transform", "transform"]) -> NDArray[np.float64]:
        parts = [X[self.numbers].to_numpy(np.float64, copy=True)] if self.numbers else []
        if self.others:
            parts.append(np.asarray(getattr(self.vectoriser, do)(X[self.others]), dtype=np.float64))
        if parts:
            parts = [getattr(self.imputer, do)(np.hstack(parts) if len(parts) > 1 else parts[0])]
        return np.hstack([*parts, *(levels.transform(X[name]) for name, levels in self.levels.items())])


@dataclass
class Split:
    """Columns for trees: numbers with gaps, and categories by their codes.

    Codes follow the frequency of a level in the training rows; what is missing or was never seen is a gap. Dates become
    their parts, texts the leading components of their character n-grams.
    """

    seed: int
    levels: int = MOST_LEVELS
    """Levels of a category that have a code of their own; rarer ones are a gap."""
    as_category: bool = False
    """Give codes pandas' type of categories, for libraries that split on sets of levels."""
    known: dict[str, Any] = field(default_factory=dict)

    def fit_transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Fit on the rows, and return them."""
        from skrub import StringEncoder

        X = _plain(X)
        for name in X.columns:
            if X[name].dtype == object:
                # Levels of one frequency in an order of their own, so that the rows' order moves no code.
                counts = X[name].value_counts().sort_index().sort_values(ascending=False, kind="stable")
                self.known[name] = counts.index[: self.levels].tolist()
            elif pd.api.types.is_string_dtype(X[name]) and X[name].notna().any():
                self.known[name] = StringEncoder(COMPONENTS, random_state=self.seed).fit(X[name])
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the rows as they were learned."""
        X = _plain(X)
        parts: dict[str, Any] = {}
        for name in X.columns:
            values = X[name]
            if pd.api.types.is_datetime64_any_dtype(values):
                parts |= _date_parts(name, values)
            elif values.dtype == object:
                codes = pd.Categorical(values, categories=self.known[name])
                parts[name] = (
                    codes if self.as_category else pd.Series(codes.codes, X.index, float).where(codes.codes >= 0)
                )
            elif name in self.known:
                encoded = self.known[name].transform(values)
                parts |= {f"{name}_{at}": encoded.iloc[:, at].to_numpy() for at in range(encoded.shape[1])}
            elif not pd.api.types.is_string_dtype(values):
                parts[name] = values.astype(np.float64)
        return pd.DataFrame(parts, index=X.index)


@dataclass
class OnColumns:
    """A transformer of columns under an estimator of scikit-learn's kind, both fitted on the training rows."""

    columns: Any
    estimator: Any
    least_classes: int = 1
    """Classes that the estimator needs to be of any use."""

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit the transformer, then the estimator on what it makes of the rows."""
        if len(np.unique(y)) < self.least_classes:
            raise ValueError(f"{type(self.estimator).__name__} needs rows of {self.least_classes} classes")
        self.estimator.fit(self.columns.fit_transform(X), y)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return values, shape (n,)."""
        values: NDArray[np.floating] = self.estimator.predict(self.columns.transform(X))
        return values

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.estimator.predict_proba(self.columns.transform(X))
        return probabilities


def _learned(values: pd.Series, cardinality: int, seed: int) -> Levels:
    """Return a category with the levels of training rows; from ``cardinality`` on they are many."""
    # In an order of their own, so that the rows' order moves no column.
    counts = values.value_counts().sort_index()
    known = counts.index.tolist()
    if len(known) < cardinality:
        return Levels(known, _indicators(np.array([*counts, values.isna().sum(), 0])))
    from skrub import StringEncoder

    encoder = StringEncoder(COMPONENTS, random_state=seed)
    learned = values if len(values) <= LEARNED_FROM else values.sample(LEARNED_FROM, random_state=seed)
    encoder.fit(learned.rename("level"))
    table = _encoded(encoder, [*known, None])
    return Levels(known, np.vstack([table, np.zeros_like(table[:1])]), encoder)


def _indicators(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return a row of zeros and a one for each level; zeros alone where no row holds it."""
    frequent = counts > 1
    column = np.where(frequent, np.cumsum(frequent) - 1, frequent.sum())
    table = np.zeros((len(counts), int(frequent.sum()) + bool((counts == 1).any())))
    held = np.flatnonzero(counts)
    table[held, column[held]] = 1.0
    return table


def _encoded(encoder: Any, levels: list[Any]) -> NDArray[np.float64]:
    return np.asarray(encoder.transform(pd.Series(levels, dtype=object, name="level")), dtype=np.float64)


def _plain(X: pd.DataFrame) -> pd.DataFrame:
    named = X.copy(deep=False)
    named.columns = [f"c{at}" for at in range(X.shape[1])]
    return named


def _date_parts(name: str, stamps: pd.Series) -> dict[str, Any]:
    days = (stamps - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    parts = {"year": stamps.dt.year, "month": stamps.dt.month, "weekday": stamps.dt.weekday, "hour": stamps.dt.hour}
    return {f"{name}_days": days} | {f"{name}_{part}": values.astype(np.float64) for part, values in parts.items()}
