"""Predictions on the disk, and what is measured on them."""

import json

import numpy as np
import pytest

from bench.cell import run_cell
from bench.items import measure, read_items, write_items
from bench.predictions import Predictions, prediction_digest
from bench.stats.churn import label_churn
from tests.builders import cell, inputs
from tests.toy_models import toy


@pytest.fixture
def ran(tmp_path):
    """Three folds and two seeds of a model that depends on its seed."""
    choice = toy(way="depends on the seed")
    shared = inputs(tmp_path, [choice])
    shared.predictions.save_truth(shared.dataset, shared.splits)
    records = [run_cell(cell(choice, fold=fold, seed=seed), shared) for fold in range(3) for seed in range(2)]
    truth = shared.predictions.load_truth(shared.dataset.fingerprint)
    return shared, records, truth


def test_predictions_come_back_as_they_were_scored(ran):
    shared, records, truth = ran
    p = shared.predictions.load(records[0])
    assert prediction_digest(p) == records[0].digest
    rows = truth.tests[0, 0]
    assert np.mean(p.argmax(axis=1) == truth.y[rows]) == pytest.approx(records[0].scores["accuracy"])
    assert truth.classes == shared.dataset.classes
    assert truth.items[0] == shared.dataset.X[0]


def test_predictions_of_another_table_are_not_believed(ran):
    from dataclasses import replace

    shared, records, _ = ran
    assert shared.predictions.load(replace(records[0], digest="other")) is None
    assert shared.predictions.load_truth("other data") is None


def test_damaged_predictions_are_missing_ones(ran):
    shared, records, _ = ran
    path = shared.predictions.folder / "toy" / "0-0-0.npz"
    path.write_bytes(path.read_bytes()[:50])
    assert shared.predictions.load(records[0]) is None


def test_figures_agree_with_the_predictions_they_come_from(ran):
    shared, records, truth = ran
    found = measure(records, shared.predictions, truth, "toy", 0)
    by_seed = []
    for seed in range(2):
        labels = np.empty(len(truth.y), int)
        for record in (one for one in records if one.seed == seed):
            labels[truth.tests[0, record.fold]] = shared.predictions.load(record).argmax(axis=1)
        assert (found.right[0, seed] == (labels == truth.y)).all()
        by_seed.append(labels)
    assert found.churn[0] == pytest.approx(label_churn(np.stack(by_seed)).value)
    wrong = sum(number for _, _, number in found.confusion)
    assert wrong == pytest.approx(np.mean([(~bits).sum() for bits in found.right.values()]))
    losses = [record.scores["log_loss"] for record in records if record.seed == 0]
    assert found.log_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.log_loss_rescaled < found.log_loss
    assert found.curve[-1][1] == 1.0


def test_figures_survive_the_disk_and_belong_to_their_predictions_only(ran, tmp_path):
    shared, records, truth = ran
    found = measure(records, shared.predictions, truth, "toy", 0)
    path = tmp_path / "items.json"
    write_items(path, found)
    before = path.read_bytes()
    back = read_items(path, records)
    write_items(path, back)
    assert path.read_bytes() == before
    assert all((back.right[run] == found.right[run]).all() for run in found.right)
    assert read_items(path, records[:-1]) is None
    path.write_text(json.dumps({"digests": back.digests}))
    assert read_items(path, records) is None


def test_without_all_predictions_nothing_is_measured(ran):
    shared, records, truth = ran
    (shared.predictions.folder / "toy" / "0-2-1.npz").unlink()
    assert measure(records, shared.predictions, truth, "toy", 0) is None
    assert measure(records, Predictions(shared.predictions.folder / "elsewhere"), truth, "toy", 0) is None


def test_filled_cells_have_the_predictions_of_the_fitted_seed(ran):
    from dataclasses import replace

    shared, records, truth = ran
    fitted = [record for record in records if record.seed == 0]
    filled = [replace(record, seed=seed, origin="fill") for record in fitted for seed in (1, 2)]
    assert measure([*fitted, *filled], shared.predictions, truth, "toy", 0).churn == (0.0, 0.0, 0.0)


def test_seeds_that_a_cut_run_left_incomplete_say_nothing_and_spoil_nothing(ran):
    shared, records, truth = ran
    whole = [one for one in records if one.seed == 0]
    cut = measure([*whole, next(one for one in records if one.seed == 1)], shared.predictions, truth, "toy", 0)
    alone = measure(whole, shared.predictions, truth, "toy", 0)
    assert set(cut.right) == {(0, 0)}
    assert cut.calibration_error == alone.calibration_error
    assert np.isnan(cut.churn[0])
