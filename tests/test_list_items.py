"""What is kept of lists beside their scores, against the lists at hand; and what paired comparisons make of it."""

import json
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from bench import metrics
from bench.cell import run_cell
from bench.items import measure, read_items, write_items
from bench.predictions import prediction_digest
from bench.ranking import metrics as ranking
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.hits import BY_HITS, hits_in
from bench.ranking.list_items import ACTIVITY, COLD_ITEMS, COLD_USERS, ListItems
from bench.ranking.measured_lists import _by_popularity
from bench.ranking.truth import BY_SPLIT
from bench.report.churn import churn_estimates
from bench.report.lists import with_users
from bench.report.shown_lists import shown_users
from bench.stats.churn import excess_ranking_churn, ranking_churn
from bench.stats.comparison import paired, score_interval
from bench.stats.table import ModelFacts, Scoring, scores_by_model
from bench.types import Cell, ModelChoice, ModelSpec
from tests.builders import cell, inputs, task
from tests.rankings import METRICS, interactions, lists, relevant, splits_of, written


def ran(tmp_path, folds=3, repeats=1, seeds=2, noise=0.5, **protocol):
    data = interactions(**protocol)
    splits = splits_of(data, folds, repeats)
    made, records, predictions, truth = written(tmp_path, data, splits, seeds=seeds, noise=noise)
    return data, splits, made, records, measure(records, predictions, truth, "toy", 0), (predictions, truth)


@pytest.mark.parametrize("protocol", [{}, {"split": "global_time"}, {"split": "leave_last", "sampled": 5}])
def test_the_truth_of_interactions_comes_back_as_it_was(tmp_path, protocol):
    data, splits, *_, (_, truth) = ran(tmp_path, **protocol)
    assert truth.ranking.titles == data.recommending.titles
    assert truth.items == ()
    for split in splits:
        wanted, found = relevant_of(data, split), truth.ranking.relevant[split.repeat, split.fold]
        for name in (*BY_SPLIT, "k", "ideal", "drop_cold", "fitted_users", "candidates", "sampled", "tagged"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name), equal_nan=name == "profile"), name


def test_three_users_are_shown_by_what_they_did_before(tmp_path):
    data, splits, made, *_, (_, truth) = ran(tmp_path)
    last = relevant_of(data, splits[-1])
    assert truth.ranking.shown == (0, splits[-1].fold)
    shown = {one.kind: one for one in truth.ranking.examples}
    history = dict(zip(last.users.tolist(), last.history.tolist(), strict=True))
    assert history[shown["heavy"].user] == max(history.values())
    assert history[shown["light"].user] == min(history.values())
    assert min(history.values()) < history[shown["median"].user] < max(history.values())
    asked = asking_of(data, splits[-1]).queries
    users = shown_users(truth.ranking, {"toy": made[0, splits[-1].fold, 0]})
    for one, user in zip(truth.ranking.examples, users, strict=True):
        row = int(np.flatnonzero(last.users == one.user)[0])
        own = asked.items[asked.starts[row] : asked.starts[row + 1]]
        assert one.tail.tolist() == own[-8:].tolist()
        assert one.label == user.label == f"u{one.user}"
        targets = last.items[last.starts[row] : last.starts[row + 1]]
        (shown_list,) = user.lists
        assert shown_list.items == tuple(
            (f"Title {item}", item in targets) for item in made[0, splits[-1].fold, 0][row, :4].tolist()
        )
        assert user.before == f"{len(own)} interactions before, {len(targets)} to be found"


def test_digests_of_lists_tell_each_place_and_the_shape():
    one = np.array([[1, 2], [3, -1]], dtype=np.int32)
    assert prediction_digest(one) == prediction_digest(one.astype(np.int64))
    assert len({prediction_digest(other) for other in (one, one[:, ::-1], one.reshape(1, 4), one + 1)}) == 4


@pytest.mark.parametrize("name", BY_HITS)
@pytest.mark.parametrize("ideal", ["min", "all"])
def test_every_metric_of_hits_follows_from_what_is_kept(tmp_path, name, ideal):
    data, splits, made, records, found, _ = ran(tmp_path, ideal=ideal, split="global_time")
    write_items(tmp_path / "items.json", found)
    parts = read_items(tmp_path / "items.json", records).parts(name)
    wanted = [
        [metrics.metric(name).score(relevant_of(data, one), made[one.repeat, one.fold, seed]) for seed in range(2)]
        for one in splits
    ]
    assert parts.by_window == pytest.approx(np.array(wanted))
    assert found.score_by_user(name).mean(axis=1) == pytest.approx(np.mean(wanted, axis=0))
    assert len(set(found.sizes)) > 1


def test_figures_come_back_from_their_file_as_they_were(tmp_path):
    *_, records, found, _ = ran(tmp_path)
    write_items(tmp_path / "items.json", found)
    back = read_items(tmp_path / "items.json", records)
    assert isinstance(back, ListItems)
    assert (back.hit == found.hit).all()
    assert (back.wanted == found.wanted).all()
    assert (back.sizes, back.defects, back.k) == (found.sizes, found.defects, 4)
    assert back.figures == pytest.approx(found.figures, rel=1e-5)
    assert [(one.by, one.label, one.users) for one in back.slices] == [
        (one.by, one.label, one.users) for one in found.slices
    ]
    assert read_items(tmp_path / "items.json", records[:-1]) is None
    content = json.loads((tmp_path / "items.json").read_text())
    (tmp_path / "items.json").write_text(json.dumps({**content, "sizes": [1, 2]}))
    assert read_items(tmp_path / "items.json", records) is None


def renamed(relevant, codes):
    """Return what is to be found where each item has another code."""
    popularity = np.empty_like(relevant.popularity)
    popularity[codes] = relevant.popularity
    own = [np.sort(codes[part]) for part in np.split(relevant.items, relevant.starts[1:-1])]
    return replace(relevant, items=np.concatenate(own), popularity=popularity, tagged=None)


@pytest.mark.parametrize("protocol", [{}, {"split": "global_time", "share": 0.4, "windows": 2}, {"sampled": 5}])
def test_figures_are_the_same_whatever_the_items_are_so_that_no_hit_is_tied_to_one(tmp_path, protocol):
    _, _, made, records, _, (predictions, truth) = ran(tmp_path, **protocol)
    contents = []
    for codes in (np.arange(20), np.random.default_rng(1).permutation(20)):
        kept = []
        for record in records:
            own = made[record.repeat, record.fold, record.seed]
            swapped = np.where(own < 0, own, codes[own]).astype(np.int32)
            place = {"repeat": record.repeat, "fold": record.fold, "seed": record.seed}
            predictions.save(Cell(task="toy", data="shop", budget="quick", spec="toy", model="toy", **place), swapped)
            kept.append(replace(record, digest=prediction_digest(swapped)))
        changed = {place: renamed(one, codes) for place, one in truth.ranking.relevant.items()}
        other = replace(truth, ranking=replace(truth.ranking, relevant=changed))
        write_items(tmp_path / "items.json", measure(kept, predictions, other, "toy", 0))
        contents.append(json.loads((tmp_path / "items.json").read_text()))
    one, other = contents
    assert one["digests"] != other["digests"]
    assert list(one["figures"]) == list(other["figures"])
    assert all(isinstance(value, float) for value in one["figures"].values())
    # Which of equally popular items are the head is decided by their codes.
    assert {name for name in one if one[name] != other[name]} <= {"digests", "figures"}
    assert not {"Title", "examples"} & set(one)
    assert "Title" not in json.dumps(one)


def test_what_lists_are_like_is_the_mean_over_cells(tmp_path):
    data, splits, made, records, found, _ = ran(tmp_path)
    by_cell = [(relevant_of(data, one), made[one.repeat, one.fold, seed]) for one in splits for seed in range(2)]
    for name in ("coverage", "novelty", "gini", "lift", "popularity", "diversity"):
        assert found.figures[name] == pytest.approx(np.mean([metrics.metric(name).score(*one) for one in by_cell]))
    assert found.defects == {
        name: sum(ranking.defects(*one)[name] for one in by_cell) for name in records[0].found["lists"]
    }
    heads = [one for one in found.figures if one.endswith("_recall")]
    assert heads == ["head_recall", "tail_recall"]
    assert all(0 < found.figures[name] < 1 for name in heads)


def test_cold_items_that_the_protocol_drops_are_no_targets_of_the_tail():
    popularity = np.ones(30, dtype=np.intp)
    popularity[[1, 10]], popularity[2] = 0, 60
    known = relevant([[1, 2], [3, 10]], popularity=popularity)
    shown = lists([2, 4], [3, 5])
    recalls = {}
    for drop in (False, True):
        own = replace(known, drop_cold=drop)
        found = hits_in(own, shown)
        recalls[drop] = _by_popularity(own, shown[:, :5], found.hit, found.counted)
    assert recalls[False] == {"head_recall": 1.0, "tail_recall": pytest.approx(1 / 3)}
    assert recalls[True] == {"head_recall": 1.0, "tail_recall": 1.0}


def test_churn_is_that_of_the_lists_of_two_seeds(tmp_path):
    data, splits, made, _, found, _ = ran(tmp_path)
    made_lists = np.stack([np.concatenate([made[0, one.fold, seed][:, :4] for one in splits]) for seed in range(2)])
    users = np.concatenate([relevant_of(data, one).users for one in splits])
    wanted = ranking_churn(made_lists, users)
    assert found.churn == pytest.approx((wanted.value, wanted.low, wanted.high))
    assert wanted.method == "t over groups, for this pair of seeds"
    assert 0 < wanted.low < wanted.value < wanted.high
    assert found.excess_churn[0] == excess_ranking_churn(made_lists, found.hit.sum(axis=2), found.wanted).value
    assert 0 < found.excess_churn[0] < 1
    *_, still, _ = ran(tmp_path / "still", noise=0.0)
    assert (still.churn[0], still.excess_churn) == (0.0, (0.0, 0.0, 0.0))


def test_users_are_told_apart_by_the_length_of_their_history(tmp_path):
    *_, found, _ = ran(tmp_path)
    active = [one for one in found.slices if one.by == ACTIVITY]
    assert 2 <= len(active) <= 4
    lengths = [tuple(map(int, one.label.removesuffix(" interactions").split(" to "))) for one in active]
    assert all(before[-1] < after[0] for before, after in pairwise(lengths))
    by_user = found.over_users("ndcg")
    assert found.worst_tenth == pytest.approx(np.sort(by_user)[:4].mean())
    assert min(one.ndcg[0] for one in active) <= by_user.mean() <= max(one.ndcg[0] for one in active)
    assert all(one.ndcg[1] <= one.ndcg[0] <= one.ndcg[2] for one in active)


def test_cold_users_and_cold_items_are_slices_with_their_own_counts(tmp_path):
    data, splits, made, _, found, _ = ran(tmp_path, folds=2, split="global_time", share=0.45, windows=2)
    every = [relevant_of(data, one) for one in splits]
    for by, name in ((COLD_USERS, "ndcg_cold_users"), (COLD_ITEMS, "ndcg_cold_items")):
        values: dict[int, list[float]] = {}
        for one, split in zip(every, splits, strict=True):
            for seed in range(2):
                scored, counted = ranking.by_user(one, made[0, split.fold, seed], name)
                for user, value in zip(one.users[counted].tolist(), scored[counted].tolist(), strict=True):
                    values.setdefault(user, []).append(value)
        (kept,) = (one for one in found.slices if one.by == by)
        assert kept.users == len(values) > 5
        assert kept.ndcg[0] == pytest.approx(np.mean([np.mean(own) for own in values.values()]))
        assert kept.ndcg[1] < kept.ndcg[0] < kept.ndcg[2]


def test_repeats_count_all_where_seeds_have_them(tmp_path):
    *_, records, found, (predictions, truth) = ran(tmp_path, folds=2, repeats=2)
    assert len(found.sizes) == 4
    assert found.parts("ndcg").by_window.mean() == pytest.approx(np.mean([one.scores["ndcg"] for one in records]))
    fewer = [one for one in records if (one.repeat, one.seed) != (1, 1)]
    kept = measure(fewer, predictions, truth, "toy", 0)
    assert (kept.seeds, len(kept.sizes)) == (1, 4)


def test_a_missing_list_or_a_failed_cell_leaves_nothing_to_say(tmp_path):
    *_, records, _, (predictions, truth) = ran(tmp_path)
    failed = [replace(records[0], status="failed", scores={}), *records[1:]]
    assert measure(failed, predictions, truth, "toy", 0) is None
    (tmp_path / "toy" / "0-1-0.npz").unlink()
    assert measure(records, predictions, truth, "toy", 0) is None


def compared(tmp_path, noises):
    data = interactions(users=120)
    splits = splits_of(data)
    records, facts = [], {}
    for name, noise in noises.items():
        _, own, predictions, truth = written(tmp_path, data, splits, model=name, noise=noise)
        items = measure(own, predictions, truth, name, 0)
        known = ModelFacts(role="stable", licence="MIT", weights_mb=0, cost=None, by_item=None)
        facts[name], records = with_users(known, items, "ndcg"), records + own
        assert churn_estimates(items, scores_by_model(own, {name: facts[name]}, SCORING)[0])[0].method.startswith(
            "t over users"
        )
    return records, {model.name: model for model in scores_by_model(records, facts, SCORING)}


SCORING = Scoring(
    metric="ndcg", sign=1.0, is_share=False, reference="good", floor="good", margin=0.01, test_train_ratio=1 / 3, seed=0
)


def test_models_are_compared_over_users_with_all_their_splits(tmp_path):
    records, models = compared(tmp_path, {"good": 0.2, "noisy": 3.0})
    gap = paired(models["good"], models["noisy"], 1 / 3)
    means = {name: np.mean([one.scores["ndcg"] for one in records if one.model == name]) for name in models}
    assert gap.mean == pytest.approx(means["good"] - means["noisy"])
    assert gap.method.startswith("paired bootstrap over users")
    assert gap.interval()[0] > 0
    own = score_interval(models["good"], 1 / 3)
    assert own.mean == pytest.approx(means["good"])
    assert "users" in own.method
    assert models["good"].facts.sample == "users"


@dataclass
class FewParams:
    """Nothing to choose."""


class Few:
    """Has one item to offer to those who did something, and nothing to others."""

    def fit(self, X, y):
        return self

    def predict(self, queries):
        scores = np.full((len(queries), queries.catalogue), -np.inf)
        scores[np.diff(queries.starts) > 0, 0] = 0.0
        return scores


def test_a_cell_keeps_what_is_wrong_with_its_lists(tmp_path):
    data = interactions(split="global_time", share=0.45, windows=2)
    spec = ModelSpec(
        name="few", task_types=("rec",), role="stable", params=FewParams, build=lambda params, context: Few()
    )
    choice = ModelChoice(name="few", spec=spec, params=FewParams())
    given = replace(
        inputs(tmp_path, [choice]),
        dataset=data,
        splits=tuple(splits_of(data)),
        task=task(type="rec", metrics=METRICS, prediction="ranking"),
    )
    record = run_cell(cell(choice), given)
    assert (record.status, record.reason) == ("ok", "")
    known, own = relevant_of(data, given.splits[0]), given.predictions.load(record)
    warm, defects = known.warm.sum(), record.found["lists"]
    assert defects == ranking.defects(known, own)
    assert defects["short"] == defects["users"] == warm > defects["covered"] > 0
    assert defects["cold_users"] > 0
    assert record.scores["ndcg_cold_users"] == 0
