"""Which orders of models hang on the protocol: known orders, turned round or not."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.stats.protocols import Tested, agreements, flips
from bench.stats.table import ModelFacts, Scoring, scores_by_model
from tests.builders import record

SCORING = Scoring(
    metric="ndcg", sign=1.0, is_share=False, reference="popularity", floor="random", margin=0.005,
    test_train_ratio=0.1, seed=0,
)  # fmt: skip


def scored(protocol, means, users=400, noise=0.05):
    """Return models with such mean scores, of which each user has a part."""
    generator = np.random.default_rng(len(protocol))
    level, records, known = generator.uniform(0, 0.3, users), [], {}
    for name, mean in means.items():
        by_user = level - level.mean() + mean + noise * generator.normal(size=users)
        known[name] = ModelFacts(
            role="stable", licence="MIT", weights_mb=0.0, cost=None, by_item=by_user[None], groups=np.arange(users),
            sample="users", item_variance=float(by_user.var() / users),
        )  # fmt: skip
        records.append(replace(record(name), scores={"ndcg": float(by_user.mean())}))
    scores = {model.name: model for model in scores_by_model(records, known, SCORING)}
    return Tested(protocol=protocol, scores=scores, test_train_ratio=0.1, pick="")


MEANS = {"popularity": 0.1, "item_knn": 0.2, "ease": 0.3}


def test_models_that_surely_turn_round_are_named_with_both_leads():
    one, other = scored("random", MEANS), scored("global_time", {**MEANS, "item_knn": 0.05})
    (flip,) = flips([one, other])
    assert (flip.better, flip.worse, flip.here, flip.there) == ("item_knn", "popularity", "random", "global_time")
    assert flip.lead_here == pytest.approx(0.1, abs=0.01)
    assert flip.lead_there == pytest.approx(0.05, abs=0.01)


def test_a_lead_that_noise_could_make_is_no_turn():
    close = {"popularity": 0.1, "ease": 0.101}
    assert flips([scored("random", close, users=30), scored("global_time", {"popularity": 0.1, "ease": 0.3})]) == ()
    assert flips([scored("random", MEANS), scored("leave_last", MEANS)]) == ()


def test_agreement_is_of_the_models_that_both_protocols_have():
    turned = {"popularity": 0.3, "item_knn": 0.2, "ease": 0.1, "slim": 0.4}
    (found,) = agreements([scored("random", MEANS), scored("leave_last", turned)])
    assert (found.one, found.other, found.models) == ("random", "leave_last", 3)
    assert found.tau == -1
    (two,) = agreements([scored("random", {"ease": 0.3, "slim": 0.2}), scored("leave_last", turned)])
    assert math.isnan(two.tau)
    assert len(agreements([scored(name, MEANS) for name in ("random", "leave_last", "global_time")])) == 3
