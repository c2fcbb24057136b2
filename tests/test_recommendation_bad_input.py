"""Interactions as people bring them: what is refused with what to do, and what is read with a note."""

import numpy as np
import pandas as pd
import pytest

from bench.errors import DataError
from bench.ranking.asked import Ranking
from bench.settings import Budget, DataSpec
from tasks.recommendation import recommendation
from tests.test_recommendation_data import items_table, labels, load, log, said, write

__all__ = ["load"]


REFUSED = {
    "one user": (log(userId=1, movieId=range(40)), {}, "are of one user, '1'. Recommendation needs several users"),
    "one item": (log(userId=range(40), movieId=7), {}, "are of one item, '7'. Recommendation needs several items"),
    "one item is positive": (
        log(rating=np.where(np.arange(40) % 5 == 0, 5.0, 1.0), movieId=np.where(np.arange(40) % 5 == 0, 3, 4)),
        {"at_least": 4}, "all positive interactions are of one item, '3'",
    ),
    "all users are different": (log(userId=range(40)), {}, "each of 40 users has one interaction, so nobody's next"),
    "ratings as text": (
        log(rating="good"), {"at_least": 4},
        "column 'rating' holds 40 values that are no numbers ('good'). Write ratings as numbers, or leave data.rating",
    ),
    "a named rating as text": (log(rating="good"), {"rating": "rating"}, "holds 40 values that are no numbers"),
    "weights that are negative": (
        log(rating=-1.0), {"weights": "rating"}, "needs ratings above 0, and 40 are not, such as -1. Keep the",
    ),
    "no rating is high enough": (log(), {"at_least": 9}, "no rating is 9 or more; they go from 1 to 5. Give a lower"),
    "no ratings": (
        log().drop(columns="rating"), {"at_least": 4},
        "data.at_least=4 needs ratings: which column of log? Give data.rating=COLUMN of userId, movieId, timestamp.",
    ),
    "no ratings to weigh by": (log().drop(columns="rating"), {"weights": "rating"}, "data.weights=rating needs"),
    "empty ratings": (log(rating=np.nan), {"at_least": 4}, "no row has a rating"),
    "a missing time": (
        log(timestamp=[1e9, np.nan] * 20), {},
        "column 'timestamp' has no time stamp in 20 of 40 rows. Drop these rows; without data.time, protocol=random",
    ),
    "an empty time": (log(timestamp=["2024-01-05", " "] * 20), {}, "has no time stamp in 20 of 40 rows"),
    "an infinite time": (log(timestamp=[1e9, np.inf] * 20), {}, "has no time stamp in 20 of 40 rows"),
    "times of two units": (
        log(timestamp=[1_400_000_000, 1_400_000_000_000] * 20), {},
        "is Unix time in seconds in 20 rows, and not so in 20, such as 1400000000000. Write all time stamps",
    ),
    "zeros for times": (log(timestamp=[*range(10**9, 10**9 + 38), 0, 0]), {}, "and not so in 2, such as 0. Write all"),
    "dates beside Unix time": (log(timestamp=["2024-01-05", "1400000000"] * 20), {}, "('1400000000'). Mend them, drop"),
    "words for times": (
        log(timestamp=["2024-01-05", "yesterday"] * 20), {}, "('yesterday'). Mend them, drop their rows, or give the",
    ),
    "times with and without a zone": (
        log(timestamp=["2024-01-05T10:00:00Z", "2024-01-06T10:00:00"] * 20), {}, "Write all of them with one, or none",
    ),
    "no user column": (
        log().rename(columns={"userId": "wer"}), {},
        "Which column of log names the user? Give data.user=COLUMN. Columns: wer, movieId, rating, timestamp.",
    ),
    "no item column": (log().rename(columns={"movieId": "was"}), {}, "names the item? Give data.item=COLUMN"),
    "a wrong user column": (log(), {"user": "userid"}, "has no column 'userid'. Did you mean 'userId'?"),
    "a wrong time column": (log(), {"time": "timestmap"}, "Did you mean 'timestamp'?"),
    "one column twice": (log(), {"item": "userId", "user": "userId"}, "column 'userId' cannot be two of user, item"),
    "an empty user column": (log(userId=""), {}, "no row has a value in column 'userId'"),
    "lists too long": (log(), {"k": 5}, "a list of data.k=5 would hold each of 5 items. Give a smaller data.k."),
    "no list": (log(), {"k": 0}, "data.k=0 is too small: at least 1"),
    "nothing to train on": (log(), {"share": 0.6, "validation": 0.4}, "below 1 together, for models need the rest"),
    "a negative share": (log(), {"share": -0.2}, "data.share=-0.2"),
    "an unknown word": (log(), {"ties": "rows"}, "data.ties=rows is not known. Did you mean 'row'?"),
    "duplicates of panels": (log(), {"duplicates": "sum"}, "data.duplicates=sum is not known. Known: first, last."),
    "other tasks": (log(), {"target": "rating"}, "data.target means nothing to recommendation. The columns of a row"),
    "kinds": (log(), {"kinds": {"rating": "text"}}, "data.kinds means nothing to recommendation"),
    "horizons": (log(), {"horizon": 3}, "data.horizon means nothing to recommendation. Leave it out."),
    "texts without a table": (log(), {"item_text": ("title",)}, "are columns of a table of items: give data.items"),
    "users without a table": (log(), {"user_id": "id"}, "a column of a table of users: give data.users_path"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_interactions_that_cannot_be_used_are_refused_with_what_to_do(load, case):
    frame, spec, what = REFUSED[case]
    with pytest.raises(DataError) as error:
        load(frame, **spec)
    assert what in str(error.value)


def test_names_that_look_like_numbers_keep_their_zeros(load, tmp_path):
    frame = log()
    frame = frame.assign(userId=frame["userId"].map("{:04d}".format), movieId=frame["movieId"].map("{:03d}".format))
    films = write(tmp_path / "films.csv", items_table(movieId=[f"{n:03d}" for n in range(1, 6)]))
    for name in ("log.csv", "log.jsonl", "log.parquet"):
        data = load(frame, name, items_path=str(films))
        assert data.recommending.items.tolist() == ["001", "002", "003", "004", "005"]
        assert data.recommending.users[0] == "0001"
        assert data.recommending.titles[0] == "Harbour (1995)"
    short = write(tmp_path / "short.csv", items_table())
    with pytest.raises(DataError, match=r"these are called '001', and those '1'\. Names have to agree to the letter"):
        load(frame, items_path=str(short))


def test_one_name_of_mixed_types_is_one_user(load, tmp_path):
    frame = log()
    mixed = frame.assign(userId=[int(user) if at % 2 else str(user) for at, user in enumerate(frame["userId"])])
    assert load(mixed, "log.jsonl").fingerprint == load(frame).fingerprint
    with_gap = pd.concat([frame.astype({"userId": float}), frame.head(1).assign(userId=np.nan)])
    data = load(with_gap, "log.parquet")
    assert data.fingerprint == load(frame).fingerprint
    assert "1 of 41 rows name no user and were dropped." in data.notes


def test_negative_ratings_count_unless_they_are_left_out(load):
    frame = log(rating=np.where(np.arange(40) % 4 == 0, -2.0, 3.0))
    assert "10 of them are negative, and count as well." in said(load(frame))
    assert len(load(frame, at_least=0).y) == 30


def test_ratings_as_text_that_nobody_asked_for_are_left_alone(load):
    data = load(log(rating="good"))
    assert len(data.y) == 40
    assert "Column 'rating' is not used: 40 of its values are no numbers ('good')." in data.notes


def test_rows_without_a_needed_rating_are_dropped_and_counted(load):
    frame = log()
    frame.loc[:9, "rating"] = np.nan
    data = load(frame, at_least=1)
    assert len(data.y) == 30
    assert "10 of 40 rows have no rating and were dropped." in data.notes


@pytest.mark.parametrize(
    "frame", [log().drop(columns="timestamp"), log(timestamp=1_000_000_000)], ids=["none", "equal"]
)
def test_without_times_that_tell_anything_a_cut_in_time_says_what_to_give(load, frame):
    data = load(frame)
    assert data.time is None
    assert list(data.X.columns) == ["user", "item"]
    with pytest.raises(DataError, match=r"has no time stamps that differ, which .* needs\. Name their column"):
        recommendation.splits(data, "global_time", Budget(), 0)
    assert len(recommendation.splits(data, "random", Budget(folds=2), 0)[0]) == 2
    (split,), notes = recommendation.splits(data, "leave_last", Budget(), 0)
    assert "Without time stamps, the last interactions of a user are the last ones in the file." in notes
    assert split.test.tolist() == sorted(frame.reset_index().groupby("userId")["index"].max())
    assert ("all in column 'timestamp' are the same" in said(data)) == ("timestamp" in frame)


def test_users_with_one_interaction_are_kept_and_counted(load):
    more = pd.DataFrame({"userId": range(100, 130), "movieId": 1, "rating": 1.0, "timestamp": 1_100_000_000})
    data = load(pd.concat([log(), more]))
    assert "30 of 38 users have one interaction." in data.notes
    for protocol in ("leave_last", "held_out_users"):
        for split in recommendation.splits(data, protocol, Budget(folds=2), 0)[0]:
            tested = data.recommending.users[data.X["user"].to_numpy()[split.test]]
            assert not set(tested) & set(map(str, range(100, 130)))


def test_items_that_only_one_source_names_are_known_and_counted(load, tmp_path):
    table = items_table(movieId=[1, 2, 3, 40, 50])
    data = load(log(), items_path=str(write(tmp_path / "films.csv", table)))
    assert data.recommending.items.tolist() == ["1", "2", "3", "4", "40", "5", "50"]
    assert data.recommending.titles[2:5] == ("Ambrée (2001)", "4", "Hail (1995)")
    assert data.recommending.texts[3] == ""
    assert data.recommending.tagged[3].sum() == 0
    path = tmp_path / "films.csv"
    assert f"{path}: 2 of 5 items are in no interaction." in data.notes
    assert f"{path} lacks 2 of 5 items with interactions." in data.notes
    assert labels(data) == labels(load(log()))
    assert "2 of 7 items have no text." in said(data)


def test_users_that_only_one_source_names_are_counted(load, tmp_path):
    table = write(tmp_path / "people.csv", pd.DataFrame({"id": [1, 2, 3, 77], "age": [30, 31, 32, 33]}))
    data = load(log(), users_path=str(table))
    assert data.recommending.user_table["age"].tolist()[:3] == [30, 31, 32]
    assert data.recommending.user_table["age"].isna().sum() == 5
    assert f"{table}: 1 of 4 users have no interaction and are left out." in data.notes
    assert f"{table} lacks 5 of 8 users with interactions." in data.notes


def test_the_first_of_several_rows_of_an_item_counts(load, tmp_path):
    table = pd.concat([items_table(), items_table(title="again").head(2)])
    data = load(log(), items_path=str(write(tmp_path / "films.csv", table)))
    assert data.recommending.titles[0] == "Harbour (1995)"
    assert f"{tmp_path / 'films.csv'}: 2 rows are of items that stand there already; the first row of each" in said(
        data
    )
    many = pd.concat([items_table()] * 3)
    with pytest.raises(DataError, match=r"10 of 15 rows name an item in column 'movieId' that another row names"):
        load(log(), items_path=str(write(tmp_path / "films.csv", many)))


def test_items_without_a_word_have_no_texts(load, tmp_path):
    empty = items_table(title=["", "CopperSky", " ", "Hail", None], genres="")
    told = load(log(), items_path=str(write(tmp_path / "films.csv", empty)))
    assert told.recommending.texts == ("", "CopperSky", "", "Hail", "")
    assert told.recommending.titles == ("1", "CopperSky", "3", "Hail", "5")
    assert "3 of 5 items have no text." in said(told)
    wordless = load(
        log(), items_path=str(write(tmp_path / "films.csv", pd.DataFrame({"movieId": range(1, 6), "x": 1})))
    )
    assert wordless.recommending.texts == ()
    assert "no column says in words what an item is; name some by data.item_text=" in said(wordless)


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"item_id": "movie"}, "has no column 'movie'. Did you mean 'movieId'?"),
        ({"item_text": ("titel",)}, "has no column 'titel'. Did you mean 'title'?"),
        ({"item_id": "title"}, "has no row for any item of the interactions: these are called '1', and those 'Ambrée"),
    ],
)
def test_columns_of_a_table_that_are_not_there_name_the_nearest(load, tmp_path, spec, what):
    with pytest.raises(DataError) as error:
        load(log(), items_path=str(write(tmp_path / "films.csv", items_table())), **spec)
    assert what in str(error.value)


def test_a_core_that_leaves_nobody_says_so(load):
    data = load(log(20), core=9)
    with pytest.raises(DataError, match=r"Nothing is left of a core of 9 interactions \(data\.core\)"):
        recommendation.splits(data, "random", Budget(folds=2), 0)


def test_files_of_no_layout_say_what_they_lack(load):
    with pytest.raises(DataError, match="its first line has to name columns with their types, such as user_id:token"):
        load("user_id\titem_id\n1\t2\n", "log.inter")
    with pytest.raises(DataError, match=r"no layout of MovieLens has 2 fields parted by '::'"):
        load("1::2\n2::3\n", "ratings.dat")
    with pytest.raises(DataError, match="cannot be read as movielens"):
        load("1::2::3::4\n2::3\n", "ratings.dat")


def test_many_names_as_strings_are_read_without_a_loop_over_them():
    users = np.array([f"customer-{n:07d}" for n in np.random.default_rng(0).permutation(150_000)], dtype=object)
    frame = pd.DataFrame({"user": np.tile(users, 2), "item": np.arange(300_000) % 977, "time": np.arange(300_000)})
    data = recommendation.load(DataSpec(name="shop", path="shop.parquet"), lambda path: frame)
    told = data.recommending
    assert told.users.tolist() == sorted(users)
    assert (told.users[data.X["user"]] == frame["user"]).all()
    assert (told.items[data.X["item"]] == frame["item"].astype(str)).all()


def test_what_is_no_name_is_refused(load):
    with pytest.raises(DataError, match=r"column 'userId' holds 0\.142\d+, and a name is a text or a whole number"):
        load(log(userId=np.arange(40) / 7), "log.parquet")
    with pytest.raises(DataError, match="column 'movieId' holds values that name nobody"):
        load(log(movieId=[[1, 2]] * 40), "log.jsonl")
    with pytest.raises(DataError, match="half of a sign that no encoding has"):
        load('{"user": "\\ud800", "item": 1}\n{"user": "a", "item": 2}\n', "log.jsonl")


def test_every_option_of_the_protocol_can_be_given():
    options = {one for one in Ranking.__dataclass_fields__ if one != "split"}
    assert options <= set(DataSpec.__dataclass_fields__)
