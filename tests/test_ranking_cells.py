"""Recommenders in cells: asked, searched, combined and shaken as any other model is."""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from bench.building import Rows, context_of, fit_choice
from bench.cell import CellInputs, run_cell
from bench.plan import greedy, tuned
from bench.predictions import Predictions
from bench.ranking.blend import WeightedScores, inner_answers, scores_in
from bench.ranking.scale import standardised
from bench.ranking.splits import ranking_splits
from bench.ranking.top import NONE
from bench.robustness import robustness_of, scores_without_refit
from bench.settings import Budget
from bench.stats.seconds import seconds_per_thousand
from bench.tested import inputs_of, items_of
from bench.types import ModelChoice, ModelSpec
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo
from tasks.recommendation.perturb import thinned
from tests.builders import cell, task
from tests.rankings import METRICS, interactions


@dataclass
class Params:
    """What a toy likes."""

    likes: float = 0.0
    """Share of the other taste in its scores."""
    says: str = "scores"


@dataclass
class Taste:
    """Scores items of a user's taste, which codes tell, and items that many had."""

    params: Params
    seen: list = field(default_factory=list)

    def fit(self, X, y):
        self.seen = np.bincount(X["item"], minlength=20)
        return self

    def predict(self, X):
        alike = (np.arange(20) % 2) == (X.users[:, None] % 2)
        scores = np.where(alike, 1 - self.params.likes, self.params.likes) + 0.001 * self.seen
        match self.params.says:
            case "NaN":
                scores[0, 0] = np.nan
            case "too few":
                scores = scores[:, 1:]
            case "own taste":
                scores[~alike] = -np.inf
            case "nothing":
                scores[:] = -np.inf
        return scores


def toy(name="taste", space=None, **params):
    spec = ModelSpec(
        name=name,
        task_types=("recommendation",),
        role="stable",
        params=Params,
        build=lambda params, context: Taste(params),
        space=space,
    )
    return ModelChoice(name=name, spec=spec, params=Params(**params))


def shared(folder, choices, data=None, **changes):
    data = interactions(users=60) if data is None else data
    splits, _ = ranking_splits(data, Budget(folds=2), 0)
    made = CellInputs(
        task=task(name="recommendation", type="recommendation", metrics=METRICS, prediction="ranking"),
        dataset=data,
        splits=tuple(splits),
        models=tuple(choices),
        zoo=Zoo.open(folder / "cache"),
        features=FeatureCache(folder / "features", data.fingerprint),
        predictions=Predictions(folder / "predictions"),
        seed=0,
        threads=1,
        logs=folder / "logs",
    )
    return replace(made, **changes)


def test_a_cell_of_lists_has_scores_and_keeps_what_was_recommended(tmp_path):
    inputs = shared(tmp_path, [toy()])
    record = run_cell(cell(toy()), inputs)
    assert (record.status, record.reason) == ("ok", "")
    assert set(record.scores) >= {"ndcg", "recall", "coverage", "gini"}
    split = inputs.splits[0]
    assert (record.n_train, record.n_test) == (len(split.fitted), len(split.test))
    lists, asking = inputs.predictions.load(record), inputs_of(inputs.dataset, split)
    assert lists.shape == (len(asking), 2 * 4)
    banned = asking.banned.toarray()
    for own, taken in zip(lists[:, :4], banned, strict=True):
        assert not taken[own[own != NONE]].any()
    better = run_cell(cell(toy()), inputs).scores["ndcg"]
    assert better > run_cell(cell(toy(likes=1.0)), shared(tmp_path, [toy(likes=1.0)])).scores["ndcg"]


@pytest.mark.parametrize(
    ("says", "reason"), [("NaN", "NaN or infinite for 1 of"), ("too few", r"scores of shape \(\d+, 19\), not")]
)
def test_scores_that_are_none_are_invalid(says, reason, tmp_path):
    choice = toy(says=says)
    record = run_cell(cell(choice), shared(tmp_path, [choice]))
    assert record.status == "invalid"
    assert re.search(reason, record.reason)


def test_a_model_that_has_nothing_to_say_scores_zero(tmp_path):
    choice = toy(says="nothing")
    record = run_cell(cell(choice), shared(tmp_path, [choice]))
    assert (record.status, record.scores["ndcg"]) == ("ok", 0.0)
    assert record.found["lists"]["covered"] == 0


def test_a_search_finds_what_an_inner_split_likes(tmp_path):
    choice = tuned(toy(likes=0.9, space=lambda trial: {"likes": trial.suggest_float("likes", 0.0, 1.0)}))
    record = run_cell(cell(choice), shared(tmp_path, [choice], trials=12))
    assert record.status == "ok"
    scores = [score for score in record.found["search"]["scores"] if score is not None]
    assert max(scores) > scores[0]
    assert record.found["search"]["params"]["likes"] < 0.5


def test_an_ensemble_weighs_members_by_an_inner_split_and_leaves_bad_ones_out(tmp_path):
    members = [toy("good"), toy("bad", likes=1.0), toy("ill", says="NaN")]
    choice = greedy(members, 5)
    record = run_cell(cell(choice), shared(tmp_path, [choice]))
    assert (record.status, record.reason) == ("ok", "")
    weights = record.found["weights"]
    assert max(weights, key=weights.get) == "good"
    assert "NaN or infinite" in record.found["left_out"]["ill"]


def test_scores_of_several_models_are_put_on_one_scale_for_each_user(tmp_path):
    inputs = shared(tmp_path, [toy()])
    queries = inputs_of(inputs.dataset, inputs.splits[0]).queries
    one, silent = Taste(Params()), Taste(Params(says="nothing"))
    for model in (one, silent):
        model.fit(inputs.dataset.X, inputs.dataset.y)
    assert WeightedScores([one, one], [0.5, 0.5]).predict(queries) == pytest.approx(
        standardised(one.predict(queries)), abs=1e-6
    )
    alone = WeightedScores([one, silent], [0.5, 0.5]).predict(queries)
    assert (np.argsort(-alone, axis=1, kind="stable") == np.argsort(-one.predict(queries), axis=1, kind="stable")).all()
    assert np.isneginf(WeightedScores([silent], [1.0]).predict(queries)).all()
    with pytest.raises(TypeError, match="not fitted again"):
        WeightedScores([one], [1.0]).fit(None, None)


def test_weights_are_chosen_on_the_scores_that_a_weighted_mean_says_also_where_members_are_silent(tmp_path):
    inputs = shared(tmp_path, [toy()])
    split = inputs.splits[0]
    models = [Taste(Params(says=says)) for says in ("own taste", "own taste", "nothing")]
    models[1].params.likes = 0.5
    answers = [inner_answers(model, inputs.dataset, split) for model in models]
    queries = inputs_of(inputs.dataset, split).queries
    for members in ([0], [2], [0, 1], [0, 2]):
        share = 1 / len(members)
        said = WeightedScores([models[member] for member in members], [share] * len(members)).predict(queries)
        chosen_on = scores_in(sum(answers[member] for member in members) * share)
        assert np.array_equal(np.isneginf(said), np.isneginf(chosen_on))
        np.testing.assert_allclose(said, chosen_on, atol=1e-6)
        assert np.isneginf(said).any()


def test_a_tenth_of_each_history_goes_and_what_came_last_stays():
    data = interactions(users=60)
    split = ranking_splits(data, Budget(folds=2), 0)[0][0]
    asking = inputs_of(data, split)
    fewer = thinned(asking, 0)
    before, after = asking.queries, fewer.queries
    assert 0.8 < len(after.items) / len(before.items) < 0.97
    for user in range(len(before)):
        old, new = (one.items[one.starts[user] : one.starts[user + 1]].tolist() for one in (before, after))
        assert set(new) <= set(old)
        assert new[-1:] == old[-1:]
    assert fewer.banned is asking.banned
    assert thinned(asking, 0).queries.items.tolist() == after.items.tolist()


def test_robustness_of_lists_is_of_users_and_a_sound_model_keeps_to_them(tmp_path):
    choice = toy()
    inputs = shared(tmp_path, [choice])
    split = inputs.splits[0]
    context = context_of(choice, cell(choice), inputs, inputs.features)
    made = fit_choice(choice, cell(choice), inputs, context, Rows.of(inputs.dataset, split.fitted))
    asking = inputs_of(inputs.dataset, split)
    changes = {"thinned": thinned(asking, 0), "none": asking}
    found = robustness_of(made.model, asking, items_of(inputs.dataset, split), changes, inputs)
    assert found.items == len(asking)
    assert (found.order, found.batch) == (0.0, 0.0)
    # This one goes by the user alone.
    assert found.perturbed["thinned"] == (found.clean, 0.0)
    assert found.loss_error == {"thinned": 0.0, "none": 0.0}


def test_a_model_that_is_not_refitted_is_scored_in_each_later_stretch_of_time(tmp_path):
    choice = toy()
    data = interactions(users=60, split="global_time", windows=3, share=0.2)
    inputs = shared(tmp_path, [choice], data)
    made = Taste(Params()).fit(data.X.iloc[inputs.splits[0].fitted], None)
    stale = scores_without_refit(made, inputs)
    fresh = [run_cell(cell(choice, fold=fold), inputs).scores["ndcg"] for fold in (1, 2)]
    assert len(stale) == 2
    # Taste does not age, and counts hardly matter.
    assert stale == pytest.approx(fresh, abs=0.1)
    assert scores_without_refit(made, shared(tmp_path, [choice])) is None


def test_seconds_of_lists_are_those_of_users(tmp_path):
    record = run_cell(cell(toy()), shared(tmp_path, [toy()]))
    users = record.found["lists"]["users"]
    assert users < record.n_test
    assert seconds_per_thousand([record], None) == pytest.approx(1000 * record.predict_seconds / users)
