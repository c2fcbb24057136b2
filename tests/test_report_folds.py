"""Models that were not run on all folds: a run was cut, or a model was given up early."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from bench.provenance import provenance_of
from bench.publish import decision_json
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.notes import table_notes
from bench.report.read import read_content
from bench.results import Store
from bench.settings import Budget, Limits, ReportSettings
from bench.splits import cross_validation_splits
from bench.stats.comparison import bridged, paired
from bench.stats.decision import decide
from bench.stats.front import front_of
from bench.stats.table import ModelFacts, Scoring, scores_by_model
from bench.zoo.store import Zoo
from tests.builders import dataset, record, task
from tests.pages import page
from tests.toy_models import toy

SCORING = Scoring(
    metric="accuracy", sign=1.0, is_share=True, reference="reference", floor="floor", margin=0.01,
    test_train_ratio=0.25, seed=0,
)  # fmt: skip
# The last two folds are easy for everybody.
REFERENCE = np.array([0.700, 0.752, 0.801, 0.903, 0.921])
WAVE = np.array([0.001, -0.001, 0.0005, 0.0, -0.0005])
FACTS = ModelFacts(role="stable", licence="MIT", weights_mb=0.0, cost=None, by_item=None)
ROLES = {"reference": "stable", "floor": "floor", "good": "zoo", "easy": "zoo", "hard": "stable"}
SCORES = {
    "reference": dict(enumerate(REFERENCE)),
    "floor": dict.fromkeys(range(5), 0.3),
    "good": dict(enumerate(REFERENCE + 0.03 + WAVE)),
    "easy": {3: REFERENCE[3] + 0.005, 4: REFERENCE[4] + 0.006},
}


def records_of(scores):
    return [
        record(name, fold=k, score=float(one), n_train=8000, n_test=2000)
        for name, folds in scores.items()
        for k, one in folds.items()
    ]


def models_of(scores):
    facts = {name: replace(FACTS, role=ROLES[name]) for name in scores}
    return {model.name: model for model in scores_by_model(records_of(scores), facts, SCORING)}


def test_a_model_that_only_ran_the_easy_folds_does_not_become_the_best():
    models = models_of(SCORES)
    assert models["easy"].by_fold.mean() > models["good"].mean
    assert models["easy"].mean == pytest.approx(REFERENCE.mean() + 0.0055)
    decision = decide(list(models.values()), SCORING, Limits())
    assert decision.pick == "good"
    assert decision.price == 0
    only = {**SCORES, "easy": {4: 0.94}}
    assert decide(list(models_of(only).values()), SCORING, Limits()).pick == "good"


def test_the_price_of_the_pick_is_no_difference_of_folds():
    # Within the margin of the best, dearer to build, and run on the hard folds only.
    scores = {**SCORES, "hard": {k: REFERENCE[k] + 0.025 + WAVE[k] / 2 for k in (0, 1, 2)}}
    models = models_of(scores)
    decision = decide(list(models.values()), SCORING, Limits())
    assert decision.price == pytest.approx(models["good"].mean - models[decision.pick].mean)
    assert 0 <= decision.price < 0.01


def test_equal_folds_move_no_mean_by_a_bit():
    models = models_of({name: SCORES[name] for name in ("reference", "floor", "good")})
    for model in models.values():
        assert model.shift == 0.0
        assert model.mean == float(model.by_fold.mean())
        assert not model.partial


def test_a_dependable_score_is_that_of_the_same_folds_as_the_others():
    models = models_of({**SCORES, "easy": {k: REFERENCE[k] + 0.005 for k in (3, 4)}})
    easy, reference = models["easy"], models["reference"]
    # Its own folds differ by 0.018, those of the reference by 0.22.
    assert easy.mean - easy.dependable.value == pytest.approx(reference.mean - reference.dependable.value, rel=0.15)
    assert easy.dependable.value < easy.mean - 0.1


def test_one_common_fold_has_no_dependable_score_and_says_why():
    easy = models_of({**SCORES, "easy": {4: 0.94}})["easy"]
    assert easy.mean == pytest.approx(REFERENCE.mean() + 0.94 - REFERENCE[4])
    assert easy.dependable.why == "one fold in common with the reference"


def test_a_failure_on_fewer_folds_is_no_draw_of_the_scores():
    records = [*records_of({**SCORES, "easy": {k: REFERENCE[k] + 0.005 for k in (2, 3, 4)}})]
    lost = [replace(one, status="timeout") if (one.model, one.fold) == ("easy", 4) else one for one in records]
    facts = {name: replace(FACTS, role=ROLES[name]) for name in ("reference", "floor", "easy")}
    whole, cut = (
        {model.name: model for model in scores_by_model(rows, facts, SCORING)}["easy"] for rows in (records, lost)
    )
    assert cut.mean < whole.mean - 0.1
    assert cut.failed == 1
    # One run of three scores what the floor does, which is then also what nine in ten score at least.
    assert cut.dependable.value == pytest.approx(0.3)


def test_without_a_common_fold_nothing_is_compared_and_the_reason_is_given():
    scores = {**SCORES, "reference": {k: SCORES["reference"][k] for k in range(3)}}
    models = models_of(scores)
    assert math.isnan(models["easy"].mean)
    assert models["easy"].dependable.why == "no fold in common with the reference"
    decision = decide(list(models.values()), SCORING, Limits())
    assert decision.pick == "good"
    assert decision.excluded == {"easy": "no fold in common with the reference"}


def test_a_model_with_more_folds_than_the_reference_is_held_to_those_of_the_reference():
    scores = {**SCORES, "reference": {k: SCORES["reference"][k] for k in (0, 1)}}
    models = models_of(scores)
    assert models["good"].mean == pytest.approx(np.mean(REFERENCE[:2]) + 0.03)


def test_models_that_share_too_few_folds_meet_over_the_reference():
    scores = {**SCORES, "easy": {k: REFERENCE[k] + 0.006 + WAVE[k] for k in (2, 3, 4)}}
    scores["hard"] = {k: REFERENCE[k] + 0.002 + WAVE[k] for k in (0, 1)}
    models = models_of(scores)
    easy, hard, reference = (models[name] for name in ("easy", "hard", "reference"))
    assert math.isnan(paired(easy, hard, 0.25).scale)
    found = bridged(easy, hard, reference, 0.25)
    assert found.mean == pytest.approx(easy.mean - hard.mean)
    sides = [paired(model, reference, 0.25) for model in (easy, hard)]
    assert found.scale == pytest.approx(math.hypot(*(side.scale for side in sides)))
    assert found.df == 1
    # Where folds are shared, they are used.
    assert bridged(models["good"], easy, reference, 0.25) == paired(models["good"], easy, 0.25)


def test_a_floor_that_was_hardly_run_is_named_as_the_reason():
    decision = decide(list(models_of({**SCORES, "floor": {0: 0.3}}).values()), SCORING, Limits())
    assert decision.pick == ""
    assert decision.because == ("floor shares fewer than two folds with the others, so none is known to beat it.",)


def test_a_partial_model_costs_the_others_no_fold_of_the_front():
    whole = {name: SCORES[name] for name in ("reference", "floor", "good")}
    alone = front_of(list(models_of(whole).values()), SCORING)
    beside = front_of(list(models_of({**whole, "easy": {4: 0.94}}).values()), SCORING)
    assert [member.p_best for member in alone.members] == [member.p_best for member in beside.members]


def test_a_partial_model_is_as_likely_to_be_the_best_as_its_folds_say():
    generator = np.random.default_rng(0)
    for _ in range(5):
        gaps = generator.normal(0.002, 0.004, 4)
        scores = {"reference": SCORES["reference"], "floor": SCORES["floor"]}
        scores["easy"] = {k: REFERENCE[k] + gaps[k] for k in range(4)}
        models = models_of(scores)
        (reference, easy) = front_of(list(models.values()), SCORING).members
        assert easy.score.value == pytest.approx(models["easy"].mean)
        expected = paired(models["easy"], models["reference"], 0.25).probability_above(0)
        # Drawn with the four degrees of freedom of the whole table, where three are its own.
        assert easy.p_best == pytest.approx(expected, abs=0.05)
        assert reference.p_best == pytest.approx(1 - easy.p_best)


@pytest.fixture
def content(tmp_path):
    budget, data = Budget(seeds=1, folds=5), dataset()
    splits, _ = cross_validation_splits(data, "text_clf", budget, 0)
    for name, folds in SCORES.items():
        choice = toy(name, role=ROLES[name])
        made = provenance_of(choice, task(), data, budget, splits, 0, Zoo.open(tmp_path))
        made["about"] |= {"report": asdict(ReportSettings()), "limits": asdict(Limits())}
        store = Store.open(tmp_path, "machine", task(), "toy", "quick")
        store.write(name, made, records_of({name: folds}), "keep")
    return read_content(tmp_path / "text_clf/toy/quick", tmp_path, "machine")


def test_fewer_folds_are_marked_and_rank_by_what_can_be_compared(content):
    assert [row.scores.name for row in content.rows] == ["good", "easy", "reference", "floor"]
    assert content.best.scores.name == "good"
    mean = f"{100 * (REFERENCE.mean() + 0.0055):.2f}"
    text = report_markdown(content)
    assert f"| easy | zoo | 92.70 | {mean} (2 of 5 folds) |" in text
    assert "| easy (2 of 5 folds) |" in text.split("## Stability")[1]
    assert "The mean of fewer folds is the reference's mean plus the difference" in text
    means = json.loads(decision_json(content))["means"]
    assert means["easy"] == pytest.approx(REFERENCE.mean() + 0.0055, abs=1e-5)
    page_text = report_html(content, ())
    assert f"{mean} <small>(2 of 5 folds)</small>" in page_text
    assert "zoo, 2 of 5 folds" in page_text


def test_whole_tables_carry_no_mark():
    content = page()
    for text in (report_markdown(content), report_html(content, ())):
        assert " of 5 folds" not in text
        assert "fewer folds" not in text


def lines(content, **changes):
    return " ".join(table_notes(replace(content, **changes)))


def test_a_question_mark_in_the_table_has_its_reason_below_it():
    content = page()
    open_grades = [row.scores.name for row in content.rows if row.stability.grade == "?"]
    assert open_grades
    note = lines(content)
    assert note.startswith("Churn ?: one seed (tfidf_logreg). Grade ?: an interval spans two letters: churn (")
    # The reason of the churn was given with its column.
    assert note.endswith("; not measured: churn (tfidf_logreg).")
    assert note.count("one seed") == 1


def test_costs_that_were_not_measured_are_explained_once():
    content = page()
    rows = tuple(replace(row, cost=None) for row in content.rows)
    assert "p50 ?: costs were not measured on amd-epyc-2core-25gb." in lines(content, rows=rows)
    assert "p50 ?: costs were not measured." in lines(content, rows=rows, machine="")
    one = (replace(content.rows[0], cost=None), *content.rows[1:])
    assert f"({content.rows[0].scores.name})" in lines(content, rows=one).split("p50 ?")[1]
    about = {**content.facts["about"], "budget": {**content.facts["about"]["budget"], "probe_rows": 0}}
    facts = {**content.facts, "about": about}
    assert "p50 ?: costs were left out (budget.probe_rows=0)." in lines(content, rows=rows, facts=facts)


def test_a_table_without_question_marks_has_no_note():
    content = page()
    rows = []
    for row in content.rows:
        card = replace(row.stability, grade="A", grades=dict.fromkeys(row.stability.grades, "A"))
        rows.append(replace(row, stability=replace(card, churn=card.failure_rate)))
    assert table_notes(replace(content, rows=tuple(rows))) == []
