"""Models that were run on other folds than the reference, made comparable with those that were not.

Folds differ in how hard they are, for all models alike: what was run on easy folds only would look good. The reference
is the bridge: what is known of such a model is its difference to the reference on the folds that both have.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Fold = tuple[int, int]


def shared_folds(
    folds: Sequence[Fold], by_fold: Floats, other_folds: Sequence[Fold], other: Floats
) -> tuple[Floats, Floats]:
    """Return the scores of both models on the folds that both have, in the same order.

    Examples
    --------
    >>> shared_folds([(0, 0), (0, 2)], np.array([0.8, 0.9]), [(0, 2), (0, 3)], np.array([0.7, 0.6]))
    (array([0.9]), array([0.7]))
    """
    theirs = dict(zip(other_folds, other, strict=True))
    pairs = [(mine, theirs[fold]) for fold, mine in zip(folds, by_fold, strict=True) if fold in theirs]
    return np.array([mine for mine, _ in pairs]), np.array([its for _, its in pairs])


def completed(
    folds: Sequence[Fold], cells: Floats, reference_folds: Sequence[Fold], reference: Floats, test_train_ratio: float
) -> Floats:
    """Return the cells of a model on the folds of the reference, shape (K, S); empty where fewer than two are shared.

    A missing fold gets the reference's score plus the mean difference over the k shared ones. These are stretched about
    it, so that the corrected variance of the mean difference over all K folds is the one that k folds give.

    Parameters
    ----------
    folds : sequence of (repeat, fold)
        Of the rows of ``cells``.
    cells : array
        NaN where a cell was not run.
    reference_folds : sequence of (repeat, fold)
    reference : array, shape (K,)
        The reference's means over seeds.
    test_train_ratio : float

    Examples
    --------
    >>> reference = np.array([0.5, 0.6, 0.9])
    >>> completed([(0, 1), (0, 2)], np.array([[0.7], [1.0]]), [(0, 0), (0, 1), (0, 2)], reference, 0.5).round(3)
    array([[0.6],
           [0.7],
           [1. ]])
    """
    own = np.nanmean(cells, axis=1)
    mine, its = shared_folds(folds, own, reference_folds, reference)
    shared, total = len(mine), len(reference_folds)
    if shared < 2:
        return np.empty((0, 0))
    gap = float((mine - its).mean())
    wanted = (1 / shared + test_train_ratio) / (shared - 1)
    stretch = math.sqrt(wanted * (total - 1) / (1 / total + test_train_ratio))
    found = np.full((total, cells.shape[1]), np.nan)
    # One seed is enough for a fold that was not run: it has no spread to show.
    found[:, 0] = reference + gap
    at = {fold: place for place, fold in enumerate(folds)}
    for place, fold in enumerate(reference_folds):
        if fold in at:
            row, score = at[fold], reference[place]
            found[place] = cells[row] - own[row] + score + gap + stretch * (own[row] - score - gap)
    return found
