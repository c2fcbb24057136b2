"""Where the spread of a model's scores comes from: seeds, training data, and the worst of both.

Cells have shape (K folds over all repeats, S seeds), larger is better, NaN is a cell that was not run. Every fit draws
a seed of its own from the names of model, fold and seed, so seeds are nested in folds: a score is a mean plus the
effect of its fold plus the effect of its seed. Effects are taken as normal.

References
----------
Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks, section 2 (the sources of variance).
Reimers & Gurevych 2017, Reporting Score Distributions Makes a Difference (spread over seeds).
Graybill & Wang 1980, Confidence Intervals on Nonnegative Linear Combinations of Variances (intervals of sums).
Ting, Burdick, Graybill, Jeyaratnam & Lu 1990, Confidence Intervals on Linear Combinations of Variance Components That
Are Unrestricted in Sign (intervals of differences).
Chan et al. 2020, Measuring the Reliability of Reinforcement Learning Algorithms, section 4 (lower CVaR).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.estimate import LEVEL, Estimate

Floats = NDArray[np.floating]

AGREE = 1e-12
"""Share of a score below which a difference is that of two orders of adding: no draw may depend on it."""
CVAR_CELLS = 8
CVAR_SHARE = 0.25
GRADES = {"A": 0.5, "B": 1.0, "C": 2.0}
"""Largest total SD of each grade, in units of the margin; D beyond."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """Sums of squares of a table of cells, from which all else follows."""

    by_fold: Floats
    """Mean over the seeds of each fold, shape (K,), in the order of `canonical`."""
    within: Floats
    """Deviations from the mean of their fold, of folds with two seeds or more, scaled to the variance of one seed."""
    fold_variance: float
    """Between the fold means; contains the seeds' and the test items' part. NaN where it is not known."""
    seed_variance: float
    """Within folds; NaN where no fold has two seeds."""
    seed_df: int
    seed_share: float
    """Part of the seed variance that is left in a fold mean: the mean of 1/S over folds."""
    why: str = ""
    """Why the fold variance is not known."""


def canonical(cells: Floats) -> Floats:
    """Return the folds that have cells, sorted, each with its seeds sorted: no figure depends on the order of input."""
    rows = np.sort(np.asarray(cells, dtype=float), axis=1)[np.isfinite(cells).any(axis=1)]
    return rows[np.lexsort(rows.T[::-1])] if rows.size else rows


def components(cells: Floats, item_variance: float | None = None) -> Components:
    """Split the spread of cells, shape (K, S), into that between and that within folds.

    Two folds that agree exactly do so by chance, for even their test items differ: they count as if they spread as much
    as these do, where that is known. ``item_variance`` is that of `training_data_sd`.

    Examples
    --------
    >>> parts = components(np.array([[0.8, 0.9], [0.6, 0.7], [0.7, np.nan]]))
    >>> round(parts.seed_variance, 4), parts.seed_df
    (0.005, 2)
    """
    rows = canonical(cells)
    seeds = np.isfinite(rows).sum(axis=1)
    by_fold = np.nanmean(rows, axis=1) if rows.size else np.empty(0)
    deviations = rows - by_fold[:, None]
    deviations[np.abs(deviations) < AGREE * np.abs(by_fold[:, None])] = 0.0
    df = int((seeds - 1).sum())
    fold_variance, why = _between(by_fold, item_variance or 0.0, bool(np.size(cells)))
    repeated = seeds > 1
    scaled = deviations[repeated] * np.sqrt(seeds / np.maximum(seeds - 1, 1))[repeated, None]
    return Components(
        by_fold=by_fold,
        within=scaled[np.isfinite(scaled)],
        fold_variance=fold_variance,
        seed_variance=float(np.nansum(deviations**2)) / df if df else math.nan,
        seed_df=df,
        seed_share=float((1 / seeds).mean()) if len(seeds) else math.nan,
        why=why,
    )


def _between(by_fold: Floats, item_variance: float, planned: bool) -> tuple[float, str]:
    """Return the variance between fold means, or NaN and why there is none."""
    if len(by_fold) < 2:
        return math.nan, "one split" if len(by_fold) else _no_cells(planned)
    if len(by_fold) == 2 and abs(by_fold[0] - by_fold[1]) <= AGREE * abs(by_fold).max():
        return (item_variance, "") if item_variance else (math.nan, "two folds, and they agree exactly")
    return float(by_fold.var(ddof=1)), ""


def _no_cells(planned: bool) -> str:
    return "every cell failed" if planned else "no cells"


def seed_sd(cells: Floats) -> Estimate:
    """Return the standard deviation over seeds, pooled over folds, with its chi-square interval."""
    from scipy.stats import chi2

    parts = components(cells)
    if not parts.seed_df:
        return Estimate.not_measured("one seed" if len(parts.by_fold) else parts.why)
    sums = parts.seed_variance * parts.seed_df
    low, high = (math.sqrt(sums / chi2.ppf(p, parts.seed_df)) for p in ((1 + LEVEL) / 2, (1 - LEVEL) / 2))
    method = f"chi-square, {parts.seed_df} df"
    return Estimate(value=math.sqrt(parts.seed_variance), low=low, high=high, method=method)


def training_data_sd(cells: Floats, item_variance: float | None = None) -> Estimate:
    """Return the standard deviation that other training rows alone would cause.

    Parameters
    ----------
    cells : array, shape (K, S)
    item_variance : float, optional
        Mean over folds of the variance of a fold score under other test items (`bench.stats.bootstrap.item_variance`).
        Without it that part is not taken out, and the figure is an upper bound.

    Notes
    -----
    Training parts that overlap make fold scores alike: by the argument of Nadeau & Bengio (2003) the figure is too
    small by a factor of about sqrt(n_train / n), 0.89 for 5 folds. `bench.stats.dependable` corrects for it.
    """
    parts = components(cells, item_variance)
    if math.isnan(parts.fold_variance):
        return Estimate.not_measured(parts.why)
    if not parts.seed_df:
        return _root(parts.fold_variance, _chi2_bounds(parts), item_variance, bound="with the seed's part")
    value = parts.fold_variance - parts.seed_share * parts.seed_variance
    return _root(value, _difference_bounds(parts), item_variance)


def total_sd(cells: Floats, item_variance: float | None = None) -> Estimate:
    """Return the standard deviation of one fresh run: of seed and training data together.

    A model that is tuned inside each cell has the spread of its search among that of its seeds. ``item_variance`` is
    that of `training_data_sd`.
    """
    parts = components(cells, item_variance)
    if math.isnan(parts.fold_variance):
        return Estimate.not_measured(parts.why)
    if not parts.seed_df:
        return _root(parts.fold_variance, _chi2_bounds(parts), item_variance)
    value = parts.fold_variance + (1 - parts.seed_share) * parts.seed_variance
    return _root(value, _sum_bounds(parts), item_variance, least=parts.seed_variance)


def worst_fold(cells: Floats) -> Estimate:
    """Return the lowest fold mean; its interval is that of this fold under other seeds, not of a future worst one."""
    from scipy.stats import t

    parts, rows = components(cells), canonical(cells)
    if len(rows) < 2:
        return Estimate.not_measured(parts.why)
    worst = int(parts.by_fold.argmin())
    value = float(parts.by_fold[worst])
    if not parts.seed_df:
        return Estimate(value=value, low=math.nan, high=math.nan, method="as observed: one seed")
    error = math.sqrt(parts.seed_variance / np.isfinite(rows[worst]).sum())
    half = float(t.ppf((1 + LEVEL) / 2, parts.seed_df)) * error
    return Estimate(value=value, low=value - half, high=value + half, method="t over the seeds of this fold")


def lower_cvar(cells: Floats, seed: int, replicates: int = 200) -> Estimate:
    """Return the mean of the worst quarter of cells, rounded up, with a bootstrap over folds and the seeds within them.

    Where seeds hardly matter the worst quarter of 5 folds is one fold, and the interval covers about 90 %.
    """
    from scipy.stats import t

    rows = canonical(cells)
    runs = np.isfinite(rows).sum(axis=1)
    if not len(rows):
        return Estimate.not_measured(_no_cells(bool(np.size(cells))))
    if runs.sum() < CVAR_CELLS:
        return Estimate.not_measured(f"fewer than {CVAR_CELLS} cells")
    if len(rows) < 2:
        return Estimate.not_measured("one split")
    generator = np.random.Generator(np.random.PCG64(seed))
    folds, seeds = rows.shape
    drawn = generator.integers(0, folds, (replicates, folds, 1))
    # Sorting has put cells that were not run last, so a fold's own cells are its first ones.
    columns = (generator.random((replicates, folds, seeds)) * runs[drawn]).astype(np.intp)
    resampled = rows[drawn, columns]
    if runs.min() < seeds:
        resampled[np.arange(seeds) >= runs[drawn]] = np.nan
    value, tails = float(_worst_quarter(rows.reshape(1, -1))[0]), _worst_quarter(resampled.reshape(replicates, -1))
    # About the value, because tails of resamples are less deep; widened, because resampled folds spread too little.
    half = float(t.ppf((1 + LEVEL) / 2, folds - 1) * tails.std() * math.sqrt(folds / (folds - 1)))
    return Estimate(value=value, low=value - half, high=value + half, method="t, bootstrap over folds and seeds")


def grade(total: Estimate, margin: float) -> str:
    """Return the grade of a total SD in units of the margin; "?" where the interval spans two grades.

    Examples
    --------
    >>> grade(Estimate(value=0.004, low=0.002, high=0.0045, method=""), margin=0.01)
    'A'
    >>> grade(Estimate(value=0.004, low=0.002, high=0.009, method=""), margin=0.01)
    '?'
    """
    letters = {_letter(value / margin) for value in (total.low, total.value, total.high)}
    return letters.pop() if len(letters) == 1 else "?"


def weakest_grade(grades: Sequence[str]) -> str:
    """Return the worst of the grades; "?" where an open one could be worse than the worst of the others.

    Examples
    --------
    >>> weakest_grade(["A", "C"]), weakest_grade(["A", "?"]), weakest_grade(["D", "?"])
    ('C', '?', 'D')
    """
    known = [letter for letter in grades if letter != "?"]
    return max(known) if len(known) == len(grades) or "D" in known else "?"


def _letter(ratio: float) -> str:
    if math.isnan(ratio):
        return "?"
    return next((letter for letter, most in GRADES.items() if ratio <= most), "D")


def _worst_quarter(cells: Floats) -> Floats:
    """Return the mean of the lowest quarter, rounded up, of the cells of each row; NaN counts nowhere."""
    ordered = np.sort(cells, axis=1)
    least = np.ceil(CVAR_SHARE * np.isfinite(ordered).sum(axis=1)).astype(np.intp)
    sums = np.cumsum(ordered[:, : least.max()], axis=1)[np.arange(len(ordered)), least - 1]
    return np.asarray(sums / least)


def _root(
    variance: float, bounds: tuple[float, float], item_variance: float | None, least: float = 0.0, bound: str = ""
) -> Estimate:
    """Return the root of a variance less the items' part, both cut at ``least``; the interval holds the value."""
    taken = item_variance or 0.0
    value = math.sqrt(max(least, variance - taken))
    low, high = (math.sqrt(max(0.0, end - taken)) for end in bounds)
    limits = [bound] if bound else []
    limits += ["with the test items' part"] if item_variance is None else []
    method = "modified large sample" + (f"; upper bound, {' and '.join(limits)}" if limits else "")
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method)


def _chi2_bounds(parts: Components) -> tuple[float, float]:
    lower, upper = _margins(len(parts.by_fold) - 1)
    return parts.fold_variance * (1 - lower), parts.fold_variance * (1 + upper)


def _sum_bounds(parts: Components) -> tuple[float, float]:
    """Return the interval of fold variance plus the rest of the seed variance (Graybill & Wang 1980)."""
    fold, seed = parts.fold_variance, (1 - parts.seed_share) * parts.seed_variance
    (g1, h1), (g2, h2) = _margins(len(parts.by_fold) - 1), _margins(parts.seed_df)
    return fold + seed - math.hypot(g1 * fold, g2 * seed), fold + seed + math.hypot(h1 * fold, h2 * seed)


def _difference_bounds(parts: Components) -> tuple[float, float]:
    """Return the interval of fold variance minus the seeds' part of it (Ting et al. 1990)."""
    from scipy.stats import f

    fold, seed = parts.fold_variance, parts.seed_share * parts.seed_variance
    df = len(parts.by_fold) - 1, parts.seed_df
    (g1, h1), (g2, h2) = _margins(df[0]), _margins(df[1])
    top, bottom = f.ppf((1 + LEVEL) / 2, *df), f.ppf((1 - LEVEL) / 2, *df)
    g12 = ((top - 1) ** 2 - (g1 * top) ** 2 - h2**2) / top
    h12 = ((1 - bottom) ** 2 - (h1 * bottom) ** 2 - g2**2) / bottom
    below = (g1 * fold) ** 2 + (h2 * seed) ** 2 + g12 * fold * seed
    above = (h1 * fold) ** 2 + (g2 * seed) ** 2 + h12 * fold * seed
    return fold - seed - math.sqrt(max(0.0, below)), fold - seed + math.sqrt(max(0.0, above))


def _margins(df: int) -> tuple[float, float]:
    """Return by which share of itself a variance may lie too high, and too low."""
    from scipy.stats import chi2

    return 1 - df / chi2.ppf((1 + LEVEL) / 2, df), df / chi2.ppf((1 - LEVEL) / 2, df) - 1
