"""Print how prediction intervals do where the truth is known, and what each way to tell hard items from easy is worth.

    python benchmarks/intervals.py [REPETITIONS]        simulations, and real data beside them
    python benchmarks/intervals.py 0                    real data alone, a few minutes

`tests/test_intervals.py` runs the simulations small.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from crepes import ConformalRegressor
from numpy.typing import NDArray
from rich.console import Console
from scipy.stats import rankdata

from bench.stats.intervals import half_widths, half_widths_of, prediction_intervals, typical_error

Floats = NDArray[np.floating]
Codes = NDArray[np.integer]

LEVEL = 0.9
DATA = {
    "concrete": ("data=concrete",),
    "diabetes": ("data=diabetes",),
    "diamonds": ("data=diamonds", "budget.rows=6000"),
}
MODELS = ("ridge", "lightgbm", "random_forest", "knn")


def main(repetitions: int = 1000) -> None:
    """Print one line a figure."""
    print = Console(soft_wrap=True, highlight=False).print
    for items in (20, 50, 200, 2000) if repetitions else ():
        for folds in (5, 1):
            count = repetitions if items < 2000 else repetitions // 4
            line = _worded(simulated(count, items, folds))
            print(f"{items} items, {folds} {'folds' if folds > 1 else 'split'}: {line}")
    for groups in (20, 60, 200) if repetitions else ():
        line = _worded(simulated(repetitions, 10 * groups, 5, groups))
        print(f"{groups} groups of 10, errors of correlation 0.5: {line}")
    found: dict[str, list[Floats]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for data, overrides in DATA.items():
            _run(Path(folder), overrides)
            for model in MODELS:
                y, predicted, folds = _read(Path(folder), data, model)
                for way, half in halves(y, predicted, folds):
                    found.setdefault(way, []).append(worth(y, predicted[0], half))
    constant = np.array(found["equally wide"])
    print("means over data sets and models, widths, losses and errors over those of equally wide intervals:")
    for way, rows in found.items():
        figures = np.array(rows)
        figures[:, 1:3] /= constant[:, 1:3]
        inside, width, loss, half, most, area, hardest = figures.mean(axis=0)
        least = figures[:, -1].min()
        print(
            f"{way}: inside {inside:.3f}, of the widest fifth {hardest:.3f} (once {least:.3f}), width {width:.3f}, "
            f"pinball {loss:.3f}; "
            f"RMSE over that of all: narrowest half {half:.3f}, 80 % {most:.3f}, mean over shares {area:.3f}"
        )


def _worded(found: Floats) -> str:
    inside, fresh, held, alarms, easy, hard, width = found
    return (
        f"inside {inside:.3f}, of fresh items {fresh:.3f} (easiest fifth {easy:.3f}, hardest {hard:.3f}); the interval "
        f"of coverage holds that of fresh items in {held:.3f}; a fold is called low in {alarms:.3f}; width over the "
        f"best one {width:.3f}"
    )


def simulated(count: int, items: int, folds: int, groups: int = 0) -> Floats:
    """Return what intervals of predictions with known errors do, means over ``count`` draws.

    Returns
    -------
    array
        Coverage; that of fresh items; share of its intervals that hold the latter; share of draws in which a fold is
        surely low; coverage of the fresh items with the smallest and largest fifth of SDs; mean width over that of
        intervals that know the SD.
    """
    generator = np.random.Generator(np.random.PCG64([items, folds, groups]))
    found = []
    for draw in range(count):
        y, predicted, _, codes = _draw(generator, items, groups)
        fold = generator.permutation(codes.max() + 1)[codes] % folds
        known = prediction_intervals(y, predicted, fold, LEVEL, draw, codes if groups else None)
        more, said, sd, _ = _draw(generator, 20_000, 20_000 if groups else 0)
        parts = fold if folds > 2 else np.arange(items) % 5
        half = half_widths_of(said, np.abs(y - predicted), predicted, parts, LEVEL, int(codes.max()) + 1)
        inside, order = np.abs(more - said) <= half, np.argsort(sd)
        fresh = float(inside.mean())
        ends = [float(inside[part].mean()) for part in (order[:4000], order[-4000:])]
        held, low = known.coverage[1] <= fresh <= known.coverage[2], known.lowest[2] < LEVEL
        found.append([known.coverage[0], fresh, held, low, *ends, half.mean() / (1.645 * sd.mean())])
    return np.mean(np.array(found, dtype=float), axis=0)


def _draw(generator: np.random.Generator, items: int, groups: int) -> tuple[Floats, Floats, Floats, Codes]:
    """Return true values, predictions, SDs of the errors and groups: the larger the value, the larger the errors."""
    codes = np.repeat(np.arange(groups), items // groups) if groups else np.arange(items)
    mean = 10 * generator.random(items)
    sd, own = 0.5 + 0.02 * mean**2, generator.standard_normal(items)
    together = generator.standard_normal(int(codes.max()) + 1)[codes]
    noise = np.sqrt(0.5) * (own + together) if groups else own
    return mean + sd * noise, mean, sd, codes


def _run(folder: Path, overrides: tuple[str, ...]) -> None:
    models = f"model=[{','.join((*MODELS, 'mean'))}]"
    command = [sys.executable, "-m", "bench", "task=tabular_reg", "budget=quick", "budget.probe_rows=0", models]
    subprocess.run([*command, *overrides], cwd=folder, check=True, capture_output=True)


def _read(folder: Path, data: str, model: str) -> tuple[Floats, Floats, Codes]:
    """Return true values, the predictions of three seeds and the folds."""
    kept = folder / ".bench" / "predictions" / "tabular_reg" / data / "quick"
    with np.load(kept / "truth.npz") as truth:
        y, tests = truth["y"].astype(float), [truth[f"test_0_{fold}"] for fold in range(5)]
    predicted, folds = np.empty((3, len(y))), np.empty(len(y), int)
    for fold, rows in enumerate(tests):
        folds[rows] = fold
        for seed in range(3):
            path = kept / model / f"0-{fold}-{seed}.npz"
            # A model that says the same for every seed was fitted once.
            with np.load(path if path.exists() else path.with_name(f"0-{fold}-0.npz")) as content:
                predicted[seed, rows] = content["p"]
    return y, predicted, folds


def halves(y: Floats, predicted: Floats, folds: Codes) -> Iterator[tuple[str, Floats]]:
    """Yield ways to make intervals, and half the width that each gives every item."""
    said, apart = predicted[0], predicted.std(axis=0)
    errors = np.abs(y - said)
    both = rankdata(said) / len(y) + rankdata(apart) / len(y)
    yield "equally wide", _calibrated(errors, folds, lambda known, asked: np.ones(len(asked)))
    yield "ten bins of the prediction", _calibrated(errors, folds, lambda known, asked: np.ones(len(asked)), said)
    floor = 0.1 * apart.mean() + 1e-12
    yield "how far seeds lie apart", _calibrated(errors, folds, lambda known, asked: apart[asked] + floor)

    def similar(by: Floats) -> Callable[[Codes, Codes], Floats]:
        return lambda known, asked: typical_error(by[known], errors[known], by[asked])

    yield "errors of similar predictions", _calibrated(errors, folds, similar(said))
    yield "errors where predictions and seeds are similar", _calibrated(errors, folds, similar(both))
    yield "as shipped: of similar predictions, by classes of difficulty", half_widths(errors, said, folds, LEVEL)


def _calibrated(
    errors: Floats, folds: Codes, size: Callable[[Codes, Codes], Floats], binned: Floats | None = None
) -> Floats:
    """Return half widths by errors of the other folds over their size, apart for ten bins of ``binned``."""
    half = np.empty(len(errors))
    for fold in range(5):
        own, sizes, bins = folds == fold, np.empty(len(errors)), np.zeros(len(errors), int)
        for one in range(5):
            sizes[folds == one] = size(np.flatnonzero(~own & (folds != one)), np.flatnonzero(folds == one))
        if binned is not None:
            number = min(10, int((~own).sum()) // 40)
            edges = np.unique(np.quantile(binned[~own], np.arange(1, number) / number))
            bins = np.searchsorted(edges, binned, side="right")
        made = ConformalRegressor().fit(errors[~own], sigmas=sizes[~own], bins=bins[~own])
        ends = made.predict_int(np.zeros(own.sum()), sigmas=sizes[own], bins=bins[own], confidence=LEVEL - 1e-12)
        half[own] = ends[:, 1]
    return half


def worth(y: Floats, predicted: Floats, half: Floats) -> Floats:
    """Return coverage, mean width, pinball loss; RMSE of the narrowest half, 80 % and over shares, over that of all.

    The last one is the coverage of the widest fifth.
    """
    errors = np.abs(y - predicted)
    tail = (1 - LEVEL) / 2
    losses = [np.maximum(q * (y - end), (q - 1) * (y - end)) for q, end in
              ((tail, predicted - half), (1 - tail, predicted + half))]  # fmt: skip
    # Equal widths in random order.
    order = np.lexsort((np.random.default_rng(0).random(len(y)), half))
    running = np.sqrt(np.cumsum(errors[order] ** 2) / np.arange(1, len(y) + 1))
    places = (np.linspace(0.05, 1, 20) * len(y)).astype(int) - 1
    shares = [running[int(share * len(y)) - 1] / running[-1] for share in (0.5, 0.8)]
    widest = order[-(len(y) // 5) :]
    return np.array(
        [
            np.mean(errors <= half), 2 * half.mean(), np.mean(losses), *shares, running[places].mean() / running[-1],
            np.mean(errors[widest] <= half[widest]),
        ]
    )  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
