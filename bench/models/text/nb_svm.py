"""A linear support vector machine on bigrams weighted by naive Bayes log-count ratios.

References
----------
Wang & Manning 2012, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification. Binary features, ratios
smoothed by alpha, weights interpolated towards their mean magnitude by beta; one machine a class against the rest.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.models.parts import Chain, TemperatureScaled
from bench.registry import register_model
from bench.types import Context, Model


@dataclass
class Params:
    """Parameters of ``nb_svm``."""

    C: float = 1.0
    """Inverse strength of the L2 penalty."""
    alpha: float = 1.0
    """Added to every count before the ratios are taken."""
    beta: float = 0.25
    """Share of the fitted weights; the rest is their mean magnitude."""
    min_rows: int = 2
    """Words and bigrams in fewer training rows are left out."""


@dataclass
class NaiveBayesSVM:
    """One interpolated machine a class over binary features."""

    params: Params
    seed: int
    classes_: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    weights: NDArray[np.floating] = field(default_factory=lambda: np.empty((0, 0)))
    """Shape (features, classes)."""
    intercepts: NDArray[np.floating] = field(default_factory=lambda: np.empty(0))

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit on binary features, sparse, shape (n, features)."""
        from sklearn.svm import LinearSVC

        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("nb_svm needs at least two classes.")
        # With two classes one machine serves for both.
        targets = range(len(self.classes_)) if len(self.classes_) > 2 else [1]
        counts = np.stack([np.asarray(X[codes == code].sum(axis=0)).ravel() for code in range(len(self.classes_))])
        scaled = X.astype(np.float64)
        weights, intercepts = [], []
        for target in targets:
            ratio = self._log_count_ratio(counts[target], counts.sum(axis=0) - counts[target])
            scaled.data = X.data * ratio[X.indices]
            # liblinear's default tolerance takes six times longer on R8 and gives the same accuracy there.
            machine = LinearSVC(C=self.params.C, tol=1e-2, random_state=self.seed, max_iter=5000)
            machine.fit(scaled, codes == target)
            fitted = machine.coef_[0]
            mean = np.abs(fitted).mean()
            weights.append(ratio * ((1 - self.params.beta) * mean + self.params.beta * fitted))
            intercepts.append(self.params.beta * machine.intercept_[0])
        self.weights, self.intercepts = np.stack(weights, axis=1), np.array(intercepts)
        return self

    def decision_function(self, X: Any) -> NDArray[np.floating]:
        """Return margins, shape (n, classes), or (n,) for two classes."""
        margins: NDArray[np.floating] = X @ self.weights + self.intercepts
        return margins if margins.shape[1] > 1 else margins[:, 0]

    def _log_count_ratio(self, inside: NDArray[np.floating], outside: NDArray[np.floating]) -> NDArray[np.floating]:
        p, q = self.params.alpha + inside, self.params.alpha + outside
        ratio: NDArray[np.floating] = np.log(p / p.sum()) - np.log(q / q.sum())
        return ratio


@register_model("nb_svm", task_types=["text_clf"], params=Params, role="stable", from_budget="toy")
def build(params: Params, context: Context) -> Model:
    """Naive Bayes log-count ratios under a linear support vector machine (NB-SVM), calibrated by temperature."""
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(ngram_range=(1, 2), binary=True, min_df=params.min_rows, dtype=np.float64)
    return Chain(words, TemperatureScaled(partial(NaiveBayesSVM, params, context.seed), context.seed))
