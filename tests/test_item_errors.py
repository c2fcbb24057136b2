"""What single predictions of values say, against predictions at hand and against resampling."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.cell import run_cell
from bench.item_errors import ErrorItems, score_by_item
from bench.items import measure, read_items, write_items
from bench.stats.bootstrap import item_variance
from bench.stats.churn import excess_churn, excess_value_churn, value_churn
from bench.types import Split
from tests.builders import cell, inputs, values
from tests.toy_models import toy_values


def ran(tmp_path, splits=None, **changes):
    choice = toy_values(way="depends on the seed")
    shared = inputs(tmp_path, [choice], values(90, **changes))
    shared = replace(shared, splits=tuple(splits)) if splits else shared
    shared.predictions.save_truth(shared.dataset, shared.splits)
    records = [run_cell(cell(choice, fold=one.fold, seed=seed), shared) for one in shared.splits for seed in range(2)]
    return shared, records, shared.predictions.load_truth(shared.dataset.fingerprint)


def one_split(n=90):
    return [Split(repeat=0, fold=0, train=np.arange(0, n, 2), test=np.arange(1, n, 2))]


def test_figures_of_folds_agree_with_the_predictions_they_come_from(tmp_path):
    shared, records, truth = ran(tmp_path)
    found = measure(records, shared.predictions, truth, "toy", 0)
    assert isinstance(found, ErrorItems)
    by_seed = np.empty((2, len(truth.y)))
    for record in records:
        by_seed[record.seed, truth.tests[0, record.fold]] = shared.predictions.load(record)
    y = shared.dataset.y
    assert found.churn[0] == pytest.approx(value_churn(by_seed, y).value)
    iqr = np.subtract(*np.quantile(y, (0.75, 0.25)))
    assert found.churn[0] == pytest.approx(np.abs(by_seed[0] - by_seed[1]).mean() / iqr)
    assert 0 < found.excess_churn[0] < 1
    assert found.errors is None
    folds = [np.abs(by_seed[:, truth.tests[0, k]] - y[truth.tests[0, k]]) for k in range(3)]
    assert found.item_variance["mae"] == pytest.approx(np.mean([item_variance(-errors) for errors in folds]))


def test_errors_of_one_split_are_kept_item_by_item(tmp_path):
    shared, records, truth = ran(tmp_path, one_split(), groups=np.arange(90) // 3)
    path = tmp_path / "items.json"
    found = measure(records, shared.predictions, truth, "toy", 0)
    write_items(path, found)
    back = read_items(path, records)
    assert back.errors == pytest.approx(found.errors, abs=found.errors.max() / 2**17)
    assert [-score.mean() for score in score_by_item(back.errors, "rmse")] == pytest.approx(
        [record.scores["rmse"] for record in records], rel=1e-4
    )
    assert (back.groups == found.groups).all()
    before = path.read_bytes()
    write_items(path, back)
    assert path.read_bytes() == before
    assert len(before) < 2500


def test_figures_of_other_predictions_or_damaged_ones_are_not_believed(tmp_path):
    shared, records, truth = ran(tmp_path, one_split())
    path = tmp_path / "items.json"
    write_items(path, measure(records, shared.predictions, truth, "toy", 0))
    assert read_items(path, records[:-1]) is None
    content = json.loads(path.read_text())
    for name in ("churn", "seeds", "item_variance"):
        path.write_text(json.dumps({one: value for one, value in content.items() if one != name}))
        assert read_items(path, records) is None
    path.write_text(json.dumps({**content, "errors": {"largest": 1.0, "steps": "7 abcd"}}))
    assert read_items(path, records) is None
    (shared.predictions.folder / "toy" / "0-0-1.npz").unlink()
    assert measure(records, shared.predictions, truth, "toy", 0) is None


def test_one_seed_has_no_churn_and_equal_seeds_have_none_either(tmp_path):
    shared, records, truth = ran(tmp_path)
    alone = [record for record in records if record.seed == 0]
    assert np.isnan(measure(alone, shared.predictions, truth, "toy", 0).churn[0])
    filled = [replace(record, seed=1, origin="fill") for record in alone]
    same = measure([*alone, *filled], shared.predictions, truth, "toy", 0)
    assert same.churn[0] == 0
    assert same.excess_churn == (0.0, 0.0, 0.0)


def test_items_average_to_the_score_and_spread_as_resampled_ones_do():
    generator = np.random.default_rng(0)
    errors = np.abs(generator.standard_t(8, (1, 400)))
    (scores,) = score_by_item(errors, "rmse")
    assert -scores.mean() == pytest.approx(np.sqrt((errors**2).mean()))
    drawn = errors[0, generator.integers(0, 400, (4000, 400))]
    assert scores.std(ddof=1) / 20 == pytest.approx(np.sqrt((drawn**2).mean(axis=1)).std(), rel=0.05)
    assert score_by_item(np.zeros((1, 5)), "rmse").tolist() == [[0.0] * 5]
    assert score_by_item(errors, "r2") is None


def test_excess_churn_of_zeros_and_ones_is_that_of_labels():
    generator = np.random.default_rng(0)
    labels, y = generator.integers(0, 2, (3, 200)), generator.integers(0, 2, 200)
    one, other = excess_churn(labels, y), excess_value_churn(labels.astype(float), y.astype(float))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_values_keep_all_their_digits(tmp_path):
    shared, records, truth = ran(tmp_path)
    far = shared.predictions.load(records[0]) + 1e9
    shared.predictions.save(cell(toy_values()), far)
    from bench.predictions import prediction_digest

    back = shared.predictions.load(replace(records[0], digest=prediction_digest(far)))
    assert (back == far).all()
    assert truth.items[0].startswith("width ")
