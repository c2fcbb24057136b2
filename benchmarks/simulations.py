"""Print how the statistics of ``bench.stats`` do where the truth is known, and how fast they are.

    python benchmarks/simulations.py [REPETITIONS]

Each function below simulates one statement with its own seed, and `tests/test_stats_simulation.py` runs them small.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy import stats

from bench.stats.bootstrap import bootstrap_difference, item_variance
from bench.stats.churn import label_churn
from bench.stats.datasets import holm
from bench.stats.dependable import dependable_score
from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean, corrected_mean, detectable_difference
from bench.stats.pareto import pareto_front
from bench.stats.selection import gain_of_doubling
from bench.stats.variance import components, lower_cvar, seed_sd, total_sd, training_data_sd, worst_fold

Floats = NDArray[np.floating]

RATIO = 0.25
"""Of 5-fold cross-validation; by Nadeau & Bengio (2003) two folds then correlate by 0.2."""
MARGIN = 0.01


def main(repetitions: int = 2000) -> None:
    """Print one line a figure."""
    print = Console(soft_wrap=True, highlight=False).print
    for folds in (5, 15, 50):
        print(f"{folds} folds, share of 10 comparisons of equal models with a false alarm (Holm, 0.95): ", end="")
        rates = [false_alarms(repetitions // 4, folds, margin) for margin in (0.0, MARGIN)]
        print(f"{rates[0]:.3f} at margin 0, {rates[1]:.3f} at one margin of 0.5 SE; ", end="")
        print(f"one plain paired t-test: {plain_t_alarms(repetitions, folds):.3f}")
        by_z, found = power(repetitions, folds)
        print(f"{folds} folds, drop of twice the margin found where the margin is detectable: {found:.3f} ", end="")
        print(f"(quantiles of z in place of t: {by_z:.3f})")
        print(f"{folds} folds, 95 % interval of a mean difference covers {interval_coverage(repetitions, folds):.3f}")
    for folds, seeds, data, seed in ((5, 3, 1.0, 1.0), (5, 3, 1.0, 0.2), (5, 3, 0.2, 1.0), (10, 5, 1.0, 1.0)):
        covered, ratios = components_coverage(repetitions, folds, seeds, data, seed)
        print(
            f"{folds} x {seeds}, training data {data}, seed {seed}: intervals of seed, training-data, total SD cover "
            f"{', '.join(f'{c:.3f}' for c in covered)}; mean variance estimate over truth "
            f"{', '.join(f'{r:.3f}' for r in ratios)}"
        )
    print(f"training-data variance less that of 200 items over truth: {items_taken_out(repetitions):.3f}")
    for case in ((5, 1, 1.0, 0.5, 0.0), (5, 3, 1.0, 1.0, 0.0), (5, 3, 0.1, 1.0, 0.0), (10, 5, 1.0, 0.5, 0.05)):
        held, covered = dependable_holds(repetitions // 4, *case)
        print(f"folds, seeds, data SD, seed SD, failures {case}: fresh runs reach D in {held:.3f}; ", end="")
        print(f"the interval covers the true quantile in {covered:.3f}")
    for rows in (100, 400):
        print(f"ridge regression of {rows} rows, 5 folds: a fresh fit reaches D in {ridge(repetitions // 4, rows):.3f}")
    for seeds, shared in ((1, 0.0), (3, 0.0), (3, 0.1), (3, 0.3), (10, 0.1)):
        print(f"two-way bootstrap, {seeds} seeds of shared SD {shared}, 200 items of SD 1: covers ", end="")
        print(f"{two_way_coverage(repetitions, seeds, shared):.3f}")
    for groups in (10, 50):
        found, plain = group_coverage(repetitions, groups)
        print(f"{groups} groups of 10, intraclass correlation 0.7: group bootstrap covers {found:.3f}, ", end="")
        print(f"items as if apart {plain:.3f}")
    for seeds in (2, 3, 5, 10):
        rates = [churn_coverage(repetitions, seeds, uneven) for uneven in (False, True)]
        print(f"churn of {seeds} seeds, 500 items: covers {rates[0]:.3f}, with uneven seeds {rates[1]:.3f}")
    for folds, data in ((5, 10.0), (5, 1.0), (50, 1.0)):
        print(f"lower CVaR, {folds} x 3, data SD {data}: covers {cvar_coverage(repetitions, folds, data):.3f}")
    for tail in ("normal", "bounded"):
        print(f"gain of doubling 10 of 50 trials, {tail} tail: covers {gain_coverage(repetitions // 4, tail):.3f}")
    for folds in (5, 50):
        print(f"{folds} folds: P(best) of the joint bootstrap and of the corrected t differ by {front_gap(folds):.3f}")
    for label, seconds in speed():
        print(f"100 models x 50 folds x 20 seeds, {label}: {seconds:.2f} s")


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _folds(generator: np.random.Generator, count: int, folds: int, sd: float = 1.0, ratio: float = RATIO) -> Floats:
    """Return fold effects that correlate by n_test / n, shape (count, folds)."""
    correlation = ratio / (1 + ratio)
    shared = generator.normal(0, sd * math.sqrt(correlation), (count, 1))
    return shared + generator.normal(0, sd * math.sqrt(1 - correlation), (count, folds))


def _sd_with_error(error: float, folds: int) -> float:
    """Return the fold SD at which the mean over folds has this standard error."""
    correlation = RATIO / (1 + RATIO)
    return error / math.sqrt(correlation + (1 - correlation) / folds)


def false_alarms(families: int, folds: int, margin: float, size: int = 10) -> float:
    """Return the share of families of equal models in which one at least is called worse."""
    sd = _sd_with_error(2 * MARGIN, folds)
    alarms = 0
    for values in _folds(_generator(1), families * size, folds, sd).reshape(families, size, folds):
        p = np.full((size + 1, size + 1), np.nan)
        p[0, 1:] = [corrected_mean(each, RATIO).probability_above(-margin) for each in values]
        alarms += bool(np.nanmin(holm(p)) <= 0.05)
    return alarms / families


def plain_t_alarms(comparisons: int, folds: int) -> float:
    """Return the share of equal models that a paired t-test over folds calls worse at the 5 % level."""
    values = _folds(_generator(2), comparisons, folds)
    return float((stats.ttest_1samp(values, 0.0, axis=1, alternative="less").pvalue <= 0.05).mean())


def power(comparisons: int, folds: int) -> tuple[float, float]:
    """Return how often a drop of twice the margin is found where the detectable effect is the margin.

    The effect beyond the margin is then one margin. First with the detectable effect by quantiles of z, as often
    given, then as `bench.stats.pairs` has it.
    """
    z = float(stats.norm.ppf(0.95) + stats.norm.ppf(0.8))
    t = detectable_difference(CorrectedMean(mean=0.0, scale=1.0, df=folds - 1))
    rates = []
    for quantiles in (z, t):
        sd = _sd_with_error(MARGIN / quantiles, folds)
        values = _folds(_generator(3), comparisons, folds, sd) - 2 * MARGIN
        rates.append(np.mean([corrected_mean(each, RATIO).probability_above(-MARGIN) <= 0.05 for each in values]))
    return float(rates[0]), float(rates[1])


def interval_coverage(comparisons: int, folds: int) -> float:
    """Return how often the corrected interval holds the true difference."""
    ends = (corrected_mean(each, RATIO).interval() for each in _folds(_generator(4), comparisons, folds))
    return float(np.mean([low <= 0 <= high for low, high in ends]))


def components_coverage(count: int, folds: int, seeds: int, data: float, seed: float) -> tuple[Floats, Floats]:
    """Return coverage of seed, training-data and total SD, and mean variance estimates over the truth."""
    generator, truth = _generator(5), np.array([seed, data, math.hypot(data, seed)])
    covered, variances = np.zeros(3), np.zeros(3)
    for _ in range(count):
        cells = generator.normal(0, data, (folds, 1)) + generator.normal(0, seed, (folds, seeds))
        found = seed_sd(cells), training_data_sd(cells, 0.0), total_sd(cells, 0.0)
        covered += [one.low <= true <= one.high for one, true in zip(found, truth, strict=True)]
        parts = components(cells)
        between = parts.fold_variance - parts.seed_share * parts.seed_variance
        variances += [parts.seed_variance, between, between + parts.seed_variance]
    return covered / count, variances / count / truth**2


def items_taken_out(count: int, folds: int = 5, seeds: int = 3, items: int = 200) -> float:
    """Return the mean training-data variance, less those of seeds and items, over the truth.

    Items are harder or easier for all seeds alike, and each seed flips some of them; other training data move the score
    by 0.05.
    """
    generator, total = _generator(6), 0.0
    for _ in range(count):
        difficulty = generator.normal(0, 0.5, (folds, 1, items)) + generator.normal(0, 0.3, (folds, seeds, items))
        scores = difficulty + generator.normal(0, 0.05, (folds, 1, 1))
        parts = components(scores.mean(axis=2))
        of_items = np.mean([item_variance(fold) for fold in scores])
        total += parts.fold_variance - parts.seed_share * parts.seed_variance - of_items
    return total / count / 0.05**2


def dependable_holds(
    count: int, folds: int, seeds: int, data: float, seed: float, failures: float
) -> tuple[float, float]:
    """Return how often a fresh run reaches the dependable score, and how often its interval holds the truth."""
    generator, floor, sd = _generator(7), -10.0, math.hypot(data, seed)
    truth = sd * stats.norm.ppf((0.1 - failures) / (1 - failures))
    held = covered = 0.0
    for number in range(count):
        cells = _folds(generator, 1, folds, data)[0][:, None] + generator.normal(0, seed, (folds, seeds))
        fails = generator.random(cells.shape) < failures
        cells[fails] = np.nan
        found = dependable_score(cells, RATIO, number, failed=int(fails.sum()), floor=floor)
        held += (1 - failures) * stats.norm.sf(found.value / sd) + failures * (found.value <= floor)
        covered += found.low <= truth <= found.high
    return held / count, covered / count


def ridge(count: int, rows: int, columns: int = 20, folds: int = 5) -> float:
    """Return how often a fit on fresh rows reaches D, where folds overlap as in a real cross-validation.

    The score is minus the root mean squared error, that of the fresh fit on endless test rows.
    """
    generator, held = _generator(8), 0.0
    weights = generator.normal(0, 0.3, columns)

    def fitted(size: int) -> tuple[Floats, Floats, Floats]:
        X = generator.normal(size=(size, columns))
        return X, X @ weights + generator.normal(size=size), np.eye(columns)

    for number in range(count):
        X, y, penalty = fitted(rows)
        fold_of, cells, items = generator.permutation(rows) % folds, np.empty((folds, 1)), []
        for fold in range(folds):
            train, test = fold_of != fold, fold_of == fold
            found = np.linalg.solve(X[train].T @ X[train] + penalty, X[train].T @ y[train])
            squared = (y[test] - X[test] @ found) ** 2
            cells[fold] = -math.sqrt(squared.mean())
            # The delta method takes the variance of a mean square to that of its root.
            items.append(squared.var(ddof=1) / len(squared) / (4 * squared.mean()))
        value = dependable_score(cells, 1 / (folds - 1), number, item_variance=float(np.mean(items))).value
        X, y, _ = fitted(rows - rows // folds)
        found = np.linalg.solve(X.T @ X + penalty, X.T @ y)
        held += -math.sqrt(1 + ((found - weights) ** 2).sum()) >= value
    return held / count


def two_way_coverage(count: int, seeds: int, shared: float, items: int = 200) -> float:
    """Return how often the interval of a difference holds the truth; a seed moves single items by 1, all by shared."""

    def pair(generator: np.random.Generator) -> Estimate:
        sides = generator.normal(0, shared, (2, seeds, 1)) + generator.normal(size=(2, seeds, items))
        sides[0] += generator.normal(size=items)
        return bootstrap_difference(sides[0], sides[1], 0).estimate()

    return _coverage(count, 0.0, pair, 9)


def group_coverage(count: int, groups: int) -> tuple[float, float]:
    """Return how often the interval holds the truth where 10 items of a group are alike, and without the groups."""
    codes = np.repeat(np.arange(groups), 10)

    def interval(known: bool) -> Callable[[np.random.Generator], Estimate]:
        def pair(generator: np.random.Generator) -> Estimate:
            effects = generator.normal(0, math.sqrt(0.7), groups)[codes]
            values = (effects + generator.normal(0, math.sqrt(0.3), len(codes)))[None]
            return bootstrap_difference(values, np.zeros_like(values), 0, codes if known else None).estimate()

        return pair

    return _coverage(count, 0.0, interval(True), 10), _coverage(count, 0.0, interval(False), 10)


def churn_coverage(count: int, seeds: int, uneven: bool, items: int = 500) -> float:
    """Return how often the interval of churn holds the truth; uneven: some seeds flip more items than others."""

    def labels(generator: np.random.Generator) -> Estimate:
        flip = generator.gamma(4, 0.025, (seeds, 1)) if uneven else generator.beta(0.5, 4.5, items)
        return label_churn((generator.random((seeds, items)) < flip).astype(int))

    # Two draws differ by 2 p (1 - p); the second moment of the beta variable is 0.1 * 1.5 / 6.
    return _coverage(count, 0.18 if uneven else 2 * (0.1 - 0.1 * 0.25), labels, 11)


def cvar_coverage(count: int, folds: int, data: float) -> float:
    """Return how often the interval holds the expected mean of the worst quarter of as many cells."""

    def cells(generator: np.random.Generator) -> Floats:
        return generator.normal(0, data, (folds, 1)) + generator.normal(size=(folds, 3))

    many = _generator(12)
    truth = float(np.mean([np.sort(cells(many).ravel())[: math.ceil(folds * 3 / 4)].mean() for _ in range(20_000)]))
    return _coverage(count, truth, lambda generator: lower_cvar(cells(generator), 0), 13)


def gain_coverage(count: int, tail: str) -> float:
    """Return how often the interval holds the gain of 20 trials over 10."""
    if tail == "normal":
        truth = 1.867475 - 1.538753
        return _coverage(count, truth, lambda generator: gain_of_doubling(generator.normal(size=50), 10, 0), 14)
    # Minus the minimum of n exponential variables is -1 / n on average.
    truth = 1 / 10 - 1 / 20
    return _coverage(count, truth, lambda generator: gain_of_doubling(-generator.exponential(size=50), 10, 0), 14)


def front_gap(folds: int, pairs: int = 20) -> float:
    """Return by how much P(best) of two models differs from the corrected t of `bench.stats.pairs` at most."""
    gaps = []
    for number in range(pairs):
        values = _generator(number).normal(0.8, 0.02, (folds, 1))
        other = values + _generator(1000 + number).normal(0.005, 0.01, (folds, 1))
        front = pareto_front({"a": values, "b": other}, {"a": 0.7, "b": 0.7}, {}, MARGIN, RATIO, number)
        expected = corrected_mean((other - values)[:, 0], RATIO).probability_above(0.0)
        gaps.append(abs(front.members[1].p_best - expected))
    return max(gaps)


def speed() -> Iterator[tuple[str, float]]:
    """Yield the seconds of all figures of single models, and of the front with 2,000 replicates."""
    generator = _generator(15)
    means = generator.normal(0.8, 0.02, (100, 1, 1)) + generator.normal(0, 0.01, (100, 50, 1))
    cells = {f"m{i}": table for i, table in enumerate(means + generator.normal(0, 0.005, (100, 50, 20)))}
    started = time.perf_counter()
    dependable = {name: dependable_score(table, RATIO, 0).value for name, table in cells.items()}
    yield "dependable scores", time.perf_counter() - started
    for table in cells.values():
        for figure in (seed_sd, training_data_sd, total_sd, worst_fold):
            figure(table)
        lower_cvar(table, 0)
    yield "and components and tails", time.perf_counter() - started
    pareto_front(cells, dependable, dict.fromkeys(cells, 1.0), MARGIN, RATIO, 0)
    yield "and the front", time.perf_counter() - started


def _coverage(count: int, truth: float, estimate: Callable[[np.random.Generator], Estimate], seed: int) -> float:
    generator = _generator(seed)
    found = [estimate(generator) for _ in range(count)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
