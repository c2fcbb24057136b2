import numpy as np
import pytest
from sklearn import metrics as reference

from bench import metrics
from bench.errors import ConfigError


@pytest.fixture
def prediction():
    generator = np.random.default_rng(0)
    return generator.integers(0, 4, 200), generator.dirichlet(np.ones(4), 200)


def test_scores_agree_with_scikit_learn(prediction):
    y, p = prediction
    got = metrics.scores(["accuracy", "macro_f1", "balanced_accuracy", "log_loss"], y, p)
    labels = p.argmax(axis=1)
    assert got["accuracy"] == pytest.approx(reference.accuracy_score(y, labels))
    assert got["macro_f1"] == pytest.approx(reference.f1_score(y, labels, average="macro"))
    assert got["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(y, labels))
    assert got["log_loss"] == pytest.approx(reference.log_loss(y, p, labels=range(4)))


def test_a_class_that_the_test_part_lacks_is_no_error():
    y, p = np.array([0, 0, 2]), np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    got = metrics.scores(["accuracy", "balanced_accuracy", "log_loss"], y, p)
    assert got["balanced_accuracy"] == pytest.approx((0.5 + 1) / 2)
    assert np.isfinite(got["log_loss"])


def test_a_wrong_certainty_costs_a_finite_loss():
    assert metrics.log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(34.54, abs=0.01)


def test_an_unknown_metric_is_named_with_its_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'accuracy'"):
        metrics.metric("acuracy")


@pytest.mark.parametrize("constant", [False, True])
def test_scores_of_values_agree_with_scikit_learn(constant):
    generator = np.random.default_rng(0)
    y = np.full(50, 3.0) if constant else generator.normal(100, 20, 50)
    predicted = y + generator.normal(0, 5, 50)
    got = metrics.scores(["rmse", "mae", "r2"], y, predicted)
    assert got["rmse"] == pytest.approx(reference.root_mean_squared_error(y, predicted))
    assert got["mae"] == pytest.approx(reference.mean_absolute_error(y, predicted))
    assert got["r2"] == pytest.approx(reference.r2_score(y, predicted))
    assert metrics.r2(y, y) == reference.r2_score(y, y) == 1.0


def test_one_row_has_no_share_of_variance():
    assert np.isnan(metrics.r2(np.array([1.0]), np.array([1.0])))


def test_a_metric_of_another_kind_of_prediction_is_refused():
    assert metrics.metric("rmse", "value").name == "rmse"
    with pytest.raises(
        ConfigError, match=r"'accuracy' scores a probability, and the task predicts a value\..*rmse, mae"
    ):
        metrics.metric("accuracy", "value")
    with pytest.raises(ConfigError, match="'rmse' scores a value"):
        metrics.metric("rmse", "probability")
