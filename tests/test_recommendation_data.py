"""How interactions are read from every layout, put in order and described."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.config import compose_run, register_schemas
from bench.data import Reader
from bench.errors import ConfigError, DataError
from bench.ranking.ceiling import best_lists
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.metrics import mean_over_users
from bench.ranking.protocol import under
from bench.ranking.top import lists_of
from bench.settings import Budget, DataSpec
from bench.zoo.store import Zoo
from tasks.recommendation import recommendation, synthetic

MOVIES = ("Harbour (1995)", "CopperSky (1995)", "Ambrée (2001)", "Hail (1995)", "Solitude (1995)")
GENRES = ("Animation|Comedy", "Action", "Comedy|Romance", "Action|Crime", "Comedy|Romance")
FLAGS = 19


@pytest.fixture
def load(tmp_path):
    def load(content, name="log.csv", **spec):
        path = write(tmp_path / name, content)
        made = DataSpec(**{"name": "log", "path": str(path), "k": 2, **spec})
        return recommendation.load(made, Reader(spec=made, zoo=Zoo.open(tmp_path), say=print))

    return load


def write(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".parquet":
        content.to_parquet(path)
    elif path.suffix == ".jsonl":
        content.to_json(path, orient="records", lines=True)
    else:
        content.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def log(rows=40, users=8, items=5, **columns):
    """Return interactions a minute apart, each user with each item once."""
    pairs = np.random.default_rng(0).permutation(users * items)[:rows]
    made = {"userId": pairs // items + 1, "movieId": pairs % items + 1, "rating": pairs % 5 + 1.0}
    return pd.DataFrame({**made, "timestamp": 1_000_000_000 + 60 * np.arange(len(pairs)), **columns})


def said(data):
    return "\n".join(data.notes)


def labels(data):
    told = data.recommending
    return list(zip(told.users[data.X["user"]], told.items[data.X["item"]], strict=True))


def in_layout(frame, separator, header=""):
    rows = (separator.join(map(str, row)) for row in frame.astype(int).itertuples(index=False))
    return header + "\n".join(rows) + "\n"


def test_interactions_are_the_same_in_every_layout(load):
    frame = log()
    atomic = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    made = [
        load(frame),
        load(frame, "log.tsv"),
        load(frame, "log.parquet"),
        load(frame, "log.jsonl"),
        load(frame.astype({"userId": str, "movieId": str}), "log.parquet"),
        load(frame.astype({"userId": "category", "movieId": "category"}), "log.parquet"),
        load(frame.sample(frac=1.0, random_state=1)),
        load(in_layout(frame, "\t", atomic), "log.inter"),
        load(in_layout(frame, "\t"), "u.data"),
        load(in_layout(frame, "::"), "ratings.dat"),
        load(in_layout(frame, "::"), "log.txt", format="movielens"),
        load(frame.rename(columns={"userId": "wer", "movieId": "was"}), user="wer", item="was", time="timestamp"),
    ]
    assert {one.fingerprint for one in made} == {made[0].fingerprint}
    data = made[0]
    assert list(data.X.columns) == ["user", "item", "time"]
    assert [str(data.X[name].dtype) for name in data.X.columns] == ["int32", "int32", "int64"]
    assert labels(data) == list(zip(frame["userId"].astype(str), frame["movieId"].astype(str), strict=True))
    assert (data.y == 1).all()
    assert data.y.dtype == np.float32
    assert (data.time == frame["timestamp"]).all()
    assert "Columns are found by their names: user 'userId', item 'movieId', time 'timestamp', rating 'rat" in said(
        data
    )
    assert "40 interactions of 8 users with 5 items, 100.00% of all pairs, from 2001-09-09 to 2001-09-09." in data.notes


def test_labels_are_in_the_order_of_text_and_codes_are_their_places(load):
    data = load(log(50, 10, 5))
    assert data.recommending.users.tolist() == sorted(map(str, range(1, 11)))
    assert data.recommending.users[:2].tolist() == ["1", "10"]


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        (lambda t: t * 1000, 1_000_000_000),
        (lambda t: pd.to_datetime(t, unit="s"), 1_000_000_000),
        (lambda t: pd.to_datetime(t, unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), 1_000_000_000),
        (lambda t: pd.to_datetime(t, unit="s").dt.strftime("%d.%m.%Y %H:%M:%S"), 1_000_000_000),
        (lambda t: (pd.to_datetime(t, unit="s") + pd.to_timedelta(t % 97, unit="D")).dt.strftime("%Y%m%d"), None),
        (lambda t: (t - 1_000_000_000) // 60 + 1, 1),
    ],
    ids=["milliseconds", "dates", "iso", "german", "days", "steps"],
)
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_time_stamps_are_seconds_or_numbers_as_they_stand(load, stamps, first, name):
    frame = log()
    data = load(frame.assign(timestamp=stamps(frame["timestamp"])), name)
    assert (np.diff(data.time) >= 0).all()
    assert data.columns["time"] == ("number" if first == 1 else "date")
    assert data.time.dtype == np.int64
    if first is not None:
        assert data.time[0] == first
        assert labels(data) == labels(load(frame))


def test_a_rating_of_at_least_so_much_is_positive_and_weighs_one_or_itself(load):
    frame = log()
    frame["rating"] = (np.arange(40) % 5 + 1).astype(float)
    high = load(frame, at_least=4)
    assert "16 of 40 interactions are positive: their rating is 4 or more." in high.notes
    assert len(high.y) == 16
    assert (high.y == 1).all()
    weighed = load(frame, at_least=4, weights="rating")
    assert sorted(set(weighed.y)) == [4, 5]
    assert len({one.fingerprint for one in (load(frame), high, weighed)}) == 3
    assert "Ratings from 1 to 5 are not used: every interaction is positive." in said(load(frame))


@pytest.mark.parametrize(("which", "rating"), [("", 5.0), ("last", 2.0), ("first", 5.0)])
def test_of_duplicates_the_last_or_the_first_in_time_counts(load, which, rating):
    frame = log(rating=3.0)
    again = frame.iloc[[7]].assign(rating=2.0, timestamp=1_100_000_000)
    frame.loc[7, "rating"] = 5.0
    # The later row stands first in the file.
    data = load(pd.concat([again, frame]), duplicates=which, weights="rating")
    assert len(data.y) == 40
    assert f"1 of 41 rows repeat a user and an item: the {which or 'first'} of each pair counts" in said(data)
    pair = (str(frame["userId"][7]), str(frame["movieId"][7]))
    assert data.y[labels(data).index(pair)] == rating


def test_ties_go_by_the_file_by_item_or_by_a_draw(load):
    frame = log(timestamp=np.repeat([5, 9], 20)).sort_values("timestamp", kind="stable", ignore_index=True)
    by_row, by_item = load(frame), load(frame, ties="item")
    assert [item for _, item in labels(by_row)] == frame["movieId"].astype(str).tolist()
    assert (np.diff(by_item.X["item"][:20]) >= 0).all()
    sharing = frame.duplicated(["userId", "timestamp"], keep=False).mean()
    assert f"{sharing:.1%} of the interactions share their time stamp with another one of the same" in said(by_row)
    drawn = load(frame, ties="shuffled")
    one, again, other = (recommendation.sized(drawn, DataSpec(), Budget(), seed) for seed in (0, 0, 1))
    assert (one.X == again.X).all(axis=None)
    assert not (one.X == other.X).all(axis=None)
    assert (np.diff(one.time) >= 0).all()
    assert sorted(labels(one)) == sorted(labels(by_row))


def items_table(**columns):
    return pd.DataFrame({"movieId": range(1, 6), "title": MOVIES, "genres": GENRES, **columns})


def test_items_are_described_by_title_tags_and_texts(load, tmp_path):
    plots = [
        f"A long story about {word} and about what comes of it" for word in ("toys", "spies", "love", "heat", "it")
    ]
    table = items_table(plot=plots, year=range(1991, 1996), studio=["x", "y", "x", "y", "x"]).iloc[::-1]
    told = load(log(), items_path=str(write(tmp_path / "films.csv", table))).recommending
    assert told.titles == MOVIES
    assert told.texts[0] == f"Harbour (1995). Animation, Comedy. {plots[0]}"
    assert told.tags == ("Action", "Comedy", "Romance")
    assert told.tagged.tolist()[:3] == [[False, True, False], [True, False, False], [False, True, True]]
    assert list(told.item_table.columns) == ["year", "studio"]
    assert told.item_table["year"].tolist() == [1991, 1992, 1993, 1994, 1995]
    named = load(log(), items_path=str(tmp_path / "films.csv"), item_text=("studio",))
    assert named.recommending.texts == ("x", "y", "x", "y", "x")
    assert named.recommending.titles == MOVIES
    assert named.fingerprint != load(log(), items_path=str(tmp_path / "films.csv")).fingerprint


def test_lists_in_cells_and_other_separators_are_tags(load, tmp_path):
    tags = [["a", "b"], ["a"], ["b", "c c"], ["c c"], []]
    lists = load(log(), items_path=str(write(tmp_path / "x.jsonl", items_table(genres=tags)))).recommending
    for joined in ("|".join, ", ".join, "; ".join):
        table = items_table(genres=[joined(one) for one in tags])
        told = load(log(), items_path=str(write(tmp_path / "x.csv", table))).recommending
        assert told.tags == lists.tags == ("a", "b", "c c")
        assert (told.tagged == lists.tagged).all()


def test_tables_of_movielens_and_recbole_are_found_beside_the_interactions(load, tmp_path):
    frame = log()
    flags = pd.DataFrame(0, index=range(5), columns=range(FLAGS))
    flags.loc[[0, 2, 4], 5] = 1
    lines = [f"{n + 1}|{MOVIES[n]}|01-Jan-1995||http://x|{'|'.join(map(str, flags.loc[n]))}" for n in range(5)]
    write(tmp_path / "u.item", "\n".join(lines).encode("latin-1"))
    write(tmp_path / "u.user", "".join(f"{n}|{20 + n}|F|writer|0{n}123\n" for n in range(1, 9)))
    oldest = load(in_layout(frame, "\t"), "u.data")
    assert oldest.recommending.titles == MOVIES
    assert oldest.recommending.tags == ("Comedy",)
    assert oldest.recommending.texts[:2] == ("Harbour (1995). Comedy", "CopperSky (1995)")
    assert oldest.recommending.user_table["age"].tolist() == list(range(21, 29))
    write(tmp_path / "movies.dat", "\n".join(f"{n + 1}::{MOVIES[n]}::{GENRES[n]}" for n in range(5)))
    old = load(in_layout(frame, "::"), "ratings.dat")
    write(tmp_path / "movies.csv", items_table())
    new = load(frame, "ratings.csv")
    assert new.recommending.texts == old.recommending.texts
    atomic = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    rows = "\n".join(f"{n + 1}\t{MOVIES[n]}\t{GENRES[n].replace('|', ' ')}" for n in range(5))
    write(tmp_path / "log.item", f"item_id:token\tmovie_title:token_seq\tclass:token_seq\n{rows}\n")
    recbole = load(in_layout(frame, "\t", atomic), "log.inter")
    assert recbole.recommending.texts == new.recommending.texts
    assert (recbole.recommending.tagged == new.recommending.tagged).all()


def test_the_protocol_is_part_of_what_the_data_are(load):
    data = load(log())
    found = [
        under(data, split, Budget()).fingerprint for split in ("global_time", "leave_last", "random", "held_out_users")
    ]
    cut = load(log(), windows=3)
    assert under(cut, "global_time", Budget()).fingerprint == found[0] == cut.fingerprint
    assert len(set(found)) == 4
    options = {"k": 3, "core": 2, "share": 0.3, "validation": 0.1, "ties": "item", "seen": "show", "ideal": "all"}
    made = [load(log(), **{name: value}).fingerprint for name, value in options.items()]
    assert len({*found, *made}) == 4 + len(options)
    with pytest.raises(
        ConfigError, match="protocol=cv is not for recommendation, which has protocol=global_time, leave_last"
    ):
        recommendation.splits(data, "cv", Budget(), 0)


def test_every_protocol_makes_splits(load):
    data = load(log(60, 20, 10))
    for protocol in ("global_time", "leave_last", "random", "held_out_users"):
        splits, notes = recommendation.splits(data, protocol, Budget(folds=2), 0)
        assert splits
        assert "Lists are asked for" in notes[0]
        for split in splits:
            assert len(relevant_of(under(data, protocol, Budget()), split).users)


def test_a_budget_keeps_whole_users_with_their_labels_and_tables(load, tmp_path):
    frame = log(400, 60, 20)
    movies = pd.DataFrame({"movieId": range(1, 31), "title": [f"film {n}" for n in range(1, 31)]})
    users = pd.DataFrame({"userId": range(1, 61), "age": range(101, 161)})
    paths = {"items_path": write(tmp_path / "i.csv", movies), "users_path": write(tmp_path / "u.csv", users)}
    whole = load(frame, **{name: str(path) for name, path in paths.items()})
    assert len(whole.recommending.items) == 30
    small, again, other = (recommendation.sized(whole, DataSpec(), Budget(rows=6), seed) for seed in (0, 0, 1))
    told = small.recommending
    assert 60 <= len(small.y) < 80
    assert small.fingerprint == again.fingerprint != other.fingerprint
    assert (np.bincount(small.X["user"]) == [(frame["userId"].astype(str) == user).sum() for user in told.users]).all()
    assert set(labels(small)) <= set(labels(whole))
    assert told.titles == tuple(f"film {item}" for item in told.items)
    assert told.user_table["age"].tolist() == [100 + int(user) for user in told.users]
    assert np.bincount(small.X["item"], minlength=len(told.items)).min() > 0
    assert f"A subsample of {len(told.users)} of 60 users ({len(small.y)} of 400 interactions), at random." in said(
        small
    )
    catalogue = replace(whole, ranking=replace(whole.ranking, candidates="catalogue"))
    assert len(recommendation.sized(catalogue, DataSpec(), Budget(rows=6), 0).recommending.items) == 30
    assert recommendation.sized(whole, DataSpec(), Budget(rows=40), 0) is whole


def score(data, split, scores):
    lists = lists_of(scores.copy(), asking_of(data, split))
    return mean_over_users(relevant_of(data, split), lists, "ndcg")


@pytest.mark.parametrize("protocol", ["global_time", "leave_last", "random", "held_out_users"])
def test_no_ranking_beats_the_law_that_made_the_data(protocol):
    spec = DataSpec(name="tastes", path="synthetic:tastes")
    data = under(recommendation.load(spec, print), protocol, Budget())
    small = recommendation.sized(data, spec, Budget(rows=1200), 0)
    split = recommendation.splits(small, protocol, Budget(folds=2), 0)[0][-1]
    best = small.law(small, split)
    generator = np.random.default_rng(0)
    popularity = np.bincount(small.X["item"].to_numpy()[split.train], minlength=best.shape[1])
    popular = np.tile(popularity.astype(float), (len(best), 1))
    noisy, drawn = best + generator.standard_normal(best.shape), generator.permuted(best, axis=1)
    found = [score(small, split, scores) for scores in (best, noisy, popular, drawn)]
    assert found == sorted(found, reverse=True)
    assert best_lists(small, [split])["ndcg"] == pytest.approx(found[0])
    assert best_lists(replace(small, law=None), [split]) == {}


def test_the_draws_of_a_law_follow_its_odds(monkeypatch):
    monkeypatch.setitem(
        synthetic.LAWS, "two", synthetic.Law(users=20_000, items=3, each=2, tastes=1, strength=0.0, popularity=1.0)
    )
    odds = np.exp(synthetic.odds("synthetic:two")[0])
    frame = synthetic.generate("synthetic:two")
    first = frame.groupby("user", sort=False)["item"].agg(list)
    for one in range(3):
        for two in {0, 1, 2} - {one}:
            expected = odds[one] / odds.sum() * odds[two] / (odds.sum() - odds[one])
            assert (first.map(lambda pair, a=one, b=two: pair == [f"i000{a}", f"i000{b}"])).mean() == pytest.approx(
                expected, abs=4 * np.sqrt(expected / 20_000)
            )


def test_an_unknown_law_names_the_nearest():
    with pytest.raises(DataError, match=r"Unknown synthetic data set 'taste'\. Did you mean 'tastes'"):
        recommendation.load(DataSpec(name="x", path="synthetic:taste"), print)


@pytest.mark.parametrize("task", ["recommendation", "rec"])
def test_the_task_and_its_short_name_take_the_same_data(task):
    register_schemas()
    run = compose_run([f"task={task}"])
    assert (run.task_type, run.data.name) == ("recommendation", "ml_100k")


def test_movielens_comes_out_of_its_package_with_what_is_published_of_it(shared_cache, socket_enabled):
    register_schemas()
    spec = compose_run(["task=recommendation"]).data
    data = recommendation.load(spec, Reader(spec=spec, zoo=Zoo.open(shared_cache), say=print))
    assert (len(data.y), len(data.recommending.users), len(data.recommending.items)) == (100_000, 943, 1682)
    told = data.recommending
    title, _, rest = told.texts[0].partition(". ")
    assert title == told.titles[0]
    assert sorted(rest.split(", ")) == sorted(np.array(told.tags)[told.tagged[0]])
    assert len(data.recommending.tags) == 19
    assert list(data.recommending.user_table.columns) == ["age", "gender", "occupation", "zip_code"]
    splits, _ = recommendation.splits(data, "global_time", Budget(folds=2), 0)
    assert len(splits) == 2
    later = relevant_of(data, splits[-1])
    assert (int(later.warm.sum()), int((~later.warm).sum())) == (109, 192)
