import re

import numpy as np
import pytest

from bench.answers import ask, checked_probabilities, checked_values
from bench.cell import run_cell
from bench.errors import BenchError, ModelError
from bench.predictions import prediction_digest
from tests.builders import cell, dataset, inputs, values
from tests.toy_models import toy, toy_values


def outcome(tmp_path, way):
    choice = toy(way=way)
    return run_cell(cell(choice), inputs(tmp_path, [choice]))


def test_a_model_that_behaves_gets_a_scored_record(tmp_path):
    record = outcome(tmp_path, "well")
    assert record.status == "ok"
    assert record.scores["accuracy"] in (6 / 20, 7 / 20)
    assert (record.n_train, record.n_test) == (40, 20)
    assert record.digest
    assert record.fit_seconds >= 0


@pytest.mark.parametrize(
    ("way", "status", "said"),
    [
        ("raises", "failed", "RuntimeError: the model says no"),
        ("runs out of memory", "oom", "memory"),
        ("returns NaN", "invalid", "NaN or infinite probabilities for 1 of 20 rows"),
        ("returns too few rows", "invalid", r"shape \(19, 3\), not \(20, 3\)"),
        ("returns too few columns", "invalid", r"shape \(20, 2\), not \(20, 3\)"),
        ("does not sum to one", "invalid", "do not sum to one: 20 of 20 rows"),
        ("returns negative numbers", "invalid", "probabilities from -0.4"),
        ("goes online", "invalid", "reach 192.0.2.1 over the network"),
    ],
)
def test_a_misbehaving_model_becomes_a_record_with_a_reason(tmp_path, socket_enabled, way, status, said):
    record = outcome(tmp_path, way)
    assert record.status == status
    assert re.search(said, record.reason)
    assert "\n" not in record.reason
    assert record.scores == {}


def test_a_crash_leaves_its_traceback_in_the_logs(tmp_path):
    outcome(tmp_path, "raises")
    (log,) = (tmp_path / "logs").iterdir()
    assert "the model says no" in log.read_text()


def test_ctrl_c_is_not_a_failed_cell(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        outcome(tmp_path, "interrupts")


def test_a_class_that_the_training_part_lacks_gets_probability_zero():
    full = checked_probabilities([[0.4, 0.6]], np.array([0, 2]), 1, 4)
    assert full.tolist() == [[0.4, 0.0, 0.6, 0.0]]


def test_probabilities_above_one_are_refused():
    with pytest.raises(ModelError, match="from"):
        checked_probabilities([[1.2, -0.2]], np.array([0, 1]), 1, 2)


@pytest.mark.parametrize("classes", [[0, 0], [-1, 1], [0, 2]])
def test_columns_must_belong_to_different_classes_of_the_data(classes):
    with pytest.raises(ModelError, match="classes_ are"):
        checked_probabilities([[0.4, 0.6]], np.array(classes), 1, 2)


def test_a_metric_without_a_value_makes_the_row_invalid(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.metrics.scores", lambda names, y, p: dict.fromkeys(names, float("nan")))
    record = outcome(tmp_path, "well")
    assert record.status == "invalid"
    assert "The accuracy of its predictions is not a number" in record.reason


def test_the_digest_tells_predictions_apart_and_ignores_the_last_bits():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    assert prediction_digest(p) == prediction_digest(p + 1e-13)
    changed = p.copy()
    changed[7] = changed[7][[1, 2, 0]]
    assert prediction_digest(p) != prediction_digest(changed)


def test_another_seed_gives_another_model_and_the_same_seed_the_same(tmp_path):
    choice = toy(way="depends on the seed")
    shared = inputs(tmp_path, [choice], dataset(60))
    one, again, other = (run_cell(cell(choice, seed=seed), shared).digest for seed in (0, 0, 1))
    assert one == again
    assert one != other


def value_outcome(tmp_path, way):
    choice = toy_values(way=way)
    return run_cell(cell(choice), inputs(tmp_path, [choice], values()))


@pytest.mark.parametrize("way", ["well", "returns a column"])
def test_a_model_of_values_gets_a_scored_record(tmp_path, way):
    record = value_outcome(tmp_path, way)
    assert (record.status, record.reason) == ("ok", "")
    assert 0 < record.scores["mae"] < record.scores["rmse"] < 2
    assert 0.8 < record.scores["r2"] < 1
    assert len(record.digest) == 16


@pytest.mark.parametrize(
    ("way", "status", "said"),
    [
        ("raises", "failed", "RuntimeError: the model says no"),
        ("returns NaN", "invalid", "NaN or infinite values for 1 of 20 rows"),
        ("returns too few rows", "invalid", r"values of shape \(19,\), not \(20,\)"),
        ("returns text", "invalid", "values that are no numbers"),
    ],
)
def test_a_misbehaving_model_of_values_becomes_a_record_with_a_reason(tmp_path, way, status, said):
    record = value_outcome(tmp_path, way)
    assert record.status == status
    assert re.search(said, record.reason)
    assert record.scores == {}


def test_infinite_values_are_refused():
    with pytest.raises(ModelError, match="infinite values for 1 of 2"):
        checked_values([1.0, np.inf], 2)


def test_a_kind_of_prediction_that_nobody_makes_yet_is_named():
    with pytest.raises(BenchError, match="asked for a label"):
        ask(None, None, "label")


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_the_digest_of_values_ignores_the_last_bits_at_any_scale(scale):
    v = scale * np.random.default_rng(0).normal(10, 1, 50)
    assert prediction_digest(v) == prediction_digest(v * (1 + 1e-13))
    changed = v.copy()
    changed[7] *= 1.0001
    assert prediction_digest(v) != prediction_digest(changed)
    assert prediction_digest(np.array([0.0])) == prediction_digest(np.array([-0.0]))
