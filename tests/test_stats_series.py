"""Series as the sample of a panel, kinds of series, and how stable forecasts are: worked values and known truths."""

from dataclasses import replace

import numpy as np
import pytest

from bench.stats.blocks import block_mean
from bench.stats.characters import INTERVAL, LENGTH, STRENGTH, characters, history_before, seasonal_strength, slices
from bench.stats.comparison import compare, paired, score_interval
from bench.stats.forecast_stability import Said, dispersion, revision, tail, worst_tenth
from bench.stats.front import front_of
from bench.stats.pairs import corrected_mean, detectable_difference, folds_needed
from bench.stats.skill import BOUNDS, raw_ratios
from bench.stats.table import ModelFacts, Scoring, scores_by_model
from tests.builders import record

SCORING = Scoring(
    metric="mase", sign=-1.0, is_share=False, reference="naive", floor="floor", margin=0.01, test_train_ratio=0.1,
    seed=0, scale=0.1,
)  # fmt: skip


def facts(errors, sample="series", **changes):
    """Return what is known of a model with such errors, shape (seeds, windows, series)."""
    seeds, windows, series = errors.shape
    values = {
        "role": "stable", "licence": "MIT", "weights_mb": 0.0, "cost": None, "by_item": -errors.reshape(seeds, -1),
        "groups": np.tile(np.arange(series), windows), "sample": sample,
    }  # fmt: skip
    return ModelFacts(**{**values, **changes})


def models(errors, **changes):
    """Return the scores of models by the errors of their series."""
    records = [
        replace(record(name, fold=fold, seed=seed), scores={"mase": float(one[seed, fold].mean())})
        for name, one in errors.items()
        for seed in range(one.shape[0])
        for fold in range(one.shape[1])
    ]
    known = {name: facts(one, **changes) for name, one in errors.items()}
    return {model.name: model for model in scores_by_model(records, known, SCORING)}


def drawn(generator, series=40, windows=4):
    """Return errors of two models; the second is better by 0.1 on average, by more or less on each series."""
    level = generator.gamma(4, 0.25, (1, 1, series))
    gain = 0.1 + 0.3 * generator.normal(size=(1, 1, series))
    noise = 0.02 * generator.normal(size=(2, 1, windows, series))
    return {"naive": level + noise[0], "theta": level - gain + noise[1]}


def test_intervals_of_a_panel_hold_for_other_series_where_those_over_windows_do_not():
    generator = np.random.default_rng(0)
    held, made = {"series": 0, "": 0}, models(drawn(generator))
    for _ in range(200):
        errors = drawn(generator)
        for sample in held:
            theta, naive = (
                replace(made[name], facts=facts(errors[name], sample), cells=-errors[name].mean(axis=2).T)
                for name in ("theta", "naive")
            )
            low, high = paired(theta, naive, 0.1).interval()
            held[sample] += low <= 0.1 <= high
    assert 0.90 <= held["series"] / 200 <= 0.99
    assert held[""] / 200 < 0.5


def test_means_of_a_panel_have_the_spread_of_its_series():
    errors = drawn(np.random.default_rng(1), series=200)
    found = models(errors)["naive"]
    mean = score_interval(found, 0.1)
    by_series = errors["naive"].mean(axis=(0, 1))
    assert mean.mean == pytest.approx(-by_series.mean())
    assert mean.scale == pytest.approx(by_series.std(ddof=1) / np.sqrt(200))
    assert mean.method == "t over series, and over seeds"


def test_a_comparison_and_the_front_say_that_series_were_drawn():
    errors = drawn(np.random.default_rng(2), series=120)
    found = models(errors)
    said = compare(found["theta"], found["naive"], "mase", 0.01, 0.1)
    assert said.method == "paired bootstrap over series"
    assert said.verdict == "better"
    assert said.difference == pytest.approx((errors["naive"] - errors["theta"]).mean())
    other = paired(found["naive"], found["theta"], 0.1)
    assert (other.mean, other.scale) == (-said.difference, paired(found["theta"], found["naive"], 0.1).scale)
    front = front_of(list(found.values()), SCORING)
    assert {one.model: one.p_best > 0.9 for one in front.members} == {"naive": False, "theta": True}
    assert front.members[0].score.method == "joint bootstrap over series, t over seeds"


def test_one_window_of_a_panel_is_judged_over_its_series_too():
    errors = drawn(np.random.default_rng(3), series=150, windows=1)
    found = models(errors, item_variance=0.01)
    assert compare(found["theta"], found["naive"], "mase", 0.01, 0.1).method == "paired bootstrap over series"


def test_a_model_whose_series_are_not_known_is_compared_over_windows():
    errors = drawn(np.random.default_rng(4))
    found = models(errors)
    blind = replace(found["theta"], facts=replace(found["theta"].facts, by_item=None, groups=None, sample=""))
    assert compare(blind, found["naive"], "mase", 0.01, 0.1).method == "corrected resampled t over folds"


def test_one_series_is_compared_over_its_windows_in_blocks():
    errors = drawn(np.random.default_rng(5), series=1, windows=12)
    for shared in (1, 3):
        found = models(errors, sample="", block=shared)
        said = compare(found["theta"], found["naive"], "mase", 0.01, 0.1)
        assert said.method == f"moving blocks of {max(2, shared)} windows, t"
        gaps = (errors["naive"] - errors["theta"]).mean(axis=0)[:, 0]
        wanted = block_mean(gaps, shared)
        assert (said.low, said.high) == pytest.approx(wanted.interval())
        assert said.difference == pytest.approx(gaps.mean())
        assert score_interval(found["naive"], 0.1).df == wanted.df
    few = models({name: one[:, :5] for name, one in errors.items()}, sample="", block=3)
    assert np.isnan(paired(few["theta"], few["naive"], 0.1).scale)


def test_windows_that_are_needed_to_tell_are_counted_with_what_they_share():
    errors = drawn(np.random.default_rng(8), series=1, windows=12)
    gaps = (errors["naive"] - errors["theta"]).mean(axis=0)[:, 0]
    alone, blocks = block_mean(gaps, length=1), block_mean(gaps, shared=3)
    assert folds_needed(alone, 0.05) == folds_needed(corrected_mean(gaps, 0.0), 0.05)
    # As many as there are find what they can find; counted in whole windows that are worth one each.
    assert 12 <= folds_needed(blocks, detectable_difference(blocks)) <= np.ceil(12 + blocks.per_fold)
    assert np.isinf(folds_needed(replace(blocks, scale=1.0), 0.05))


def test_equal_predictions_of_one_series_differ_by_nothing_and_equal_scores_by_a_window_at_most():
    level = np.random.default_rng(9).gamma(4, 0.25, (2, 4, 1))
    found = models({"naive": level, "theta": level}, sample="", block=1)
    for digests, scale in ((("x",) * 8, 0.0), (("",) * 8, SCORING.scale / 4)):
        one, other = (replace(found[name], digests=digests) for name in ("theta", "naive"))
        gap = paired(one, other, 0.1)
        assert (gap.mean, gap.scale) == (0.0, scale)
        said = compare(one, other, "mase", 0.01, 0.1)
        assert (said.verdict == "identical") == (scale == 0)
    few = [replace(one, folds=one.folds[:1], cells=one.cells[:1], digests=("x", "x")) for one in found.values()]
    assert paired(*few, 0.1).interval() == (0.0, 0.0)


def test_seasons_have_the_strength_that_their_variance_gives_them():
    generator = np.random.default_rng(6)
    sizes = np.full(150, 96)
    time = np.arange(96)
    for amplitude, wanted in ((0.0, 0.03), (1.0, 0.5), (2.0, 0.8)):
        wave = amplitude * np.sqrt(2) * np.sin(2 * np.pi * time / 12) + 0.1 * time
        y = (wave + generator.normal(size=(150, 96))).ravel()
        assert seasonal_strength(y, sizes, 12).mean() == pytest.approx(wanted, abs=0.04)
        assert seasonal_strength(1e9 + 1e-3 * y, sizes, 12) == pytest.approx(seasonal_strength(y, sizes, 12), abs=1e-3)


def test_strength_is_that_of_a_decomposition_with_the_variances_unbiased():
    from statsmodels.tsa.seasonal import seasonal_decompose

    generator = np.random.default_rng(7)
    for season in (4, 7, 12):
        y = np.sin(2 * np.pi * np.arange(90) / season) + generator.normal(0, 0.4, 90) + 0.02 * np.arange(90)
        found = seasonal_decompose(y, period=season)
        rest = found.resid[np.isfinite(found.resid)]
        both = (found.resid + found.seasonal)[np.isfinite(found.resid)]
        wanted = 1 - (np.square(rest - rest.mean()).sum() / (len(rest) - season)) / both.var(ddof=1)
        assert seasonal_strength(y, np.array([90]), season)[0] == pytest.approx(wanted, abs=0.01)


def test_what_has_no_season_and_what_is_too_short_has_no_strength():
    assert np.isnan(seasonal_strength(np.arange(20.0), np.array([20]), 1)).all()
    found = seasonal_strength(np.r_[np.arange(8.0), np.ones(40)], np.array([8, 40]), 4)
    assert np.isnan(found[0])
    assert found[1] == 0


def test_kinds_of_series_are_counted():
    y = np.r_[np.tile([0.0, 0.0, 3.0], 8), np.arange(1.0, 17.0), np.zeros(5)]
    groups = np.repeat([0, 1, 2], [24, 16, 5])
    found = characters(y, groups, 1)
    assert found[LENGTH].tolist() == [24, 16, 5]
    assert found[INTERVAL].tolist() == [3.0, 1.0, np.inf]
    made = slices({INTERVAL: found[INTERVAL], STRENGTH: found[STRENGTH]}, np.array([2.0, 1.0, np.nan]))
    assert [(one.label, one.series, one.error) for one in made] == [("up to 1.32", 1, 1.0), ("more than 1.32", 1, 2.0)]
    thirds = slices({LENGTH: np.arange(9.0)}, np.arange(9.0))
    assert [(one.label, one.series) for one in thirds] == [
        ("up to 2", 3),
        ("more than 2, up to 5", 3),
        ("more than 5", 3),
    ]


def test_history_ends_before_the_first_row_of_a_window():
    groups = np.repeat([0, 1, 2], [5, 4, 6])
    assert history_before(np.array([3, 4, 12, 13]), groups).tolist() == [0, 1, 2, 9, 10, 11]


def test_spread_over_windows_and_seeds_and_the_worst_of_both():
    found = dispersion(np.array([[1.0, 1.2], [0.8, 1.0], [3.0, 3.2]]))
    assert (found.worst_window, found.worst) == (2, pytest.approx(3.1))
    assert found.over_windows == pytest.approx(np.std([1.1, 0.9, 3.1], ddof=1))
    assert found.over_seeds == pytest.approx(np.sqrt(0.02))
    gone = dispersion(np.array([[np.nan, np.nan], [1.0, 1.2], [0.8, 1.0]]))
    assert (gone.worst_window, gone.worst) == (1, pytest.approx(1.1))
    assert gone.over_windows == pytest.approx(np.std([1.1, 0.9], ddof=1))
    alone = dispersion(np.array([[1.0]]))
    assert np.isnan(alone.over_windows)
    assert np.isnan(alone.over_seeds)
    assert worst_tenth(np.arange(1.0, 12.0)) == pytest.approx(10.5)
    assert worst_tenth(np.array([1.0, np.nan, 3.0])) == 3.0


def test_one_exploding_interval_is_seen_before_it_is_clipped():
    generator = np.random.default_rng(8)
    loss = generator.gamma(4, 0.2, (50, 2))
    loss[17, 1] = 1e13
    relative = raw_ratios(loss, loss[:, 0])[:, 1]
    found = tail(relative, BOUNDS[1])
    assert found.largest > 1e12
    assert (found.where, found.beyond) == (17, 1)
    assert found.percentile < 10


def said(rows, point, scale=2.0):
    rows = np.array(rows)
    return Said(rows=rows, series=rows // 10, point=np.array(point), scale=np.full(len(rows), scale))


def test_a_revision_is_what_changed_from_one_origin_to_the_next():
    windows = [said([0, 1, 10, 11], [1.0, 1.0, 5.0, 5.0]), said([1, 2, 11, 12], [2.0, 0.0, 9.0, 0.0])]
    found = revision(windows)
    assert found.value == pytest.approx((1 / 2 + 4 / 2) / 2)
    assert found.method == "t over series"
    assert not revision(windows[:1]).measured
    assert revision(windows[:1]).why.startswith("one window")
    apart = revision([windows[0], said([2, 3, 12, 13], [1.0] * 4)])
    assert apart.why.startswith("no step is forecast from two origins in a row")
    assert revision([windows[0], said([1, 11], [2.0, 9.0], np.nan)]).why == "no series has a scale"
