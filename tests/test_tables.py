"""Tables as people bring them: every oddity is read, dropped with a word, or refused with a remedy."""

import numpy as np
import pandas as pd
import pytest

from bench.config import compose_run, register_schemas
from bench.data import Reader
from bench.errors import DataError
from bench.models.columns import Dense, Split
from bench.models.tabular import moonshot
from bench.settings import Budget, DataSpec
from bench.types import Context
from bench.zoo.store import Zoo
from tasks.tables import typed, without_idle_columns
from tasks.tabular_clf import tabular_clf
from tasks.tabular_reg import tabular_reg


def load(tmp_path, content, name="rows.csv", task=tabular_clf, **spec):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = DataSpec(name="rows", path=str(path), **{"target": "y", **spec})
    return task.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path / "cache"), say=print))


def csv(rows=40, **columns):
    """Return a CSV with a label and the given columns, each a function of the row number."""
    made = {"y": lambda row: "ab"[row % 2], "x": lambda row: f"{row * 0.37 % 1:.3f}", **columns}
    lines = [",".join(made), *(",".join(str(value(row)) for value in made.values()) for row in range(rows))]
    return "\n".join(lines)


def column(tmp_path, value, **spec):
    """Return the column ``c`` as it is read, its kind, and the notes."""
    data = load(tmp_path, csv(c=value), **spec)
    return data.X.get("c"), data.columns.get("c"), " ".join(data.notes)


def test_strays_among_numbers_are_missing_and_said(tmp_path):
    values, kind, notes = column(tmp_path, lambda row: "?" if row == 3 else row / 7)
    assert kind == "number"
    assert np.isnan(values[3])
    assert values[4] == pytest.approx(4 / 7)
    assert "1 values that are no numbers count as missing ('?')" in notes


def test_infinite_values_are_missing_and_said(tmp_path):
    values, _, notes = column(tmp_path, lambda row: "inf" if row < 2 else row / 7)
    assert values.isna().sum() == 2
    assert "2 infinite values count as missing" in notes


def test_money_shares_and_thousands_are_numbers(tmp_path):
    content = "y,x,c\n" + "\n".join(f'{"ab"[row % 2]},{row},"${row},{100 + row}.50"' for row in range(1, 30))
    data = load(tmp_path, content)
    assert data.columns["c"] == "number"
    assert data.X["c"][0] == 1101.5


def test_a_column_of_words_and_numbers_stays_a_category(tmp_path):
    values, kind, _ = column(tmp_path, lambda row: row if row % 2 else f"word{row % 6}")
    assert kind == "category"
    assert values.dtype == object


@pytest.mark.parametrize(
    ("value", "first"),
    [
        (lambda row: f"2024-03-{row % 28 + 1:02d}", "2024-03-01"),
        (lambda row: f"{row % 28 + 1:02d}/03/2024", "2024-03-01"),
        (lambda row: f"03/{row % 28 + 1:02d}/2024" if row % 2 else f"2024-03-{row % 28 + 1:02d}", "2024-03-01"),
        (lambda row: f"{row % 28 + 1} Mar 2024", "2024-03-01"),
        (lambda row: f"2024-03-{row % 28 + 1:02d} 14:30", "2024-03-01 14:30"),
        (lambda row: f"{row % 12 + 1:02d}.03.2024", "2024-03-01"),
        (lambda row: f"{row % 12 + 1}.03.2024" if row % 2 == 0 else f"2024.03.{row % 28 + 1:02d}", "2024-03-01"),
    ],
)
def test_dates_come_in_many_forms(tmp_path, value, first):
    values, kind, _ = column(tmp_path, value)
    assert kind == "date"
    assert values[0] == pd.Timestamp(first)


def test_columns_that_tell_nothing_are_dropped_and_said(tmp_path):
    data = load(
        tmp_path,
        csv(one=lambda row: "same", none=lambda row: "", name=lambda row: f"n{row}", number=lambda row: row + 1),
    )
    assert list(data.X.columns) == ["x"]
    notes = " ".join(data.notes)
    assert "Dropped, because they are empty: 'none'." in notes
    assert "Dropped, because they hold one value: 'one'." in notes
    assert "Dropped, because they only name or number the rows: 'name', 'number'." in notes


def test_measurements_that_never_repeat_are_kept(tmp_path):
    values, kind, _ = column(tmp_path, lambda row: row * 1.7 + 3)
    assert kind == "number"
    assert values is not None


def test_a_gap_is_information_so_one_value_beside_gaps_is_kept(tmp_path):
    values, _, _ = column(tmp_path, lambda row: "yes" if row % 3 else "")
    assert values.isna().sum() == 14


def test_nothing_left_to_learn_from_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no column is left to learn from\. Dropped, because they hold one value"):
        load(tmp_path, "y,x\n" + "\n".join(f"{'ab'[row % 2]},1" for row in range(30)))


def test_headers_with_spaces_and_other_alphabets(tmp_path):
    content = "y, größe (cm) ,[цена]\n" + "\n".join(f"{'ab'[row % 2]},{row / 3},{row % 5}" for row in range(40))
    assert list(load(tmp_path, content).X.columns) == ["größe (cm)", "[цена]"]


def test_what_a_spreadsheet_exports_is_read(tmp_path):
    content = b"\xef\xbb\xbf" + csv().replace(",", ";").replace("\n", "\r\n").encode()
    assert list(load(tmp_path, content, separator=";").X.columns) == ["x"]
    with pytest.raises(DataError, match=r"Did you mean data.separator=';'"):
        load(tmp_path, content)


def european(rows=40, **columns):
    """Return what a spreadsheet exports where commas are decimal, its target a quantity."""
    made = {
        "y": lambda row: f"{row * 7 % 13},5",
        "x": lambda row: f"{row * 37 % 1000:03d},{row % 100:02d}",
        "price": lambda row: f"{row % 9 + 1}.{row * 37 % 1000:03d},00 €",
        "note": lambda row: f"red, or {row % 3}",
        **columns,
    }
    lines = [";".join(made), *(";".join(str(value(row)) for value in made.values()) for row in range(rows))]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("before", ["", "sep=;\r\n"])
def test_decimal_commas_of_a_spreadsheet_are_read_in_the_target_too(tmp_path, before):
    spec = {} if before else {"separator": ";"}
    data = load(tmp_path, b"\xef\xbb\xbf" + (before + european()).encode(), task=tabular_reg, **spec)
    assert data.columns == {"x": "number", "price": "number", "note": "category"}
    assert data.y[:3].tolist() == [0.5, 7.5, 1.5]
    assert data.X["x"][3] == 111.03
    assert data.X["price"][3] == 4111.0
    assert data.X["note"][3] == "red, or 0"


def test_decimal_commas_behind_another_separator_are_read_when_that_is_said(tmp_path):
    content = european().replace(";", "\t").encode("utf-16")
    spec = {"separator": "\\t", "encoding": "utf-16", "task": tabular_reg}
    assert load(tmp_path, content, decimal=",", **spec).y[1] == 7.5
    with pytest.raises(DataError, match=r"no numbers \('0,5'.*data\.decimal=,"):
        load(tmp_path, content, **spec)
    with pytest.raises(DataError, match=r"data\.decimal=x is no decimal sign"):
        load(tmp_path, content, decimal="x", **spec)


def test_points_stay_decimal_where_no_number_has_a_comma(tmp_path):
    content = "y;x;v\n" + "\n".join(f"{'ab'[row % 2]};{row}.125;{row},25" for row in range(30))
    data = load(tmp_path, content, separator=";")
    assert (data.X["x"][3], data.X["v"][3]) == (3.125, 3.25)
    assert load(tmp_path, content.replace(",", "."), separator=";").X["v"][3] == 3.25


def test_columns_without_name_and_value_are_left_out(tmp_path):
    lines = csv().split("\n")
    data = load(tmp_path, "\n".join([f"{lines[0]},,", *(f"{line},," for line in lines[1:])]))
    assert list(data.X.columns) == ["x"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("book.xlsx", b"PK\x03\x04..."), ("book.xls", b"\xd0\xcf\x11\xe0..."), ("renamed.csv", b"PK\x03\x04...")],
)
def test_a_workbook_is_refused_with_the_way_to_save_it(tmp_path, name, content):
    with pytest.raises(DataError, match=r"is a spreadsheet.*CSV UTF-8"):
        load(tmp_path, content, name)


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_another_separator_is_named_and_then_read(tmp_path, sign):
    content = csv().replace(",", sign)
    with pytest.raises(DataError, match=r"Did you mean data\.separator=") as caught:
        load(tmp_path, content)
    given = str(caught.value).partition("data.separator='")[2].partition("'")[0]
    assert list(load(tmp_path, content, separator=given).X.columns) == ["x"]


def test_columns_of_one_name_are_refused(tmp_path):
    frame = pd.DataFrame([[1, 2, "a"], [2, 3, "b"]] * 9, columns=["x", "x", "y"])
    for task in (tabular_clf, tabular_reg):
        with pytest.raises(DataError, match=r"several columns are named 'x'\. Give each column a name of its own"):
            load(tmp_path, frame.to_csv(index=False), task=task)


def test_rows_without_a_target_are_dropped_and_said(tmp_path):
    data = load(tmp_path, csv(y=lambda row: "" if row == 0 else "ab"[row % 2]))
    assert len(data.y) == 39
    assert "1 of 40 rows have no 'y' and were dropped." in data.notes


def test_a_quantity_as_label_is_sent_to_regression(tmp_path):
    with pytest.raises(DataError, match=r"5,000 different numbers, which is a quantity.*task=tabular_reg"):
        load(tmp_path, csv(rows=5000, y=lambda row: row * 1.5))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda row: row % 3, r"3 different whole numbers, which look like labels\. Use task=tabular_clf"),
        (lambda row: "yes" if row % 2 else "no", r"no numbers \('no', 'yes'\)\. Use task=tabular_clf for labels"),
        (lambda row: "n/a" if row < 3 else row / 7, r"3 values that are no numbers \('n/a'\)\. Mend or empty"),
        (lambda row: "inf" if row < 3 else row / 7, r"3 values that are no numbers \('inf'\)\. Mend or empty"),
        (lambda row: 3.5, "every row has 3.5 in column 'y'. Is this the right column"),
        (lambda row: "", "no row has a value in column 'y'"),
    ],
)
def test_what_is_no_quantity_is_refused_with_a_remedy(tmp_path, value, said):
    with pytest.raises(DataError, match=said) as caught:
        load(tmp_path, csv(y=value), task=tabular_reg)
    assert "\n" not in str(caught.value)


def test_rows_without_a_quantity_are_dropped_and_said(tmp_path):
    data = load(tmp_path, csv(y=lambda row: "" if row == 0 else row / 7), task=tabular_reg)
    assert data.y.tolist() == pytest.approx([row / 7 for row in range(1, 40)])
    assert "1 of 40 rows have no 'y' and were dropped." in data.notes


def test_few_whole_numbers_in_few_rows_may_be_a_quantity(tmp_path):
    assert len(load(tmp_path, csv(rows=12, y=lambda row: row % 4), task=tabular_reg).y) == 12


def test_a_label_of_few_numbers_is_a_label(tmp_path):
    assert load(tmp_path, csv(y=lambda row: row % 3)).classes == ("0", "1", "2")


def test_ten_rows_and_wide_tables_have_folds(tmp_path):
    for rows, columns in ((10, 3), (100, 2000)):
        wide = {f"c{at}": lambda row, at=at: f"{(row * (at % 10 + 1)) % 11 / 3:.2f}" for at in range(columns)}
        data = load(tmp_path, csv(rows=rows, **wide))
        splits, _ = tabular_clf.splits(data, "cv", Budget(), 0)
        assert len(splits) == 5
        assert data.X.shape == (rows, columns + 1)


def test_a_kind_that_is_given_overrides_the_inferred_one(tmp_path):
    values, kind, _ = column(tmp_path, lambda row: 10115 + row % 7, kinds={"c": "category"})
    assert kind == "category"
    assert values[0] == "10115"


def test_a_test_part_of_other_columns_is_refused(tmp_path):
    (tmp_path / "test.csv").write_text("y,z\na,1\nb,2\n")
    with pytest.raises(DataError, match=r"test.csv has no column 'x'"):
        load(tmp_path, csv(), test_path=str(tmp_path / "test.csv"))


def test_no_column_hears_of_another_row_but_by_its_kind():
    one = pd.DataFrame({"x": ["1", "2", "3"] * 10, "c": list("abc") * 10})
    more = pd.concat([one, pd.DataFrame({"x": ["9"], "c": ["z"]})], ignore_index=True)
    short, _, _ = typed(one, {})
    long, _, _ = typed(more, {})
    pd.testing.assert_frame_equal(short, long.iloc[:30])


def test_perturbed_rows_keep_their_shape_and_their_types():
    X, kinds, _ = typed(pd.DataFrame({"x": [str(n / 3) for n in range(60)], "c": list("abcd") * 15}), {})
    X, _, _ = without_idle_columns(X, kinds)
    found = tabular_clf.perturbed(X, seed=1)
    assert list(found) == ["missing", "noise", "unseen"]
    for changed in found.values():
        assert changed.shape == X.shape
        assert list(changed.dtypes) == list(X.dtypes)
    assert found["missing"].isna().to_numpy().mean() == pytest.approx(0.05, abs=0.05)
    assert 0 < (found["unseen"]["c"] == "never seen before").mean() < 0.3
    assert np.abs(found["noise"]["x"] - X["x"]).max() < 0.1 * X["x"].std()


@pytest.mark.parametrize(
    "value", ["\\t", ";", ",", "a b", "C:\\my data\\a.csv", 'the "best" one', "ends in \\", "it's"]
)
def test_names_and_signs_reach_the_run_as_they_were_typed(value):
    register_schemas()
    command = ["task=tabular_clf", "data.path=rows.csv", f"data.separator={value}", "model=[prior]"]
    assert compose_run(command).data.separator == value


def test_a_separator_of_several_signs_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"data\.separator=;; is more than one sign"):
        load(tmp_path, csv(), separator=";;")


def test_a_table_of_two_thousand_columns_keeps_its_numbers_out_of_the_vectoriser():
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(100, 2000)), columns=[f"v{at}" for at in range(2000)])
    X.iloc[3, 5] = np.nan
    X["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(100), unit="D")
    dense = Dense(seed=0)
    made = dense.fit_transform(X)
    assert dense.others == ["c2000"]
    kept = X.iloc[:, 7].to_numpy()
    np.testing.assert_allclose(made[:, 7], (kept - kept.mean()) / kept.std())
    # What is missing is the mean, and has an indicator.
    assert made[3, 5] == pytest.approx(0)
    np.testing.assert_array_equal(dense.transform(X), np.clip(made, -1e3, 1e3))


def test_columns_with_types_of_their_own_as_openml_brings_them_are_read():
    rows = 60
    frame = pd.DataFrame(
        {
            "number": pd.Categorical([str(row % 7) for row in range(rows)]),
            "word": pd.Categorical([["ab", "cd", None][row % 3] for row in range(rows)]),
            "truth": pd.Categorical([["TRUE", "FALSE"][row % 2] for row in range(rows)]),
            "whole": pd.array([1, None] * 30, dtype="Int64"),
            "flag": pd.array([True, None] * 30, dtype="boolean"),
            "class": pd.Categorical([["good", "bad"][row % 2] for row in range(rows)]),
            "price": [row * 1.7 for row in range(rows)],
        }
    )
    labels = tabular_clf.load(DataSpec(name="credit", path="openml:31", target="class"), lambda path: frame)
    kinds = {"number": "number", "word": "category", "truth": "boolean", "whole": "number", "flag": "boolean"}
    assert labels.columns == {**kinds, "price": "number"}
    assert labels.classes == ("bad", "good")
    values = tabular_reg.load(DataSpec(name="credit", path="openml:31", target="price"), lambda path: frame)
    assert values.columns == {**kinds, "class": "category"}
    assert values.X["word"][2] is None
    assert np.isnan(values.X["whole"][1])


@pytest.mark.parametrize(
    ("value", "kind", "seventh"),
    [
        (lambda row: f"0,{125 + row}", "category", "0,132"),
        (lambda row: f"1234,{row:03d}", "category", "1234,007"),
        (lambda row: f"{row % 9 + 1},{row * 25 % 1000:03d}", "number", 8175.0),
        (lambda row: f"${row + 1},250.50", "number", 8250.5),
    ],
)
def test_commas_are_taken_out_only_where_all_part_thousands(tmp_path, value, kind, seventh):
    content = "y,x,c\n" + "\n".join(f'{"ab"[row % 2]},{row * 0.37 % 1:.3f},"{value(row % 29)}"' for row in range(58))
    data = load(tmp_path, content)
    assert data.columns["c"] == kind
    assert data.X["c"][7] == seventh


@pytest.mark.parametrize(
    ("value", "second", "missing", "said"),
    [
        (lambda row: f"{row % 12 + 1:02d}/{row % 28 + 1:02d}/2024", "2024-02-02", 0, ""),
        (
            lambda row: f"{row % 28 + 1}/{row % 12 + 1}/2024" if row else "1/13/2024",
            "2024-02-02",
            1,
            "1 values that are",
        ),
        (lambda row: f"{row % 12 + 1}/{row % 11 + 1}/2024", "2024-02-02", 0, "such as 1/1/2024 are read as month/day."),
        (lambda row: f"{row % 12 + 1}.{row % 11 + 1}.2024", "2024-02-02", 0, ""),
    ],
)
def test_days_come_first_where_the_numbers_say_so(tmp_path, value, second, missing, said):
    values, kind, notes = column(tmp_path, value)
    assert kind == "date"
    assert values[1] == pd.Timestamp(second)
    assert values.isna().sum() == missing
    assert said in notes
    assert bool(said) == ("'c'" in notes)


@pytest.mark.parametrize("times", [["01.02.2024", "02.01.2024", "13.02.2024"], ["1/2/2024", "2/1/2024", "13/2/2024"]])
def test_times_are_read_as_dates_of_columns_are(tmp_path, times):
    data = load(tmp_path, csv(at=lambda row: times[row % 3]), time="at")
    assert np.argsort(data.time[:3]).tolist() == [1, 0, 2]


def test_booleans_that_are_neither_true_nor_false_are_missing_and_said(tmp_path):
    values, _, notes = column(tmp_path, lambda row: "ja" if row < 2 else row % 3 == 0, kinds={"c": "boolean"})
    assert values[:4].tolist() == pytest.approx([np.nan, np.nan, 0.0, 1.0], nan_ok=True)
    assert "Column 'c': 2 values neither true nor false count as missing ('ja')." in notes


def test_numbers_are_dates_in_one_form_only():
    X, _, _ = typed(pd.DataFrame({"d": [20240131.0, np.nan, 20240201.0]}), {"d": "date"})
    assert X["d"][0] == pd.Timestamp("2024-01-31")
    assert X["d"].isna().tolist() == [False, True, False]
    with pytest.raises(DataError, match=r"Column 'd' holds 45000, which is no date"):
        typed(pd.DataFrame({"d": [20240131, 45000]}), {"d": "date"})


COUNTS = ["950", "1{}250", "12{}000"]


def test_points_part_thousands_where_other_columns_have_decimal_commas(tmp_path):
    content = "y;c;v\n" + "\n".join(f"{'ab'[row % 2]};{COUNTS[row % 3].format('.')};{row},25" for row in range(30))
    data = load(tmp_path, content, separator=";")
    assert data.X["c"][:3].tolist() == [950, 1250, 12000]
    assert data.X["v"][3] == 3.25


def test_commas_part_thousands_where_other_columns_have_decimal_points(tmp_path):
    content = "y;c;v\n" + "\n".join(f"{'ab'[row % 2]};{COUNTS[row % 3].format(',')};{row}.25" for row in range(30))
    data = load(tmp_path, content, separator=";")
    assert data.X["c"][:3].tolist() == [950, 1250, 12000]
    assert data.X["v"][3] == 3.25
    assert load(tmp_path, content, separator=";", decimal=",").X["c"][:3].tolist() == [950, 1.25, 12]


def test_a_target_with_commas_between_thousands_is_not_sent_to_decimal_commas_alone(tmp_path):
    content = "y,x\n" + "\n".join(f'"{row},250",{row * 0.37 % 1:.3f}' for row in range(1, 40))
    with pytest.raises(DataError, match=r"Take the commas out if they part thousands, or give data\.decimal=, if"):
        load(tmp_path, content, task=tabular_reg)


def test_codes_of_levels_do_not_follow_the_order_of_rows():
    X = pd.DataFrame({"c": pd.Series(list("cabbca") + ["d"] * 3, dtype=object)})
    one, other = Split(seed=0), Split(seed=0)
    one.fit_transform(X)
    other.fit_transform(X[::-1])
    assert one.known == other.known == {"c0": ["d", "a", "b", "c"]}


@pytest.mark.parametrize("prediction", ["probability", "value"])
def test_a_moonshot_has_as_many_neighbours_as_rows_at_most(prediction):
    context = Context(seed=1, threads=1, zoo=None, features=None, prediction=prediction)
    X = pd.DataFrame({"x": np.arange(12.0)})
    y = np.arange(12) % 2 if prediction == "probability" else np.arange(12.0)
    model = moonshot.build(moonshot.Params(numbers="standard", features="plain", estimator="neighbours"), context)
    model.fit(X, y)
    found = model.predict_proba(X)[:, 1] if prediction == "probability" else model.predict(X)
    np.testing.assert_allclose(found, y, atol=1e-6)
