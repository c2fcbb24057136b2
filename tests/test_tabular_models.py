"""Models of tables that need more than a table: weights of their own, mined parameters, texts, parts held out."""

import os
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bench import config, plan, registry
from bench.answers import ask
from bench.encode import texts_of
from bench.errors import ZooError
from bench.models.boosted import HELD_OUT, LEAST_ROWS, EarlyStopped, boosted, held_out
from bench.models.tabular import flaml_zeroshot, lightgbm, minilm_lightgbm, tabicl
from bench.testing import MODEL_CHECKS, VALUE_CHECKS, ModelBench
from bench.testing.probabilities import it_beats_chance
from bench.testing.values import it_beats_the_mean
from bench.types import Context, ModelChoice
from bench.verbs.convert import convert
from bench.verbs.zoo import tend
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo
from tests.builders import dataset, table
from tests.test_conformance import rows_of

TINY = {
    "embed_dim": 16, "col_num_blocks": 1, "col_nhead": 2, "col_num_inds": 8, "row_num_blocks": 1, "row_nhead": 2,
    "row_num_cls": 2, "icl_num_blocks": 1, "icl_nhead": 2,
}  # fmt: skip


def context(prediction="probability", **changes):
    return replace(Context(seed=1, threads=1, zoo=None, features=None, prediction=prediction), **changes)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return a folder of tiny weights that say nothing sensible, but something else of every row."""
    from tabicl._model.tabicl import TabICL

    folder = tmp_path_factory.mktemp("tabicl")
    for kind, head in {"classifier": {"max_classes": 4}, "regressor": {"max_classes": 0, "num_quantiles": 9}}.items():
        torch.manual_seed(0)
        model = TabICL(**TINY, **head)
        for values in model.parameters():
            torch.nn.init.normal_(values, std=0.3)
        torch.save({"config": TINY | head, "state_dict": model.state_dict()}, folder / f"{kind}.ckpt")
        convert(folder / f"{kind}.ckpt", folder / "converted" / kind)
    return folder


@pytest.fixture
def zoo(weights, tmp_path):
    zoo = Zoo.open(tmp_path, lock_path=tmp_path / "zoo.lock")
    zoo.relock([f"dir:{weights / 'converted'}"], print)
    return Zoo.open(tmp_path, lock_path=tmp_path / "zoo.lock")


@pytest.fixture
def spec(weights):
    """Return TabICL with the tiny weights for its default."""
    here = f"dir:{weights / 'converted'}"
    params = make_dataclass("Params", [("weights", str, field(default=here))], bases=(tabicl.Params,))
    return replace(registry.model("tabicl"), params=params)


@pytest.mark.parametrize("kind", ["tabular_clf", "tabular_reg"])
def test_tabicl_does_what_every_model_does_whatever_its_weights(kind, spec, zoo):
    prediction = registry.task_type(kind).prediction
    one = context(prediction, zoo=zoo)
    X, y, X_new = rows_of(kind)
    bench = ModelBench(spec=spec, context=one, other_seed=replace(one, seed=2), X=X, y=y, X_new=X_new)
    checks = VALUE_CHECKS if prediction == "value" else MODEL_CHECKS
    # What a model has learned is in its weights, and these have learned nothing.
    for check in set(checks) - {it_beats_chance, it_beats_the_mean}:
        assert check(bench) in ("passed", "declared"), check.__name__
    assert len(np.unique(bench.said(bench.fitted(), X), axis=0)) > len(X) / 2


def test_tabicl_with_converted_weights_says_what_the_package_says_with_its_own_file(weights, spec, zoo):
    X, y, _ = rows_of("tabular_clf")
    model = spec.build(spec.params(), context(zoo=zoo)).fit(X, y)
    own = tabicl.Filled(tabicl.Split(seed=0))
    from tabicl import TabICLClassifier

    theirs = TabICLClassifier(
        model_path=weights / "classifier.ckpt", allow_auto_download=False, random_state=1, n_jobs=1
    ).fit(own.fit_transform(X), y)
    assert np.array_equal(model.predict_proba(X), theirs.predict_proba(own.transform(X)))


def test_tabicl_loads_no_weights_that_were_changed(weights, spec, zoo, tmp_path):
    X, y, _ = rows_of("tabular_clf")
    path = weights / "converted" / "classifier" / "model.safetensors"
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    try:
        with pytest.raises(ZooError, match="differs from the lock"):
            spec.build(spec.params(), context(zoo=zoo)).fit(X, y)
    finally:
        path.write_bytes(sound)


def test_tabicl_without_weights_is_unavailable_and_says_how_to_get_them(tmp_path):
    spec = registry.model("tabicl")
    params = spec.params(weights=f"dir:{tmp_path / 'nowhere'}")
    choice = ModelChoice(name="tabicl", spec=spec, params=params)
    why = plan.why_unavailable(choice, Zoo.open(tmp_path).missing)
    assert "zoo convert" in why
    assert f"zoo lock 'dir:{tmp_path / 'nowhere'}'" in why
    (tmp_path / "nowhere").mkdir()
    assert "is not in zoo.lock" in plan.why_unavailable(choice, Zoo.open(tmp_path).missing)


def test_a_checkpoint_that_would_run_code_is_not_converted(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"state_dict": Trap()}, tmp_path / "trap.ckpt")
    with pytest.raises(ZooError, match="nothing in it was run"):
        tend("convert", [str(tmp_path / "trap.ckpt"), str(tmp_path / "out")], tmp_path, False)
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "out").exists()


def test_a_bare_dictionary_of_tensors_is_converted_and_shared_memory_is_copied(tmp_path):
    from safetensors.torch import load_file

    tied = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": tied, "b": tied.T}, tmp_path / "plain.pth")
    assert tend("convert", [str(tmp_path / "plain.pth"), str(tmp_path / "out")], tmp_path, False) == 0
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(found["a"], tied)
    assert torch.equal(found["b"], tied.T)
    torch.save([tied], tmp_path / "list.pth")
    with pytest.raises(ZooError, match="tensors by name were expected"):
        convert(tmp_path / "list.pth", tmp_path / "other")


@pytest.mark.parametrize(
    ("learner", "shape", "theirs"),
    [
        # As suggest_hyperparams of FLAML 2.7.0 returns them for tables of these shapes.
        ("lgbm", (4000, 19, 2, 15 / 19), {"n_estimators": 141, "num_leaves": 139, "max_bin": 511}),
        ("lgbm", (43000, 9, 0, 6 / 9), {"n_estimators": 1009, "min_child_samples": 12, "max_bin": 127}),
        ("lgbm", (20000, 60, 9, 40 / 60), {"n_estimators": 573, "num_leaves": 16, "colsample_bytree": 1.0}),
        ("rf", (5000, 19, 2, 15 / 19), {"n_estimators": 501, "criterion": "entropy", "max_leaf_nodes": 1156}),
        ("extra_tree", (400, 10, 0, 1.0), {"n_estimators": 346, "criterion": "squared_error", "max_leaf_nodes": 1007}),
    ],
)
def test_mined_parameters_are_those_that_flaml_suggests(learner, shape, theirs):
    found = flaml_zeroshot.suggested(learner, shape)
    kind = context("probability" if shape[2] else "value")
    made = flaml_zeroshot.estimator(learner, found, shape[0], kind).get_params()
    assert {name: made[name] for name in theirs} == theirs


def test_a_table_smaller_than_all_that_was_mined_has_room_for_its_leaves():
    found = flaml_zeroshot.suggested("lgbm", (60, 6, 3, 0.5))
    assert found["min_child_samples"] > 30
    assert flaml_zeroshot.estimator("lgbm", found, 60, context()).min_child_samples == 6
    assert flaml_zeroshot.estimator("lgbm", found, 621, context()).min_child_samples == found["min_child_samples"]


def test_the_tasks_that_were_mined_are_named_and_none_of_ours_is_among_them():
    mined = {name.strip() for name in registry.model("flaml_zeroshot").trained_on.split(",")}
    assert {"adult", "car", "connect-4", "dilbert"} <= mined
    assert not mined & set(config.catalogued_data())


def test_catboost_writes_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = registry.model("catboost")
    X, y = table(60)
    spec.build(spec.params(iterations=5), context()).fit(X, y).predict_proba(X)
    assert list(tmp_path.iterdir()) == []


@dataclass
class Letters:
    """A frozen encoder: how often a text has each of four letters."""

    @property
    def key(self):
        return {"weights": "none"}

    def encode(self, items, advance):
        return np.array([[item.count(letter) for letter in "aeio"] for item in items], np.float32)


@pytest.fixture
def letters(tmp_path):
    """Return columns with the letters of texts, and the cache of their vectors."""
    features = FeatureCache(tmp_path / "features", "table")
    return minilm_lightgbm.Meaning(Letters(), features, components=2), features


def test_every_text_that_a_fold_asks_for_was_encoded_before_the_cells(letters):
    columns, features = letters
    X, _ = table(60)
    features(Letters(), texts_of(X))
    before = features.encoded
    columns.fit_transform(X.iloc[:40].reset_index(drop=True))
    columns.transform(X.iloc[40:].reset_index(drop=True))
    assert before == X["note"].nunique()
    assert features.encoded == before


def test_a_missing_text_is_a_gap_and_a_text_is_the_same_in_any_company(letters):
    columns, _ = letters
    X, _ = table(60)
    found = columns.fit_transform(X).filter(like="t3_")
    gone = X["note"].isna()
    assert 0 < gone.sum() < len(X)
    assert found[gone].isna().all(axis=None)
    assert found[~gone].notna().all(axis=None)
    alone = pd.concat([columns.transform(X.iloc[[row]]).filter(like="t3_") for row in range(len(X))])
    assert alone.equals(found)
    assert found[~gone].groupby(X["note"][~gone]).nunique().eq(1).all(axis=None)


def test_a_column_without_a_text_in_the_training_rows_is_left_out(letters):
    columns, _ = letters
    X, _ = table(60)
    empty = X.assign(note=pd.Series([None] * len(X), dtype="string"))
    assert columns.fit_transform(empty).filter(like="t3_").empty
    assert columns.transform(X).filter(like="t3_").empty


def test_a_model_of_texts_is_in_the_line_up_only_where_a_column_holds_text():
    X, y = table(60)
    spec = registry.model("minilm_lightgbm")
    choice = ModelChoice(name="minilm_lightgbm", spec=spec, params=spec.params())
    worded = dataset(X=X, y=y)
    bare = dataset(X=X.drop(columns="note"), y=y)
    from tests.test_plan import config as run_config

    assert plan.without_unfit((choice,), run_config(), worded) == ((choice,), [])
    kept, said = plan.without_unfit((choice,), run_config(), bare)
    assert kept == ()
    assert said == ["minilm_lightgbm is left out: no column holds text, so it would be plain lightgbm."]
    # Named, it stays, and its rows say why it cannot run.
    assert plan.without_unfit((choice,), run_config(models=(choice,)), bare) == ((choice,), [])
    assert plan.unfit(choice, bare) == "no column holds text, so it would be plain lightgbm"


def test_lightgbm_with_its_default_parameters_is_the_library_with_its_own():
    from lightgbm import LGBMClassifier

    made = lightgbm.build(lightgbm.Params(), context()).estimator
    ours, theirs = made.get_params(), LGBMClassifier().get_params()
    told = {"random_state", "n_jobs", "deterministic", "force_row_wise", "verbose"}
    extra = {name: value for name, value in ours.items() if name not in theirs and name not in told}
    assert {name for name in theirs if ours[name] != theirs[name]} <= told
    # Parameters of the library that its estimator does not list.
    assert extra == {"max_cat_threshold": 32, "cat_smooth": 10.0, "min_data_per_group": 100}


def boosting_rows(rows, noise=2.0):
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(rows, 5)), columns=list("abcde"))
    return X, (X["a"] + noise * generator.normal(size=rows) > 0).to_numpy().astype(int)


def test_early_stopping_fits_all_rows_with_fewer_rounds_and_helps_where_many_overfit():
    X, y = boosting_rows(LEAST_ROWS + 400)
    X_new, y_new = X[LEAST_ROWS:], y[LEAST_ROWS:]
    X, y = X[:LEAST_ROWS], y[:LEAST_ROWS]
    params = lightgbm.Params(n_estimators=500, early_stopping=20)
    stopped = lightgbm.build(params, context()).fit(X, y)
    plain = lightgbm.build(replace(params, early_stopping=0), context()).fit(X, y)
    rounds = stopped.estimator.estimator.n_estimators
    assert rounds < 200
    assert np.array_equal(
        ask(stopped, X_new, "probability"),
        ask(lightgbm.build(lightgbm.Params(n_estimators=rounds), context()).fit(X, y), X_new, "probability"),
    )

    def loss(model):
        return -np.log(np.asarray(model.predict_proba(X_new))[np.arange(len(y_new)), y_new]).mean()

    assert loss(stopped) < loss(plain)


def test_a_small_table_spares_no_rows_to_stop_by():
    X, y = boosting_rows(LEAST_ROWS - 1)
    stopped = EarlyStopped(boosted(context(), n_estimators=37), 5, seed=0).fit(X, y)
    assert stopped.estimator.n_estimators == 37


def test_rows_held_out_keep_proportions_and_leave_a_row_of_every_class():
    y = np.repeat([0, 1, 2], [500, 100, 1])
    held = held_out(y, len(y), 3)
    assert np.bincount(y[held], minlength=3).tolist() == [HELD_OUT * 500, HELD_OUT * 100, 0]
    assert np.array_equal(held, held_out(y, len(y), 3))
    assert not np.array_equal(held, held_out(y, len(y), 4))
    assert held_out(None, 500, 3).sum() == HELD_OUT * 500


def test_balanced_classes_raise_the_rare_one_and_mean_nothing_for_quantities():
    X, y = boosting_rows(LEAST_ROWS)
    rare = np.where(np.arange(LEAST_ROWS) % 8 == 0, y, 0)
    plain, balanced = (
        lightgbm.build(lightgbm.Params(class_weight=name, early_stopping=20), context()).fit(X, rare)
        for name in lightgbm.CLASS_WEIGHTS
    )
    assert balanced.predict_proba(X)[:, 1].mean() > 2 * plain.predict_proba(X)[:, 1].mean()
    one, two = (
        lightgbm.build(lightgbm.Params(class_weight=name), context("value")).fit(X, X["a"].to_numpy())
        for name in lightgbm.CLASS_WEIGHTS
    )
    assert np.array_equal(one.predict(X), two.predict(X))


def test_every_space_names_parameters_that_exist_and_build_a_model():
    import optuna

    X, y = table(60)
    for name in ("lightgbm", "catboost", "random_forest", "extra_trees"):
        spec = registry.model(name)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(3):
            found = spec.space(study.ask())
            assert set(found) <= {one.name for one in fields(spec.params)}
            small = {"n_estimators": 5} if "n_estimators" in found or hasattr(spec.params, "n_estimators") else {}
            small |= {"iterations": 5} if hasattr(spec.params, "iterations") else {}
            spec.build(spec.params(**{**found, **small}), context()).fit(X, y)


def test_the_file_with_mined_parameters_is_read_without_importing_the_package():
    import subprocess
    import sys

    code = (
        "import sys; from bench.models.tabular.flaml_zeroshot import suggested; "
        "suggested('lgbm', (100, 3, 2, 1.0)); print([m for m in ('flaml', 'xgboost', 'ray') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "[]"


def test_a_report_shows_the_first_of_many_data_sets_that_a_model_has_seen():
    from bench.report.pretraining import SHOWN_NAMES, some_names

    many = [f"set{number}" for number in range(SHOWN_NAMES + 3)]
    assert some_names(many) == "set0, set1, set2, set3, set4, set5 and 3 more"
    assert some_names(["clean"]) == "clean"


def test_a_forest_has_fewer_trees_on_many_rows_and_all_of_them_again_on_few():
    spec = registry.models()["random_forest"]
    model = spec.build(spec.params(n_estimators=20), context())
    X, y = table(60)
    many = np.arange(40_000) % len(y)
    for rows, trees in ((np.arange(len(y)), 20), (many, 10), (np.arange(len(y)), 20)):
        model.fit(X.iloc[rows].reset_index(drop=True), y[rows])
        assert len(model.estimator.estimator.estimators_) == trees


def test_texts_of_a_table_are_encoded_before_the_cells_and_a_table_without_any_gets_rows_that_say_so(
    tmp_path, shared_cache
):
    import csv
    import json
    import subprocess
    import sys

    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "BENCH_CACHE_DIR": str(shared_cache)}

    def run(name, X):
        X.assign(target=y).to_csv(tmp_path / f"{name}.csv", index=False)
        options = [f"data.path={name}.csv", "budget=toy", "budget.run_seconds=300", "model=[minilm_lightgbm]"]
        done = subprocess.run(
            [sys.executable, "-m", "bench", "task=tabular_clf", "executor=serial", *options],
            **{"cwd": tmp_path, "env": environment, "capture_output": True, "text": True},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        made = tmp_path / ".bench" / "results" / "tabular_clf" / name / "toy" / "minilm_lightgbm.csv"
        with made.open(encoding="utf-8", newline="") as file:
            return json.loads(made.with_suffix(".json").read_text())["about"], list(csv.DictReader(file))

    X, y = table(60)
    about, rows = run("worded", X)
    assert about["encoder"]["max_tokens"] == 128
    assert {row["status"] for row in rows} == {"ok"}
    about, rows = run("bare", X.drop(columns="note"))
    assert about["encoder"] == {}
    assert {(row["status"], row["reason"]) for row in rows} == {
        ("unavailable", "no column holds text, so it would be plain lightgbm")
    }
