"""Interactions are cut by the rule of the protocol, and nothing that is to be found reaches a model."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.errors import DataError
from bench.ranking.asked import Ranking, Recommending
from bench.ranking.diagnostics import split_facts
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.protocol import under
from bench.ranking.splits import in_core, inner_split, ranking_splits
from bench.settings import Budget
from bench.tested import few_asked, inner_splits, items_of, rows_behind
from bench.types import Dataset

BUDGET = Budget(folds=5, repeats=1)


def interactions(users=30, items=12, each=8, seed=0, **protocol):
    """Return what users took up, one after the other; a later user knows later items."""
    generator = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), each)
    item = np.concatenate([generator.permutation(items)[:each] for _ in range(users)])
    time = generator.permutation(len(user)) // 2
    X = pd.DataFrame({"user": user, "item": item, "time": time}).sort_values("time", kind="stable", ignore_index=True)
    asked = Recommending(k=3, users=np.arange(users).astype(str), items=np.arange(items).astype(str))
    return Dataset(
        name="shop",
        X=X.astype({"user": np.int32, "item": np.int32}),
        y=np.ones(len(X), np.float32),
        classes=(),
        time=X["time"].to_numpy(),
        recommending=asked,
        ranking=Ranking(**{"k": 3, "split": "global_time"} | protocol),
    )


def made(data, budget=BUDGET):
    return ranking_splits(data, budget, 0)[0]


def pairs(data, rows):
    return set(zip(data.X["user"].iloc[rows], data.X["item"].iloc[rows], strict=True))


@pytest.mark.parametrize("split", ["global_time", "leave_last", "random", "held_out_users"])
def test_no_interaction_stands_on_two_sides_of_any_protocol(split):
    data = interactions(split=split)
    for one in made(data):
        assert not np.intersect1d(one.train, one.test).size
        assert np.isin(one.fitted, one.train).all()
        assert len(one.fitted)
        assert len(one.test)


def test_in_a_split_by_time_all_training_lies_before_the_test_and_moments_are_not_parted():
    data = interactions(windows=3)
    found = made(data)
    assert len(found) == 3
    for one, after in itertools.pairwise(found):
        assert data.time[one.train].max() < data.time[one.test].min()
        assert data.time[one.test].max() < data.time[after.test].min()
    assert found[-1].test[-1] == len(data.y) - 1


def test_the_last_interactions_of_each_user_are_its_latest_and_one_is_always_left():
    data = interactions(split="leave_last", last=3)
    (one,) = made(data)
    for user in range(30):
        own = np.flatnonzero(data.X["user"] == user)
        assert np.isin(own[-3:], one.test).all()
        assert np.isin(own[:-3], one.train).all()
    short = interactions(each=1, split="leave_last")
    with pytest.raises(DataError, match="the test part of protocol=leave_last has no interactions"):
        made(short)


def test_random_parts_test_every_interaction_of_a_user_once_and_the_same_share_of_each():
    data = interactions(each=10, split="random", share=0.2)
    found = made(data)
    assert sorted(np.concatenate([one.test for one in found])) == list(range(len(data.y)))
    for one in found:
        assert (np.bincount(data.X["user"].iloc[one.test], minlength=30) == 2).all()
    again, other = made(data), ranking_splits(data, BUDGET, 1)[0]
    assert all(np.array_equal(one.test, two.test) for one, two in zip(found, again, strict=True))
    assert not np.array_equal(found[0].test, other[0].test)


def test_a_validation_part_is_neither_fitted_nor_asked_for_and_is_hidden_from_lists():
    data = interactions(each=10, split="random", share=0.1, validation=0.1)
    one = made(data)[0]
    kept_out = np.setdiff1d(one.train, one.fitted)
    assert (np.bincount(data.X["user"].iloc[kept_out], minlength=30) == 1).all()
    asking = asking_of(data, one)
    rows, columns = asking.banned.nonzero()
    assert pairs(data, kept_out) <= set(zip(asking.queries.users[rows], columns, strict=True))
    history = asking.queries.history.tocoo()
    assert not pairs(data, kept_out) & set(zip(asking.queries.users[history.row], history.col, strict=True))


def test_held_out_users_are_in_no_fit_and_are_asked_by_what_they_did_first():
    data = interactions(each=10, split="held_out_users")
    for one in made(data):
        asked = np.unique(data.X["user"].iloc[one.test])
        assert not np.isin(data.X["user"].iloc[one.fitted], asked).any()
        queries = asking_of(data, one).queries
        assert (np.diff(queries.starts) == 8).all()
        for place, user in enumerate(queries.users):
            own = data.X["item"][data.X["user"] == user].tolist()
            assert queries.items[queries.starts[place] : queries.starts[place + 1]].tolist() == own[:8]


def test_a_core_is_taken_of_the_training_part_alone_and_users_outside_of_it_are_still_asked():
    data = interactions(split="leave_last", core=5)
    thin = replace(data, X=data.X[(data.X["user"] != 3) | (data.X.groupby("user").cumcount() < 4)])
    thin = replace(
        thin, X=thin.X.reset_index(drop=True), y=np.ones(len(thin.X), np.float32), time=thin.X["time"].to_numpy()
    )
    (one,) = made(thin)
    kept = thin.X.iloc[one.fitted]
    assert kept["user"].value_counts().min() >= 5
    assert kept["item"].value_counts().min() >= 5
    assert 3 not in set(kept["user"])
    assert 3 in set(thin.X["user"].iloc[one.test])
    with pytest.raises(DataError, match="Nothing is left of a core of 50 interactions"):
        made(interactions(core=50))


def test_the_core_shrinks_until_nothing_more_goes():
    user, item = np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 1, 0, 1, 1, 2, 2])
    assert in_core(user, item, 2).tolist() == [True, True, True, True, False, False, False]


@pytest.mark.parametrize(("targets", "place"), [("first", 0), ("last", -1)])
def test_one_target_of_each_user_may_be_asked_for(targets, place):
    data = interactions(split="held_out_users", targets=targets)
    whole = made(replace(data, ranking=replace(data.ranking, targets="all")))[0]
    few = made(data)[0]
    by_user = data.X.iloc[whole.test].groupby("user").apply(lambda part: part.index[place], include_groups=False)
    assert sorted(by_user) == few.test.tolist()
    drawn = made(replace(data, ranking=replace(data.ranking, targets="random")))[0]
    assert len(drawn.test) == len(few.test)


@pytest.mark.parametrize("split", ["global_time", "leave_last", "random", "held_out_users"])
def test_a_search_scores_on_a_split_by_the_same_rule_of_what_is_fitted_alone(split):
    data = interactions(each=10, split=split, windows=1)
    one = made(data)[0]
    inner = inner_split(data, one, 0)
    assert np.isin(np.r_[inner.train, inner.test], one.fitted).all()
    assert not np.intersect1d(inner.train, inner.test).size
    assert [each.test.tolist() for each in inner_splits(data, one, 0, stratified=False)] == [inner.test.tolist()]
    if split == "global_time":
        assert data.time[inner.train].max() < data.time[inner.test].min()


def test_data_without_times_have_no_split_by_time():
    data = interactions()
    bare = replace(data, X=data.X.drop(columns="time"), time=None)
    with pytest.raises(DataError, match=r"has no time stamps.*protocol=random"):
        made(bare)
    assert made(replace(bare, ranking=Ranking(k=3, split="random")))


def test_what_lists_are_scored_against_names_every_target_and_who_is_warm():
    data = interactions(windows=1)
    cold = replace(
        data, X=data.X.assign(user=np.where(np.arange(len(data.y)) >= len(data.y) - 4, 29, data.X["user"] % 29))
    )
    cold = replace(cold, X=cold.X.astype({"user": np.int32}))
    one = made(cold)[-1]
    relevant, asking = relevant_of(cold, one), asking_of(cold, one)
    assert relevant.users.tolist() == asking.queries.users.tolist()
    targets = {
        (u, i)
        for n, u in enumerate(relevant.users)
        for i in relevant.items[relevant.starts[n] : relevant.starts[n + 1]]
    }
    assert targets == pairs(cold, one.test)
    assert relevant.users[~relevant.warm].tolist() == [29]
    assert np.isnan(relevant.profile[~relevant.warm]).all()
    assert relevant.popularity.sum() == len(one.fitted)


def test_users_are_answered_for_one_by_one_and_some_of_them_may_be_taken():
    data = interactions(split="leave_last")
    (one,) = made(data)
    items = items_of(data, one)
    assert len(items) == 30
    rows = rows_behind(data, one, [items[2], items[5]])
    assert set(data.X["user"].iloc[rows]) == {2, 5}
    assert few_asked(data, one) is one


def test_facts_of_splits_tell_a_leak_in_time():
    honest, leaky = (interactions(split=split, windows=1, each=10) for split in ("global_time", "random"))
    facts = [split_facts(data, made(data)) for data in (honest, leaky)]
    assert facts[0]["later"] == 0
    assert 0.4 < facts[1]["later"] < 0.6
    assert facts[1]["cold_users"] == 0
    assert 0 <= facts[0]["gini_train"] <= 1
    assert facts[0]["tied"] > 0


def test_each_protocol_has_a_name_of_its_own():
    names = {Ranking(**one).hash for one in ({}, {"k": 5}, {"split": "random"}, {"ideal": "all"}, {"sampled": 100})}
    assert len(names) == 5


def test_a_split_of_which_nobody_is_known_says_so():
    data = interactions(windows=1)
    strangers = replace(data, X=data.X.assign(user=np.arange(len(data.y)) // 8).astype({"user": np.int32}))
    with pytest.raises(DataError, match="nobody who is tested under protocol=global_time did anything before"):
        made(strangers)


def test_one_user_cannot_be_held_out():
    with pytest.raises(DataError, match="part of protocol=held_out_users has no interactions"):
        made(interactions(users=1, split="held_out_users"))


def test_a_sample_holds_the_targets_and_so_many_others_that_its_user_did_not_have():
    data = interactions(users=200, items=60, each=12, split="leave_last", last=2, sampled=20)
    (one,) = made(data)
    asking = asking_of(data, one)
    taken, wanted = asking.banned.toarray(), {user: set() for user in range(200)}
    for user, item in pairs(data, one.test):
        wanted[user].add(item)
    drawn = np.zeros(60)
    for user, own in zip(asking.queries.users, asking.sampled, strict=True):
        given = own[own >= 0]
        assert given.tolist() == sorted(set(given.tolist()))
        assert wanted[user] <= set(given)
        assert len(given) == 22
        assert not taken[user, given].any()
        drawn[list(set(given) - wanted[user])] += 1
    # Every item of 60 but 12 is drawn as often as the next: 200 x 20 of them among 60, some had more often.
    assert drawn.std() < 0.2 * drawn.mean()
    again = asking_of(data, one).sampled
    assert (again == asking.sampled).all()


def test_a_sample_of_more_items_than_there_are_takes_them_all():
    data = interactions(split="leave_last", sampled=100)
    asking = asking_of(data, made(data)[0])
    free = (~asking.banned.toarray() & asking.candidates).sum(axis=1)
    assert (asking.sampled >= 0).sum(axis=1).tolist() == free.tolist()


@pytest.mark.parametrize("share", [0.1, 0.15, 0.3, 0.4, 0.7])
def test_shares_are_what_they_say_whatever_they_are(share):
    data = interactions(users=400, each=11, split="random", share=share)
    found = made(data)
    assert len(found) == min(5, int(1 / share + 1e-9))
    for one in found:
        assert len(one.test) / len(data.y) == pytest.approx(share, abs=0.01)
        assert np.ptp(np.bincount(data.X["user"].iloc[one.test], minlength=400)) <= 1
    together = np.concatenate([one.test for one in found])
    assert len(np.unique(together)) == len(together)
    strangers = interactions(users=400, split="held_out_users", share=share)
    for one in made(strangers):
        assert strangers.X["user"].iloc[one.test].nunique() == pytest.approx(400 * share, abs=1)


@pytest.mark.parametrize(("split", "share"), [("random", 0.2), ("random", 0.15), ("global_time", 0.2)])
def test_a_validation_part_is_as_large_as_it_says(split, share):
    data = interactions(users=400, each=11, split=split, share=share, validation=0.1, windows=1)
    for one in made(data):
        assert (len(one.train) - len(one.fitted)) / len(data.y) == pytest.approx(0.1, abs=0.01)
        assert not np.intersect1d(one.fitted, one.test).size
        if split == "global_time":
            kept_out = np.setdiff1d(one.train, one.fitted)
            assert data.time[one.fitted].max() < data.time[kept_out].min()


def test_a_validation_part_that_leaves_nothing_is_refused():
    with pytest.raises(DataError, match="the training part of protocol=global_time has no interactions"):
        made(interactions(windows=4, validation=0.3))
    with pytest.raises(DataError, match=r"data\.validation means nothing to protocol=held_out_users"):
        made(interactions(split="held_out_users", validation=0.1))


def test_the_name_of_a_protocol_tells_how_often_time_is_cut():
    open_ended, folds = interactions(), replace(BUDGET, folds=2)
    one, two = under(open_ended, "global_time", BUDGET), under(open_ended, "global_time", folds)
    assert (one.ranking.windows, two.ranking.windows) == (3, 2)
    assert one.ranking.hash != two.ranking.hash
    assert under(open_ended, "random", BUDGET).ranking == under(open_ended, "random", folds).ranking
    assert len(made(one)) == 3


def test_notes_count_as_warm_whoever_has_a_history():
    data = interactions(split="leave_last", core=5)
    _, (note,) = ranking_splits(data, BUDGET, 0)
    assert int(note.split(" of them warm")[0].split(", ")[-1]) == relevant_of(data, made(data)[0]).warm.sum()
