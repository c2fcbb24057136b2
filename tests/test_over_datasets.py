"""What the overview says of several data sets together."""

from bench.report.markdown import overview_markdown
from bench.report.over_datasets import relative_to_reference

UNIT = {"label": "MASE", "sign": -1.0, "in_points": False, "decimals": 3, "score_decimals": 3}


def decision(unit=UNIT, **means):
    made = {"pick": "", "best": "", "price": None, "reference": "seasonal_naive", "means": means}
    return {**made, "unit": unit} if unit else made


def of(*decisions):
    """Return six data sets: each of the decisions as often as the others."""
    return [(f"forecasting/d{at}/quick", decisions[at % len(decisions)]) for at in range(6)]


def test_errors_of_several_data_sets_are_told_relative_to_the_reference():
    one = decision(seasonal_naive=2.0, auto_ets=1.0, slow=None)
    two = decision(seasonal_naive=100.0, auto_ets=80.0, slow=150.0)
    ((name, caption, rows),) = relative_to_reference(of(one, two))
    assert name == "forecasting, budget quick"
    assert "errors over those of seasonal_naive, over 6 data sets" in caption
    # 1 - sqrt(1/2 x 4/5), and 1 - sqrt(1 x 3/2).
    assert [(row[0], row[1].partition(" ")[0], row[4]) for row in rows] == [
        ("auto_ets", "0.368", "0"),
        ("seasonal_naive", "0.000", "0"),
        ("slow", "-0.225", "3"),
    ]
    assert "### forecasting, budget quick, relative to the reference" in overview_markdown(of(one, two))


def test_scores_that_are_no_errors_and_five_data_sets_have_no_skill():
    shares = decision(None, seasonal_naive=0.9, auto_ets=0.8)
    assert relative_to_reference(of(shares, shares)) == []
    assert relative_to_reference(of(decision(seasonal_naive=2.0, auto_ets=1.0))[:5]) == []


def test_a_ratio_beyond_the_bounds_is_clipped_and_counted():
    one = decision(seasonal_naive=1.0, wild=1e13)
    ((_, _, rows),) = relative_to_reference(of(one, decision(seasonal_naive=1.0, wild=1.0)))
    assert [(row[0], row[1].partition(" ")[0], row[3]) for row in rows][-1] == ("wild", "-9.000", "3")
