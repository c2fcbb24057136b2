"""Time stamps of days, weeks and hours as clocks, zones and offices write them, and levels and rows that collide."""

import numpy as np
import pandas as pd
import pytest

from bench.data import Reader
from bench.errors import DataError
from bench.settings import DataSpec
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting


@pytest.fixture
def load(tmp_path):
    def load(stamps, name="sales.csv", **spec):
        frame = stamps if isinstance(stamps, pd.DataFrame) else frame_of(stamps)
        path = tmp_path / name
        frame.to_parquet(path) if name.endswith(".parquet") else frame.to_csv(path, index=False)
        made = DataSpec(name="sales", path=str(path), **{"horizon": 1, **spec})
        return forecasting.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def frame_of(stamps):
    return pd.DataFrame({"time": stamps, "y": np.arange(len(stamps)) * 7 % 11})


DAYS = pd.date_range("2024-01-02", periods=340)
WORKING = pd.bdate_range("2024-01-02", periods=240)


@pytest.mark.parametrize("name", ["sales.csv", "sales.parquet"])
@pytest.mark.parametrize(
    ("days", "hour", "zone", "freq"),
    [(DAYS, 16, "America/New_York", "D"), (WORKING, 16, "America/New_York", "B"), (DAYS, 9, "Europe/Berlin", "D")],
)
def test_one_time_of_the_day_by_the_clock_of_a_zone_is_a_day(load, name, days, hour, zone, freq):
    data = load((days + pd.Timedelta(hours=hour)).tz_localize(zone), name)
    assert data.forecasting.freq == freq
    assert data.X["ds"].tolist() == days.tolist()
    assert any("taken for days" in note for note in data.notes)


ZONES = ("Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Los_Angeles",
         "Pacific/Auckland", "Australia/Sydney")  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_midnights_of_a_zone_that_are_written_in_utc_are_its_days(load, zone):
    utc = DAYS.tz_localize(zone).tz_convert("UTC")
    for stamps in (utc, utc.tz_localize(None), utc.tz_localize(None).astype("datetime64[s]").astype(np.int64)):
        data = load(stamps)
        assert data.forecasting.freq == "D"
        assert data.X["ds"].tolist() == DAYS.tolist()


def test_closing_times_in_utc_are_of_the_working_day_that_they_end(load):
    data = load((WORKING + pd.Timedelta(hours=17)).tz_localize("America/New_York").tz_convert("UTC"))
    assert data.forecasting.freq == "B"
    assert data.X["ds"].tolist() == WORKING.tolist()


def test_months_of_a_zone_in_utc_begin_on_the_first(load):
    months = pd.date_range("2022-01-01", periods=30, freq="MS")
    data = load(months.tz_localize("Europe/Berlin").tz_convert("UTC"))
    assert (data.forecasting.freq, data.X["ds"].tolist()) == ("MS", months.tolist())


@pytest.mark.parametrize("days", [DAYS, WORKING], ids=["D", "B"])
def test_days_at_mixed_hours_are_refused_whatever_days_they_are(load, days):
    mixed = days + pd.to_timedelta(np.where(np.arange(len(days)) % 5 == 3, 15, 16), "h")
    with pytest.raises(DataError, match="steps are daily, and 1 of 1 series have time stamps between them"):
        load(mixed)


def test_a_note_on_moved_time_stamps_is_of_their_unit(load):
    assert any("stand for its first day" in note for note in load([f"2020-{m:02d}-15" for m in range(1, 13)]).notes)
    for stamps in (WORKING + pd.Timedelta(hours=16), DAYS, range(10, 310, 10)):
        assert not any("within a month" in note for note in load(stamps).notes)


WEEKS = pd.date_range("2023-01-02", periods=90, freq="W-MON")


@pytest.mark.parametrize("form", ["{y}{w:02d}", "{y}-W{w:02d}", "{y}W{w:02d}"])
def test_iso_weeks_are_read_over_the_end_of_a_year(load, form):
    data = load([form.format(y=day.isocalendar().year, w=day.isocalendar().week) for day in WEEKS])
    assert (data.forecasting.freq, data.X["ds"].tolist()) == ("W-MON", WEEKS.tolist())
    assert any("ISO weeks" in note for note in data.notes)


def test_a_week_that_is_none_is_refused_with_what_to_write(load):
    with pytest.raises(DataError, match=r"week 53 of 2023, and by ISO 8601 there is none.*as 2024-01-29"):
        load([202300 + week for week in range(1, 54)])


@pytest.mark.parametrize(
    ("form", "freq"),
    [("{y}Q{q}", "QS-JAN"), ("{y}-Q{q}", "QS-JAN"), ("{y}M{m:02d}", "MS"), ("{y}-M{m:02d}", "MS"), ("{y} M{m}", "MS")],
)
def test_quarters_and_months_are_read_as_offices_write_them(load, form, freq):
    days = pd.date_range("2020-01-01", periods=30, freq=freq)
    data = load([form.format(y=day.year, q=day.quarter, m=day.month) for day in days])
    assert (data.forecasting.freq, data.X["ds"].tolist()) == (freq, days.tolist())


def test_a_month_that_is_none_is_refused(load):
    with pytest.raises(DataError, match="holds 2020M13: no quarter from 1 to 4, or month from 1 to 12"):
        load([f"2020M{month:02d}" for month in range(1, 14)])


@pytest.mark.parametrize("freq", ["h", "15min"])
@pytest.mark.parametrize("has_id", [False, True])
def test_an_hour_that_is_there_twice_in_autumn_is_named_as_the_change_of_the_clock(load, freq, has_id):
    frame = frame_of(pd.date_range("2024-10-26", periods=300, freq=freq, tz="Europe/Berlin").tz_localize(None))
    if has_id:
        frame = pd.concat([frame.assign(shop=shop) for shop in "ab"])
    with pytest.raises(DataError, match=r"hour of 2024-10-27, when clocks went back: write .* UTC") as caught:
        load(frame, id="shop" * has_id)
    assert "tells" not in str(caught.value)


def test_other_rows_that_are_there_twice_are_no_change_of_the_clock(load):
    hours = pd.date_range("2024-10-26", periods=72, freq="h").to_series()
    for twice in (hours.iloc[[26, 30]], hours.iloc[[12]]):
        with pytest.raises(DataError, match="name the column that tells them apart"):
            load(sorted([*hours, *twice]))
    with pytest.raises(DataError, match="name the column that tells them apart"):
        load(sorted([*DAYS, DAYS[3]]))


def test_levels_of_one_name_are_refused(load):
    with pytest.raises(DataError, match=r"data.levels: 0.9 and 0.9000001 are both called q0.9"):
        load(DAYS, levels=(0.1, 0.9, 0.9000001))
    assert load(DAYS, levels=(0.9, 0.1, 0.9)).forecasting.levels == (0.1, 0.9)


@pytest.mark.parametrize(("how", "said"), [("mean", True), ("sum", True), ("first", False), ("last", False)])
def test_other_columns_of_merged_rows_are_said_to_be_those_of_the_first(load, how, said):
    frame = frame_of(DAYS).assign(price=np.arange(len(DAYS)) % 7 + 0.5)
    twice = pd.concat([frame, frame.iloc[[3]].assign(price=99.0)])
    data = load(twice, duplicates=how, target="y")
    assert data.X["price"][3] == (99.0 if how == "last" else 3.5)
    assert any("other columns are those of the first one" in note for note in data.notes) == said
    assert not any("those of the first" in note for note in load(twice.drop(columns="price"), duplicates=how).notes)
