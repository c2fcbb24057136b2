import io
import json

import numpy as np
import pandas as pd
import pytest

from bench.data import Reader, fingerprint, infer_kinds, take
from bench.errors import DataError
from bench.settings import Budget, DataSpec
from bench.zoo.store import Zoo
from tasks.text_clf import text_clf
from tests.builders import dataset, texts


@pytest.fixture
def load(tmp_path):
    def load(content, name="reviews.csv", **spec):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        made = DataSpec(name="reviews", path=str(path), **spec)
        return text_clf.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def rows(count=30):
    return list(zip(*texts(count), strict=True))


def csv(pairs, header="body,label", separator=","):
    return "\n".join([header, *(f'"{text}"{separator}{label}' for text, label in pairs)]) + "\n"


def test_the_same_rows_give_the_same_data_set_in_every_format(load):
    pairs = rows()
    frame = pd.DataFrame(pairs, columns=["body", "label"])
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    lines = "\n".join(json.dumps({"body": text, "label": label}) for text, label in pairs)
    made = [
        load(csv(pairs)),
        load(csv(pairs, "body\tlabel", "\t"), "reviews.tsv"),
        load(csv(pairs, "body;label", ";"), separator=";"),
        load(parquet.getvalue(), "reviews.parquet"),
        load(lines, "reviews.jsonl"),
        load(csv(pairs).replace("\n", "\r\n")),
        load(b"\xef\xbb\xbf" + csv(pairs).encode()),
    ]
    assert {one.fingerprint for one in made} == {made[0].fingerprint}
    assert made[0].classes == ("oil", "tea", "tin")
    assert made[0].X.iloc[0] == pairs[0][0]


def test_the_text_column_is_found_where_only_one_fits(load):
    pairs = [(text, number, label) for number, (text, label) in enumerate(rows())]
    content = "\n".join(["words,price,label", *(f"{text},{number},{label}" for text, number, label in pairs)])
    assert load(content).X.iloc[3] == pairs[3][0]


@pytest.mark.parametrize("value", ["null", "NA", "nan", "None", "n/a"])
def test_words_that_look_like_missing_values_are_kept(load, value):
    data = load(csv([*rows(), (value, value)] * 2))
    assert value in set(data.X)
    assert value in data.classes


def test_missing_labels_are_dropped_and_counted(load):
    data = load(csv([*rows(), ("some text of ours", ""), ("more of our text", "  ")]))
    assert len(data.y) == 30
    assert any("2 of 32 rows have no 'label' and were dropped" in note for note in data.notes)


def test_empty_texts_are_kept_and_counted(load):
    data = load(csv([*rows(), ("", "tea"), ("   ", "tin")]))
    assert len(data.y) == 32
    assert any("2 of 32 texts are empty" in note for note in data.notes)


def test_texts_that_are_no_strings_are_kept_and_counted(load):
    values = [*({"body": text, "label": label} for text, label in rows()), {"body": 17, "label": "tea"}]
    data = load("\n".join(map(json.dumps, [*values, {"label": "tea"}])), "reviews.jsonl", text="body")
    assert data.X.iloc[30] == "17"
    assert data.X.iloc[31] == ""
    assert any("1 of 32 texts are not strings" in note for note in data.notes)


def test_another_encoding_is_read_when_it_is_declared(load):
    content = csv([(f"{text} café", label) for text, label in rows()]).encode("latin-1")
    assert "café" in load(content, encoding="latin-1").X.iloc[0]


@pytest.mark.parametrize(
    ("content", "spec", "said"),
    [
        ("body,label\n", {}, "has no rows"),
        ("", {}, "is empty"),
        (csv(rows()), {"target": "labl"}, r"no column 'labl'\. Did you mean 'label'\? Columns: body, label"),
        (csv(rows()), {"text": "bdy"}, r"no column 'bdy'\. Did you mean 'body'\?"),
        (csv(rows()), {"groups": "user"}, "no column 'user'"),
        (csv(rows(), header="body,kind"), {}, r"Which column of reviews holds the label\? Give data\.target"),
        (csv([(text, "same") for text, _ in rows()]), {}, "every row has the same label, 'same'"),
        (csv([(text, f"id{n}") for n, (text, _) in enumerate(rows())]), {}, "Is this the right column"),
        (csv([(text, "") for text, _ in rows()]), {}, "no row has a label"),
        ('body,label\n"never closed,a\nb,c\n', {}, "cannot be read as csv"),
        (csv(rows()), {"encoding": "utf-99"}, "Unknown encoding 'utf-99'"),
        (csv(rows()), {"kinds": {"body": "txt"}}, r"Unknown kind 'txt' of column 'body'\. Did you mean 'text'"),
        (csv(rows()), {"time": "body"}, "neither a number nor a date"),
        (csv(rows()), {"sha256": "0" * 64}, "another sha256"),
        ("body,label\n" + "hello there, my friend,tea\n" * 9, {}, "more fields than the header"),
        (csv(rows()), {"text": "label", "target": "label"}, "given as text and as label"),
        (csv(rows(), "body;label", ";"), {}, r"the header has one column\. Did you mean data\.separator=';'\?"),
        (csv(rows()).encode("utf-16"), {}, r"data\.encoding=utf-16"),
    ],
)
def test_bad_input_is_one_paragraph_with_a_remedy(load, content, spec, said):
    with pytest.raises(DataError, match=said) as caught:
        load(content, **spec)
    assert "\n" not in str(caught.value)


def test_a_byte_that_is_not_utf8_is_named_with_its_line(load):
    content = csv(rows()).encode().replace(b"market", b"march\xe9", 1)
    line = content[: content.index(b"\xe9")].count(b"\n") + 1
    with pytest.raises(DataError, match=rf"not utf-8: line {line} holds the byte 0xe9.*data\.encoding=latin-1"):
        load(content)


def test_a_broken_line_of_json_is_named(load):
    with pytest.raises(DataError, match="line 2, is not JSON"):
        load('{"body": "a b c d", "label": "x"}\n{"body": \n', "reviews.jsonl")


def test_a_separator_at_the_end_of_rows_shifts_no_column(load):
    content = "body,label\n" + "".join(f"{text},{label},\n" for text, label in rows())
    data = load(content)
    assert data.classes == ("oil", "tea", "tin")
    assert data.X.iloc[0] == rows()[0][0]


def test_a_line_separator_inside_a_json_string_is_text(load):
    lines = [json.dumps({"body": f"{text}\u2028end", "label": label}, ensure_ascii=False) for text, label in rows()]
    assert load("\n".join(lines), "reviews.jsonl").X.iloc[0].endswith("\u2028end")


def test_a_text_that_begins_with_a_quotation_mark_swallows_no_row_of_a_tsv(load):
    content = "\n".join(["body\tlabel", *(f'"{text}\t{label}' for text, label in rows())])
    data = load(content, "reviews.tsv")
    assert len(data.y) == 30
    assert data.X.iloc[0] == f'"{rows()[0][0]}'


def test_a_tab_file_is_read_with_and_without_the_header_lines_of_orange(load):
    lines = [f"{text}\t{label}" for text, label in rows()]
    plain = load("\n".join(["body\tlabel", *lines]), "reviews.tab")
    orange = load("\n".join(["body\tlabel", "string\td", "meta\tclass", *lines]), "reviews.tab")
    assert plain.fingerprint == orange.fingerprint
    assert len(plain.y) == 30


def test_spaces_around_names_in_the_header_are_no_part_of_them(load):
    assert len(load(csv(rows(), header="body, label"), target="label").y) == 30


def test_whole_numbers_with_gaps_are_labels_without_a_fraction(load):
    frame = pd.DataFrame({"body": [text for text, _ in rows()], "label": [1, 2, 3] * 10}).astype({"label": float})
    frame.loc[0, "label"] = None
    content = io.BytesIO()
    frame.to_parquet(content)
    assert load(content.getvalue(), "reviews.parquet").classes == ("1", "2", "3")


def test_a_list_is_no_label(load):
    lines = [json.dumps({"body": text, "label": [label]}) for text, label in rows()]
    with pytest.raises(DataError, match="a list and no label"):
        load("\n".join(lines), "reviews.jsonl")


def test_rows_without_a_group_are_groups_of_their_own(load):
    groups = ["", "u1", "u2"] * 10
    content = [f"{text},{label},{user}" for (text, label), user in zip(rows(), groups, strict=True)]
    data = load("\n".join(["body,label,user", *content]), groups="user")
    assert len(set(data.groups)) == 12
    assert any("10 of 30 rows have no 'user'" in note for note in data.notes)


def test_two_columns_of_one_name_are_refused(load):
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts, labels = map(list, zip(*rows(), strict=True))
    out = io.BytesIO()
    pq.write_table(pa.table([texts, labels, labels], names=["body", "label", "label"]), out)
    with pytest.raises(DataError, match="several columns named 'label'"):
        load(out.getvalue(), "reviews.parquet")


def test_times_keep_their_fractions(load):
    content = "\n".join(["body,label,at", *(f"{text},{label},{n / 100}" for n, (text, label) in enumerate(rows()))])
    assert list(load(content, time="at").time) == [n / 100 for n in range(30)]


def test_times_of_dates_with_points_come_day_first(load):
    times = ["01.02.2024", "02.01.2024", "13.02.2024"] * 10
    content = [f"{text},{label},{at}" for (text, label), at in zip(rows(), times, strict=True)]
    data = load("\n".join(["body,label,at", *content]), time="at")
    assert np.argsort(data.time[:3]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("missing", [pd.NaT, None])
def test_a_row_without_a_time_is_refused_not_taken_for_the_earliest(load, missing):
    texts, labels = map(list, zip(*rows(), strict=True))
    frame = pd.DataFrame({"body": texts, "label": labels, "at": pd.date_range("2024-01-01", periods=30)})
    frame["at"] = frame["at"].astype(object if missing is None else frame["at"].dtype)
    frame.loc[4, "at"] = missing
    out = io.BytesIO()
    frame.to_parquet(out)
    with pytest.raises(DataError, match=r"Column 'at' is empty in 1 of 30 rows; data\.time needs a time in each"):
        load(out.getvalue(), "reviews.parquet", time="at")


def test_an_unknown_suffix_asks_for_the_format(load):
    with pytest.raises(DataError, match=r"data\.format=FORMAT"):
        load(csv(rows()), "reviews.dat")
    assert len(load(csv(rows()), "reviews.dat", format="csv").y) == 30


def test_a_file_that_is_not_there_is_named_with_its_nearest(load, tmp_path):
    load(csv(rows()))
    spec = DataSpec(path=str(tmp_path / "revews.csv"))
    with pytest.raises(DataError, match=r"no file .*revews\.csv\. Did you mean 'reviews\.csv'"):
        Reader(spec=spec, zoo=Zoo.open(tmp_path), say=print)(spec.path)


@pytest.mark.parametrize("address", ["openml:40701", "hf:org/name@" + "0" * 40 + "/data.parquet"])
def test_a_remote_source_without_a_network_says_so(tmp_path, address):
    spec = DataSpec(path=address)
    with pytest.raises(DataError, match=r"could not be had.*needs the network once.*data\.path=FILE"):
        Reader(spec=spec, zoo=Zoo.open(tmp_path), say=print)(address)


@pytest.mark.parametrize("address", ["openml:credit-g", "hf:org/name", "hf:org/name@main/data.parquet"])
def test_a_remote_source_must_be_pinned(tmp_path, address):
    spec = DataSpec(path=address)
    with pytest.raises(DataError, match="not pinned"):
        Reader(spec=spec, zoo=Zoo.open(tmp_path), say=print)(address)


def test_scikit_learns_own_sets_are_sources(tmp_path):
    spec = DataSpec(path="sklearn:wine")
    assert len(Reader(spec=spec, zoo=Zoo.open(tmp_path), say=print)("sklearn:wine")) == 178
    with pytest.raises(DataError, match="Did you mean 'wine'"):
        Reader(spec=spec, zoo=Zoo.open(tmp_path), say=print)("sklearn:wines")


def test_kinds_of_columns_are_inferred():
    frame = pd.DataFrame(
        {
            "n": ["1", "2.5", "-3"],
            "flag": ["true", "False", "true"],
            "when": ["2026-01-01", "2026-11-23", "2025-12-31"],
            "colour": ["red", "red", "blue"],
            "review": ["a long text of words", "another text of some words", "and one more of them"],
        }
    )
    kinds = {"n": "number", "flag": "boolean", "when": "date", "colour": "category", "review": "text"}
    assert infer_kinds(frame, {}) == kinds
    assert infer_kinds(frame, {"n": "category"}) == {**kinds, "n": "category"}


def test_the_fingerprint_follows_content_and_nothing_else():
    from dataclasses import replace

    base = dataset(30)
    assert fingerprint(replace(base, name="other", licence="MIT")) == base.fingerprint
    changed = [
        replace(base, X=base.X.str.upper()),
        replace(base, y=base.y[::-1].copy()),
        replace(base, classes=("a", "b", "c")),
        replace(base, groups=np.arange(30)),
        replace(base, test=np.arange(30) > 20),
    ]
    assert len({base.fingerprint, *(fingerprint(one) for one in changed)}) == 6


def test_taken_rows_stay_aligned():
    base = dataset(30, groups=np.arange(30))
    part = take(base, np.array([5, 2, 9]))
    assert list(part.groups) == [5, 2, 9]
    assert list(part.X) == [base.X[5], base.X[2], base.X[9]]
    assert list(part.X.index) == [0, 1, 2]


def test_a_subsample_keeps_every_class_and_says_so():
    labels = np.array([0] * 900 + [1] * 90 + [2] * 10)
    base = dataset(1000, y=labels, classes=("a", "b", "c"))
    small = text_clf.sized(base, DataSpec(), Budget(rows=100, folds=5), 0)
    assert list(np.bincount(small.y)) == [90, 9, 5]
    assert "104 of 1000 rows" in small.notes[-1]
    again = text_clf.sized(base, DataSpec(), Budget(rows=100, folds=5), 0)
    assert again.fingerprint == small.fingerprint != base.fingerprint


def test_rare_classes_are_merged_only_when_asked_for():
    labels = np.array([0] * 50 + [1] * 3 + [2] * 2 + [3] * 5)
    base = dataset(60, y=labels, classes=("big", "r1", "r2", "small"))
    assert text_clf.sized(base, DataSpec(), Budget(folds=5), 0).classes == base.classes
    merged = text_clf.sized(base, DataSpec(merge_rare="other"), Budget(folds=5), 0)
    assert merged.classes == ("big", "other", "small")
    assert list(np.bincount(merged.y)) == [50, 5, 5]
    assert "2 classes with fewer than 5 members were merged into 'other': r1, r2" in merged.notes[-1]


def test_a_single_rare_row_needs_a_class_to_be_merged_into():
    base = dataset(60, y=np.array([0] * 40 + [1] * 19 + [2]), classes=("big", "small", "lone"))
    with pytest.raises(DataError, match=r"finds one row to merge.*'lone'.*data\.merge_rare=big"):
        text_clf.sized(base, DataSpec(merge_rare="other"), Budget(folds=5), 0)
    assert text_clf.sized(base, DataSpec(merge_rare="big"), Budget(folds=5), 0).classes == ("big", "small")


def test_a_large_file_is_announced_before_it_is_read(load, capsys, monkeypatch):
    load(csv(rows()))
    assert "Reading" not in capsys.readouterr().out
    monkeypatch.setattr("bench.data.LARGE_FILE", 100)
    load(csv(rows()))
    assert "reviews.csv, 0 MB." in capsys.readouterr().out
