"""Print how the intervals over items, groups and unequal folds do where the truth is known.

    python benchmarks/items_and_groups.py [REPETITIONS]

Each function below simulates one statement with its own seed, and `tests/test_stats_simulation.py` runs them small.
"""

import math
import sys

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.stats import norm

from bench.stats.bridge import completed
from bench.stats.confidence import calibration
from bench.stats.deferral import design_effect
from bench.stats.estimate import Estimate
from bench.stats.pairs import corrected_mean
from bench.stats.single_split import item_difference

Bools = NDArray[np.bool_]

ITEMS, SIZE = 1000, 10
RATIO = 0.25


def main(repetitions: int = 2000) -> None:
    """Print one line a figure."""
    print = Console(soft_wrap=True, highlight=False).print
    for seeds in ((1, 1), (2, 2), (3, 3), (10, 3)):
        for shared in (0.0, 0.05, 0.2) if max(seeds) > 1 else (0.0,):
            covered, width = one_split_coverage(repetitions, seeds, shared)
            print(f"one split, seeds {seeds}, shared SD {shared}: covers {covered:.3f}, median width {width:.3f}")
    for groups in (15, 60):
        rates = [rate_coverage(repetitions, groups, known) for known in (True, False)]
        print(f"error rate 0.1 over {groups} groups of {SIZE}: covers {rates[0]:.3f}, as if apart {rates[1]:.3f}")
    for groups in (15, 60):
        below = [null_holds(repetitions // 4, groups, known) for known in (True, False)]
        print(f"calibrated, {groups} groups of 40: below the null in {below[0]:.3f}, of single items {below[1]:.3f}")
    for shared_folds in (2, 3):
        own, bridged, covered = unequal_folds(repetitions, shared_folds)
        print(f"{shared_folds} of 5 folds: the mean is off by {own:.4f}, over the reference by {bridged:.4f}; ", end="")
        print(f"the corrected interval of these folds covers {covered:.3f}")


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _alike(generator: np.random.Generator, groups: int, size: int, correlation: float) -> NDArray[np.floating]:
    """Return standard normal variables that are alike within groups."""
    own = generator.standard_normal(groups * size)
    return (
        math.sqrt(correlation) * np.repeat(generator.standard_normal(groups), size) + math.sqrt(1 - correlation) * own
    )


def one_split_coverage(count: int, seeds: tuple[int, int], shared: float) -> tuple[float, float]:
    """Return coverage and median width of a difference on one split; a seed moves all items by ``shared``.

    The effect on all items is on the scale of a probit; that of two models is drawn apart.
    """
    generator, covered, widths = _generator(21), 0, []
    for _ in range(count):
        difficulty = generator.normal(size=ITEMS)
        sides = [
            difficulty + generator.normal(0, shared, (number, 1)) + generator.normal(0, 0.6, (number, ITEMS)) < 1.2
            for number in seeds
        ]
        low, high = item_difference(sides[0], sides[1], 0).interval()
        covered += low <= 0 <= high
        widths.append(high - low)
    return covered / count, float(np.median(widths))


def rate_coverage(count: int, groups: int, known: bool) -> float:
    """Return how often the interval of an error rate of 0.1 holds it, with errors that come together in groups."""
    generator, codes = _generator(22), np.repeat(np.arange(groups), SIZE)
    everything = np.full(len(codes), True)
    covered = 0
    for _ in range(count):
        wrong = _alike(generator, groups, SIZE, 0.6) > norm.ppf(0.9)
        effect = design_effect(everything, wrong, codes) if known else 1.0
        rate = Estimate.of_rate(int(wrong.sum()), len(wrong), effect)
        covered += rate.low <= 0.1 <= rate.high
    return covered / count


def null_holds(count: int, groups: int, known: bool) -> float:
    """Return how often a calibrated model whose errors come together stays below the null band (0.95 is nominal)."""
    generator, codes = _generator(23), np.repeat(np.arange(groups), 40)
    below = 0
    for _ in range(count):
        chance = generator.uniform(0.5, 1.0, len(codes))
        correct = _alike(generator, groups, 40, 0.5) < norm.ppf(chance)
        error, null = calibration(chance, correct, 0, codes if known else None, draws=200)
        below += error.value <= null
    return below / count


def unequal_folds(count: int, shared: int, folds: int = 5) -> tuple[float, float, float]:
    """Return how far the mean of some folds lies from that of all, by itself and over the reference, and a coverage.

    Folds differ by 0.05 for both models, and the differences of the two by 0.005.
    """
    generator, covered = _generator(24), 0
    places = [(0, fold) for fold in range(folds)]
    errors = np.zeros(2)
    for _ in range(count):
        reference = generator.normal(0.8, 0.05, folds)
        gaps = 0.005 * (
            math.sqrt(0.2) * generator.standard_normal() + math.sqrt(0.8) * generator.standard_normal(folds)
        )
        cells = (reference + 0.01 + gaps)[:, None]
        table = completed(places[:shared], cells[:shared], places, reference, RATIO)
        errors += np.abs([cells[:shared].mean() - cells.mean(), table.mean() - cells.mean()])
        found = corrected_mean(table[:, 0] - reference, RATIO)
        # The degrees of freedom are those of the folds that were run.
        low, high = corrected_mean((cells[:, 0] - reference)[:shared], RATIO).interval()
        assert math.isclose(found.scale, corrected_mean((cells[:, 0] - reference)[:shared], RATIO).scale, rel_tol=1e-6)
        covered += low <= 0.01 <= high
    return float(errors[0] / count), float(errors[1] / count), covered / count


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
