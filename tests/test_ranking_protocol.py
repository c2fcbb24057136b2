"""A protocol in words: every choice that moves a figure is said, and no table of recommendations goes without it."""

from dataclasses import asdict

import pytest

from bench.ranking.asked import Ranking
from bench.report.ranking_protocol import how_split, named, size_of_log, split_figure
from bench.report.wording import size_of


def about(splits=None, repeats=1, seeds=3, **changes):
    ranking = Ranking(**changes)
    told = {
        "users": 943,
        "items": 1682,
        "hash": ranking.hash,
        "protocol": asdict(ranking),
        "splits": {} if splits is None else splits,
    }
    return {"rows": 100_000, "repeats": repeats, "budget": {"seeds": seeds}, "ranking": told}


def test_the_usual_protocol_is_said_whole():
    told = about()
    assert how_split(told, 3) == (
        f"protocol {Ranking().hash}: split by time at 40/60/80 %, each test part the 20 % that follow, all held-out "
        "interactions are targets, full ranking of the items known at the cut without those seen before, NDCG by "
        "min(k, relevant), k = 10; 3 splits x 3 seeds"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "global_time", "windows": 1}, "split by time at 80 %, all"),
        ({"split": "leave_last"}, "the last interaction of each user held out"),
        ({"split": "leave_last", "last": 2}, "the 2 last interactions of each user held out"),
        ({"split": "random", "share": 0.1}, "10 % of each user's interactions held out at random"),
        ({"split": "held_out_users"}, "20 % of the users held out, the last 20 % of what each did to be found"),
        ({"at_least": 4.0}, "interactions rated at least 4"),
        ({"weights": "rating"}, "weighted by their rating"),
        ({"duplicates": "last"}, "of repeated ones the last counts"),
        ({"split": "leave_last", "ties": "item"}, "ties in time in the order of item labels"),
        ({"ties": "shuffled"}, "ties in time drawn"),
        ({"split": "held_out_users", "ties": "item"}, "ties in time in the order of item labels"),
        ({"targets": "last"}, "the last held-out interaction of a user is the target"),
        ({"cold_items": "drop"}, "targets but those with cold items"),
        ({"candidates": "catalogue"}, "full ranking of the whole catalogue without those seen before"),
        ({"split": "random", "seen": "show"}, "full ranking of the items of the training part, NDCG"),
        ({"core": 5}, "5-core of the training part"),
        ({"validation": 0.1}, "10 % kept out of fits"),
        ({"split": "leave_last", "validation": 0.1}, "1 more of each user kept out of fits"),
        ({"ideal": "all"}, "NDCG by all relevant"),
        ({"ideal": "k", "k": 20}, "NDCG by k hits, k = 20"),
    ],
)
def test_every_choice_that_is_not_the_usual_one_is_said(changes, words):
    folds = 1 if changes.get("windows") or changes.get("split") == "leave_last" else 3
    said = how_split(about(**changes), folds)
    assert words in said
    assert Ranking(**changes).hash in said


def test_repeats_and_single_splits_are_counted():
    assert how_split(about(split="random", repeats=2, seeds=1), 5).endswith("5 splits x 2 repeats x 1 seed")
    assert how_split(about(split="leave_last"), 1).endswith("1 split x 3 seeds")


def test_ties_that_no_split_goes_by_are_not_said():
    assert "ties" not in how_split(about(split="random", ties="item"), 3)


def test_the_size_of_a_log_is_its_interactions_users_and_items():
    assert size_of(about()) == size_of_log(about()) == "100000 interactions of 943 users with 1682 items"


def test_other_data_have_no_protocol():
    assert named({"rows": 3}) == ""
    assert split_figure({"rows": 3}, "later") != split_figure({"rows": 3}, "later")


def test_a_figure_that_no_split_has_is_not_a_number():
    told = about(splits={"later": None, "tied": 0.25})
    assert split_figure(told, "tied") == 0.25
    assert split_figure(told, "later") != split_figure(told, "later")
