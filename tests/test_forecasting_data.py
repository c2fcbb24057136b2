import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from bench.cell import run_cell
from bench.config import CONF, compose_run, register_schemas
from bench.data import Reader
from bench.errors import BenchError, DataError
from bench.panel import held_of
from bench.settings import Budget, DataSpec
from bench.zoo.store import Zoo
from tasks.forecasting import forecasting
from tests.builders import cell, panel_inputs
from tests.toy_forecasters import toy_forecaster

STEPS = {
    "MS": ("monthly", 12, 18), "ME": ("monthly", 12, 18), "QS-FEB": ("quarterly", 4, 8),
    "QE-DEC": ("quarterly", 4, 8), "YS-JAN": ("yearly", 1, 6), "YE-JUN": ("yearly", 1, 6), "6MS": ("half-yearly", 2, 4),
    "W-SAT": ("weekly", 1, 13), "D": ("daily", 7, 14), "B": ("business-daily", 5, 10), "2D": ("every 2D", 1, 14),
    "h": ("hourly", 24, 48), "15min": ("every 15min", 96, 48), "min": ("by the minute", 1440, 48),
    "10s": ("every 10s", 360, 60), "28D": ("every 28D", 1, 13),
}  # fmt: skip


@pytest.fixture
def load(tmp_path):
    def load(frame, name="sales.csv", **spec):
        path = tmp_path / name
        if name.endswith(".parquet"):
            frame.to_parquet(path)
        elif isinstance(frame, pd.DataFrame):
            frame.to_csv(path, index=False)
        else:
            path.write_text(frame)
        made = DataSpec(name="sales", path=str(path), **spec)
        return forecasting.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def months(count=40, start="2019-01-01", freq="MS"):
    return pd.date_range(start, periods=count, freq=freq)


def long(series=("a", "b"), count=40, **columns):
    """Return a row a month of each series; values grow and differ."""
    step = np.arange(count)
    frames = [
        pd.DataFrame({"shop": name, "ds": months(count), "y": 100.0 * (k + 1) + step + (step * 7 + k) % 5})
        for k, name in enumerate(series)
    ]
    return pd.concat(frames, ignore_index=True).assign(**columns)


def said(data):
    return "\n".join(data.notes)


def test_a_panel_is_the_same_in_every_shape_and_order(load):
    frame = long()
    wide = frame.pivot(index="ds", columns="shop", values="y").reset_index()
    made = [
        load(frame, id="shop", time="ds", target="y"),
        load(frame),
        load(frame, "sales.parquet"),
        load(wide),
        load(frame.rename(columns={"shop": "unique_id"})),
        load(frame.sort_values(["ds", "shop"])),
        load(wide.assign(ds=wide["ds"].dt.strftime("%d.%m.%Y"))),
    ]
    assert {one.fingerprint for one in made} == {made[0].fingerprint}
    assert list(made[0].X.columns) == ["unique_id", "ds"]
    assert made[0].groups.tolist() == [0] * 40 + [1] * 40
    assert made[0].X["ds"].iloc[[0, 39, 40]].tolist() == [*months()[[0, 39]], months()[0]]
    assert (made[0].y == frame["y"]).all()
    assert (made[0].time == made[0].X["ds"]).all()
    assert "Series are told apart by column 'shop'" in said(made[1])
    assert "Each of 2 columns is taken for a series (a, b)" in said(made[3])


def test_a_file_of_dates_and_values_is_one_series(load):
    data = load("Month,Passengers\n" + "".join(f"2019-{m:02d},{100 + m}\n" for m in range(1, 13)), horizon=3)
    assert data.X["unique_id"].unique().tolist() == ["Passengers"]
    assert data.forecasting.freq == "MS"
    assert "Time stamps are in column 'Month'" in said(data)
    assert "To be forecast: column 'Passengers'" in said(data)


OTHER_SEASONS = {
    "W-SAT": (52, 117), "D": (365, 744), "B": (260, 530), "h": (168, 384), "15min": (672, 1392), "10s": (8640, 17340),
    "MS": (0, 900), "2D": (0, 900), "YS-JAN": (0, 200),
}  # fmt: skip
"""The next longer season, and the steps from which it is named."""


@pytest.mark.parametrize("freq", OTHER_SEASONS)
def test_a_longer_season_than_the_usual_one_is_named_where_there_is_history_for_two(load, freq):
    season, least = OTHER_SEASONS[freq]

    def hints(count, **spec):
        stamps = pd.date_range("2001-01-01", periods=count, freq=freq)
        return said(load(pd.DataFrame({"ds": stamps, "y": np.arange(count) % 7}), **spec)).count("data.season=")

    assert hints(least) == bool(season)
    assert hints(least - 1) == 0
    assert hints(least, season=4) == 0


def test_of_numbered_steps_the_season_is_asked_for(load):
    frame = pd.DataFrame({"step": np.arange(40), "y": np.arange(40) % 7})
    assert "their season cannot be known: give data.season=12 for months" in said(load(frame, time="step"))
    assert "data.season=" not in said(load(frame, time="step", season=12))


@pytest.mark.parametrize("freq", STEPS)
def test_the_frequency_is_inferred_and_shown_with_the_usual_season_and_horizon(load, freq):
    words, season, horizon = STEPS[freq]
    stamps = pd.date_range("2020-01-01", periods=30, freq=freq)
    data = load(pd.DataFrame({"when": stamps, "sold": np.arange(30) % 7}), time="when")
    assert (data.forecasting.freq, data.forecasting.season, data.forecasting.horizon) == (freq, season, horizon)
    assert (data.X["ds"] == stamps).all()
    assert f"1 series of 30 steps, {words} ({freq}); season {season}, horizon {horizon}; season and" in said(data)


def test_steps_are_those_of_all_series_together(load):
    # The second quarter of one series and the first of the other: no one name of quarters holds for both.
    frame = pd.concat(
        [
            pd.DataFrame({"id": name, "ds": pd.date_range(start, periods=12, freq="3MS"), "y": np.arange(12) % 5})
            for name, start in (("a", "2019-01-01"), ("b", "2019-02-01"))
        ]
    )
    assert load(frame).forecasting.freq == "3MS"


@pytest.mark.parametrize(
    ("stamps", "first", "freq", "note"),
    [
        (range(1, 31), 1, "", "numbered"),
        (range(10, 310, 10), 0, "", "numbered anew, one for each 10"),
        (range(1990, 2020), "1990-01-01", "YS-JAN", "read as years"),
        ([20200100 + d for d in range(1, 31)], "2020-01-01", "D", "read as days (YYYYMMDD)"),
        ([202000 + m for m in range(1, 13)], "2020-01-01", "MS", "read as months (YYYYMM)"),
        (1949 + np.arange(30) / 12, "1949-01-01", "MS", "read as years and twelfths"),
        (range(1577836800, 1577836800 + 30 * 3600, 3600), "2020-01-01", "h", "Unix time in seconds"),
        ([f"{2000 + q // 4} Q{q % 4 + 1}" for q in range(30)], "2000-01-01", "QS-JAN", "are quarters"),
        ([f"01/{m % 12 + 1:02d}/{2020 + m // 12}" for m in range(30)], "2020-01-01", "MS", "read as day/month"),
        ([f"1/{d}/2020" for d in range(1, 13)], "2020-01-01", "D", "read as month/day"),
        ([f"{d}.1.2020" for d in range(1, 31)], "2020-01-01", "D", "daily"),
        ([f"2020-{m:02d}-15" for m in range(1, 13)], "2020-01-01", "MS", "12 time stamps within a month stand"),
        (["2020-01-01", "2 Jan 2020", "20200103", "04.01.2020", "2020/01/05"], "2020-01-01", "D", "daily"),
    ],
)  # fmt: skip
def test_time_stamps_are_read_in_the_forms_that_files_have(load, stamps, first, freq, note):
    stamps = list(stamps)
    data = load(pd.DataFrame({"time": stamps, "y": np.arange(len(stamps)) % 4}), horizon=1)
    assert data.forecasting.freq == freq
    assert data.X["ds"].iloc[0] == (pd.Timestamp(first) if freq else first)
    assert len(data.y) == len(stamps)
    assert note in said(data)


def test_time_zones_are_left_out_of_days_and_others_are_in_utc(load):
    local = pd.date_range("2024-03-25", periods=20, freq="D", tz="Europe/Berlin")
    days = load(pd.DataFrame({"time": local, "y": np.arange(20) % 6}))
    assert days.X["ds"].tolist() == local.tz_localize(None).tolist()
    assert "all time stamps are days" in said(days)
    # One hour is there twice on the clock, and two hours are an hour apart.
    hours = pd.date_range("2024-10-26 12:00", periods=48, freq="h", tz="Europe/Berlin")
    for form in ("sales.csv", "sales.parquet"):
        data = load(pd.DataFrame({"time": hours, "y": np.arange(48) % 6}), form, horizon=4)
        assert data.X["ds"].tolist() == hours.tz_convert("UTC").tz_localize(None).tolist()
        assert "in UTC" in said(data)


def test_duplicates_become_one_row_as_asked(load):
    frame = long(count=20)
    twice = pd.concat([frame, frame.iloc[[3, 25]].assign(y=[1000.0, np.nan])])
    for how, at_3, at_25 in (("sum", 1000, 0), ("mean", 500, 0), ("first", 0, 0), ("last", 1000, 0)):
        data = load(twice, duplicates=how, id="shop")
        base = frame["y"].to_numpy()
        wanted = base[3] * (how in ("sum", "first")) + base[3] / 2 * (how == "mean") + at_3
        assert data.y[3] == wanted, how
        assert data.y[25] == base[25] + at_25
        assert len(data.y) == 40
        assert f"2 rows of 2 series were merged into others of the same step ({how}): a (1), b (1)" in said(data)


def holey(count=40):
    """Return two series without a value in some steps, and without a row for one of them."""
    frame = long(count=count)
    frame.loc[[0, 12, 13, 14, 79], "y"] = np.nan
    return frame.drop(index=50)


@pytest.mark.parametrize(
    ("fill", "wanted"), [("forward", [11, 11, 11, 49]), ("zero", [None] * 4), ("seasonal", [8, 9, 10, 46])]
)
def test_missing_steps_are_filled_from_the_past_as_asked(load, fill, wanted):
    frame = long()
    data = load(holey(), fill=fill, season=4, id="shop")
    # Before the first value of a series and behind its last one nothing is missing.
    assert len(data.y) == 78
    assert data.observed.sum() == 74
    at = [11, 12, 13, 49]
    assert np.flatnonzero(~data.observed).tolist() == at
    assert data.y[at].tolist() == [0.0 if row is None else frame["y"][row] for row in wanted]
    assert data.X["ds"].iloc[49] == months()[10]
    assert "4 of 78 steps (5.1 %) have no value, in 2 series: a (3), b (1). They are filled" in said(data)
    assert "before the first value of a series were cut off, in 1 of them: a (1)" in said(data)
    assert "behind the last value of a series were cut off, in 1 of them: b (1)" in said(data)


@pytest.mark.parametrize("fill", ["forward", "zero", "seasonal"])
def test_what_is_filled_does_not_depend_on_what_comes_after(load, fill):
    frame = holey()
    before = load(frame, fill=fill, season=4, id="shop")
    frame.loc[frame.index > 60, "y"] *= -3
    after = load(frame, fill=fill, season=4, id="shop")
    assert (before.y[:59] == after.y[:59]).all()
    assert (before.y != after.y).any()


def test_a_fifth_of_the_values_may_be_missing_where_that_is_said(load):
    frame = long(count=50)
    frame.loc[np.arange(4, 100, 5), "y"] = np.nan
    frame.loc[[49, 99], "y"] = 1.0
    with pytest.raises(
        DataError, match=r"lack values for 18 of 100 steps \(18.0 %\), 0 of them without a row: a \(9\)"
    ):
        load(frame)
    data = load(frame, fill="forward")
    assert (~data.observed).sum() == 18
    scored = held_of(data, *next((s.train, s.test) for s in forecasting.splits(data, "rolling", Budget(), 0)[0]))
    assert np.isnan(scored.y).any()
    assert np.isfinite(scored.scale).all()


def test_a_series_without_values_is_dropped_and_counted(load):
    frame = long(("a", "b", "c"))
    frame.loc[frame["shop"] == "b", "y"] = np.nan
    data = load(frame)
    assert data.X["unique_id"].unique().tolist() == ["a", "c"]
    assert data.groups.tolist() == [0] * 40 + [1] * 40
    assert "1 of 3 series have no value at all and were dropped: b (40)" in said(data)


def test_negative_values_and_one_long_run_of_zeros_are_values(load):
    frame = long()
    frame["y"] = np.where(frame["shop"] == "a", -frame["y"], 0.0)
    data = load(frame)
    assert (data.y == frame["y"]).all()
    notes = forecasting.splits(data, "rolling", Budget(folds=1), 0)[1]
    assert any("1 of 2 series have no scale for MASE, RMSSE and SQL in some window" in note for note in notes)


BAD = {
    "no time": ("a,b\n1,2\n", {}, r"Which column of sales holds the time\? Give data.time=COLUMN"),
    "unknown id": (long(), {"id": "shp"}, r"no column 'shp'. Did you mean 'shop'\?"),
    "no id": (long().drop(columns="shop"), {}, r"80 of 80 rows share their time stamp.*data.id=COLUMN.*data.duplic"),
    "an empty id": (long().replace({"shop": {"b": ""}}), {"id": "shop"}, "40 of 80 rows name no series in 'shop'"),
    "duplicates": (
        pd.concat([long(), long().iloc[:3]]), {"id": "shop"},
        r"1 of 2 series have several rows for one step, 3 more than steps: a \(3\). Say .*data.duplicates=sum",
    ),
    "another merge": (pd.concat([long(), long().iloc[:3]]), {"duplicates": "max", "id": "shop"}, "max is not known"),
    "gaps": (long().drop(index=[5, 6]), {}, r"1 of 2 series lack values for 2 of 80 steps \(2.5 %\), 2 .*: a \(2\)"),
    "another fill": (long().drop(index=5), {"fill": "linear"}, "data.fill=linear is not known"),
    "another fill without gaps": (long(), {"fill": "forwards"}, "data.fill=forwards is not known. Did you mean 'forw"),
    "another merge without duplicates": (long(), {"duplicates": "mean_"}, "data.duplicates=mean_ is not known"),
    "irregular": (
        pd.DataFrame({"ds": pd.date_range("2020", periods=30) + pd.to_timedelta([7] + [0] * 29, "h"), "y": range(30)}),
        {}, r"steps are daily, and 1 of 1 series have time stamps between them: y \(29 of 30\). Aggregate",
    ),
    "months and days": (
        pd.concat([long(("a",), 24), long(("b",)).assign(ds=pd.date_range("2019-01-01", periods=40))]), {},
        r"several frequencies: 1 in steps of months \(such as a\), 1 in shorter ones \(such as b\). Keep one",
    ),
    "months and quarters": (
        pd.concat([long(("a",)), long(("b",)).assign(ds=months(40, freq="QS"))]), {},
        r"several frequencies: monthly \(1 series, such as a\), quarterly \(1 series, such as b\)",
    ),
    "sparse": (
        pd.DataFrame({"ds": ["2020-01-01 00:00:00", "2020-01-01 00:00:01", "2021-01-01 00:00:00"], "y": range(3)}), {},
        "between their first and last time stamps the series have 31622401 steps, and rows for 3",
    ),
    "no steps": (long(count=1), {"id": "shop"}, "no series has two different time stamps.*data.id="),
    "no date": (long().replace({"ds": {months()[3]: "soon"}}), {"time": "ds"}, r"1 different values that are no dates"),
    "mixed orders": (
        pd.DataFrame({"ds": ["13/01/2020", "14/01/2020", "01/15/2020"], "y": [1, 2, 3]}), {},
        "The day comes first in some and the month in others: write all of them as 2024-01-31",
    ),
    "no time stamp": (long().replace({"ds": {months()[3]: None}}), {"time": "ds"}, "no time stamp in 2 of 80 rows"),
    "some zones": (
        pd.DataFrame({"ds": ["2020-01-01 00:00Z", "2020-01-01 01:00"], "y": [1, 2]}), {},
        "a time zone in 1 of 2 different time stamps.*none in the others",
    ),
    "fractions": (pd.DataFrame({"time": [0.5, 1.0], "y": [1, 2]}), {}, "0.5, which is neither a date nor a whole num"),
    "words": (
        long().astype({"y": object}).replace({"y": {long()["y"][3]: "n/a"}}), {"target": "y"},
        r"holds 1 values that are no numbers \('n/a'\). Empty these cells",
    ),
    "decimal commas": (
        pd.DataFrame({"ds": months(), "y": ["1,5", "1.002,25"] * 20}), {"target": "y"},
        r"40 values that are no numbers.*Column 'y' holds numbers with a decimal comma: data.decimal=, reads them",
    ),
    "decimal commas and no target": (
        pd.DataFrame({"ds": months(), "sold": ["1,5", "2,25"] * 20}), {},
        r"Give data.target=COLUMN. Column 'sold' holds numbers with a decimal comma: data.decimal=, reads them",
    ),
    "infinite": (long().replace({"y": {long()["y"][3]: np.inf}}), {"target": "y"}, "1 values that are no numbers"),
    "no values": (long(y=""), {"target": "y", "id": "shop"}, "no row has a value to forecast"),
    "two targets": (long().assign(z=range(80)).rename(columns={"y": "x"}), {}, "is to be forecast.*data.target=COL"),
    "other tasks": (long(), {"groups": "shop"}, "data.groups means nothing to forecasting"),
    "negative horizon": (long(), {"horizon": -1}, "data.horizon=-1 must not be negative"),
    "no level": (long(), {"levels": (0.5, 1.0)}, "1 is no quantile level"),
    "holes in known": (
        long(price=[1.5, np.nan] * 40), {"known": ("price",)},
        r"2 of 2 series have no value for 40 of 80 steps: a \(20\), b \(20\). Leave it out of data.known, or fill",
    ),
    "static that moves": (long(price=range(80)), {"static": ("price",)}, "'price' has several values in 2 series"),
    "known and static": (long(p=range(80)), {"static": ("p",), "known": ("p",)}, "in data.known and in data.static"),
    "a reserved name": (
        long(unique_id=np.arange(80) % 3), {"id": "shop", "target": "y"}, "a covariate is called 'unique_id'",
    ),
    "no such rows": (long(), {"where": {"shop": "c"}}, "no row has 'c' in column 'shop'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_paragraph_that_says_which_series_and_what_to_do(load, case):
    frame, spec, text = BAD[case]
    with pytest.raises(DataError, match=text) as caught:
        load(frame, **spec)
    assert "\n" not in str(caught.value)


def test_gaps_of_a_coarser_series_are_filled_where_that_is_said(load):
    frame = pd.concat([long(("a",)), long(("b",), 12).assign(ds=months(12, freq="QS"))])
    data = load(frame, fill="zero")
    assert data.forecasting.freq == "MS"
    assert np.bincount(data.groups).tolist() == [40, 34]


def test_columns_beside_the_target_are_known_static_or_past(load):
    frame = long()
    step = np.tile(np.arange(40), 2)
    frame = frame.assign(
        price=step % 3, weather=np.where(step % 2, "rain", "sun"), city=np.where(frame["shop"] == "a", "Oslo", "Rome"),
        size=np.where(frame["shop"] == "a", 10, 20), nothing="", same="x", open=np.where(step % 5, "true", "false"),
    )  # fmt: skip
    data = load(frame, id="shop", target="y", known=("price",))
    asked = data.forecasting
    assert (asked.known, asked.past, asked.static) == (("price",), ("weather", "open"), ("city", "size"))
    assert data.X[["price", "size", "open"]].dtypes.tolist() == [np.float64] * 3
    assert data.X[["weather", "city"]].iloc[40].tolist() == ["sun", "Rome"]
    assert "Dropped, because they hold one value or none: 'nothing', 'same'" in said(data)
    assert "Taken for known up to the origin only: 'weather', 'open'; few models use such columns." in said(data)
    assert "data.known=[COLUMN,...] says so" in said(data)
    assert "Taken for of one value a series: 'city', 'size'" in said(data)
    assert data.columns["weather"] == "category"


def test_holes_of_known_columns_are_filled_from_the_past_where_that_is_said(load):
    frame = long(price=np.tile(np.arange(40.0), 2))
    frame.loc[[50, 51], "price"] = np.nan
    assert load(frame, known=("price",), fill="forward", id="shop").X["price"][[49, 50, 51]].tolist() == [9.0] * 3
    assert load(frame, known=("price",), fill="zero", id="shop").X["price"][[50, 51]].tolist() == [0.0] * 2
    frame.loc[40, "price"] = np.nan
    with pytest.raises(DataError, match=r"no value at the beginning of 1 series, where none is before it: b \(1\)"):
        load(frame, known=("price",), fill="forward", id="shop")


@pytest.mark.parametrize(("ahead", "words"), [(0, "of the same step"), (-5, "5 steps earlier")])
def test_the_target_itself_is_refused_among_what_is_known(load, ahead, words):
    frame = long()
    frame["plan"] = frame.groupby("shop")["y"].shift(-ahead).fillna(0)
    with pytest.raises(DataError, match=f"'plan' is the target {words}.*Leave it out of data.known"):
        load(frame, known=("plan",), horizon=6)
    assert load(frame, horizon=6).forecasting.past == ("plan",)


@pytest.mark.parametrize("known", [(), ("plan",)])
def test_a_later_target_is_refused_whatever_it_is_said_to_be(load, known):
    frame = long()
    frame["plan"] = frame.groupby("shop")["y"].shift(-3).fillna(0)
    # Beyond a short horizon too: the last rows before an origin hold what comes right behind it.
    for horizon in (6, 2):
        with pytest.raises(DataError, match=r"'plan' is the target 3 steps later.*Take it out of the file"):
            load(frame, known=known, horizon=horizon)


def test_a_lag_that_reaches_beyond_the_horizon_is_known(load):
    frame = long()
    frame["last_year"] = frame.groupby("shop")["y"].shift(12).fillna(0)
    assert load(frame, known=("last_year",), horizon=12).forecasting.known == ("last_year",)


@pytest.mark.parametrize(("known", "status"), [((), "failed"), (("stock",), "ok")])
def test_a_future_value_that_was_planted_reaches_no_model_unless_it_is_known(load, tmp_path, known, status):
    # Beside the target, so that no copy of it is found.
    frame = long()
    data = load(frame.assign(stock=frame["y"] + 1), known=known, horizon=4)
    splits = forecasting.splits(data, "rolling", Budget(folds=2), 0)[0]
    choice = toy_forecaster(way="peeks")
    record = run_cell(cell(choice), panel_inputs(tmp_path, [choice], data, *splits))
    assert record.status == status
    assert "KeyError: 'stock'" in record.reason if status == "failed" else record.scores["mase"] == 0


def test_the_published_part_is_a_file_of_its_own(load, tmp_path):
    frame = long()
    later = frame.groupby("shop").tail(5)
    later.to_csv(tmp_path / "later.csv", index=False)
    data = load(frame.drop(index=later.index), test_path=str(tmp_path / "later.csv"))
    assert data.forecasting.horizon == 5
    assert np.flatnonzero(data.test).tolist() == [*range(35, 40), *range(75, 80)]
    assert "the horizon is that of the published part" in said(data)


def test_a_budget_of_rows_keeps_whole_series_by_seed(load):
    data = load(long([f"s{k}" for k in range(20)], 20))
    small = [forecasting.sized(data, DataSpec(), Budget(rows=41), seed) for seed in (0, 0, 1)]
    assert [one.X["unique_id"].nunique() for one in small] == [5, 5, 5]
    assert small[0].fingerprint == small[1].fingerprint != small[2].fingerprint
    assert small[0].groups.tolist() == np.repeat(np.arange(5), 20).tolist()
    assert "A subsample of 5 of 20 series (100 of 400 rows), at random." in small[0].notes
    assert forecasting.sized(data, DataSpec(), Budget(rows=1), 0).X["unique_id"].nunique() == 1
    assert forecasting.sized(data, DataSpec(), Budget(rows=200), 0) is data


def test_series_of_a_competition_are_read_with_their_published_part(load):
    series = {
        name: {"period": [period], "type": ["MICRO"], "x": list(range(k, k + 20)), "xx": [7, 8, 9.5]}
        for k, (name, period) in enumerate({"N1": "YEARLY", "N2": "MONTHLY", "N3": "MONTHLY"}.items())
    }
    spec = {"format": "fcomp", "id": "series", "time": "step", "target": "value", "season": 12}
    data = load(json.dumps(series), "comp.json", where={"period": "MONTHLY"}, **spec)
    assert data.X["unique_id"].unique().tolist() == ["N2", "N3"]
    assert data.y[:23].tolist() == [*range(1, 21), 7, 8, 9.5]
    assert data.X["ds"].iloc[:23].tolist() == list(range(1, 24))
    assert np.flatnonzero(data.test)[:3].tolist() == [20, 21, 22]
    assert (data.forecasting.horizon, data.forecasting.season, data.forecasting.freq) == (3, 12, "")
    with pytest.raises(DataError, match="holds no series of a competition"):
        load('{"N1": [1, 2]}', "comp.json", **spec)


@pytest.mark.parametrize("name", ["ts", "forecasting"])
def test_the_task_and_its_short_name_take_the_same_data(name):
    register_schemas()
    config = compose_run([f"task={name}", "data.horizon=6", "data.levels=[0.1,0.9]"])
    assert (config.task_type, config.data.name) == ("forecasting", "m3_monthly")
    assert (config.data.horizon, config.data.levels) == (6, (0.1, 0.9))


def test_folds_that_mix_past_and_future_are_refused(load):
    with pytest.raises(BenchError, match="protocol=cv would mix past and future"):
        forecasting.splits(load(long()), "cv", Budget(), 0)


def catalogued(name, cache):
    spec = DataSpec.of(yaml.safe_load((CONF / "data" / f"{name}.yaml").read_text()))
    return forecasting.load(spec, Reader(spec=spec, zoo=Zoo.open(cache), say=print))


def test_a_line_in_the_card_for_every_data_set_and_what_it_says_is_so(shared_cache, socket_enabled):
    card = (CONF.parent / "tasks" / "forecasting" / "README.md").read_text()
    for name, wanted in {"airpassengers": (1, 144, "MS", 12, 12), "co2": (1, 2284, "W-SAT", 52, 13)}.items():
        data = catalogued(name, shared_cache)
        asked = data.forecasting
        assert (data.groups.max() + 1, len(data.y), asked.freq, asked.season, asked.horizon) == wanted
        assert f"`{name}`" in card
    assert (~catalogued("co2", shared_cache).observed).sum() == 59


PUBLISHED = {
    "m1_yearly": (181, 4.894), "m1_quarterly": (203, 2.078), "m1_monthly": (617, 1.314),
    "m3_yearly": (645, 3.172), "m3_quarterly": (756, 1.425), "m3_monthly": (1428, 1.146),
    "tourism_quarterly": (427, 1.699), "tourism_monthly": (366, 1.631),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_repeating_the_last_season_has_the_published_error(name, shared_cache, socket_enabled):
    data = catalogued(name, shared_cache)
    (split,), notes = forecasting.splits(data, "published", Budget(), 0)
    assert notes == ()
    held, season = held_of(data, split.train, split.test), data.forecasting.season
    ends = np.flatnonzero(np.diff(np.r_[data.groups[split.train], -1]))
    repeated = data.y[split.train][ends[held.series] + 1 - season + (held.step - 1) % season]
    errors = pd.Series(np.abs(held.y - repeated)).groupby(held.series).mean().to_numpy()
    assert len(errors) == PUBLISHED[name][0]
    assert (errors / held.scale).mean() == pytest.approx(PUBLISHED[name][1], abs=0.002)


def test_options_of_the_protocol_travel_with_the_data_and_leave_its_fingerprint(load):
    plain, rolled = load(long()), load(long(), windows=2, step=3, refit_every=2, context=20)
    assert (rolled.rolling.windows, rolled.rolling.step, rolled.rolling.refit_every) == (2, 3, 2)
    assert rolled.fingerprint == plain.fingerprint
    asked = replace(plain.forecasting, horizon=3)
    assert load(long(), horizon=3).forecasting == asked
    assert load(long(), horizon=3).fingerprint != plain.fingerprint


def test_a_panel_of_typed_columns_is_read_as_it_is(load):
    frame = long(price=np.arange(80.0))
    frame["shop"] = frame["shop"].map({"a": 7, "b": 8})
    frame["ds"] = frame["ds"].dt.date
    frame["y"] = frame["y"].astype("Int64")
    frame.loc[79, "y"] = pd.NA
    data = load(frame, "sales.parquet", id="shop", target="y")
    assert data.X["unique_id"].unique().tolist() == ["7", "8"]
    assert data.X["ds"].iloc[40] == months()[0]
    assert data.y.dtype == np.float64
    assert len(data.y) == 79


def test_a_published_part_before_other_rows_is_refused(load, tmp_path):
    frame = long()
    frame.iloc[[3]].to_csv(tmp_path / "part.csv", index=False)
    with pytest.raises(DataError, match=r"in 1 series rows of the published part lie before other rows: a \(1\)"):
        load(frame.drop(index=3), test_path=str(tmp_path / "part.csv"), id="shop")
