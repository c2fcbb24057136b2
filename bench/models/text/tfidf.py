"""TF-IDF as all models of this family use it."""

from typing import Any


def tfidf() -> Any:
    """Return a TF-IDF vectoriser with logarithmic term counts, which keeps one-letter words.

    One-letter words and, in `linear_svm`, weights by rarity were chosen by macro F1 on folds of the training parts of
    R8, R52 and 20NG, which never saw a test row (``benchmarks/tfidf_choices.py`` prints the figures).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")


def linear_svm(C: float, seed: int) -> Any:
    """Return a one-vs-rest linear support vector machine with classes weighted by their rarity."""
    from sklearn.svm import LinearSVC

    return LinearSVC(C=C, class_weight="balanced", random_state=seed, max_iter=5000)
