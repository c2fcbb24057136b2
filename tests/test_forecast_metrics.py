"""Metrics of forecasts against utilsforecast, against fev's definitions written as loops, and against worked values."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from bench import forecast_metrics, metrics
from bench.errors import ConfigError
from bench.panel import LEVELS, POINT, Held, quantile_column

SERIES, HORIZON, SEASON = 7, 6, 4


def panel(seed=0, levels=LEVELS):
    """Return training values of each series, what is held out, and forecasts whose points are no quantile."""
    generator = np.random.default_rng(seed)
    train = [generator.normal(50, 10, 20 + 3 * one) * 10.0**one for one in range(SERIES)]
    y = np.stack([generator.normal(50, 10, HORIZON) * 10.0**one for one in range(SERIES)])
    quantiles = np.sort(y[..., None] * (1 + generator.normal(0, 0.2, (SERIES, HORIZON, len(levels)))), axis=-1)
    predicted = np.concatenate([(y * 1.1)[..., None], quantiles], axis=-1)
    gaps = [series[SEASON:] - series[:-SEASON] for series in train]
    held = Held(
        y=y.ravel(),
        series=np.repeat(np.arange(SERIES), HORIZON),
        step=np.tile(np.arange(HORIZON) + 1, SERIES),
        scale=np.array([np.abs(one).mean() for one in gaps]),
        squared_scale=np.array([np.square(one).mean() for one in gaps]),
        levels=levels,
    )
    return train, held, predicted.reshape(SERIES * HORIZON, -1)


def frames(train, held, predicted):
    """Return the same as utilsforecast takes it."""
    names = [POINT, *map(quantile_column, held.levels)]
    test = pd.DataFrame({"unique_id": held.series, "ds": held.step + 100, "y": held.y})
    before = [pd.DataFrame({"unique_id": code, "ds": np.arange(len(one)), "y": one}) for code, one in enumerate(train)]
    return test.join(pd.DataFrame(predicted, columns=names)), pd.concat(before, ignore_index=True)


def test_scaled_errors_are_those_of_utilsforecast_from_the_training_part():
    train, held, predicted = panel()
    test, before = frames(train, held, predicted)
    quantiles = {POINT: [quantile_column(level) for level in LEVELS]}
    asked = {"seasonality": SEASON, "train_df": before}
    known = {
        "mase": losses.mase(test, [POINT], **asked),
        "rmsse": losses.rmsse(test, [POINT], **asked),
        "sql": losses.scaled_mqloss(test, quantiles, np.array(LEVELS), **asked).assign(point=lambda one: 2 * one.point),
    }
    for name, found in known.items():
        by_series = forecast_metrics.by_series(held, predicted, name)
        assert by_series == pytest.approx(found.sort_values("unique_id")[POINT].to_numpy(), rel=1e-9)
        assert metrics.scores([name], held, predicted)[name] == pytest.approx(found[POINT].mean(), rel=1e-9)
    bias = losses.bias(test, [POINT]).sort_values("unique_id")[POINT].to_numpy()
    assert forecast_metrics.by_series(held, predicted, "bias") == pytest.approx(bias / held.scale, rel=1e-9)


def test_all_metrics_agree_with_fevs_definitions():
    _, held, predicted = panel(seed=1)
    found = metrics.scores(["mase", "wape", "smape", "wql", "sql"], held, predicted)
    rows = list(zip(held.y, predicted.tolist(), held.scale[held.series], strict=True))
    errors, scaled, shares, losses_, scaled_losses = [], [], [], [], []
    for y, (point, *quantiles), scale in rows:
        errors.append(abs(y - point))
        scaled.append(abs(y - point) / scale)
        shares.append(2 * abs(y - point) / (abs(y) + abs(point)))
        own = [2 * abs((y - q) * ((y <= q) - level)) for level, q in zip(LEVELS, quantiles, strict=True)]
        losses_.append(math.fsum(own) / len(own))
        scaled_losses.append(losses_[-1] / scale)
    size = math.fsum(abs(y) for y, _, _ in rows)
    wanted = {
        "mase": math.fsum(scaled) / len(rows),
        "wape": math.fsum(errors) / size,
        "smape": math.fsum(shares) / len(rows) / 2,
        "wql": math.fsum(losses_) / size,
        "sql": math.fsum(scaled_losses) / len(rows),
    }
    assert found == pytest.approx(wanted, rel=1e-9)
    squares = [
        (y - point) ** 2 / held.squared_scale[s] for (y, (point, *_), _), s in zip(rows, held.series, strict=True)
    ]
    pooled = np.sqrt(np.square(forecast_metrics.by_series(held, predicted, "rmsse")).mean())
    assert pooled == pytest.approx(math.sqrt(math.fsum(squares) / len(rows)), rel=1e-9)


def test_the_loss_of_the_median_is_the_absolute_error():
    _, held, predicted = panel(levels=(0.5,))
    predicted[:, 1] = predicted[:, 0]
    assert forecast_metrics.sql(held, predicted) == pytest.approx(forecast_metrics.mase(held, predicted), rel=1e-12)
    assert forecast_metrics.wql(held, predicted) == pytest.approx(forecast_metrics.wape(held, predicted), rel=1e-12)


def two_series(**changes):
    """Return a window of two series with errors +1, +3 and -4 and intervals that hold two of the four values."""
    held = Held(
        y=np.array([10.0, 10.0, 20.0, 20.0]), series=np.array([0, 0, 1, 1]), step=np.array([1, 2, 1, 2]),
        scale=np.array([2.0, 4.0]), squared_scale=np.array([4.0, 16.0]), levels=(0.1, 0.9),
    )  # fmt: skip
    predicted = np.array([[11.0, 9.0, 13.0], [13.0, 12.0, 14.0], [16.0, 14.0, 18.0], [20.0, 18.0, 22.0]])
    return replace(held, **changes), predicted


def test_worked_values():
    held, predicted = two_series()
    found = metrics.scores(["mase", "rmsse", "wape", "coverage_80", "width_80", "bias"], held, predicted)
    assert found == pytest.approx(
        {
            "mase": (2 / 2 + 2 / 4) / 2,
            "rmsse": (math.sqrt(5 / 4) + math.sqrt(8 / 16)) / 2,
            "wape": 8 / 60,
            "coverage_80": 0.5,
            "width_80": (3 / 2 + 4 / 4) / 2,
            "bias": (2 / 2 - 2 / 4) / 2,
        }
    )


def test_series_without_a_scale_are_left_out_and_counted():
    for scale in (0.0, np.nan):
        held, predicted = two_series(scale=np.array([2.0, scale]))
        assert forecast_metrics.mase(held, predicted) == 1.0
        assert forecast_metrics.undefined(held) == 1
    held, predicted = two_series(scale=np.zeros(2), squared_scale=np.zeros(2))
    assert forecast_metrics.undefined(held) == 2
    names = ("wape", "mase", "rmsse", "sql", "width_80", "bias", "smape")
    assert list(metrics.scores(names, held, predicted)) == ["wape", "smape"]
    assert math.isnan(metrics.scores(["mase"], held, predicted)["mase"])


def test_values_that_were_not_observed_are_not_scored():
    held, predicted = two_series(y=np.array([10.0, np.nan, 20.0, np.nan]))
    kept = replace(held, y=held.y[::2], series=held.series[::2], step=held.step[::2])
    names = [name for name in metrics._METRICS if metrics.metric(name).prediction == "quantiles"]
    assert metrics.scores(names, held, predicted) == pytest.approx(metrics.scores(names, kept, predicted[::2]))
    assert forecast_metrics.undefined(replace(held, y=np.array([10.0, 10.0, np.nan, np.nan]))) == 1
    nothing = replace(held, y=np.full(4, np.nan))
    assert all(math.isnan(score) for score in metrics.scores(["mase"], nothing, predicted).values())


def test_shares_of_true_values_that_are_all_zero_are_undefined():
    held, predicted = two_series(y=np.zeros(4))
    assert list(metrics.scores(["mase", "wape", "wql", "smape"], held, predicted)) == ["mase", "smape"]
    assert forecast_metrics.smape(held, np.zeros((4, 3))) == 0


def test_an_interval_is_scored_only_where_its_ends_were_asked_for():
    _, held, predicted = panel(levels=(0.05, 0.5, 0.95))
    assert math.isnan(forecast_metrics.coverage_80(held, predicted))
    assert math.isnan(forecast_metrics.width_80(held, predicted))
    _, held, predicted = panel(levels=())
    assert list(metrics.scores(["mase", "sql", "wql", "coverage_80"], held, predicted)) == ["mase"]


def test_what_is_best_between_two_values_says_so_and_never_decides():
    assert metrics.metric("coverage_80").heading == "coverage of 80 % intervals (best 80)"
    assert metrics.metric("bias").heading == "scaled bias (best 0)"
    assert metrics.deciding("mase", "quantiles").heading == "MASE"
    with pytest.raises(ConfigError, match=r"'bias' is best at 0, so it cannot say"):
        metrics.deciding("bias", "quantiles")


def test_an_interval_that_explodes_shows_in_its_width_and_its_loss_and_not_in_the_point():
    _, held, predicted = panel()
    before = metrics.scores(["mase", "sql", "width_80"], held, predicted)
    predicted[:HORIZON, -1] = 1e13
    after = metrics.scores(["mase", "sql", "width_80"], held, predicted)
    assert after["mase"] == before["mase"]
    assert after["sql"] > 1e9
    assert after["width_80"] > 1e9


def test_scores_may_lack_what_is_undefined_and_nothing_else():
    assert metrics.required(("mase", "wql", "smape")) == ("mase",)
    assert metrics.required(("wql", "mase")) == ("wql",)
    assert metrics.required(("accuracy", "log_loss")) == ("accuracy", "log_loss")
