"""Pretrained forecasters: tiny checkpoints made here go the whole way from a locked folder to forecasts."""

import pickle
import shutil
import warnings
from dataclasses import field, make_dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm

from bench import plan, registry
from bench.answers import Asked, ask, checked
from bench.cell import run_cell
from bench.errors import ZooError
from bench.files import sha256_of
from bench.models.forecasting import timesfm as timesfm_model
from bench.models.quantile_levels import at_levels
from bench.panel import POINT, SERIES, TIME, Forecasting
from bench.testing import FORECAST_CHECKS, ModelBench
from bench.testing.forecasts import a_constant_is_forecast_as_it_is, it_beats_the_last_value
from bench.types import Context, ModelChoice
from bench.verbs.convert import convert
from bench.zoo.lock import read_lock
from bench.zoo.store import Zoo
from bench.zoo.torchvision_ops import declare_missing_operators
from tests.builders import cell, last_window, panel_inputs
from tests.builders import panel as known_panel
from tests.test_conformance import SIZES, rows_of

# Before anything imports transformers.
declare_missing_operators()

DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
ASKED = Forecasting(horizon=6, season=12, freq="MS", levels=(0.1, 0.25, 0.5, 0.9))
NAMES = ("fracast", "chronos_bolt", "chronos_2", "timesfm", "tirex")
FETCHED = ("chronos_bolt", "chronos_2", "timesfm", "tirex")
TIREX = {
    "model_config": {
        "input_patch_size": 8, "output_patch_size": 8, "quantiles": DECILES, "input_ff_dim": 16,
        "block_kwargs": {"embedding_dim": 16, "num_heads": 2, "num_blocks": 1},
    },
    "train_ctx_len": 64,
}  # fmt: skip


def shaken(model, std=0.2):
    """Return a network with weights that say nothing sensible, but something else of every series."""
    torch.manual_seed(0)
    for values in model.parameters():
        torch.nn.init.normal_(values, std=std)
    return model.eval()


def make_fracast(folder):
    import fracast

    shutil.copytree(Path(fracast.__file__).parent / "weights", folder)


def make_chronos_bolt(folder):
    from chronos.chronos_bolt import ChronosBoltModelForForecasting
    from transformers import T5Config

    own = {
        "context_length": 64, "prediction_length": 8, "input_patch_size": 8, "input_patch_stride": 8,
        "quantiles": DECILES, "use_reg_token": True,
    }  # fmt: skip
    config = T5Config(
        d_model=16, d_kv=8, d_ff=16, num_layers=1, num_decoder_layers=1, num_heads=2, vocab_size=2,
        decoder_start_token_id=0, chronos_config=own, chronos_pipeline_class="ChronosBoltPipeline",
    )  # fmt: skip
    shaken(ChronosBoltModelForForecasting(config)).save_pretrained(folder)


def make_chronos_2(folder):
    from chronos import Chronos2Model
    from chronos.chronos2 import Chronos2CoreConfig

    own = {
        "context_length": 64, "output_patch_size": 4, "input_patch_size": 4, "input_patch_stride": 4,
        "quantiles": [0.01, *DECILES, 0.99], "use_reg_token": True, "use_arcsinh": True, "max_output_patches": 4,
        "time_encoding_scale": 64,
    }  # fmt: skip
    config = Chronos2CoreConfig(
        d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, chronos_config=own,
        chronos_pipeline_class="Chronos2Pipeline",
    )  # fmt: skip
    shaken(Chronos2Model(config)).save_pretrained(folder)


def make_timesfm(folder):
    from safetensors.torch import save_file
    from timesfm.timesfm_2p5.timesfm_2p5_base import TimesFM_2p5_200M_Definition
    from timesfm.timesfm_2p5.timesfm_2p5_torch import TimesFM_2p5_200M_torch_module

    known = TimesFM_2p5_200M_Definition()
    block = {"hidden_dims": 16, "input_dims": 16}
    small = replace(
        known,
        input_patch_len=8,
        output_patch_len=16,
        output_quantile_len=32,
        tokenizer=replace(known.tokenizer, input_dims=16, hidden_dims=16, output_dims=16),
        stacked_transformers=replace(
            known.stacked_transformers,
            num_layers=2,
            transformer=replace(known.stacked_transformers.transformer, model_dims=16, hidden_dims=24, num_heads=2),
        ),
        output_projection_point=replace(known.output_projection_point, output_dims=160, **block),
        output_projection_quantiles=replace(known.output_projection_quantiles, output_dims=320, **block),
    )
    network = type("Small", (TimesFM_2p5_200M_torch_module,), {"config": small})()
    folder.mkdir()
    save_file(shaken(network).state_dict(), folder / "model.safetensors")


def make_tirex(folder):
    from tirex import TiRexZero

    model = shaken(TiRexZero(backend="torch", **TIREX))
    checkpoint = folder.with_name("tirex.ckpt")
    torch.save({"hyper_parameters": TIREX, "state_dict": model.state_dict()}, checkpoint)
    convert(checkpoint, folder)


@pytest.fixture(autouse=True)
def _one_thread():
    """Let small matrices not wait for threads that other work keeps busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Return a folder with a folder of weights for every model."""
    root = tmp_path_factory.mktemp("checkpoints")
    for name in NAMES:
        globals()[f"make_{name}"](root / name)
    return root


@pytest.fixture(scope="module")
def zoo(checkpoints, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    Zoo.open(cache, lock_path=cache / "zoo.lock").relock([f"dir:{checkpoints / name}" for name in NAMES], print)
    return Zoo.open(cache, lock_path=cache / "zoo.lock")


def params_of(name, checkpoints, **changes):
    if name == "timesfm":
        changes = {"context": 64, "batch_size": 4, **changes}
    return registry.model(name).params(weights=f"dir:{checkpoints / name}", **changes)


def built(name, checkpoints, zoo, asked=ASKED, **params):
    context = Context(seed=1, threads=1, zoo=zoo, features=None, prediction="quantiles", forecasting=asked)
    return registry.model(name).build(params_of(name, checkpoints, **params), context)


def panel(lengths=(40, 60, 23), horizon=6, seed=0):
    """Return a panel of seasonal series, its values, and the rows to forecast."""
    generator = np.random.default_rng(seed)
    past, values, future = [], [], []
    for number, length in enumerate(lengths):
        ds = pd.date_range("2010-01-01", periods=length + horizon, freq="MS")
        past.append(pd.DataFrame({SERIES: f"s{number}", TIME: ds[:length]}))
        future.append(pd.DataFrame({SERIES: f"s{number}", TIME: ds[length:]}))
        season = np.sin(np.arange(length) * np.pi / 6)
        values.append(100.0 * (number + 1) + 20 * season + generator.normal(0, 3, length))
    return pd.concat(past, ignore_index=True), np.concatenate(values), pd.concat(future, ignore_index=True)


def numbers(forecast):
    return forecast.sort_values([SERIES, TIME]).drop(columns=[SERIES, TIME]).to_numpy(np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_scores_locked_weights_and_counts_the_series_that_are_too_short_for_them(
    name, checkpoints, zoo, tmp_path
):
    data = known_panel((40, 30, 13))
    choice = ModelChoice(name=name, spec=registry.model(name), params=params_of(name, checkpoints))
    shared = replace(panel_inputs(tmp_path, [choice], data), zoo=zoo)
    record = run_cell(cell(choice), shared)
    assert record.status == "ok", record.reason
    assert np.isfinite(list(record.scores.values())).all()
    assert record.found["forecasts"]["fallbacks"] == (name == "fracast")
    unlocked = run_cell(cell(choice), replace(shared, zoo=Zoo.open(tmp_path)))
    assert unlocked.status == "failed"
    assert "is not in zoo.lock" in unlocked.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_forecaster_goes_from_a_locked_folder_to_sound_forecasts(name, checkpoints, zoo):
    X, y, future = panel()
    model = built(name, checkpoints, zoo).fit(X, y)
    answer = ask(model, future, "quantiles")
    sound = checked(answer, model, future, Asked(prediction="quantiles", forecasting=ASKED))
    assert sound.shape == (18, 5)
    assert np.array_equal(answer[POINT], answer["q0.5"])
    # Each series in its own place, and each step with a forecast of its own.
    assert len(np.unique(answer[POINT])) == 18


@pytest.mark.parametrize("name", FETCHED)
def test_a_pretrained_forecaster_does_what_every_forecaster_does_whatever_its_weights(name, checkpoints, zoo):
    spec = registry.model(name)
    small = {"weights": f"dir:{checkpoints / name}", "context": 64, "batch_size": 3}
    fields = [(key, type(value), field(default=value)) for key, value in small.items()]
    spec = replace(spec, params=make_dataclass("Params", fields, bases=(spec.params,)))
    X, y, X_new = rows_of("forecasting")
    asked = known_panel(SIZES).forecasting
    one = Context(seed=1, threads=1, zoo=zoo, features=None, prediction="quantiles", forecasting=asked)
    bench = ModelBench(spec=spec, context=one, other_seed=replace(one, seed=2), X=X, y=y, X_new=X_new)
    # What a model has learned is in its weights, and these have learned nothing.
    for check in set(FORECAST_CHECKS) - {it_beats_the_last_value, a_constant_is_forecast_as_it_is}:
        assert check(bench) in ("passed", "declared"), check.__name__


@pytest.mark.parametrize("name", FETCHED)
def test_a_forecast_depends_on_the_history_of_its_own_series_alone(name, checkpoints, zoo):
    X, y, future = panel()
    together = built(name, checkpoints, zoo).fit(X, y).predict(future)
    one_by_one = built(name, checkpoints, zoo, batch_size=1).fit(X, y)
    alone = pd.concat([one_by_one.predict(part) for _, part in future.groupby(SERIES)])
    backwards = one_by_one.predict(future.iloc[::-1])
    mine = X[SERIES] == "s2"
    only = built(name, checkpoints, zoo).fit(X[mine].reset_index(drop=True), y[mine])
    # TiRex computes its recurrence in bfloat16.
    near = 1e-2 if name == "tirex" else 1e-4
    assert np.allclose(numbers(together), numbers(alone), rtol=near)
    assert np.array_equal(numbers(alone), numbers(backwards))
    assert backwards[TIME].tolist() == future[TIME].tolist()[::-1]
    assert np.allclose(numbers(together)[-6:], numbers(only.predict(future[-6:])), rtol=near)


@pytest.mark.parametrize("name", FETCHED)
def test_a_pretrained_forecaster_goes_on_from_later_history(name, checkpoints, zoo):
    X, y, future = panel()
    early = (X.groupby(SERIES).cumcount(ascending=False) >= 5).to_numpy()
    went_on = built(name, checkpoints, zoo).fit(X[early].reset_index(drop=True), y[early])
    went_on.observe(X, y)
    assert np.array_equal(
        numbers(went_on.predict(future)), numbers(built(name, checkpoints, zoo).fit(X, y).predict(future))
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_forecaster_answers_for_the_steps_that_are_named_and_for_no_others(name, checkpoints, zoo):
    X, y, future = panel()
    model = built(name, checkpoints, zoo).fit(X, y)
    third = future.groupby(SERIES).nth(2).reset_index(drop=True)
    whole = model.predict(future).groupby(SERIES).nth(2).reset_index(drop=True)
    assert np.allclose(numbers(model.predict(third)), numbers(whole), rtol=1e-5)
    with pytest.raises(ValueError, match="not one of the 6 steps behind its history"):
        model.predict(X.groupby(SERIES).head(1).reset_index(drop=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_forecaster_answers_for_series_of_one_value_and_of_constants(name, checkpoints, zoo):
    X, _, future = panel(lengths=(1, 2, 30, 30))
    y = np.r_[5.0, 5.0, 7.0, np.zeros(30), np.full(30, -3.0)]
    model = built(name, checkpoints, zoo).fit(X, y)
    checked(model.predict(future), model, future, Asked(prediction="quantiles", forecasting=ASKED))


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_forecaster_travels_without_its_weights(name, checkpoints, zoo):
    X, y, future = panel()
    model = built(name, checkpoints, zoo).fit(X, y)
    packed = pickle.dumps(model)
    assert len(packed) < 20_000
    assert model.predict(future).equals(pickle.loads(packed).predict(future))


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_were_changed_are_not_loaded(name, checkpoints, zoo):
    path = checkpoints / name / "model.safetensors"
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    try:
        with pytest.raises(ZooError, match="differs from the lock"):
            built(name, checkpoints, zoo)
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize("name", FETCHED)
def test_a_pretrained_forecaster_without_weights_is_unavailable_and_says_how_to_get_them(name, tmp_path):
    spec = registry.model(name)
    params = spec.params(weights=f"dir:{tmp_path / 'nowhere'}")
    choice = ModelChoice(name=name, spec=spec, params=params)
    why = plan.why_unavailable(choice, Zoo.open(tmp_path).missing)
    assert "hf download" in why
    assert f"zoo lock 'dir:{tmp_path / 'nowhere'}'" in why
    missing = replace(choice, spec=replace(spec, libraries=("no-such-library",)))
    assert plan.why_unavailable(missing, Zoo.open(tmp_path).missing).endswith("pip install no-such-library")


def test_the_named_size_of_chronos_bolt_is_the_one_to_download(tmp_path):
    spec = registry.model("chronos_bolt")
    params = spec.params(weights=f"dir:{tmp_path / 'chronos-bolt-base'}")
    assert "amazon/chronos-bolt-base config.json model.safetensors" in spec.lacks(params)


def test_the_locked_weights_of_fracast_are_those_of_its_package(checkpoints):
    spec = registry.model("fracast")
    files = read_lock().addresses[spec.params().weights].files
    for name in ("config.json", "model.safetensors"):
        assert files[name].sha256 == sha256_of(checkpoints / "fracast" / name)


def test_fracast_forecasts_a_season_better_than_the_last_value_does(checkpoints, zoo):
    steps = np.arange(126)
    y = 100 + 20 * np.sin(steps * np.pi / 6)
    X = pd.DataFrame({SERIES: "s", TIME: pd.date_range("2010-01-01", periods=126, freq="MS")})
    asked = replace(ASKED, horizon=18)
    model = built("fracast", checkpoints, zoo, asked).fit(X[:108], y[:108])
    error = np.abs(model.predict(X[108:])[POINT] - y[108:]).mean()
    assert error < np.abs(y[107] - y[108:]).mean() / 2


def test_fracast_counts_series_that_are_too_short_for_it(checkpoints, zoo):
    X, y, future = panel(lengths=(7, 8, 30))
    model = built("fracast", checkpoints, zoo).fit(X, y)
    forecast = model.predict(future)
    assert model.fallbacks_ == 1
    assert (forecast[POINT][:6] == y[6]).all()
    assert (forecast["q0.9"][:6].diff()[1:] > 0).all()
    model.predict(future[6:])
    assert model.fallbacks_ == 0


def test_fracast_says_that_it_goes_on_from_its_own_medians(checkpoints, zoo):
    X, y, future = panel(lengths=(60,), horizon=60)
    model = built("fracast", checkpoints, zoo, replace(ASKED, horizon=60)).fit(X, y)
    with pytest.warns(UserWarning, match="Beyond 48 steps"):
        forecast = model.predict(future)
    assert np.isfinite(numbers(forecast)).all()


@pytest.mark.parametrize("name", ["chronos_bolt", "chronos_2"])
def test_a_checkpoint_says_here_what_its_package_says_of_it(name, checkpoints, zoo):
    from chronos import BaseChronosPipeline

    X, y, future = panel(lengths=(40,))
    pipeline = BaseChronosPipeline.from_pretrained(checkpoints / name)
    context = [torch.tensor(y, dtype=torch.float32)]
    theirs, _ = pipeline.predict_quantiles(context, prediction_length=6, quantile_levels=[0.1, 0.5, 0.9])
    ours = built(name, checkpoints, zoo).fit(X, y).predict(future)
    assert np.allclose(ours[["q0.1", "q0.5", "q0.9"]], np.asarray(theirs[0]).reshape(6, 3), rtol=1e-5)


def test_a_converted_tirex_says_what_its_package_says_of_its_own_file(checkpoints, zoo):
    from tirex import TiRexZero

    X, y, future = panel(lengths=(40,))
    theirs = TiRexZero.from_pretrained(str(checkpoints / "tirex.ckpt"), backend="torch", device="cpu").eval()
    quantiles, _ = theirs.forecast(torch.tensor(y, dtype=torch.float32), prediction_length=6)
    ours = built("tirex", checkpoints, zoo).fit(X, y).predict(future)
    assert np.allclose(ours[["q0.1", "q0.5", "q0.9"]], quantiles[0][:, [0, 4, 8]], rtol=1e-5)


def test_the_architecture_that_timesfm_reads_off_its_tensors_is_the_published_one():
    from timesfm.timesfm_2p5.timesfm_2p5_base import TimesFM_2p5_200M_Definition
    from timesfm.timesfm_2p5.timesfm_2p5_torch import TimesFM_2p5_200M_torch_module

    with torch.device("meta"):
        published = TimesFM_2p5_200M_torch_module()
    shapes = {name: tuple(values.shape) for name, values in published.state_dict().items()}
    assert timesfm_model.definition(shapes) == TimesFM_2p5_200M_Definition()


def test_only_chronos_2_reads_covariates_and_those_of_the_future_where_they_are_known(checkpoints, zoo):
    X, y, future = panel()
    generator = np.random.default_rng(1)
    asked = replace(ASKED, known=("price",), past=("visits", "kind"))
    X = X.assign(
        price=generator.normal(size=len(X)), visits=np.arange(len(X)), kind=generator.choice(["a", "b"], len(X))
    )
    future = future.assign(price=generator.normal(size=len(future)))
    dearer = future.assign(price=future["price"] + 3)
    model = built("chronos_2", checkpoints, zoo, asked).fit(X, y)
    assert not np.allclose(numbers(model.predict(future)), numbers(model.predict(dearer)))
    shuffled = future.sample(frac=1, random_state=0)
    assert np.allclose(numbers(model.predict(future)), numbers(model.predict(shuffled)), rtol=1e-4)
    busier = built("chronos_2", checkpoints, zoo, asked).fit(X.assign(visits=generator.normal(size=len(X))), y)
    assert not np.allclose(numbers(model.predict(future)), numbers(busier.predict(future)))
    blind = built("chronos_2", checkpoints, zoo, asked, covariates=False).fit(X, y)
    assert np.array_equal(numbers(blind.predict(future)), numbers(blind.predict(dearer)))


@pytest.mark.parametrize(("known", "changed", "reached"), [
    ((), "ahead", False), ((), "before", True), (("stock",), "ahead", True),
])  # fmt: skip
def test_a_planted_future_reaches_a_model_that_reads_columns_only_where_it_is_known(
    known, changed, reached, checkpoints, zoo, tmp_path
):
    data = known_panel((40, 30))
    asked = replace(data.forecasting, known=("quarter", *known), past=() if known else ("stock",))
    split = last_window(data)
    choice = ModelChoice(name="chronos_2", spec=registry.model("chronos_2"), params=params_of("chronos_2", checkpoints))

    def digest(values, place):
        seen = replace(data, X=data.X.assign(stock=values), forecasting=asked)
        record = run_cell(cell(choice), replace(panel_inputs(tmp_path / place, [choice], seen, split), zoo=zoo))
        assert record.status == "ok", record.reason
        return record.digest

    # Drawn apart from the target, and the values to forecast planted afterwards.
    drawn = np.random.default_rng(0).normal(size=len(data.y))
    planted = drawn.copy()
    rows = split.test if changed == "ahead" else split.train
    planted[rows] = data.y[rows]
    assert (digest(drawn, "drawn") != digest(planted, "planted")) is reached


def test_quantiles_between_two_levels_lie_on_a_line_and_beyond_them_on_a_normal_tail():
    given = norm(10, 2).ppf(DECILES)
    asked = (0.025, 0.1, 0.25, 0.5, 0.95)
    with pytest.warns(UserWarning, match="0.025, 0.95 are of a normal tail"):
        found = at_levels(given, DECILES, asked)
    assert found[[0, 4]] == pytest.approx(norm(10, 2).ppf([0.025, 0.95]), abs=1e-9)
    assert found[1] == given[0]
    assert found[2] == pytest.approx((given[1] + given[2]) / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(at_levels(given, DECILES, DECILES), given)


def test_steps_before_the_context_are_not_read_and_that_is_said(checkpoints, zoo):
    X, y, future = panel(lengths=(60, 20))
    model = built("chronos_bolt", checkpoints, zoo, context=24)
    with pytest.warns(UserWarning, match="Of 1 series only the last 24 steps"):
        model.fit(X, y)
    changed = y.copy()
    changed[:36] = 0
    with pytest.warns(UserWarning, match="last 24 steps"):
        other = built("chronos_bolt", checkpoints, zoo, context=24).fit(X, changed)
    assert np.array_equal(numbers(model.predict(future)), numbers(other.predict(future)))


def test_a_series_that_was_not_fitted_is_refused(checkpoints, zoo):
    X, y, future = panel()
    model = built("fracast", checkpoints, zoo).fit(X, y)
    with pytest.raises(ValueError, match="'strange' was not fitted"):
        model.predict(future.assign(**{SERIES: "strange"}))


@pytest.mark.parametrize(
    ("name", "exposed"), [("fracast", True), ("timesfm", True), ("chronos_bolt", False), ("tirex", False)]
)
def test_declared_corpora_tell_which_competition_sets_were_seen(name, exposed):
    seen = registry.model(name).trained_on.split(", ")
    assert {"m1_yearly", "m3_monthly", "tourism_quarterly"}.issubset(seen) == exposed
    assert ("m3_monthly" in seen) == exposed


@pytest.mark.parametrize("name", ["chronos_bolt", "chronos_2"])
def test_an_unknown_number_format_is_refused(name):
    with pytest.raises(ValueError, match="float32, bfloat16"):
        registry.model(name).params(dtype="float8")


@pytest.mark.parametrize("name", ["chronos_bolt", "chronos_2"])
def test_half_precision_forecasts_nearly_the_same(name, checkpoints, zoo):
    X, y, future = panel()
    full, half = (built(name, checkpoints, zoo, dtype=dtype).fit(X, y) for dtype in ("float32", "bfloat16"))
    one, two = numbers(full.predict(future)), numbers(half.predict(future))
    assert not np.array_equal(one, two)
    assert np.abs(one - two).max() < 0.1 * y.std()
