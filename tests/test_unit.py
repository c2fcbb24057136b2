"""How scores, differences and spreads are printed."""

import math

import pytest

from bench.report.units import unit_of
from bench.report.wording import score_estimate, size_estimate
from bench.stats.estimate import Estimate
from bench.stats.unit import POINTS, Unit
from tests.builders import task, value_task

RMSE = Unit.own("RMSE", -1.0, 4.4837)


def test_an_error_comes_out_as_an_error():
    assert RMSE.score(-4.4837) == "4.484"
    assert RMSE.scores(-4.6, -4.4) == "4.400 to 4.600"
    assert RMSE.change(0.3) == "-0.300"
    assert RMSE.changes(-0.1, 0.3) == "-0.300 to +0.100"
    assert RMSE.changes(0.0, 0.3) == "-0.300 to +0.000"
    assert RMSE.amount(0.3) == "0.300 RMSE"
    assert (RMSE.best, RMSE.worst) == ("lowest", "highest")
    assert RMSE.axis(-4.5) == -4.5


def test_a_share_is_printed_in_points():
    assert POINTS.scores(0.9, 0.95) == "90.00 to 95.00"
    assert POINTS.changes(-0.01, 0.02) == "-1.00 to +2.00"
    assert POINTS.amount(0.091, 1) == "9.1 points"
    assert POINTS.margin(0.01) == "1"


@pytest.mark.parametrize("unit", [POINTS, RMSE])
def test_what_is_not_known_is_a_question_mark(unit):
    nan = math.nan
    said = (unit.score(nan), unit.scores(nan, nan), unit.size(nan), unit.change(nan), unit.changes(nan, nan))
    assert set(said) == {"?"}
    assert unit.score(-math.inf) == "?"


@pytest.mark.parametrize(
    ("typical", "score", "size"),
    [(532.26, "532", "1.2"), (4.4837, "4", "1.235"), (15230.0, "15230", "1"), (0.0214, "0.02140", "1.23457")],
)
def test_decimals_follow_from_the_reference(typical, score, size):
    unit = Unit.own("RMSE", -1.0, typical)
    assert unit.score(-typical).startswith(score)
    assert unit.size(1.234567) == size


@pytest.mark.parametrize("typical", [math.nan, 0.0, -3.0, math.inf])
def test_a_reference_without_a_size_is_no_crash(typical):
    assert Unit.own("RMSE", -1.0, typical).score(-1.0) == "1.000"


def test_metrics_have_their_units():
    assert unit_of("roc_auc", 0.9).plain(0.9) == "90.00"
    assert unit_of("r2", 0.9).plain(0.9) == "0.900"
    assert unit_of("log_loss", 0.9).plain(0.123456) == "0.1235"
    assert unit_of("mae", 88.0).reach(-88.0) == "have an MAE of at most 88.00"


def test_intervals_of_estimates_run_from_small_to_large():
    found = Estimate(value=-4.5, low=-4.7, high=-4.4, method="")
    assert score_estimate(found, RMSE) == "4.500 (4.400 to 4.700)"
    assert size_estimate(Estimate(value=0.1, low=0.05, high=0.2, method=""), RMSE) == "0.100 (0.050 to 0.200)"
    assert score_estimate(Estimate.not_measured("one seed"), RMSE) == "? (one seed)"


def test_a_relative_margin_is_a_share_of_the_reference():
    assert value_task(margin=0.01).margin_at(532.0) == pytest.approx(5.32)
    assert task(margin=0.01).margin_at(0.9) == 0.01
