"""Recommenders that read items, that read sequences, and that order what others propose."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from bench import registry
from bench.errors import ModelError
from bench.exposure import Declaration
from bench.models.content_blend import BlendReading, ContentBlend
from bench.models.held_out import SHARE, HeldOut, ndcg_of
from bench.models.item_texts import ContentProfile, ContentReading, ItemTexts, recent_history
from bench.models.item_weights import ItemWeights, closed_form
from bench.models.sequences import SelfAttention, Shape
from bench.ranking.asked import Queries, Recommending
from bench.ranking.scale import standardised
from bench.ranking.top import top
from bench.types import Context
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo
from tests.rankings import interactions

READERS = ("content_minilm", "content_static", "hybrid_ease_minilm", "hybrid_ials_minilm")
FILMS = (
    "Jaws Returns. Horror, a shark attacks swimmers", "Night of the Zombies. Horror, the dead attack",
    "Dracula. Horror, a vampire in a castle", "The Little Puppy. Children's cartoon, animation",
    "Bunny Goes to School. Children's cartoon, animation", "Teddy's Birthday. Children's cartoon, animation",
    "The Werewolf. Horror, a monster attacks", "The Happy Kitten. Children's cartoon, animation", "",
)  # fmt: skip
NEW_HORROR, NEW_CARTOON, NO_TEXT = 6, 7, 8


@dataclass(frozen=True)
class Words:
    """An encoder that tells the first letters of texts apart, and nothing else."""

    @property
    def key(self):
        return {"name": "words"}

    def encode(self, items, advance):
        letters = "abcdefgh"
        return np.array([[float(text[:1] == letter) for letter in letters] for text in items], np.float32)


def context(texts=(), items=0, tmp_path=None, zoo=None, **changes):
    count = items or len(texts)
    asked = Recommending(k=3, users=np.arange(40), items=np.arange(count), texts=tuple(texts))
    features = FeatureCache(tmp_path, "shop") if tmp_path is not None else None
    made = Context(seed=1, threads=1, zoo=zoo, features=features, prediction="ranking", recommending=asked)
    return replace(made, **changes)


def frame(*histories):
    """Return histories as interactions, users in turn, in the order of time."""
    rows = [(at, user, item) for user, items in enumerate(histories) for at, item in enumerate(items)]
    X = pd.DataFrame(sorted(rows), columns=["time", "user", "item"]).astype({"user": np.int32, "item": np.int32})
    return X, np.ones(len(X), np.float32)


def queries(catalogue, *histories):
    starts = np.r_[0, np.cumsum([len(items) for items in histories])]
    flat = np.array([item for items in histories for item in items], dtype=np.int32)
    weights = np.ones(len(flat), np.float32)
    users = np.arange(len(histories))
    return Queries(users=users, starts=starts, items=flat, weights=weights, times=None, catalogue=catalogue)


def build(name, made, **params):
    spec = registry.model(name)
    return spec.build(spec.params(**params), made)


@pytest.mark.parametrize("name", READERS)
def test_a_new_item_is_recommended_to_those_who_had_what_reads_like_it(name, tmp_path, shared_cache, socket_enabled):
    zoo, spec = Zoo.open(shared_cache), registry.model(name)
    for one in spec.zoo:
        zoo.fetch(getattr(spec.params(), one), print)
    model = build(name, context(FILMS, tmp_path=tmp_path, zoo=zoo))
    model.fit(*frame([0, 1], [1, 2, 0], [3, 4, 5], [4, 5], [0, 2], [3, 5]))
    scores = model.predict(queries(len(FILMS), [0, 1], [3, 4], []))
    assert scores[0, NEW_HORROR] > scores[0, NEW_CARTOON]
    assert scores[1, NEW_CARTOON] > scores[1, NEW_HORROR]
    assert (scores[:, NO_TEXT] == -np.inf).all()
    assert (scores[2] == -np.inf).all()


def test_ease_with_texts_takes_no_more_items_than_it_is_told(tmp_path, shared_cache, socket_enabled):
    zoo = Zoo.open(shared_cache)
    zoo.fetch(registry.model("hybrid_ease_minilm").params().weights, print)
    model = build("hybrid_ease_minilm", context(FILMS, tmp_path=tmp_path, zoo=zoo), most_items=len(FILMS) - 1)
    with pytest.raises(ModelError, match="raise most_items"):
        model.fit(*frame([0, 1], [1, 2, 0]))


@pytest.mark.parametrize("name", READERS)
def test_models_that_read_have_nothing_to_do_without_texts_and_say_what_is_missing(name):
    spec, data = registry.model(name), interactions()
    assert "data.items_path=" in spec.unfit_for(data)
    told = replace(data.recommending, texts=("a film",) * len(data.recommending.items))
    assert spec.unfit_for(replace(data, recommending=told)) == ""


@pytest.mark.parametrize("name", READERS)
def test_whether_weights_have_met_a_data_set_is_unknown_for_texts_that_nobody_lists(name):
    declared = Declaration.of_spec(registry.model(name))
    assert declared.exposure("ml_100k", True) == "unknown"
    assert declared.source


@pytest.mark.parametrize("name", ["sasrec", "lightgbm_reranker"])
def test_models_that_learn_from_interactions_alone_have_met_no_data_before(name):
    assert Declaration.of_spec(registry.model(name)).exposure("ml_100k", True) == "clean"


def test_an_item_without_a_text_is_the_zero_vector_and_what_all_texts_have_in_common_is_taken_off(tmp_path):
    made = context(["a1", "a2", "b", " ", "zz"], tmp_path=tmp_path)
    read = ItemTexts.of(Words(), made, ContentReading())
    assert read.read.tolist() == [True, True, True, False, False]
    assert (read.vectors[0] @ read.vectors[2]) == pytest.approx(-1)
    plain = ItemTexts.of(Words(), made, ContentReading(centred=False))
    assert plain.vectors[0] @ plain.vectors[2] == 0


def test_texts_that_all_read_alike_recommend_nothing_rather_than_noise(tmp_path):
    model = ContentProfile(Words(), context(["a1", "a2"], tmp_path=tmp_path), ContentReading(popularity=0.0))
    scores = model.fit(*frame([0], [1])).predict(queries(2, [0]))
    assert scores[0, 0] == scores[0, 1]


def test_a_profile_that_forgets_follows_the_last_item(tmp_path):
    made = context(["a", "b", "a1", "b1"], tmp_path=tmp_path)
    asked = queries(4, [0, 0, 1], [1, 1, 0])
    for half_life, first in ((0.0, [2, 3]), (0.25, [3, 2])):
        reading = ContentReading(popularity=0.0, half_life=half_life)
        scores = ContentProfile(Words(), made, reading).fit(*frame([0], [1])).predict(asked)
        assert (scores[:, 2:].argmax(axis=1) + 2).tolist() == first


@pytest.mark.parametrize("half_life", [0.0, 2.0])
def test_a_history_as_a_matrix_leaves_the_order_of_time_to_those_who_go_by_it(half_life):
    asked = queries(4, [3, 0, 0, 2], [1, 0])
    assert recent_history(asked, half_life).nnz == 5
    assert asked.items.tolist() == [3, 0, 0, 2, 1, 0]
    assert asked.starts.tolist() == [0, 4, 6]
    assert asked.weights.tolist() == [1.0] * 6


def test_the_share_of_what_is_popular_goes_from_texts_alone_to_counts_alone(tmp_path):
    made = context(["a", "b", "a1", "b1"], tmp_path=tmp_path)
    X, y = frame([1], [3], [3], [3], [2], [1])
    for share, first in ((0.0, 2), (0.99, 3)):
        model = ContentProfile(Words(), made, ContentReading(popularity=share)).fit(X, y)
        assert model.predict(queries(4, [0]))[0, 1:].argmax() + 1 == first


def test_standardised_scores_leave_out_what_has_none():
    found = standardised(np.array([[1.0, 3.0, -np.inf], [2.0, 2.0, 2.0], [-np.inf] * 3]))
    assert found.tolist() == [[-1.0, 1.0, -np.inf], [0.0, 0.0, 0.0], [-np.inf] * 3]


def blend(made, **reading):
    def make():
        return ItemWeights(lambda matrix: closed_form(matrix, 10.0), made)

    return ContentBlend(make, Words(), made, BlendReading(**reading))


def tastes(users=40, items=32, taste=None, seed=0):
    """Return interactions of users each of whom likes two letters of items, in an order that says nothing."""
    generator = np.random.default_rng(seed)
    letters = np.arange(items) % 8 if taste is None else taste
    liked = [np.flatnonzero(np.isin(letters, generator.choice(8, 2, replace=False))) for _ in range(users)]
    return frame(*(generator.permutation(own)[:6].tolist() for own in liked))


def test_the_weight_of_texts_is_high_where_they_tell_tastes_apart_and_least_where_they_do_not(tmp_path):
    X, y = tastes()
    telling = blend(context([f"{'abcdefgh'[item % 8]}{item}" for item in range(32)], tmp_path=tmp_path)).fit(X, y)
    letters = np.random.default_rng(5).permutation(np.arange(32) % 8)
    noise = blend(context([f"{'abcdefgh'[letter]}" for letter in letters], tmp_path=tmp_path)).fit(X, y)
    assert telling.weight > noise.weight


def test_new_items_of_a_blend_are_in_the_order_of_their_texts(tmp_path):
    texts = [f"{'abcdefgh'[item % 8]}{item}" for item in range(32)]
    made = context(texts, tmp_path=tmp_path)
    X, y = tastes()
    X, y = X[X["item"] < 24], y[X["item"] < 24]
    model, asked = blend(made).fit(X, y), queries(32, [0, 8, 1])
    alone = ItemTexts.of(Words(), made, BlendReading()).cosines(asked)
    found = model.predict(asked)
    assert np.array_equal(np.argsort(-found[0, 24:], kind="stable"), np.argsort(-alone[0, 24:], kind="stable"))


def test_held_out_interactions_are_the_last_or_random_ones_of_each_user_and_never_in_the_history():
    X, y = frame(range(10), range(5, 15), [3])
    last, drawn = (HeldOut.of(X, y, 15, part) for part in ("last", "random"))
    assert last.queries.users.tolist() == [0, 1]
    assert last.wanted.toarray().nonzero()[1].tolist() == [8, 9, 13, 14]
    for held in (last, drawn):
        assert held.wanted.sum() == round(SHARE * 20)
        assert not (held.wanted.toarray() & (held.queries.history.toarray() != 0)).any()
        assert len(held.X) == len(X) - 4
    assert HeldOut.of(*frame([0], [1]), 2, "last") is None


def test_ndcg_of_held_out_interactions_is_that_of_a_hand():
    from scipy.sparse import csr_array

    wanted = csr_array(np.array([[True, False, True, True], [False, True, False, False]]))
    found = ndcg_of(np.array([[0, 1], [2, -1]], np.int32), wanted)
    assert found.tolist() == pytest.approx([1 / (1 + 1 / np.log2(3)), 0.0])


def circles(users=30, items=12, each=8):
    """Return users who go through the items in turn, each from another place."""
    return frame(*([(user + step) % items for step in range(each)] for user in range(users)))


SMALL = {"width": 16, "layers": 1, "length": 6, "learning_rate": 1e-2, "epochs": 12, "dropout": 0.1}


@pytest.fixture(scope="module")
def trained():
    return build("sasrec", context(items=13), **SMALL).fit(*circles())


def test_sasrec_learns_what_comes_next_and_takes_any_user_by_the_history(trained):
    asked = queries(13, [3, 4, 5], [9, 10], [0], [], [12])
    scores = trained.predict(asked)
    assert [scores[row].argmax() for row in range(3)] == [6, 11, 1]
    # One without a history, one who had only what nobody had before.
    assert (scores[3:] == -np.inf).all()
    assert (scores[:, 12] == -np.inf).all()


def test_sasrec_says_the_same_by_the_same_seed_and_else_with_another(trained):
    asked = queries(13, [3, 4, 5], [9, 10])
    again, other = (build("sasrec", context(items=13, seed=seed), **SMALL).fit(*circles()) for seed in (1, 2))
    assert np.array_equal(again.predict(asked), trained.predict(asked))
    assert not np.array_equal(other.predict(asked), trained.predict(asked))


def test_sasrec_answers_each_user_alone_whoever_asks_beside(trained):
    together = trained.predict(queries(13, [1, 2, 3, 4, 5, 6, 7, 8], [9, 10], [0, 1, 2]))
    assert trained.predict(queries(13, [9, 10]))[0, :12] == pytest.approx(together[1, :12], abs=1e-4)


def test_a_state_of_a_sequence_sees_nothing_that_comes_later():
    network = SelfAttention.of(9, Shape(width=8, layers=2, heads=2, length=5, dropout=0.0))
    network.parts.eval()
    with torch.inference_mode():
        one, other = network.states(torch.tensor([[1, 2, 3, 4, 5], [1, 2, 3, 8, 0]]))
    assert torch.allclose(one[:3], other[:3], atol=1e-6)
    assert not torch.allclose(one[3], other[3], atol=1e-3)


def test_sasrec_ends_when_nothing_is_gained_and_keeps_the_best_epoch():
    generator = np.random.default_rng(0)
    noise = frame(*(generator.permutation(12)[:6].tolist() for _ in range(20)))
    model = build("sasrec", context(items=12), **SMALL | {"epochs": 60, "patience": 2}).fit(*noise)
    assert model.epochs == model.best + 2 < 60


def test_sasrec_that_the_clock_ends_says_that_it_does_not_repeat():
    with pytest.warns(UserWarning, match="does not repeat exactly"):
        cut = build("sasrec", context(items=12), **SMALL | {"seconds": 1e-9}).fit(*circles())
    assert cut.epochs == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build("sasrec", context(items=12), **SMALL | {"epochs": 1}).fit(*circles())


def test_sasrec_leaves_the_random_numbers_and_threads_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    build("sasrec", context(items=12), **SMALL | {"epochs": 1}).fit(*circles())
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads


def test_sasrec_has_nothing_to_do_without_time_stamps():
    spec, data = registry.model("sasrec"), interactions()
    assert spec.unfit_for(data) == ""
    assert "time" in spec.unfit_for(replace(data, time=None))


def test_a_reranker_learns_an_order_that_ease_cannot_see():
    X, y = circles(users=40, items=24, each=10)
    made = context(items=24)
    asked = queries(24, *[[(start + step) % 24 for step in range(6)] for start in range(0, 24, 3)])
    wanted = [(start + 6) % 24 for start in range(0, 24, 3)]
    had = asked.history.toarray() != 0
    found = build("lightgbm_reranker", made, penalty=10.0, min_child_samples=2).fit(X, y).predict(asked)
    first = ItemWeights(lambda matrix: closed_form(matrix, 10.0), made).fit(X, y).predict(asked)
    hits = [(top(np.where(had, -np.inf, scores), 1)[:, 0] == wanted).sum() for scores in (found, first)]
    assert hits[0] > hits[1]


def test_lists_of_a_reranker_are_not_short_where_few_items_are_proposed():
    X, y = circles(users=40, items=24, each=10)
    model = build("lightgbm_reranker", context(items=25), candidates=2).fit(X, y)
    scores = model.predict(queries(25, [0, 1, 2], []))
    assert np.isfinite(scores[0]).tolist() == [False] * 3 + [True] * 21 + [False]
    proposed = np.unique(model.stage.propose(queries(25, [0, 1, 2])).items)
    others = np.setdiff1d(np.arange(3, 24), proposed)
    assert len(others)
    assert scores[0, proposed].min() > scores[0, others].max()
    assert (scores[1] == -np.inf).all()


def test_a_reranker_without_anything_to_learn_from_keeps_the_order_of_ease():
    X, y = frame([0], [1], [2])
    scores = build("lightgbm_reranker", context(items=3)).fit(X, y).predict(queries(3, [0]))
    assert np.isfinite(scores[0]).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("content_minilm", {"popularity": 1.0}),
        ("content_minilm", {"max_tokens": 2}),
        ("content_static", {"half_life": -1.0}),
        ("hybrid_ease_minilm", {"content": -0.1}),
        ("hybrid_ease_minilm", {"most_items": 0}),
        ("hybrid_ials_minilm", {"held_out": "first"}),
        ("sasrec", {"width": 63}),
        ("sasrec", {"length": 1}),
        ("sasrec", {"dropout": 1.0}),
        ("lightgbm_reranker", {"num_leaves": 1}),
        ("lightgbm_reranker", {"held_out": "first"}),
    ],
)
def test_parameters_that_make_no_sense_are_named(name, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        registry.model(name).params(**params)
