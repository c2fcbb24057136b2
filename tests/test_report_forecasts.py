"""What reports say and draw of forecasts, from tables and forecasts on the disk."""

import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from bench.forecast_items import ForecastItems
from bench.items import read_items
from bench.measure import measure_items
from bench.predictions import Predictions
from bench.provenance import provenance_of
from bench.report import forecasts as section
from bench.report.figures.forecasts import forecast_pictures
from bench.report.findings import find_all
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.results import Store
from bench.settings import Budget, Limits, ReportSettings
from bench.stats.skill import over_datasets
from bench.zoo.store import Zoo
from tests.builders import task
from tests.panels import HORIZON, METRICS, forecasts, panel, windows, written
from tests.toy_models import toy

ROLES = {"naive": "stable", "average": "floor"}
TASK = task(
    name="toy", type="toy", protocol="rolling", prediction="quantiles", metrics=METRICS, reference="naive",
    floor="average", margin=0.01, margin_relative=True,
)  # fmt: skip
ERRORS = {"naive": 1.0, "theta": 0.6, "average": 2.0}


def folder(root, data=None, count=3, step=HORIZON, seeds=2, change=None, errors=ERRORS, task=TASK, rerun=None):
    """Write tables, forecasts and what they say of models with so large errors; return the content of their report."""
    data = panel(step=step) if data is None else data
    splits = windows(data, count, step)
    store = Store.open(root, "machine", task, "toy", "quick")
    scratch = Predictions(root / "scratch" / "predictions" / "toy" / "toy" / "quick")
    keys = {}
    for place, (name, error) in enumerate(errors.items()):
        made = {
            (fold, seed): forecasts(data, splits[fold], 10 * place + seed, error, spread=error)
            for fold in range(count)
            for seed in range(seeds)
        }
        if change is not None:
            change(name, made, data, splits)
        records, _, _ = written(scratch.folder, data, splits, name, made)
        if rerun is not None:
            records = rerun(name, records)
        choice = toy(name, role=ROLES.get(name, "zoo"))
        told = provenance_of(choice, task, data, Budget(seeds=seeds), splits, 0, Zoo.open(root))
        told["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits())}
        store.write(name, told, records, "keep")
        keys[name] = told["key"]
    measure_items(store, keys, scratch, data.fingerprint, 0)
    content = read_content(store.folder, root, "machine")
    assert content is not None
    return content


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("report"))


def plain(page):
    return re.sub(
        r"<svg.*?</svg>|<style>.*?</style>|<(pre|blockquote)>.*?</(pre|blockquote)>", "", page, flags=re.DOTALL
    )


def test_series_decide_and_the_reports_say_so(content):
    theta = content.row("theta")
    assert isinstance(theta.forecasts, ForecastItems)
    assert theta.scores.facts.sample == "series"
    assert theta.against.method == "paired bootstrap over series, t over seeds"
    assert theta.against.verdict == "better"
    assert content.decision.pick == "theta"
    mean = theta.forecasts.by_window("mase").mean()
    assert -theta.scores.mean == pytest.approx(mean, rel=1e-5)
    assert theta.mean.method == "t over series, and over seeds"
    assert theta.stability.churn.method.startswith("t over series")
    assert theta.standing is not None


def test_the_page_and_the_markdown_have_the_tables_and_the_pictures(content):
    page, markdown = report_html(content, ()), report_markdown(content)
    for title in ("Relative to naive", "Each against each", "Stability of forecasts", "Loss by level"):
        assert f"## {title}" in markdown
        assert f"<caption>{title}</caption>" in page
    assert "8 series, 3 windows: series are drawn with all their windows" in markdown
    for name in ("fans", "steps", "levels", "kinds"):
        assert f'id="{name}' in page
    for name in ("intervals", "mistakes", "deferral"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page
    assert "bootstrap over series, each with all its windows; t over seeds" in markdown
    assert "over that of the true values" in plain(page)
    for text in (markdown, plain(page)):
        assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_skill_in_the_report_is_that_of_the_means_over_series(content):
    known = section.with_forecasts(content)
    found = section.relative_to_reference(content, known, "mase")
    wanted = 1 - content.row("theta").scores.mean / content.row("naive").scores.mean
    assert found.of("theta").skill.value == pytest.approx(wanted, rel=1e-5)
    errors = section.errors_of(known, "mase")
    assert errors.shape == (8, 3)
    names = [row.scores.name for row, _ in known]
    assert over_datasets([errors], names, "naive", 0).of("theta").skill.value == found.of("theta").skill.value
    assert (errors[:, names.index("theta")] < errors[:, names.index("naive")]).mean() == found.win_rates[
        names.index("theta"), names.index("naive")
    ]
    headers, row = section.parts(content)[0].headers, section.parts(content)[0].rows[0]
    assert headers == ("model", "MASE skill", "SQL skill", "wins", "clipped", "95th percentile", "largest")
    assert row[0] == "theta"
    assert re.fullmatch(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", row[1])


def test_the_stability_of_every_model_is_that_of_its_series_windows_and_seeds(content):
    part = next(one for one in section.parts(content) if one.title == "Stability of forecasts")
    said = {row[0]: dict(zip(part.headers, row, strict=True)) for row in part.rows}
    for row, items in section.with_forecasts(content):
        scores = items.scores["mase"].reshape(2, 3, 8)
        by_window, by_series = scores.mean(axis=2), scores.mean(axis=(0, 1))
        mine = said[row.scores.name]
        assert mine["SD over windows"] == f"{by_window.mean(axis=0).std(ddof=1):.3f}"
        assert mine["SD over seeds"] == f"{np.sqrt(by_window.var(axis=0, ddof=1).mean()):.3f}"
        worst = by_window.mean(axis=0)
        assert mine["worst window"] == f"{worst.max():.3f} (window {worst.argmax() + 1})"
        assert mine["worst tenth"] == f"{by_series.max():.3f}"
        assert mine["hardest series"] == f"S{items.over_series('sql')[1].argmax()}"
    known = section.with_forecasts(content)
    errors, names = section.errors_of(known, "sql"), [row.scores.name for row, _ in known]
    ratios = errors / errors[:, [names.index("naive")]]
    relative = section.parts(content)[0]
    for at, row in enumerate(relative.rows):
        assert row[-1] == f"{ratios[:, at].max():.3f}"
        assert row[-2] == f"{np.quantile(ratios[:, at], 0.95, method='inverted_cdf'):.3f}"


def test_pictures_say_what_they_show_and_hold_their_values(content):
    fans, steps, levels, kinds = forecast_pictures(content)
    for one in (fans, steps, levels, kinds):
        assert one.svg.startswith("<svg")
        assert one.finding
        assert all(len(row) == len(one.headers) for row in one.rows)
    items = content.row("theta").forecasts
    assert [row[0] for row in fans.rows[::HORIZON]] == [f"{fan.series} ({fan.which})" for fan in items.fans]
    assert fans.rows[0][3] == f"{items.fans[0].point[0]:.6g}"
    assert steps.rows[0] == ("theta", *(f"{one:.3f}" for one in items.by_step[0]))
    assert levels.headers == ("model", "0.1", "0.5", "0.9")
    assert [row[:2] for row in kinds.rows][:1] == [("length", "all")]
    assert "theta" in fans.finding


def test_a_model_that_a_simpler_one_answers_for_is_named(content):
    theta = content.row("theta")
    mixed = replace(theta, forecasts=replace(theta.forecasts, fallbacks=0.25))
    found = find_all(replace(content, rows=(mixed,)))
    assert [one.text for one in found if one.code == "answered-by-simpler"] == [
        "For 25.0 % of the series, counted in every window, theta answered by a simpler model, for its own failed "
        "there: its scores are those of a mixture."
    ]
    assert "answered-by-simpler" not in {one.code for one in content.findings}
    part = next(one for one in section.parts(content) if one.title == "Stability of forecasts")
    assert part.rows[0][-2:] == (f"{100 * 3 / (3 * 8 * HORIZON):.1f} %", "0.0 %")


def test_of_a_single_series_the_windows_are_told_that_went_wrong(tmp_path):
    def explode(name, made, data, splits):
        if name == "theta":
            made[1, 0][:, -1] += 1e13

    content = folder(tmp_path, data=panel(series=1), change=explode)
    theta = content.row("theta")
    mixed = replace(theta, forecasts=replace(theta.forecasts, fallbacks=0.5))
    rows = [mixed if row is theta else row for row in content.rows]
    said = {one.code: one.text for one in find_all(replace(content, rows=tuple(rows)))}
    assert "For 50.0 % of the windows theta answered by a simpler model" in said["answered-by-simpler"]
    assert "times that of naive on 1 of the windows, up to" in said["exploding-forecasts"]


def explode(name, made, data, splits):
    if name == "theta":
        rows = data.groups[splits[1].test] == 5
        made[1, 0][rows, -1] += 1e13


def test_an_exploding_interval_is_visible(tmp_path):
    found = folder(tmp_path, change=explode)
    (text,) = [one.text for one in found.findings if one.code == "exploding-forecasts"]
    assert "theta is more than 100 times that of naive on 1 of the series" in text
    assert "its largest one is on S5" in text
    relative, *_, stability, _ = section.parts(found)
    row = dict(zip(relative.headers, next(one for one in relative.rows if one[0] == "theta"), strict=True))
    assert row["clipped"] == "1"
    assert float(row["largest"]) > 1e9
    assert dict(zip(stability.headers, stability.rows[0], strict=True))["hardest series"] == "S5"
    for one in forecast_pictures(found):
        assert "1e13" not in one.svg


def test_windows_that_overlap_show_how_forecasts_are_revised(tmp_path):
    found = folder(tmp_path, step=2)
    part = next(one for one in section.parts(found) if one.title == "Stability of forecasts")
    assert re.fullmatch(r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)", part.rows[0][-3])
    apart = folder(tmp_path / "apart")
    part = next(one for one in section.parts(apart) if one.title == "Stability of forecasts")
    assert part.rows[0][-3] == "?"
    assert "no step is forecast from two origins in a row" in part.about


def test_one_series_is_compared_over_its_windows(tmp_path):
    found = folder(tmp_path, panel(series=1, length=90), count=6, seeds=1)
    theta = found.row("theta")
    assert theta.scores.facts.sample == ""
    assert theta.against.method == "moving blocks of 2 windows, t"
    said = " ".join(section.sentences(found))
    assert "1 series, 6 windows: intervals are those of blocks of 2 of them, by t." in said
    assert "intervals of 95 % by moving blocks of 2 windows, t." in section.parts(found)[0].about
    assert "Intervals and verdicts, 95 %: t over windows, in moving blocks" in report_markdown(found)
    close = folder(tmp_path / "close", panel(series=1, length=90, step=3), count=8, step=3, seeds=1)
    assert close.row("theta").against.method == "moving blocks of 2 windows, t"
    assert report_markdown(close)


def test_the_skill_of_who_knows_the_law_stands_below_that_of_the_models(content):
    assert section.BEST_POSSIBLE not in report_markdown(content)
    facts = {**content.facts, "about": {**content.facts["about"], "ceiling": {"mase": 0.2, "sql": 0.1}}}
    known = replace(content, facts=facts)
    relative = section.parts(known)[0]
    errors = -content.row("naive").scores.mean
    assert relative.rows[-1][:2] == ("best possible", f"{1 - 0.2 / errors:.3f}")
    assert len(relative.rows) == 1 + len(section.parts(content)[0].rows)
    assert "Best possible: forecasts, in the same windows, of who knows the law" in report_markdown(known)
    assert "best possible" in plain(report_html(known, ()))


def test_of_many_models_the_best_are_shown_each_against_each(content, monkeypatch):
    whole = next(one for one in section.parts(content) if one.title == "Each against each")
    assert "The best" not in whole.about
    monkeypatch.setattr(section, "MOST_PAIRS", 2)
    part = next(one for one in section.parts(content) if one.title == "Each against each")
    assert part.headers == ("model", *(row[0] for row in part.rows))
    known = section.with_forecasts(content)
    scores = sorted(known, key=lambda one: -one[0].scores.mean)
    assert {row[0] for row in part.rows} == {row.scores.name for row, _ in scores[:2]}
    assert part.about.endswith("The best 2 of 3 models by MASE.")


def test_a_ratio_of_sums_decides_by_series_too_and_says_how_uneven_they_are(tmp_path):
    found = folder(tmp_path, task=replace(TASK, metrics=("wape", "mase", "sql")))
    theta = found.row("theta")
    assert theta.against.method == "paired bootstrap over series, t over seeds"
    assert theta.mean.method == "t over series, and over seeds"
    assert (theta.scores.facts.sample, theta.scores.facts.group_count) == ("series", 8)
    said = " ".join(section.sentences(found))
    assert "WAPE is a ratio of sums over all series, in which large ones count for more: together they are" in said
    assert "worth 2 series of one size" in report_markdown(found)


def as_the_floor(names):
    """Return a change that lets these models make the forecasts of the first one."""
    first = {}

    def change(name, made, data, splits):
        if name in names:
            made.update(first or made)
            first.update(made)

    return change


def test_a_reference_that_is_the_floor_is_left_out_as_such_and_the_best_is_shipped(tmp_path):
    found = folder(tmp_path, count=1, seeds=1, change=as_the_floor(("naive", "average")))
    assert found.decision.pick == "theta"
    assert found.decision.excluded == {"naive": "makes the same predictions as average, a floor"}
    against = found.row("average").against
    assert (against.verdict, against.low, against.high) == ("identical", 0.0, 0.0)
    assert against.method == "none: the same predictions"
    said = report_markdown(found)
    assert "Left out: naive (makes the same predictions as average, a floor)." in said
    assert re.search(r"\| average \| \+0\.0+ \(\+0\.0+ to \+0\.0+\) \| none: the same predictions \|", said)


def test_where_all_forecasts_are_those_of_the_floor_there_is_nothing_to_ship(tmp_path):
    found = folder(tmp_path, change=as_the_floor(tuple(ERRORS)), errors={**ERRORS, "naive": 1.0})
    assert found.decision.pick == ""
    (said,) = [one.text for one in found.findings if one.code == "floor-unbeaten"]
    assert said.startswith("No model surely beats average by the margin")
    assert said.endswith("is there more to foresee in these series than that they go on?")
    assert "**Nothing to ship.**" in report_markdown(found)


def test_figures_that_another_metric_decided_on_are_made_anew(tmp_path):
    names = ("wape", "mase", "sql")
    content = folder(tmp_path, task=replace(TASK, metrics=names[::-1]))
    theta, scratch = content.row("theta"), Predictions(tmp_path / "scratch" / "predictions" / "toy" / "toy" / "quick")
    assert theta.forecasts.parts("wape") is None
    store = Store.open(tmp_path, "machine", replace(TASK, metrics=names), "toy", "quick")
    measure_items(store, {"theta": theta.key}, scratch, content.facts["inputs"]["data_fingerprint"], 0)
    made = read_items(store.items("theta"), list(store.read("theta", theta.key).values()))
    assert made.parts("wape").by_window.mean() == pytest.approx(theta.others["wape"], rel=1e-5)


def test_without_forecasts_the_section_says_why(content):
    bare = replace(content, rows=tuple(replace(row, forecasts=None) for row in content.rows))
    assert section.parts(bare) == []
    assert section.sentences(bare) == []
    assert {one.why for one in forecast_pictures(bare)} == {section.NOT_MEASURED}
    assert section.NOT_MEASURED in report_html(bare, ())
    assert "Relative to" not in report_markdown(bare)


def test_a_band_that_the_axis_cuts_is_named_below_the_picture(content):
    assert "are cut there" not in forecast_pictures(content)[0].caption
    theta = content.row("theta")
    best, *others = theta.forecasts.fans
    # The range of values and points twice beyond both.
    seen = np.array([*best.history, *best.y, *best.point])
    far = (*best.quantiles[:-1], tuple(value + 2 * np.ptp(seen) + seen.max() for value in best.point))
    items = replace(theta.forecasts, fans=(replace(best, quantiles=far), *others))
    rows = tuple(replace(row, forecasts=items) if row is theta else row for row in content.rows)
    picture = forecast_pictures(replace(content, rows=rows))[0]
    assert picture.caption.endswith(
        f" The bands of {best.series} (best) reach beyond values and points by more than 1.5 times the range of these, "
        "and are cut there; the table has all of them."
    )
    assert picture.rows[0][-1] == f"{far[-1][0]:.6g}"


def failing(*names):
    """Return a change of the records of these models: two cells ran out of time, one of memory."""
    ends = ("timeout", "oom", "timeout")

    def rerun(name, records):
        if name not in names:
            return records
        lost = [
            replace(record, status=status, scores={}, digest="", reason="it ended early", found={})
            for record, status in zip(records, ends, strict=False)
        ]
        return [*lost, *records[3:]]

    return rerun


def test_models_that_the_tables_of_forecasts_lack_are_named_with_the_reason(content, tmp_path):
    assert not any("Not in the tables" in one for one in section.sentences(content))
    errors = {**ERRORS, "late": 0.7, "later": 0.8, "narrow": 0.9}

    def rerun(name, records):
        return [one for one in records if one.fold] if name == "narrow" else failing("late", "later")(name, records)

    found = folder(tmp_path, errors=errors, rerun=rerun)
    assert {row[0] for row in section.parts(found)[0].rows} == set(ERRORS)
    (said,) = [one for one in section.sentences(found) if "Not in the tables" in one]
    assert said == (
        "Not in the tables of forecasts: narrow (run on 2 of 3 folds); "
        "later, late (3 of 6 cells failed: 2 timeout, 1 oom)."
    )
    for text in (report_markdown(found), report_html(found, ())):
        assert said in text


def test_forecasts_that_are_not_kept_or_of_other_series_are_named_as_such(content):
    theta = content.row("theta")
    fewer = replace(theta.forecasts, groups=theta.forecasts.groups[:-1])
    for forecasts_, why in ((None, "forecasts are not kept here"), (fewer, "errors are known on other series")):
        rows = tuple(replace(row, forecasts=forecasts_) if row is theta else row for row in content.rows)
        assert section.sentences(replace(content, rows=rows))[-1].startswith(
            f"Not in the tables of forecasts: theta ({why}"
        )
    never = replace(theta, forecasts=None, scores=replace(theta.scores, ran=0))
    rows = tuple(never if row is theta else row for row in content.rows)
    assert section.sentences(replace(content, rows=rows)) == section.sentences(content)


def test_where_the_reference_failed_there_is_no_table_and_the_reports_say_why(tmp_path):
    found = folder(tmp_path, rerun=failing("naive"))
    assert section.parts(found) == []
    why = "naive, which others are compared with, has none: 3 of 6 cells failed: 2 timeout, 1 oom"
    assert f"There is no table of forecasts: {why}." in report_markdown(found)
    assert f"Not shown: {why}." in report_html(found, ())


def test_points_alone_have_no_levels(tmp_path):
    found = folder(tmp_path, panel(levels=()), errors={"naive": 1.0, "average": 2.0})
    assert forecast_pictures(found)[2].why == "no quantile was asked for"
    assert [part.title for part in section.parts(found)] == ["Relative to naive", "Stability of forecasts"]
    assert section.parts(found)[0].headers[1] == "MASE skill"
