"""Columns that tell the target, planted, and columns that do not."""

import numpy as np
import pandas as pd
import pytest

from bench.data import Reader
from bench.errors import DataError
from bench.settings import DataSpec
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting
from tasks.forecasting.gaps import FILLS

SERIES, STEPS, HORIZON, SEASON = 3, 80, 6, 4
NOISE = np.random.default_rng(0).normal(size=(SERIES, STEPS))
T = np.arange(STEPS)
SEASONAL = 100 + 5 * np.sin(np.pi * T / 2) + 10 * NOISE
COUNTS = np.random.default_rng(1).poisson(0.4, (SERIES, STEPS)) * 1.0
FLAGS = np.random.default_rng(2).random((SERIES, STEPS)) < 0.2


def frame_of(y, x):
    stamps = pd.date_range("2000-01-01", periods=STEPS, freq="QS")
    names = np.repeat(["a", "b", "c"], STEPS)
    return pd.DataFrame({"shop": names, "ds": np.tile(stamps, SERIES), "y": y.ravel(), "x": np.ravel(x)})


@pytest.fixture
def load(tmp_path):
    def load(y, x, known=("x",), **spec):
        frame = y if x is None else frame_of(y, x)
        path = tmp_path / "sales.csv"
        frame.to_csv(path, index=False)
        options = {"id": "shop", "target": "y", "known": known, "horizon": HORIZON, "season": SEASON, **spec}
        made = DataSpec(name="sales", path=str(path), **options)
        return forecasting.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def before(y, steps):
    """Return values from so many steps before; 0 where there are none."""
    moved = np.zeros_like(y)
    moved[:, max(steps, 0) : STEPS + min(steps, 0)] = y[:, max(-steps, 0) : STEPS - max(steps, 0)]
    return moved


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("steps", [0, -1, 5])
def test_a_copy_of_a_target_with_holes_is_refused_however_these_are_filled(load, fill, steps):
    frame = frame_of(SEASONAL, before(SEASONAL, steps))
    frame.loc[[5, 40, 100, 170], "y"] = np.nan
    with pytest.raises(DataError, match=r"'x' is the target (of the same step|1 step later|5 steps earlier)"):
        load(frame, None, fill=fill)


@pytest.mark.parametrize("steps", [0, -1, 5])
@pytest.mark.parametrize("y", [SEASONAL, COUNTS], ids=["seasonal", "counts"])
def test_a_copy_with_another_value_is_one(load, y, steps):
    changed = before(y, steps)
    changed[1, 30] = 7000
    with pytest.raises(DataError, match="'x' is the target"):
        load(y, changed)


LIKE = {
    "on another scale": (2 * SEASONAL - 7, "'x' is the target of the same step on another scale"),
    "of a later step": (before(-SEASONAL / 3, -2), "'x' is the target 2 steps later on another scale"),
    "of a step within the horizon": (before(2 * SEASONAL, 5), "'x' is the target 5 steps earlier on another scale"),
    "on a scale of each series": (SEASONAL / SEASONAL[:, :1], "'x' rises and falls with the target of the same step"),
    "rounded": (SEASONAL.round(), "'x' is the target of the same step, rounded"),
    "rounded down": (np.floor(SEASONAL), "'x' is the target of the same step, rounded down"),
    "in logarithms": (np.log(SEASONAL), "'x' rises and falls with the target of the same step"),
    "as text": ([f"EUR {value:.6f}" for value in SEASONAL.ravel()], "'x' is the target of the same step"),
    "summed": (SEASONAL.cumsum(axis=1), "the change of 'x' is the target of the same step"),
    "as changes": (np.diff(SEASONAL, axis=1, prepend=np.nan), "'x' is the change of the target of the same step"),
}


@pytest.mark.parametrize("how", LIKE)
def test_a_target_in_other_clothes_is_refused_among_what_is_known(load, how):
    values, said = LIKE[how]
    fill = "zero" if how == "as changes" else ""
    with pytest.raises(DataError, match=f"{said}.*Leave it out of data.known|{said}.*Take it out of the file"):
        load(SEASONAL, values, fill=fill)


@pytest.mark.parametrize("how", ["scaled", "summed"])
def test_counts_with_many_zeros_are_found_too(load, how):
    with pytest.raises(DataError, match="'x' is the target"):
        load(COUNTS, 3 * COUNTS + 1 if how == "scaled" else COUNTS.cumsum(axis=1))


def every(values):
    return np.broadcast_to(values, (SERIES, STEPS))


HARMLESS = {
    "a flag of a target that is one": (FLAGS * 1.0, np.where(np.arange(STEPS) % 9 == 4, ~FLAGS, FLAGS) * 1.0),
    "a flag that most of a target goes with": (100 * FLAGS + NOISE, FLAGS * 1.0),
    "a flag of which a target is a multiple": (5.0 * FLAGS, FLAGS * 1.0),
    "a price that is kept, as the target is": (
        np.where(T < 50, 3.0, 4.0) + 0 * NOISE, np.where(T < 30, 3.0, 4.0) + 0 * NOISE,
    ),
    "the level of a constant target": (every([[1.0], [2.0], [3.0]]) + (T == 70), every([[1.0], [2.0], [3.0]])),
    "zeros where nearly all are zero": (np.where(FLAGS, COUNTS, 0), 0 * COUNTS + (T == 3)),
    "other counts": (COUNTS, np.random.default_rng(3).poisson(0.4, (SERIES, STEPS))),
    "a number of the step beside a trend": (np.abs(NOISE).cumsum(axis=1), every(T)),
    "a calendar beside a season without noise": (50 + np.sin(np.pi * T / 2) + 0 * NOISE, every(T % 4)),
    "a target from before the horizon": (SEASONAL, 2 * before(SEASONAL, 6)),
    "a strong driver": (SEASONAL, SEASONAL + 0.5 * np.random.default_rng(4).normal(size=NOISE.shape)),
    "a walk": (NOISE.cumsum(axis=1), np.random.default_rng(5).normal(size=NOISE.shape).cumsum(axis=1)),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_not_tell_the_target_is_known(load, case):
    y, x = HARMLESS[case]
    assert load(y, x).forecasting.known == ("x",)


def test_a_column_of_the_past_may_tell_its_own_step_but_no_later_one(load):
    assert load(SEASONAL, 2 * SEASONAL, ()).forecasting.past == ("x",)
    for values in (before(2 * SEASONAL, -3), before(SEASONAL, -3)):
        with pytest.raises(DataError, match=r"'x' is the target 3 steps later.*Take it out of the file"):
            load(SEASONAL, values, ())
