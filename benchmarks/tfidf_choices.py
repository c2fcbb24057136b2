"""Print accuracy and macro F1 of TF-IDF and a linear support vector machine on inner folds of the training parts.

The choices in ``bench/models/text/tfidf.py`` rest on these figures, which never saw a test row.

    python benchmarks/tfidf_choices.py
"""

from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from bench.config import cache_dir, catalogued_data
from bench.data import Reader
from bench.zoo.store import Zoo
from tasks.text_clf import text_clf


def main() -> None:
    """Print one line a data set and choice."""
    print = Console(soft_wrap=True).print
    for name in ("reuters_r8", "reuters_r52", "newsgroups20"):
        spec = catalogued_data()[name]
        data = text_clf.load(spec, Reader(spec=spec, zoo=Zoo.open(Path(cache_dir(""))), say=print))
        train = np.flatnonzero(~data.test)
        X, y = data.X.iloc[train], data.y[train]
        for words, pattern in (("two letters or more", r"(?u)\b\w\w+\b"), ("one letter or more", r"(?u)\b\w+\b")):
            for weight in (None, "balanced"):
                model = make_pipeline(
                    TfidfVectorizer(sublinear_tf=True, token_pattern=pattern),
                    LinearSVC(class_weight=weight, random_state=0),
                )
                folds = StratifiedKFold(3, shuffle=True, random_state=0)
                found = cross_validate(model, X, y, cv=folds, scoring=("accuracy", "f1_macro"))
                accuracy, macro_f1 = found["test_accuracy"].mean(), found["test_f1_macro"].mean()
                line = f"{name}: words of {words}, classes weighted {weight}"
                print(f"{line}: accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}")


if __name__ == "__main__":
    main()
