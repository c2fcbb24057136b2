"""Steps that are asked for by ``data.freq=``, and what is said where time stamps are uneven."""

import numpy as np
import pandas as pd
import pytest

from bench.data import Reader
from bench.errors import DataError
from bench.settings import DataSpec
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting
from tasks.forecasting.steps import grid_of


@pytest.fixture
def load(tmp_path):
    def load(frame, **spec):
        path = tmp_path / "sales.csv"
        frame.to_csv(path, index=False)
        made = DataSpec(**{"name": "sales", "path": str(path), "horizon": 2, **spec})
        return forecasting.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def at_random_times(count=400):
    """Return one row a day, each at its own time of the day."""
    seconds = np.random.default_rng(0).integers(0, 86_400, count)
    days = pd.date_range("2023-01-02", periods=count)
    return pd.DataFrame({"time": days + pd.to_timedelta(seconds, "s"), "y": np.arange(count) * 7 % 11})


def by_hours(days=40, start="2024-01-01"):
    count = 24 * days
    return pd.DataFrame({"time": pd.date_range(start, periods=count, freq="h"), "y": np.arange(count) * 5 % 13 + 0.5})


def test_days_at_random_times_are_refused_with_the_step_that_is_likely_meant(load):
    with pytest.raises(
        DataError, match=r"1 of 1 series .*: y \(\d+ of 400\).* data.freq=D data.duplicates=sum"
    ) as caught:
        load(at_random_times())
    assert "every" not in str(caught.value)


@pytest.mark.parametrize(("gap", "freq"), [("1h", "h"), ("7D", "W"), ("30D", "MS"), ("91D", "QS"), ("15min", "15min")])
def test_the_proposed_step_is_the_usual_one_that_is_nearest_to_the_gaps(load, gap, freq):
    steps = pd.Timedelta(gap) * np.random.default_rng(0).uniform(0.6, 1.4, 60)
    stamps = (pd.Timestamp("2001-03-04") + pd.Series(steps).cumsum()).dt.floor("s")
    with pytest.raises(DataError, match=rf"data.freq={freq} data.duplicates"):
        load(pd.DataFrame({"time": stamps, "y": np.arange(60) % 7}))


def test_a_time_stamp_stands_for_the_step_that_it_lies_in(load):
    frame = at_random_times()
    data = load(frame, freq="D")
    assert (data.forecasting.freq, data.forecasting.season) == ("D", 7)
    assert data.X["ds"].tolist() == frame["time"].dt.normalize().tolist()
    assert data.y.tolist() == frame["y"].tolist()
    assert any("400 time stamps stand for the steps that they lie in (data.freq=D)" in note for note in data.notes)


@pytest.mark.parametrize("how", ["sum", "mean", "first", "last"])
def test_rows_of_one_step_are_merged_as_asked(load, how):
    data = load(by_hours(), freq="D", duplicates=how)
    days = by_hours().set_index("time")["y"].resample("D").agg(how)
    assert data.X["ds"].tolist() == days.index.tolist()
    assert data.y == pytest.approx(days.to_numpy())
    assert any(f"920 rows of 1 series were merged into others of the same step ({how})" in note for note in data.notes)


ALIASES = ("D", "2h", "15min", "W", "W-WED", "MS", "ME", "QS", "QE", "QS-FEB", "QE-JAN", "YS", "YE", "YS-APR", "YE-JUN")


@pytest.mark.parametrize("alias", [*ALIASES, "2MS", "6MS"])
@pytest.mark.parametrize("start", ["1965-05-06 07:00", "2021-01-01"])
def test_steps_are_those_of_pandas(alias, start):
    noise = np.sort(np.random.default_rng(1).integers(0, 1500 * 86_400, 300))
    stamps = pd.Series(pd.Timestamp(start) + pd.to_timedelta(noise, "s"))
    grid = grid_of(alias, np.zeros(300, np.intp), stamps, "sales")
    counts = stamps.groupby(grid.stamps(np.zeros(300, np.intp), grid.place)).size()
    if alias[0].isdigit() and alias.endswith("MS"):
        months = pd.PeriodIndex(stamps, freq="M")
        size = int(alias[0])
        expected = stamps.groupby(months.year * 12 + (months.month - 1) // size * size).size()
        assert counts.tolist() == expected.tolist()
        return
    expected = pd.Series(1, index=stamps).resample(alias).sum()
    assert counts.to_dict() == expected[expected > 0].to_dict()
    first, last = min(counts.index), max(counts.index)
    assert set(pd.date_range(first, last, freq=grid.freq)) == set(expected.index)


@pytest.mark.parametrize("start", ["1965-05-06 07:00", "2021-01-02 07:00"])
def test_weekends_belong_to_the_business_day_before(start):
    stamps = pd.Series(pd.date_range(start, periods=3000, freq="5h"))
    codes = np.zeros(3000, np.intp)
    grid = grid_of("B", codes, stamps, "sales")
    assert grid.stamps(codes, grid.place).tolist() == [
        pd.offsets.BDay().rollback(day).value for day in stamps.dt.normalize()
    ]


def test_steps_of_several_days_begin_with_the_first_one_for_all_series(load):
    days = [pd.date_range(start, periods=40) for start in ("2024-01-02", "2024-01-04")]
    frame = pd.concat(
        [pd.DataFrame({"shop": name, "ds": one, "y": range(40)}) for name, one in zip("ab", days, strict=True)]
    )
    data = load(frame, id="shop", freq="3D", duplicates="sum")
    firsts = data.X.groupby("unique_id")["ds"].min()
    assert firsts.tolist() == [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-02")]
    assert (data.forecasting.freq, data.y.sum()) == ("3D", 2 * sum(range(40)))
    assert any("2 of 2 series begin or end within a step" in note for note in data.notes)


def test_whole_steps_are_not_said_to_be_cut_short(load):
    assert not any("within a step" in note for note in load(by_hours(), freq="D", duplicates="sum").notes)
    assert any("within a step" in note for note in load(by_hours()[:-5], freq="D", duplicates="sum").notes)


def test_rows_that_share_a_step_are_refused_without_a_word_on_how_to_merge_them(load):
    said = r"960 of 960 rows share a step of data.freq=D: sum is for what adds up.* data.duplicates=sum\|mean"
    with pytest.raises(DataError, match=said):
        load(by_hours(), freq="D")


def test_steps_without_a_row_are_gaps(load):
    frame = by_hours()
    frame = frame[frame["time"].dt.day != 8]
    with pytest.raises(DataError, match=r"lack values for 2 of 40 steps.*data.fill"):
        load(frame, freq="D", duplicates="sum")
    data = load(frame, freq="D", duplicates="sum", fill="zero")
    assert (len(data.y), (~data.observed).sum()) == (40, 2)


@pytest.mark.parametrize("alias", ["foo", "H", "M", "0D", "-1D", "SMS", "2B", "BMS"])
def test_an_unknown_step_is_refused_at_once_with_examples(load, alias):
    with pytest.raises(DataError, match=rf"data.freq={alias}\b.*(Examples are h, 15min, D|Give B)"):
        load(by_hours(), freq=alias)


def test_steps_of_whole_numbers_have_no_alias(load):
    with pytest.raises(DataError, match=r"whole numbers.*data.freq=D is for dates"):
        load(pd.DataFrame({"time": range(10, 310, 10), "y": range(30)}), freq="D")


def test_a_published_part_that_begins_within_a_step_is_refused(load, tmp_path):
    frame = by_hours()
    for rows, whole in ((-48, True), (-40, False)):
        frame[rows:].to_csv(tmp_path / "part.csv", index=False)
        spec = {"test_path": str(tmp_path / "part.csv"), "freq": "D", "duplicates": "sum"}
        if whole:
            assert load(frame[:rows], **spec).test.sum() == 2
            continue
        with pytest.raises(DataError, match="a step has rows of the published part and others"):
            load(frame[:rows], **spec)


def test_steps_are_a_part_of_the_identity_of_data(load):
    days, weeks = (load(by_hours(70), freq=freq, duplicates="sum") for freq in ("D", "W"))
    assert days.fingerprint != weeks.fingerprint
    assert weeks.forecasting.freq == "W-SUN"
