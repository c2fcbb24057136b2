"""What the classic recommenders compute, beside the same by brute force, by hand or by scikit-learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from bench import registry
from bench.errors import ModelError
from bench.models.factors import PairwiseRanking, SingularVectors
from bench.models.fused import RankFusion
from bench.models.histories_alike import UserNeighbours
from bench.models.interactions import elapsed, matrix_of
from bench.models.item_weights import closed_form, cosine, largest, walks
from bench.models.sparse_regressions import ElasticNet
from bench.models.transitions import Transitions
from bench.ranking.asked import Queries, Recommending
from bench.ranking.top import top
from bench.types import Context

COUNTED = ("popularity", "recent_popularity", "decayed_popularity")
PERSONAL = (
    *("item_knn", "user_knn", "rp3beta", "pure_svd", "ease", "edlae", "slim", "ials", "bpr", "item_markov"),
    "rank_fusion",
)
ALL = ("random_items", *COUNTED, *PERSONAL)
USERS, ITEMS = 60, 40
FOR_FEW = {"pure_svd": {"factors": 3}, "bpr": {"epochs": 300, "learning_rate": 0.05}, "ials": {"factors": 8}}
"""Parameters where the defaults are for more rows."""


def context(users=USERS, items=ITEMS, **changes):
    asked = Recommending(k=5, users=np.arange(users), items=np.arange(items))
    made = Context(seed=1, threads=1, zoo=None, features=None, prediction="ranking", recommending=asked)
    return replace(made, **changes)


def interactions(seed=0):
    """Return interactions of two groups of users with two groups of items; nobody has the last item."""
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(USERS - 1):
        half = (ITEMS - 1) // 2
        own = generator.permutation(half)[:9] + half * (user % 2)
        rows += [(user, item) for item in (*own, *generator.choice(ITEMS - 1, 2, replace=False))]
    X = pd.DataFrame(rows, columns=["user", "item"]).drop_duplicates().sample(frac=1, random_state=seed)
    X["time"] = np.arange(len(X)) * 60
    return X.astype({"user": np.int32, "item": np.int32}).reset_index(drop=True), np.ones(len(X), np.float32)


def asking(X, users=None, items=ITEMS):
    users = np.arange(USERS) if users is None else np.asarray(users, dtype=np.intp)
    own = [X["item"].to_numpy()[X["user"].to_numpy() == user] for user in users]
    flat = np.concatenate([*own, np.empty(0, np.int32)]).astype(np.int32)
    starts = np.cumsum([0, *map(len, own)])
    return Queries(
        users=users, starts=starts, items=flat, weights=np.ones(len(flat), np.float32), times=None, catalogue=items
    )


def built(name, made=None, **params):
    spec = registry.model(name)
    return spec.build(spec.params(**params), made or context())


def fitted(name, **params):
    X, y = interactions()
    return built(name, **params).fit(X, y)


@pytest.mark.parametrize("name", ALL)
def test_a_user_is_answered_alone_as_among_others_and_the_same_seed_gives_the_same_scores(name):
    X, _ = interactions()
    model, again = fitted(name), fitted(name)
    together = model.predict(asking(X))
    assert together.shape == (USERS, ITEMS)
    assert not np.isnan(together).any()
    np.testing.assert_array_equal(together, again.predict(asking(X)))
    users = [17, 3, 58]
    np.testing.assert_allclose(model.predict(asking(X, users)), together[users], rtol=1e-4, atol=1e-6)
    assert model.predict(asking(X, [])).shape == (0, ITEMS)


@pytest.mark.parametrize("name", [name for name in ALL if registry.model(name).deterministic])
def test_models_that_say_so_hang_on_no_seed_and_no_number_of_threads(name):
    X, y = interactions()
    one, two = (built(name, context(seed=seed, threads=seed)).fit(X, y).predict(asking(X)) for seed in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_ials_hangs_on_no_number_of_threads():
    X, y = interactions()
    one, two = (built("ials", context(threads=threads)).fit(X, y).predict(asking(X)) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", PERSONAL)
def test_there_is_nothing_to_say_without_a_history_or_of_an_item_that_nobody_had(name):
    X, _ = interactions()
    scores = fitted(name).predict(asking(X))
    assert (scores[USERS - 1] == -np.inf).all()
    assert (scores[:, ITEMS - 1] == -np.inf).all()
    assert (scores[: USERS - 1] > -np.inf).any(axis=1).all()


@pytest.mark.parametrize("name", PERSONAL)
def test_users_get_what_their_own_kind_takes_up(name):
    X, _ = interactions()
    scores = fitted(name, **FOR_FEW.get(name, {})).predict(asking(X, range(USERS - 1)))
    scores[X["user"], X["item"]] = -np.inf
    own = top(scores, 5) // ((ITEMS - 1) // 2) == (np.arange(USERS - 1) % 2)[:, None]
    assert own.mean() > 0.8


@pytest.mark.parametrize("name", [name for name in PERSONAL if name != "bpr"])
def test_users_who_are_not_fitted_are_answered_by_their_history(name):
    X, y = interactions()
    held = X["user"].to_numpy() < 6
    model = built(name, **FOR_FEW.get(name, {})).fit(X[~held].reset_index(drop=True), y[~held])
    scores = model.predict(asking(X, range(6)))
    scores[X["user"][held], X["item"][held]] = -np.inf
    own = top(scores, 5) // ((ITEMS - 1) // 2) == (np.arange(6) % 2)[:, None]
    assert own.mean() > 0.7


def test_bpr_has_nothing_to_say_to_users_whom_it_was_not_fitted_on():
    X, y = interactions()
    held = X["user"].to_numpy() == 4
    scores = built("bpr").fit(X[~held].reset_index(drop=True), y[~held]).predict(asking(X, [4, 5]))
    assert (scores[0] == -np.inf).all()
    assert (scores[1, : ITEMS - 1] > -np.inf).all()


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_popular_is_said_to_everybody(name):
    X, _ = interactions()
    scores = fitted(name).predict(asking(X))
    assert (scores == scores[USERS - 1]).all()
    assert (scores[:, : ITEMS - 1] > -np.inf).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("users", "items"), [([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [0, 0, 0]), ([0], [0])])
def test_one_user_or_one_item_is_no_crash(name, users, items):
    X = pd.DataFrame({"user": users, "item": items, "time": 5}).astype({"user": np.int32, "item": np.int32})
    made = context(max(users) + 1, max(items) + 1)
    model = built(name, made).fit(X, np.ones(len(X), np.float32))
    scores = model.predict(asking(X, sorted(set(users)), max(items) + 1))
    assert scores.shape == (max(users) + 1, max(items) + 1)
    assert not np.isnan(scores).any()
    assert not (scores == np.inf).any()


def test_random_items_are_others_for_each_user_and_seed():
    X, _ = interactions()
    one, two = (built("random_items", context(seed=seed)).predict(asking(X)) for seed in (1, 2))
    assert (one != two).all()
    assert len(np.unique(top(one, 1))) > 20
    assert 0 <= one.min() < 0.01
    assert 0.99 < one.max() < 1
    assert np.histogram(one, bins=4, range=(0, 1))[0] / one.size == pytest.approx(np.full(4, 0.25), abs=0.04)
    assert np.abs(np.corrcoef(one) - np.eye(len(one))).max() < 0.8
    assert np.array_equal(one, built("random_items", context(seed=1)).predict(asking(X)))


def test_popularity_by_hand():
    X = pd.DataFrame({"user": range(6), "item": [0, 0, 0, 1, 1, 2], "time": [0, 0, 1, 9, 10, 10]})
    made, asked = context(6, 4), asking(X.iloc[:0], [0], 4)

    def order(name, **params):
        return top(built(name, made, **params).fit(X, np.ones(6)).predict(asked), 4)[0].tolist()

    assert order("popularity") == [0, 1, 2, -1]
    assert order("recent_popularity", window=0.1) == [1, 2, 0, -1]
    # At the very end one each, of which the all-time counts decide.
    assert order("recent_popularity", window=0.01) == [1, 2, 0, -1]
    scores = built("decayed_popularity", made, half_life=0.5).fit(X, np.ones(6)).predict(asked)[0]
    expected = [0.25 + 0.25 + 0.5 ** (0.9 / 0.5), 0.5 ** (0.1 / 0.5) + 1, 1]
    np.testing.assert_allclose(scores[:3], expected, rtol=1e-5)


def test_time_is_measured_from_the_first_to_the_last_whatever_its_unit():
    days = pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05"]))
    for stamps in (days, pd.Series([0, 86_400, 345_600]), pd.Series([1.0, 2.0, 5.0])):
        assert elapsed(pd.DataFrame({"time": stamps})).tolist() == [0, 0.25, 1]
    assert elapsed(pd.DataFrame({"time": [7, 7]})).tolist() == [1, 1]
    with pytest.raises(ModelError, match=r"data\.time="):
        elapsed(pd.DataFrame({"user": [0]}))


def matrix():
    X, y = interactions()
    return matrix_of(X, np.random.default_rng(0).uniform(0.5, 5, len(y)), context())


def test_cosines_of_items_agree_with_brute_force_and_with_any_blocks(monkeypatch):
    dense = matrix().toarray().astype(float)
    lengths = np.linalg.norm(dense, axis=0)
    expected = dense.T @ dense / np.maximum(np.outer(lengths, lengths) + 3.0, 1e-12)
    np.fill_diagonal(expected, 0)
    for column in range(ITEMS):
        expected[np.argsort(-expected[:, column])[6:], column] = 0
    np.testing.assert_allclose(cosine(matrix(), 6, 3.0, 1).toarray(), expected, rtol=1e-4)
    monkeypatch.setattr("bench.models.item_weights.BLOCK", 3 * ITEMS)
    np.testing.assert_allclose(cosine(matrix(), 6, 3.0, 2).toarray(), expected, rtol=1e-4)


def test_walks_agree_with_brute_force():
    dense = matrix().toarray().astype(float)
    with np.errstate(invalid="ignore"):
        forward, back = (np.nan_to_num(one / one.sum(axis=1, keepdims=True)) ** 0.8 for one in (dense, dense.T))
    expected = back @ forward / np.maximum((dense > 0).sum(axis=0), 1) ** 0.5
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(walks(matrix(), 0.8, 0.5, ITEMS, 1).toarray(), expected, rtol=1e-4, atol=1e-7)


def test_only_the_largest_positive_weights_are_kept():
    values = np.array([[9.0, 1, 2, 3], [0, 9, -1, 0], [5, 5, 9, 4], [1, 2, 3, 9]])
    found = largest(lambda rows: values[rows].copy(), 4, 2, 1).toarray()
    assert found.tolist() == [[0, 0, 2, 3], [0, 0, 0, 0], [5, 5, 0, 0], [0, 2, 3, 0]]


def test_ease_is_a_ridge_regression_of_each_item_on_all_others(monkeypatch):
    monkeypatch.setattr("bench.models.item_weights.BLOCK", 7 * ITEMS)
    dense, weights = matrix().toarray().astype(float), closed_form(matrix(), 20.0)
    for item in (0, 11, ITEMS - 2):
        others = np.delete(np.arange(ITEMS), item)
        left = dense[:, others]
        expected = np.linalg.solve(left.T @ left + 20 * np.eye(ITEMS - 1), left.T @ dense[:, item])
        np.testing.assert_allclose(weights[others, item], expected, rtol=1e-4, atol=1e-6)
        assert weights[item, item] == 0


def test_dropout_is_ridge_regression_over_histories_that_lack_a_share_of_themselves():
    generator, dense = np.random.default_rng(0), matrix().toarray().astype(float)
    left_out = [dense * (generator.random(dense.shape) >= 0.3) for _ in range(2000)]
    left = np.mean([part.T @ dense for part in left_out], axis=0)
    square = np.mean([part.T @ part for part in left_out], axis=0)
    # Of the histories that are left, all targets: Steck 2020, equation 5, by simulation.
    item, others = 5, np.delete(np.arange(ITEMS), 5)
    simulated = np.linalg.solve(square[np.ix_(others, others)] + 8 * np.eye(ITEMS - 1), left[others, item])
    # Each of two items of a history is there with probability 0.7, both of them with 0.49.
    found = closed_form(matrix(), 8 / 0.49, 0.3)[others, item] / 0.7
    np.testing.assert_allclose(found, simulated, atol=0.02)


def test_what_edlae_learns_of_liking_does_not_hang_on_the_unit_of_ratings():
    X, y = interactions()
    y = np.where(X["item"] % 3, 1.0, 5.0).astype(np.float32)
    spec, asked = registry.model("edlae"), asking(X)
    said = [spec.build(spec.params(), context()).fit(X, unit * y).predict(asked) for unit in (1.0, 20.0)]
    np.testing.assert_allclose(said[0], said[1], atol=1e-5)
    plain = spec.build(spec.params(), context()).fit(X, np.ones_like(y)).predict(asked)
    known = np.isfinite(plain)
    assert np.abs(said[0][known] - plain[known]).max() > 0.01


def test_slim_agrees_with_the_elastic_net_of_scikit_learn():
    from sklearn.linear_model import ElasticNet as Single

    found = ElasticNet(alpha=0.05, l1_ratio=0.3, sweeps=500, tolerance=1e-7)(matrix()).toarray()
    # Averaged over users who did anything.
    dense = matrix().toarray().astype(float)[: USERS - 1]
    for item in (0, 11, ITEMS - 2):
        left = dense.copy()
        left[:, item] = 0
        single = Single(alpha=0.05, l1_ratio=0.3, positive=True, fit_intercept=False, tol=1e-10, max_iter=10_000)
        np.testing.assert_allclose(found[:, item], single.fit(left, dense[:, item]).coef_, atol=1e-4)


def test_singular_vectors_restore_a_history_as_a_full_decomposition_does():
    X, y = interactions()
    dense = matrix_of(X, y, context()).toarray().astype(float)
    right = np.linalg.svd(dense)[2][:5]
    scores = SingularVectors(5, context()).fit(X, y).predict(asking(X))
    np.testing.assert_allclose(scores[:-1, :-1], (dense @ right.T @ right)[:-1, :-1], atol=1e-4)


def test_neighbours_of_users_agree_with_brute_force_and_a_user_is_no_neighbour_of_itself():
    X, y = interactions()
    dense = matrix_of(X, y, context()).toarray().astype(float)
    lengths = np.linalg.norm(dense, axis=1)
    alike = dense @ dense.T / np.maximum(np.outer(lengths, lengths) + 2.0, 1e-12)
    np.fill_diagonal(alike, 0)
    scores = UserNeighbours(USERS, 2.0, context()).fit(X, y).predict(asking(X))
    expected = (alike @ dense)[:-1, :-1]
    np.testing.assert_allclose(np.where(np.isfinite(scores), scores, 0)[:-1, :-1], expected, rtol=1e-4)


def test_ials_solves_for_a_user_by_the_published_equation():
    X, y = interactions()
    model = built("ials", factors=8, alpha=4.0, regularization=0.2).fit(X, y)
    items, history = model.model.item_factors.astype(float), asking(X, [7]).history.toarray()[0]
    confidence = np.where(history > 0, 4.0, 1.0)
    left = items.T @ (confidence[:, None] * items) + 0.2 * len(X) / np.sqrt((USERS - 1) * (ITEMS - 1)) * np.eye(8)
    user = np.linalg.solve(left, items.T @ (confidence * (history > 0)))
    np.testing.assert_allclose(model.predict(asking(X, [7]))[0, :-1], (items @ user)[:-1], atol=1e-4)


def test_bpr_adds_the_logarithm_of_popularity_to_its_scores():
    X, y = interactions()
    with_, without = (
        PairwiseRanking(8, 5, 0.01, 0.01, power, context()).fit(X, y).predict(asking(X))[0, :-1] for power in (1.0, 0.0)
    )
    counts = np.bincount(X["item"], minlength=ITEMS)[:-1]
    np.testing.assert_allclose(with_ - without, np.log(counts), atol=1e-4)


def test_steps_by_hand():
    X = pd.DataFrame({"user": [0, 1, 0, 1, 0], "item": [0, 1, 1, 2, 2]})
    made = context(2, 4)
    model = Transitions(steps=2, decay=0.5, prior=2.0, context=made).fit(X, np.ones(5))
    assert model.counts.toarray().tolist() == [[0, 1, 0.5, 0], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    # The last item in full and the one before it by half; the first of three is too far away.
    asked = pd.DataFrame({"user": [0, 0, 0], "item": [2, 0, 1]})
    shares = np.array([0.2, 0.4, 0.4])
    expected = (np.array([0, 0, 2]) + 2 * shares) / 4 + 0.5 * (np.array([0, 1, 0.5]) + 2 * shares) / 3.5
    scores = model.predict(asking(asked, [0], 4))[0]
    np.testing.assert_allclose(scores[:3], expected, rtol=1e-5)
    assert scores[3] == -np.inf


def test_a_fusion_adds_places_that_what_a_user_had_does_not_take():
    class Says:
        def __init__(self, *scores):
            self.scores = np.array([scores])

        def fit(self, X, y):
            return self

        def predict(self, X):
            return self.scores

    X = pd.DataFrame({"user": [0], "item": [0]})
    fused = RankFusion([Says(9.0, 3.0, 2.0, 1.0), Says(-np.inf, 1.0, -np.inf, 5.0)], 10.0)
    scores = fused.predict(asking(X, [0], 4))[0]
    np.testing.assert_allclose(scores[1:], [1 / 11 + 1 / 12, 1 / 12, 1 / 13 + 1 / 11], rtol=1e-5)


@pytest.mark.parametrize("name", ["ease", "slim"])
def test_too_many_items_are_refused_with_what_to_do_instead(name):
    X, y = interactions()
    with pytest.raises(ModelError, match=r"40 items by 40 take .* item_knn or ials"):
        built(name, most_items=ITEMS - 1).fit(X, y)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("item_knn", {"neighbours": 0}, "neighbours must be above 0"),
        ("user_knn", {"shrink": -1.0}, "shrink must be 0 or more"),
        ("rp3beta", {"beta": -0.1}, "beta must be 0 or more"),
        ("pure_svd", {"factors": 0}, "factors must be above 0"),
        ("ease", {"penalty": 0.0}, "penalty must be above 0"),
        ("slim", {"l1_ratio": 1.5}, "l1_ratio must be 1 at most"),
        ("ials", {"alpha": 0.0}, "alpha must be above 0"),
        ("bpr", {"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ("item_markov", {"decay": 1.5}, "decay must be 1 at most"),
        ("recent_popularity", {"window": 0.0}, "window must be above 0"),
        ("decayed_popularity", {"half_life": 0.0}, "half_life must be above 0"),
        ("rank_fusion", {"constant": 0.0}, "constant must be above 0"),
    ],
)
def test_parameters_that_make_no_model_are_refused_by_name(name, params, said):
    with pytest.raises(ValueError, match=said):
        registry.model(name).params(**params)


def test_models_that_go_by_time_are_in_no_line_up_without_it():
    from bench.types import Dataset

    X, y = interactions()
    data = Dataset(name="d", X=X, y=y, classes=(), time=X["time"].to_numpy(), recommending=context().recommending)
    for name in ("recent_popularity", "decayed_popularity", "item_markov"):
        unfit = registry.model(name).unfit_for
        assert unfit(data) == ""
        assert unfit(replace(data, time=None)) == "interactions have no time stamps"


@pytest.mark.parametrize("name", [name for name in ALL if registry.model(name).space is not None])
def test_every_point_of_a_space_makes_parameters(name):
    import optuna

    spec = registry.model(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        spec.params(**spec.space(study.ask()))


def test_repeated_pairs_are_added_and_weights_are_kept():
    X = pd.DataFrame({"user": [1, 0, 1], "item": [2, 0, 2]})
    found = matrix_of(X, np.array([1.0, 4.0, 2.5]), context(2, 3))
    assert isinstance(found, csr_array)
    assert found.toarray().tolist() == [[4, 0, 0], [0, 0, 3.5]]
