"""What reports say of confidence: one row a model, from counts that are kept beside the tables."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from rich.console import Console

from bench.config import CONF, register_schemas, run_config
from bench.errors import ConfigError
from bench.predictions import Predictions
from bench.report.columns import confidence_cells, confidence_headers
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.report.terminal import print_report
from bench.results import read_records
from bench.stats.confidence import risk_coverage
from bench.stats.deferral import accepted
from tests.builders import task
from tests.pages import page
from tests.tables import published_folder

RIGHT = {
    name: np.random.default_rng(number).random((2, 3000)) < accuracy
    for number, (name, accuracy) in enumerate({"reference": 0.9, "floor": 0.4, "other": 0.85}.items())
}


def settings(*overrides):
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return run_config(compose("config", overrides=["task=text_clf", *overrides])).report


def test_the_target_risk_is_one_in_a_hundred_unless_told():
    assert settings().target_risk == 0.01
    assert settings("report.target_risk=0.2").target_risk == 0.2


@pytest.mark.parametrize("value", ["-0.01", "1.5", "nan"])
def test_a_target_risk_that_is_no_share_is_refused(value):
    with pytest.raises(ConfigError, match=r"report\.target_risk=.* must lie between 0 and 1"):
        settings(f"report.target_risk={value}")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    root = tmp_path_factory.mktemp("tables")
    folder = published_folder(root, RIGHT)
    return root, folder, read_content(folder, root, "machine")


def by_header(content, model="other"):
    row = content.row(model)
    return dict(zip(confidence_headers(content), confidence_cells(row, content), strict=True))


def number(text):
    return float(text.split(" ")[0])


def test_what_confidence_is_worth_follows_from_the_predictions_of_the_first_seed(read):
    root, folder, content = read
    predictions = Predictions(root / "scratch/predictions/text_clf_published/toy/quick")
    records = read_records(folder / "other.csv", content.task.metrics)
    p = predictions.load(next(record for record in records if record.seed == 0)).astype(float)
    curve = risk_coverage(p.max(axis=1), RIGHT["other"][0])
    found = by_header(content)
    # Of about a hundred thresholds the strictest that lets enough through.
    for coverage in (0.8, 0.9):
        nearby = [100 * curve.risk_at(coverage + shift) for shift in (0.0, 0.005, 0.011)]
        assert min(nearby) - 0.01 <= number(found[f"risk at {100 * coverage:g} %"]) <= max(nearby) + 0.01
    assert number(found["coverage at risk 1 %"]) == pytest.approx(100 * curve.coverage_at(0.01), abs=1.2)
    assert number(found["AUGRC"]) == pytest.approx(100 * curve.augrc, abs=0.001)
    losses = [record.scores["log_loss"] for record in records]
    assert number(found["log loss"]) == pytest.approx(np.mean(losses), abs=1e-4)
    assert found["log loss of one seed, after a temperature"] == f"{losses[0]:.4f} → ? (one fold)"
    error, null = content.row("other").items.calibration_error, content.row("other").items.calibration_null
    assert found["calibration error"] == f"{100 * error[0]:.2f} ({100 * error[1]:.2f} to {100 * error[2]:.2f})"
    assert found["perfect stays below"] == f"{100 * null:.2f}"


def test_the_table_stands_in_markdown_and_on_the_page_and_says_whose_figures_it_shows(read):
    content = read[2]
    # A browser must not break the line before a per cent sign.
    for text in (report_markdown(content), report_html(content, ()).replace("\u00a0", " ")):
        for header in confidence_headers(content)[1:]:
            assert header in text
        assert "of the first seed of the first repeat" in text
        assert by_header(content)["coverage at risk 1 %"] in text


def test_another_target_risk_lets_more_or_less_through(read):
    content = read[2]
    lax = replace(content, settings=replace(content.settings, target_risk=0.1))
    assert number(by_header(lax)["coverage at risk 10 %"]) > number(by_header(content)["coverage at risk 1 %"])
    none = replace(content, settings=replace(content.settings, target_risk=0.0))
    assert by_header(none)["coverage at risk 0 %"].endswith(" %")


def test_the_brier_score_is_shown_where_it_is_among_the_metrics(tmp_path, read):
    assert "Brier score" not in confidence_headers(read[2])
    wanted = task(name="text_clf_published", protocol="published", metrics=("accuracy", "log_loss", "brier"))
    folder = published_folder(tmp_path, RIGHT, wanted=wanted)
    content = read_content(folder, tmp_path, "machine")
    scores = [record.scores["brier"] for record in read_records(folder / "other.csv", wanted.metrics)]
    assert number(by_header(content)["Brier score"]) == pytest.approx(np.mean(scores), abs=1e-4)
    assert "Brier score" in report_markdown(content)


def test_a_loss_that_decides_is_shown_as_it_is_and_not_with_its_sign_turned(tmp_path):
    wanted = task(name="text_clf_published", protocol="published", metrics=("log_loss", "accuracy"))
    content = read_content(published_folder(tmp_path, RIGHT, wanted=wanted), tmp_path, "machine")
    assert number(by_header(content)["log loss"]) == pytest.approx(-content.row("other").scores.mean, abs=1e-4)


def test_a_model_whose_predictions_are_not_kept_says_so():
    content = page()
    rows = [replace(row, items=None) if row.scores.name == "tfidf_svm" else row for row in content.rows]
    found = by_header(replace(content, rows=tuple(rows)), "tfidf_svm")
    assert found["log loss of one seed, after a temperature"] == "? (predictions not kept)"
    assert found["AUGRC"] == "?"
    assert number(found["log loss"]) == 0.1


def test_where_no_predictions_are_kept_the_losses_stand_alone():
    content = page()
    content = replace(content, rows=tuple(replace(row, items=None, deferral=None) for row in content.rows))
    assert by_header(content, "tfidf_svm") == {"model": "tfidf_svm", "log loss": "0.1000"}
    for text in (report_markdown(content), report_html(content, ())):
        assert "nothing is said of calibration" in text


def printed(content):
    console = Console(width=200, file=io.StringIO())
    print_report(console, content)
    return " ".join(console.file.getvalue().split())


def test_the_terminal_says_how_much_can_go_out_at_the_risk_that_was_asked_for(read):
    _, _, content = read
    content = replace(content, decision=replace(content.decision, pick="other"))
    assert "with no more than" not in printed(content)
    asked = replace(content, settings=replace(content.settings, target_risk=0.1))
    out = by_header(asked)["coverage at risk 10 %"]
    assert f"other can answer {out} of the items with no more than 10 % of the answers wrong." in printed(asked)
    none = replace(content, settings=replace(content.settings, target_risk=0.0))
    items = replace(none.row("other").items, accepted=accepted([(np.array([0.9, 0.8]), np.array([False, False]))]))
    rows = tuple(replace(row, items=items) if row.scores.name == "other" else row for row in none.rows)
    assert "other can answer nothing with no more than 0 % of it wrong." in printed(replace(none, rows=rows))
