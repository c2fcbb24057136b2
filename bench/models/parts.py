"""Parts that several models are built from; no model of its own.

Plain classes with scikit-learn's methods, so that importing the catalogue does not import scikit-learn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.types import Encoder, Features

NOT_SEEN = -2.0
"""Margin of a class that an inner training part lacks: clearly no, at the scale of a support vector machine."""

INNER_FOLDS = 3


@dataclass
class Chain:
    """A transformer and a classifier, both fitted on the training rows."""

    transformer: Any
    classifier: Any

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.classifier.classes_
        return classes

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit the transformer, then the classifier on what it makes of the rows."""
        self.classifier.fit(self.transformer.fit_transform(X), y)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        probabilities: NDArray[np.floating] = self.classifier.predict_proba(self.transformer.transform(X))
        return probabilities


@dataclass
class Frozen:
    """A transformer that learns nothing: the cached vectors of a frozen encoder."""

    encoder: Encoder
    features: Features

    def fit_transform(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of the rows, shape (n, d)."""
        return self.transform(X)

    def transform(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of the rows, shape (n, d)."""
        return self.features(self.encoder, list(X))


@dataclass
class Average:
    """The weighted mean of the probabilities of several classifiers over the same rows."""

    members: Sequence[Any]
    weights: Sequence[float]
    classes_: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit every member on the same rows."""
        for member in self.members:
            member.fit(X, y)
        self.classes_ = self.members[0].classes_
        return self

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        return np.average([member.predict_proba(X) for member in self.members], axis=0, weights=self.weights)


@dataclass
class TemperatureScaled:
    """A margin classifier with probabilities: softmax of its margins over one temperature.

    The temperature minimises the log loss of margins that were predicted on inner folds. It changes no ranking of
    classes, so the accuracy is that of the classifier itself. scikit-learn's CalibratedClassifierCV does the same, but
    refuses a class with fewer members than inner folds.

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.
    """

    make: Callable[[], Any]
    """Returns a fresh classifier with ``fit``, ``decision_function`` and ``classes_``."""
    seed: int
    classifier: Any = None
    inverse_temperature: float = 1.0

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in column order."""
        classes: NDArray[Any] = self.classifier.classes_
        return classes

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit on all rows, and the temperature on inner folds of them."""
        from sklearn.model_selection import KFold

        classes, codes = np.unique(y, return_inverse=True)
        margins = np.full((len(y), len(classes)), NOT_SEEN)
        folds = KFold(min(INNER_FOLDS, len(codes)), shuffle=True, random_state=self.seed)
        for train, test in folds.split(codes):
            if len(seen := np.unique(codes[train])) > 1:
                fitted = self.make().fit(X[train], codes[train])
                margins[np.ix_(test, seen)] = _two_sided(fitted.decision_function(X[test]))
        self.inverse_temperature = _best_inverse_temperature(margins, codes)
        self.classifier = self.make().fit(X, y)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes)."""
        from scipy.special import softmax

        margins = _two_sided(self.classifier.decision_function(X))
        probabilities: NDArray[np.floating] = softmax(self.inverse_temperature * margins, axis=1)
        return probabilities


def logistic_head(C: float) -> Any:
    """Return multinomial logistic regression as all encoders get it; it has no random part."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=2000)


def _two_sided(margins: NDArray[Any]) -> NDArray[Any]:
    """Return one margin a class, shape (n, classes), also where there are two classes and one margin."""
    return margins if margins.ndim == 2 else np.stack([-margins, margins], axis=1)


def _best_inverse_temperature(margins: NDArray[Any], codes: NDArray[Any]) -> float:
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(codes))

    def loss(log_inverse: float) -> float:
        return float(-log_softmax(np.exp(log_inverse) * margins, axis=1)[rows, codes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 5.0), method="bounded").x))
