"""Whether models have seen the data before: the rule, what it rests on, and what becomes of their scores."""

import json
from dataclasses import asdict, replace

import pytest

from bench import plan, registry
from bench.config import compose_run, register_schemas
from bench.errors import ConfigError
from bench.exposure import ARCHIVES, SOURCES, WORDLLAMA, Declaration, carried, exposure_of, exposure_on
from bench.provenance import provenance_of
from bench.publish import decision_json
from bench.report.curve import curve_advice, read_curve
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.read import read_content
from bench.results import Store
from bench.settings import Budget, Limits, ReportSettings
from bench.splits import cross_validation_splits, learning_curve_splits
from bench.zoo.store import Zoo
from tests.builders import dataset, record, task
from tests.test_plan import config
from tests.toy_models import toy

PUBLISHED = {"citation": "Makridakis & Hibon 2000"}


def composed(words):
    register_schemas()
    return compose_run(words)


def declared(trained_on, source="a paper, 2024", pretrained=True):
    return Declaration(trained_on=trained_on, pretrained=pretrained, source=source)


@pytest.mark.parametrize(
    ("declaration", "data", "published", "exposure"),
    [
        (declared("m4_daily, solar"), "solar", True, "exposed"),
        (declared("unknown, solar"), "solar", True, "exposed"),
        (declared("lotsa, solar"), "solar", True, "exposed"),
        (declared("lotsa"), "lotsa", True, "exposed"),
        (declared("bank-marketing"), "Bank_Marketing", True, "exposed"),
        (declared("m4_daily, solar"), "m3_monthly", True, "clean"),
        (declared("m4_daily, solar", source=""), "m3_monthly", True, "unknown"),
        (declared("unknown, solar"), "m3_monthly", True, "unknown"),
        (declared("lotsa, solar"), "m3_monthly", True, "unknown"),
        (declared("unknown"), "m3_monthly", True, "unknown"),
        (declared("unknown"), "unknown", True, "unknown"),
        (declared("clean", source=""), "m3_monthly", True, "clean"),
        (declared("clean", source=""), "clean", False, "clean"),
        (declared("unknown", source="", pretrained=False), "m3_monthly", True, "clean"),
    ],
)
def test_only_a_whole_list_with_a_source_or_made_up_data_clears_a_published_set(declaration, data, published, exposure):
    assert declaration.exposure(data, published) == exposure


@pytest.mark.parametrize(
    ("declaration", "exposure"),
    [
        (declared("m4_daily, solar"), "unknown"),
        (declared("unknown"), "unknown"),
        (declared("clean"), "clean"),
        (declared("unknown", pretrained=False), "clean"),
        # What is known of a file is its name, and that may be chance: the finding says how to give it another.
        (declared("sales, solar"), "exposed"),
    ],
)
def test_a_file_of_unknown_source_may_be_a_copy_of_anything_so_no_list_clears_it(declaration, exposure):
    assert declaration.exposure("sales", published=False) == exposure


@pytest.mark.parametrize(
    ("declaration", "exposure"),
    [
        (declared("m4_daily, solar"), "clean"),
        (declared("unknown, lotsa"), "clean"),
        (declared("unknown", source=""), "unknown"),
        (declared("unknown", source="", pretrained=False), "clean"),
        (declared("synthetic_walk"), "exposed"),
    ],
)
def test_no_corpus_of_an_older_source_holds_data_that_are_made_here_by_a_law(declaration, exposure):
    assert declaration.exposure("synthetic_walk", published=True, made_here=True) == exposure


@pytest.mark.parametrize(
    ("name", "on_m3", "on_a_file"),
    [
        ("fracast", "exposed", "unknown"),
        ("timesfm", "exposed", "unknown"),
        ("chronos_bolt", "clean", "unknown"),
        ("chronos_2", "unknown", "unknown"),
        ("tirex", "unknown", "unknown"),
        ("auto_ets", "clean", "clean"),
        ("mean_ensemble", "clean", "clean"),
        ("median_over_families", "clean", "clean"),
        ("tabicl", "clean", "clean"),
        ("minilm_logreg", "unknown", "unknown"),
        ("tfidf_minilm", "unknown", "unknown"),
        ("random_encoder", "clean", "clean"),
        ("moonshot", "clean", "clean"),
        ("autogluon", "unknown", "unknown"),
    ],
)
def test_models_of_every_kind_are_judged_by_one_rule(name, on_m3, on_a_file):
    spec = registry.model(name)
    assert exposure_on(spec, dataset(name="m3_monthly", **PUBLISHED)) == on_m3
    assert exposure_on(spec, dataset(name="sales")) == on_a_file


def test_every_pretrained_model_says_where_its_declaration_stands_and_nothing_else_does():
    declarations = {name: Declaration.of_spec(spec) for name, spec in registry.models().items()}
    pretrained = {name for name, one in declarations.items() if one.pretrained}
    commands = {name for name, spec in registry.models().items() if spec.role == "external"}
    assert set(SOURCES) == pretrained - commands
    assert all(any(digit.isdigit() for digit in source) for source in SOURCES.values() if source != WORDLLAMA)


def test_corpora_that_a_declaration_names_whole_are_known_as_such():
    named = {name for spec in registry.models().values() for name in Declaration.of_spec(spec).names}
    assert named >= ARCHIVES


def table_of(choice, tmp_path, **data):
    made = dataset(**data)
    splits, _ = cross_validation_splits(made, "text_clf", Budget(folds=3), 0)
    return provenance_of(choice, task(), made, Budget(), splits, 0, Zoo.open(tmp_path))


def test_a_table_tells_as_much_as_the_model_that_made_it(tmp_path):
    whole = toy("mine", role="zoo", trained_on="wiki, news", evidence="Me 2026, appendix")
    silent = toy("mine", role="zoo", trained_on="wiki, news")
    for choice, exposure in ((whole, "clean"), (silent, "unknown")):
        made = table_of(choice, tmp_path, **PUBLISHED)
        assert exposure_of(made, "toy") == exposure_on(choice.spec, dataset(**PUBLISHED)) == exposure
        assert exposure_of(made, "news") == "exposed"
    # A line that says nothing would change every table that is there.
    assert "evidence" not in table_of(silent, tmp_path)["about"]
    assert table_of(whole, tmp_path)["about"]["evidence"] == "Me 2026, appendix"


def test_the_table_of_data_that_a_law_made_says_so(tmp_path):
    choice = toy("mine", role="zoo", trained_on="unknown, lotsa", evidence="Me 2025")
    for law, exposure in ((lambda data, split: None, "clean"), (None, "unknown")):
        made = table_of(choice, tmp_path, law=law, **PUBLISHED)
        assert exposure_of(made, "toy") == exposure_on(choice.spec, dataset(law=law, **PUBLISHED)) == exposure


def test_what_is_made_of_models_has_seen_what_its_parts_have():
    data = dataset(name="m3_monthly", **PUBLISHED)
    stable, bolt, seen = (toy(name, **given) for name, given in (
        ("stable", {}),
        ("bolt", {"role": "zoo", "trained_on": "solar", "evidence": "its paper"}),
        ("seen", {"role": "zoo", "trained_on": "m3_monthly", "evidence": "its paper"}),
    ))  # fmt: skip
    # In a package of its own, without an address: in the whole nothing else tells of its weights.
    silent = toy("silent", role="zoo")
    assert carried([stable.spec]) == ("clean", "")
    assert carried([stable.spec, bolt.spec]) == ("solar", "as said of bolt")
    assert carried([bolt.spec, silent.spec]) == ("solar, unknown, weights of silent", "")
    made = {
        name: [exposure_on(whole.spec, data) for whole in (plan.tuned(one), plan.bagged(one, 4), plan.greedy([one], 4))]
        for name, one in {"stable": stable, "bolt": bolt, "seen": seen, "silent": silent}.items()
    }
    assert made == {
        "stable": ["clean"] * 3, "bolt": ["clean"] * 3, "seen": ["exposed"] * 3, "silent": ["unknown"] * 3,
    }  # fmt: skip


def test_an_ensemble_goes_without_what_was_pretrained_on_the_data():
    models = [toy("stable"), toy("zoo", role="zoo", trained_on="toy"), toy("other", role="zoo", trained_on="news")]
    models.append(plan.greedy(models, 4))
    kept, said = plan.without_unfit(models, config(), dataset())
    assert [one.name for one in kept] == ["stable", "zoo", "other", "greedy"]
    assert [one.name for one in kept[-1].members] == ["stable", "other"]
    assert said == ["zoo is in no ensemble, for it was pretrained on toy."]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report.exposed=drop"], "Expected one of show, hide, impute"),
        (["report.imputed_by=nb_svm"], "under report.exposed=impute only"),
    ],
)
def test_what_becomes_of_exposed_scores_is_one_of_three(words, said):
    with pytest.raises(ConfigError, match=said):
        composed(["task=text_clf", *words])


def test_what_stands_for_exposed_scores_is_a_model_of_the_run():
    made = composed(["task=text_clf", "report.exposed=impute", "report.imputed_by=nb_smv"])
    with pytest.raises(ConfigError, match=r"'nb_smv' is no model of this run\. Did you mean 'nb_svm'"):
        plan.choose_models(made, plan.make_task(made))


SCORES = {"reference": 0.80, "floor": 0.30, "memory": 0.95, "honest": 0.90, "guest": 0.85}
MODELS = {
    "reference": {},
    "floor": {"role": "floor"},
    "memory": {"role": "zoo", "trained_on": "news, toy", "evidence": "Memory et al. 2025"},
    "honest": {"role": "zoo", "trained_on": "news", "evidence": "Honest et al. 2025"},
    "guest": {"role": "zoo"},
}


def write(root, name, data, wanted=task, settings=None, status="ok", **declares):
    """Write the table of one of `MODELS`: eight cells, or a learning curve that crosses the reference's."""
    choice, budget = toy(name, **{**MODELS[name], **declares}), Budget(seeds=2, folds=4)
    made_task = wanted()
    curve = made_task.protocol == "curve"
    make = learning_curve_splits if curve else cross_validation_splits
    splits, _ = make(data, "text_clf", budget, 0)
    made = provenance_of(choice, made_task, data, budget, splits, 0, Zoo.open(root))
    made["about"] |= {"report": asdict(settings or ReportSettings()), "limits": asdict(Limits())}
    rows = []
    for split in splits:
        falls = 0.05 * split.repeat * (choice.spec.role == "zoo") if curve else 0.0
        for seed in range(1 if curve else 2):
            score = SCORES[name] - falls + 0.002 * split.fold
            where = {"repeat": split.repeat, "fold": split.fold, "seed": seed, "n_train": len(split.train)}
            scores = {} if status == "ok" else {"scores": {}, "reason": "No weights."}
            rows.append(record(name, score=score, status=status, digest=f"{name}{split.fold}", **where, **scores))
    store = Store.open(root, "machine", made_task, "toy", "quick")
    store.write(name, made, rows, "keep")
    return store.folder


def read(root, settings=None, data=None, **changed):
    """Return what a report says of all of `MODELS`."""
    data = data or dataset(300, **PUBLISHED)
    for name in MODELS:
        folder = write(root, name, data, settings=settings, **changed.get(name, {}))
    content = read_content(folder, root, "machine")
    assert content is not None
    return content


def test_an_exposed_model_is_shown_and_marked_and_never_recommended(tmp_path):
    found = read(tmp_path)
    exposures = {row.scores.name: row.exposure for row in found.rows}
    assert exposures == {
        "memory": "exposed", "honest": "clean", "guest": "unknown", "reference": "clean", "floor": "clean",
    }  # fmt: skip
    assert found.decision.pick == "honest"
    assert found.decision.excluded["memory"] == "pretrained on these data, so its score is a memory"
    assert found.decision.runner_up != "memory"
    text = report_markdown(found)
    assert "better; exposed" in text
    assert text.count("; exposed") == 1
    assert "| memory (exposed) |" in text[text.index("## Stability") :]
    assert "honest (exposed)" not in text
    assert "Exposed: pretrained on toy, and so never recommended (memory)." in text
    (finding,) = [finding.text for finding in found.findings if finding.code == "exposed"]
    assert finding.startswith("memory was pretrained on toy")
    assert json.loads(decision_json(found))["exposed"] == {
        "models": ["memory"], "as": "show", "imputed_by": "reference",
    }  # fmt: skip


def test_nothing_is_recommended_where_only_exposed_models_beat_the_floor(tmp_path, monkeypatch):
    monkeypatch.setitem(SCORES, "reference", 0.301)
    for name in ("honest", "guest"):
        monkeypatch.setitem(SCORES, name, 0.301)
    found = read(tmp_path)
    assert found.decision.pick == ""
    assert "memory (pretrained on these data" in report_markdown(found)


def test_a_report_says_what_pretrained_models_have_seen_and_who_says_so(tmp_path):
    found = read(tmp_path)
    text = report_markdown(found)
    lines = text[text.index("## Pretraining") :].split("\n## ")[0].splitlines()
    assert "| memory | exposed | news, toy | Memory et al. 2025 |" in lines
    assert "| honest | clean | news | Honest et al. 2025 |" in lines
    assert "| guest | unknown | unknown | ? |" in lines
    assert not any(line.startswith("| reference") for line in lines)
    page = report_html(found, ())
    assert "Memory et al. 2025" in page
    assert "exposure</th>" in page
    assert "may be a copy of anything" not in text


def test_a_report_without_pretrained_models_has_no_such_section(tmp_path):
    data = dataset(300)
    for name in ("reference", "floor"):
        folder = write(tmp_path, name, data)
    assert "Pretraining" not in report_markdown(read_content(folder, tmp_path, "machine"))


def test_a_file_without_a_source_is_said_to_be_clear_of_no_list(tmp_path):
    found = read(tmp_path, data=dataset(300))
    assert found.row("honest").exposure == "unknown"
    assert "may be a copy of anything" in report_markdown(found)
    (finding,) = [one.text for one in found.findings if one.code == "exposed"]
    assert finding.endswith("If yours is another, give it another data.name.")


@pytest.mark.parametrize("mode", ["hide", "impute"])
def test_hidden_scores_enter_nothing_in_a_report_and_that_is_said(tmp_path, mode):
    found = read(tmp_path, ReportSettings(exposed=mode))
    assert found.hidden == ("memory",)
    assert found.left_out == ()
    assert [row.scores.name for row in found.rows] == ["honest", "guest", "reference", "floor"]
    text = report_markdown(found)
    assert f"Hidden, for pretrained on toy: memory (report.exposed={mode}" in text
    assert ("over data sets the score of reference stands for theirs" in text) == (mode == "impute")
    assert text.count("memory") == 1
    assert "memory" not in found.decision.excluded
    decision = json.loads(decision_json(found))
    assert "memory" not in decision["means"]
    assert decision["exposed"] == {"models": ["memory"], "as": mode, "imputed_by": "reference"}


def test_a_row_without_scores_is_not_hidden_for_its_reason_is_to_be_read(tmp_path):
    found = read(tmp_path, ReportSettings(exposed="hide"), memory={"status": "unavailable"})
    assert found.hidden == ()
    assert "`memory`: No weights." in report_markdown(found)
    assert "exposed" not in json.loads(decision_json(found))


def test_the_reference_is_not_hidden_for_all_is_compared_with_it(tmp_path):
    found = read(tmp_path, ReportSettings(exposed="hide"), reference={"trained_on": "toy"})
    assert found.hidden == ("memory",)
    assert found.row("reference").exposure == "exposed"


@pytest.mark.parametrize(("asked", "stands"), [("honest", "honest"), ("guest", "reference"), ("memory", "reference")])
def test_only_a_clean_model_stands_for_an_exposed_one(tmp_path, asked, stands):
    found = read(tmp_path, ReportSettings(exposed="impute", imputed_by=asked))
    assert json.loads(decision_json(found))["exposed"]["imputed_by"] == stands


def test_no_crossing_of_a_learning_curve_is_that_of_an_exposed_model(tmp_path, monkeypatch):
    data = dataset(300, **PUBLISHED)
    curve = lambda: task(name="text_clf_curve", protocol="curve")  # noqa: E731
    for name in ("reference", "floor", "memory", "honest"):
        folder = write(tmp_path, name, data, wanted=curve)
    inputs = json.loads((folder / "reference.json").read_text())["inputs"]
    shown, hidden = (read_curve(folder, tmp_path, curve(), inputs, hide) for hide in (False, True))
    assert shown.crossing.zoo == hidden.crossing.zoo == "honest"
    assert "honest" in curve_advice(shown, "reference")
    assert {point.model for point in shown.points} - {point.model for point in hidden.points} == {"memory"}


def test_settings_of_a_run_reach_its_report():
    made = composed(["task=text_clf", "report.exposed=impute", "report.imputed_by=nb_svm"])
    assert (made.report.exposed, made.report.imputed_by) == ("impute", "nb_svm")
    assert composed(["task=text_clf"]).report == replace(made.report, exposed="show", imputed_by="")
