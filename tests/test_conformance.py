"""Every registered model and task type does what all of them must do."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.config import CONF
from bench.panel import known_at_origin
from bench.ranking.asked import Ranking, Recommending
from bench.ranking.held import asking_of
from bench.testing import FORECAST_CHECKS, MODEL_CHECKS, RANKING_CHECKS, VALUE_CHECKS, ModelBench, check_task_type
from bench.types import Context, Dataset, Split
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo
from tests.builders import last_window, panel, table, texts

# A command learns anew whenever it is asked; see test_external.py.
MODELS = sorted(
    (name, kind)
    for name, spec in registry.models().items()
    # Weights that only a user can bring are tried with tiny ones, in tests of their own.
    if not spec.at_once and not any(getattr(spec.params(), one).startswith("dir:") for one in spec.zoo)
    for kind in spec.task_types
)


SIZES = (44, 38, 30, 26, 10)
CHECKS = {
    "probability": MODEL_CHECKS,
    "value": VALUE_CHECKS,
    "quantiles": FORECAST_CHECKS,
    "ranking": RANKING_CHECKS,
}


def rows_of(kind):
    """Return training rows, class codes, and rows to predict with values that the training rows lack."""
    if kind == "text_clf":
        X, labels = texts(60)
        new = ["tea leaf and cup", "words that were never seen", "", "the price of crude oil 2026 ☕"]
        return pd.Series(X), np.unique(labels, return_inverse=True)[1], pd.Series(new)
    if kind == "forecasting":
        return rows_of_a_panel()
    if kind == "recommendation":
        data, split = shop()
        fit = data.X.iloc[split.fitted].reset_index(drop=True)
        return fit, data.y[split.fitted], asking_of(data, split)
    X, y = table(60)
    new = X.iloc[:4].reset_index(drop=True).copy()
    new.loc[0, "city"] = "Atlantis"
    new.loc[1] = [np.nan, None, pd.NaT, None, np.nan, np.nan]
    new.loc[2, "size"] = 1e3
    if kind == "tabular_reg":
        return X, X["size"].fillna(0.0).to_numpy() * 3 + y, new
    return X, y, new


def rows_of_a_panel():
    """Return training rows, values and rows to forecast of long series, a negative, a constant and a short one."""
    data = panel(SIZES)
    window = last_window(data)
    y = data.y.copy()
    y[data.groups == 2] *= -1
    y[data.groups == 3] = 7.25
    new = known_at_origin(data, window.test)
    return data.X.iloc[window.train].reset_index(drop=True), y[window.train], new


def shop():
    """Return what 150 users of two tastes took up of 60 items with texts; one user is new, and one unknown to fits."""
    generator, users, items, each = np.random.default_rng(0), 150, 60, 8
    alike = (np.arange(users)[:, None] % 2) == (np.arange(items) % 2)
    odds = np.where(alike, 8.0, 1.0) / (np.arange(items) // 2 + 3)
    item = np.concatenate([generator.choice(items, each, replace=False, p=own / own.sum()) for own in odds])
    X = pd.DataFrame(
        {"user": np.repeat(np.arange(users), each), "item": item, "time": generator.permutation(len(item))}
    )
    X = X.sort_values("time", ignore_index=True).astype({"user": np.int32, "item": np.int32})
    words = ("tea leaf cup green", "oil crude barrel price")
    asked = Recommending(
        k=4,
        users=np.arange(users).astype(str),
        items=np.arange(items).astype(str),
        texts=tuple(f"{words[code % 2]} {code}" for code in range(items)),
        tags=("tea", "oil"),
        tagged=(np.arange(items)[:, None] % 2) == np.arange(2),
    )
    data = Dataset(
        name="shop",
        X=X,
        y=np.ones(len(X), np.float32),
        classes=(),
        time=X["time"].to_numpy(),
        recommending=asked,
        ranking=Ranking(k=4, split="held_out_users"),
    )
    rows, user = np.arange(len(X)), X["user"].to_numpy()
    test = np.flatnonzero((user == users - 1) | ((user % 5 == 0) & (rows > 0.8 * len(rows))))
    train = np.setdiff1d(rows, test)
    return data, Split(repeat=0, fold=0, train=train, test=test, fit=train[user[train] != 5])


@pytest.fixture(params=MODELS, ids="-".join)
def bench(request, tmp_path_factory, shared_cache, socket_enabled):
    name, kind = request.param
    spec = registry.model(name)
    zoo = Zoo.open(shared_cache)
    for name in spec.zoo:
        zoo.fetch(getattr(spec.params(), name), print)
    folder = tmp_path_factory.mktemp("features")
    prediction = registry.task_type(kind).prediction
    features = FeatureCache(folder, "conformance")
    asked = {
        "forecasting": panel(SIZES).forecasting if prediction == "quantiles" else None,
        "recommending": shop()[0].recommending if prediction == "ranking" else None,
    }
    context = Context(seed=1, threads=1, zoo=zoo, features=features, prediction=prediction, **asked)
    X, y, X_new = rows_of(kind)
    return ModelBench(spec=spec, context=context, other_seed=replace(context, seed=2), X=X, y=y, X_new=X_new)


def test_every_check_holds(bench):
    for check in CHECKS[bench.context.prediction]:
        assert check(bench) in ("passed", "declared"), check.__name__


@pytest.mark.parametrize("name", sorted(registry.task_types()))
def test_a_task_type_has_a_floor_a_reference_and_known_metrics(name):
    check_task_type(registry.task_type(name))
    assert (CONF / "task" / f"{name}.yaml").exists()
    assert (Path("tasks") / name / "README.md").exists()


def test_the_catalogue_is_imported_without_heavy_libraries():
    code = (
        "import sys; from bench import registry; registry.models(); registry.task_types(); "
        "print([m for m in ('torch', 'transformers', 'lightgbm', 'sklearn', 'matplotlib', 'timm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_random_token_vectors_change_with_the_seed():
    from bench.models.floor.random_encoder import Params, build

    X, labels = texts(60)
    y = np.unique(labels, return_inverse=True)[1]
    contexts = (Context(seed=seed, threads=1, zoo=None, features=None) for seed in (1, 2))
    one, two = (build(Params(), context).fit(X, y).predict_proba(["tea leaf and cup"]) for context in contexts)
    assert np.abs(one - two).max() > 0.001


def test_fitted_steps_see_training_rows_only():
    from bench.models.text.tfidf_svm import Params, build

    X, labels = texts(60)
    context = Context(seed=1, threads=1, zoo=None, features=None)
    model = build(Params(), context).fit(X, np.unique(labels, return_inverse=True)[1])
    before = model.predict_proba(["tea leaf cup"])
    model.predict_proba(["unheard", "unheard of words"] * 50)
    assert "unheard" not in model.transformer.vocabulary_
    assert (model.predict_proba(["tea leaf cup"]) == before).all()


def test_temperature_changes_no_ranking_and_lowers_the_loss():
    from sklearn.svm import LinearSVC

    from bench.models.parts import TemperatureScaled

    generator = np.random.default_rng(0)
    centres = generator.standard_normal((4, 10))
    y = generator.integers(0, 4, 600)
    X = centres[y] + 1.5 * generator.standard_normal((600, 10))
    model = TemperatureScaled(lambda: LinearSVC(random_state=0), 0).fit(X[:300], y[:300])
    p = model.predict_proba(X[300:])
    margins = model.classifier.decision_function(X[300:])
    assert (p.argmax(axis=1) == margins.argmax(axis=1)).all()

    def loss(scale):
        e = np.exp(scale * margins)
        return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(300), y[300:]]).mean()

    best = min(loss(scale) for scale in np.geomspace(0.1, 20, 60))
    assert loss(model.inverse_temperature) < best + 0.02 < loss(10.0)


def test_naive_bayes_ratios_agree_with_counts_by_hand():
    from scipy.sparse import csr_matrix

    from bench.models.text.nb_svm import NaiveBayesSVM, Params

    counts = np.array([3.0, 0.0, 1.0]), np.array([0.0, 2.0, 1.0])
    ratio = NaiveBayesSVM(Params(), 0)._log_count_ratio(*counts)
    assert ratio == pytest.approx(np.log([(4 / 7) / (1 / 6), (1 / 7) / (3 / 6), (2 / 7) / (2 / 6)]))
    X = csr_matrix(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]] * 5, float))
    y = np.array([0, 0, 1, 1] * 5)
    fitted = NaiveBayesSVM(Params(), 0).fit(X, y)
    assert ((fitted.decision_function(X) > 0) == y).all()
