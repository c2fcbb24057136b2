"""What the overview says of several data sets together."""

from bench.report.markdown import overview_markdown
from bench.report.over_datasets import ranked, relative_by_frequency, relative_to_reference

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


def of_panels(*frequencies, slow=None):
    """Return a data set of each frequency, in which every model is better than on the one before."""
    return [
        (
            f"forecasting/d{at}/quick",
            {
                **decision(seasonal_naive=2.0, auto_ets=2.0 / (at + 1), slow=slow if at else 1.0),
                **({"panel": {"freq": freq, "season": season}} if season else {}),
            },
        )
        for at, (freq, season) in enumerate(frequencies)
    ]


def test_skill_is_told_by_frequency_too_whether_steps_have_dates_or_numbers():
    made = of_panels(("", 1), ("", 1), ("YE-DEC", 1), ("QS-OCT", 4), ("", 4), ("ME", 12), ("15min", 96), ("", 0))
    ((name, caption, headers, rows),) = relative_by_frequency(made)
    assert name == "forecasting, budget quick"
    assert headers == (
        "model", "no season (2 data sets)", "yearly (1 data set)", "quarterly (2 data sets)", "monthly (1 data set)",
        "every 15min (1 data set)",
    )  # fmt: skip
    assert "fewer than 6 data sets of each" in caption
    assert "12 is monthly, 4 quarterly, and 1 none" in caption
    found = {row[0]: row[1:] for row in rows}
    # 1 - sqrt(1 x 1/2), 1 - 1/3, 1 - sqrt(1/4 x 1/5), 1 - 1/6, 1 - 1/7.
    assert found["auto_ets"] == ("0.293", "0.667", "0.776", "0.833", "0.857")
    assert found["slow"] == ("0.293", "?", "?", "?", "?")
    assert [row[0] for row in rows] == [row[0] for row in relative_to_reference(made)[0][2]]
    assert "### forecasting, budget quick, by frequency" in overview_markdown(made)


def test_six_data_sets_of_one_frequency_have_an_interval_and_of_one_alone_there_is_no_table():
    ((_, caption, _, rows),) = relative_by_frequency(of_panels(*[("MS", 12)] * 6, ("D", 7)))
    assert "No interval" not in caption
    assert "numbered" not in caption
    assert [" to " in cell for cell in rows[0][1:]] == [True, False]
    assert relative_by_frequency(of_panels(*[("MS", 12)] * 6, ("", 12))) == []


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
