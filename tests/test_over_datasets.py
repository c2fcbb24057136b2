"""What the overview says of several data sets together."""

from bench.report.markdown import overview_markdown
from bench.report.over_datasets import ranked, relative_to_reference

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


def with_exposed(mode, means, models=("memory",), imputed_by="seasonal_naive"):
    one = decision(seasonal_naive=2.0, auto_ets=1.0, **means)
    return {**one, "exposed": {"models": list(models), "as": mode, "imputed_by": imputed_by}}


def skills(decisions):
    """Return skill, data sets not run and data sets exposed of each model, and the caption."""
    ((_, caption, rows),) = relative_to_reference(decisions)
    return {row[0]: (row[1].partition(" ")[0], row[4], row[5]) for row in rows}, caption


def test_scores_on_data_that_a_model_was_pretrained_on_are_counted():
    clean = decision(seasonal_naive=2.0, auto_ets=1.0, memory=1.0)
    found, caption = skills(of(with_exposed("show", {"memory": 0.5}), clean))
    # 1 - sqrt(1/4 x 1/2).
    assert found["memory"] == ("0.646", "0", "3")
    assert found["auto_ets"] == ("0.500", "0", "0")
    assert "memory was pretrained on 3 of 6 data sets, and its scores there are those of a memory." in caption
    assert "those of a memory" in ranked(of(with_exposed("show", {"memory": 0.5}), clean))[0]


def test_an_imputed_score_is_that_of_the_reference_unless_another_model_is_named():
    clean = decision(seasonal_naive=2.0, auto_ets=1.0, memory=1.0)
    found, caption = skills(of(with_exposed("impute", {}), clean))
    # 1 - sqrt(1 x 1/2): where it is imputed it was run all the same.
    assert found["memory"] == ("0.293", "0", "3")
    said = "On 3 of 6 data sets, which memory was pretrained on, the score of seasonal_naive stands for its own."
    assert said in caption
    named = with_exposed("impute", {}, imputed_by="auto_ets")
    assert skills(of(named, clean))[0]["memory"] == ("0.500", "0", "3")
    assert "the score of auto_ets stands for its own" in ranked(of(named, clean))[0]


def test_imputation_makes_a_memory_equal_to_its_stand_in_and_moves_no_other_skill():
    hidden, shown = (of(with_exposed(mode, means)) for mode, means in (("impute", {}), ("show", {"memory": 0.01})))
    found, _ = skills(hidden)
    assert found["memory"][0] == found["seasonal_naive"][0] == "0.000"
    assert found["auto_ets"][0] == skills(shown)[0]["auto_ets"][0] == "0.500"


def test_a_model_that_is_hidden_on_some_data_is_not_compared_over_data_sets():
    clean = decision(seasonal_naive=2.0, auto_ets=1.0, memory=1.0)
    mixed = of(with_exposed("hide", {}), clean)
    found, caption = skills(mixed)
    assert set(found) == {"seasonal_naive", "auto_ets"}
    assert "Left out, for hidden on data that they were pretrained on: memory." in caption
    (line,) = ranked(mixed)
    assert line.startswith("forecasting, budget quick: mean ranks auto_ets 1.0 (1.0 to 1.0), seasonal_naive 2.0")
    assert line.endswith("pretrained on: memory.")
