"""Changes of a row that leave its target alone, as data in use have them: what a model should shrug off."""

import numpy as np
import pandas as pd

MISSING_SHARE = 0.05
NOISE = 0.01
"""Of a column's standard deviation."""
UNSEEN = "never seen before"


def perturbed_rows(X: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Return the rows after each kind of change, in their order.

    ``missing`` blanks one value in twenty, ``noise`` moves every number by a hundredth of its column's spread,
    ``unseen`` gives one row in ten a category that nobody has met, where there are categories.
    """
    generator = np.random.default_rng(seed)
    blank = X.mask(generator.random(X.shape) < MISSING_SHARE)
    noisy = X.copy()
    for name in X.columns:
        if pd.api.types.is_float_dtype(X[name]):
            noisy[name] = X[name] + generator.normal(0, NOISE, len(X)) * float(X[name].std(ddof=0))
    found = {"missing": blank, "noise": noisy}
    categories = [name for name in X.columns if X[name].dtype == object]
    if categories:
        unseen = X.copy()
        for row in np.flatnonzero(generator.random(len(X)) < 0.1):
            unseen.loc[row, str(generator.choice(categories))] = UNSEEN
        found["unseen"] = unseen
    return found
