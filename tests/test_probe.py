"""Cost and robustness, measured in processes of their own on real models."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench import probe as probing
from bench import registry
from bench.agenda import LOST
from bench.footprint import packages_beyond, peak_mb
from bench.measure import probe_models, worth_measuring
from bench.panel import held_of
from bench.probe import ProbeRequest, probe
from bench.results import Store, read_measured, write_measured
from bench.types import Cost, ModelChoice, Robustness
from tasks.text_clf import text_clf
from tasks.text_clf.perturb import perturbed
from tests.builders import dataset, inputs, last_window, panel, panel_inputs, record, task
from tests.toy_forecasters import toy_forecaster
from tests.toy_models import toy


@pytest.fixture(autouse=True)
def _sockets(socket_enabled):
    """Worker processes are fed over Unix sockets."""


def shared(tmp_path, *choices):
    made = inputs(tmp_path, choices, dataset(120))
    return replace(made, task=task(reference=choices[0].name))


def registered(name):
    spec = registry.model(name)
    return ModelChoice(name=name, spec=spec, params=spec.params())


def test_a_probe_measures_cost_and_robustness_of_a_real_model(tmp_path):
    store = Store.open(tmp_path, "machine", task(), "toy", "quick")
    failed = probe_models(
        ["tfidf_svm"], store, {"tfidf_svm": "k" * 64}, shared(tmp_path, registered("tfidf_svm")), 30, 120
    )
    assert failed == {}
    cost = read_measured(store.cost("tfidf_svm"), "k" * 64, Cost)
    assert 0 < cost.latency_p50_ms <= cost.latency_p95_ms
    assert 0 < cost.throughput_1 < cost.throughput_1000
    assert cost.cold_start_seconds > 0
    assert cost.peak_mb > 50
    assert 0 < cost.artefact_mb < 1
    assert cost.packages == 0
    robustness = read_measured(store.robustness("tfidf_svm"), "k" * 64, Robustness)
    assert robustness.items == 30
    assert set(robustness.perturbed) == {"typos", "case", "whitespace", "punctuation"}
    # TF-IDF lowers the case and splits at anything that is no letter.
    assert robustness.perturbed["case"] == (robustness.clean, 0.0)
    assert robustness.perturbed["whitespace"] == (robustness.clean, 0.0)
    assert robustness.order == pytest.approx(0, abs=1e-6)


def test_a_model_that_fails_its_probe_is_named_and_the_others_are_measured(tmp_path):
    good, bad = toy("good"), toy("bad", "raises")
    store = Store.open(tmp_path, "machine", task(), "toy", "quick")
    keys = {"good": "g" * 64, "bad": "b" * 64}
    failed = probe_models(["bad", "good"], store, keys, shared(tmp_path, good, bad), 20, 120)
    assert failed == {"bad": "RuntimeError: the model says no"}
    assert read_measured(store.cost("good"), "g" * 64, Cost) is not None
    assert read_measured(store.cost("bad"), "b" * 64, Cost) is None


@pytest.mark.parametrize(
    ("way", "order", "batch"),
    [
        ("well", [0, 0, 0], [0, 0, 0]),
        ("looks aside", [0, 0, 0], [2, 2, 2]),
        ("follows the order", [17, 5, 17], [0, 6, 12]),
    ],
)
def test_what_a_forecast_owes_to_its_company_is_measured_on_the_scale_of_its_series(tmp_path, way, order, batch):
    data = panel()
    large = replace(data, y=np.where(data.groups == 0, 1e6 * data.y, data.y))
    choice, window = toy_forecaster(way=way), last_window(data)
    request = ProbeRequest(model="toy", rows=window.test, perturbed={}, core=())
    _, found = probe(request, panel_inputs(tmp_path, [choice], large, window))
    scale = held_of(large, window.train, window.test).scale
    assert (found.items, scale[0] > 1e6 > 10 > scale[1:].max()) == (3, True)
    # What a change of places does to each of the series: the large one would hide what happens to the others.
    assert found.order == pytest.approx((order / scale).max())
    assert found.batch == pytest.approx((batch / scale).max())


@pytest.mark.parametrize(("seconds", "models"), [(10.0, 6), (0.0, 4)])
def test_each_series_is_fitted_once_for_its_timing_and_fewer_are_where_fits_take_long(
    tmp_path, monkeypatch, seconds, models
):
    choice, window, built = toy_forecaster(way="observes"), last_window(panel()), []

    def build(params, context):
        built.append(params)
        return choice.spec.build(params, context)

    monkeypatch.setattr(probing, "FITTING_SECONDS", seconds)
    counted = replace(choice, spec=replace(choice.spec, build=build))
    request = ProbeRequest(model="toy", rows=window.test, perturbed={}, core=())
    cost, _ = probe(request, panel_inputs(tmp_path, [counted], panel(), window))
    # The cold start, the fit of the window, single series of the three, and all three together.
    assert len(built) == models
    assert min(cost.latency_p50_ms, cost.throughput_1, cost.throughput_32, cost.throughput_1000) > 0


def test_measured_figures_belong_to_one_key(tmp_path):
    found = Robustness(items=10, clean=0.9, perturbed={"typos": (0.8, 0.1)}, order=0.0, batch=math.nan)
    write_measured(tmp_path / "m.json", "k" * 64, found)
    back = read_measured(tmp_path / "m.json", "k" * 64, Robustness)
    assert back.perturbed == found.perturbed
    assert math.isnan(back.batch)
    assert read_measured(tmp_path / "m.json", "x" * 64, Robustness) is None
    (tmp_path / "m.json").write_text("{")
    assert read_measured(tmp_path / "m.json", "k" * 64, Robustness) is None


def test_a_change_of_a_text_depends_on_that_text_and_the_seed_alone():
    texts = pd.Series(["the price of crude oil rose again", "tin and tea prices were steady"])
    both, one = perturbed(texts, 1), perturbed(texts[:1], 1)
    assert all(both[kind][0] == one[kind][0] for kind in both)
    assert perturbed(texts, 2)["typos"].tolist() != both["typos"].tolist()
    assert all((changed != texts).all() for changed in text_clf.perturbed(texts, 0).values())


def test_packages_are_counted_beyond_those_of_the_reference():
    count, size = packages_beyond(["scikit-learn", "transformers"], ["scikit-learn"])
    assert count > 3
    assert size > 10
    assert packages_beyond(["numpy"], ["scikit-learn"]) == (0, 0.0)
    assert peak_mb() > 20


def test_costs_are_of_models_that_have_a_score_and_had_time_for_all_of_their_cells():
    rows = [
        *(record("whole"), record("late"), record("lost"), record("broken", status="failed", reason="no")),
        record("late", fold=1, status="skipped", reason="Not reached within 600 s."),
        record("lost", fold=1, status="skipped", reason=f"{LOST} after 5 folds."),
    ]
    assert worth_measuring(rows) == {"whole", "lost"}
