"""One test a finding: what makes it appear, and that a sound report has none."""

from dataclasses import replace

import numpy as np
import pytest

from bench.report.findings import find_all
from bench.stats.estimate import Estimate
from tests.pages import page


def codes(content):
    return [finding.code for finding in find_all(content)]


def changed(content, model, about=None, scores=None, **changes):
    """Return the content with one row changed."""
    rows = []
    for row in content.rows:
        if row.scores.name == model:
            row = replace(
                row, about={**row.about, **(about or {})}, scores=replace(row.scores, **(scores or {})), **changes
            )
        rows.append(row)
    return replace(content, rows=tuple(rows))


@pytest.fixture
def sound():
    """A report whose models differ clearly, with nothing to complain of."""
    content = page()
    for row in content.rows:
        shift = {"tfidf_svm": 0.08, "tfidf_minilm": 0.03}.get(row.scores.name, 0.0)
        about = {"deterministic": False, "trained_on": "unknown", "unpinned": []}
        scores = {"cells": row.scores.cells + shift, "failed": 0}
        content = changed(content, row.scores.name, about=about, scores=scores)
    return replace(content, decision=replace(content.decision, pick="tfidf_svm", runner_up="tfidf_minilm"))


def test_no_pick_means_that_nothing_beats_the_floor(sound):
    assert "floor-unbeaten" not in codes(sound)
    assert "floor-unbeaten" in codes(replace(sound, decision=replace(sound.decision, pick="")))


def test_failed_cells_are_said_to_count_as_the_floor(sound):
    assert "imputed-failures" not in codes(sound)
    bad = changed(sound, "nb_svm", scores={"failed": 2, "reason": "ValueError: no"})
    (text,) = [finding.text for finding in find_all(bad) if finding.code == "imputed-failures"]
    assert "2 of 15 cells of nb_svm failed and count as the score of prior" in text


def test_two_digests_break_a_declaration_of_determinism(sound):
    bad = changed(sound, "nb_svm", about={"deterministic": True}, scores={"digests": tuple("ab" * 8)[:15]})
    assert "not-deterministic" in codes(bad)
    good = changed(sound, "nb_svm", about={"deterministic": True}, scores={"digests": ("a",) * 15})
    assert "not-deterministic" not in codes(good)


def test_predictions_that_change_with_their_company_are_found(sound):
    robustness = next(row.robustness for row in sound.rows if row.scores.name == "nb_svm")
    assert robustness is not None
    assert "order-dependent" not in codes(sound)
    assert "order-dependent" in codes(changed(sound, "nb_svm", robustness=replace(robustness, order=0.4)))
    assert "order-dependent" in codes(changed(sound, "nb_svm", robustness=replace(robustness, batch=0.4)))


def test_a_model_that_capitals_throw_off_is_found(sound):
    card = next(row.stability for row in sound.rows if row.scores.name == "nb_svm")
    assert "fragile" not in codes(sound)
    lost = Estimate(value=0.2, low=0.15, high=0.25, method="case, 300 items, one fit")
    bad = changed(sound, "nb_svm", stability=replace(card, robustness=lost))
    (text,) = [finding.text for finding in find_all(bad) if finding.code == "fragile"]
    assert "loses 20.0 points (95 % CI 15.0 to 25.0) under the change called case" in text


def test_weights_that_have_seen_the_data_are_found(sound):
    assert "exposed" not in codes(sound)
    row = sound.row("minilm_logreg")
    seen = changed(sound, "minilm_logreg", scores={"facts": replace(row.scores.facts, exposure="exposed")})
    (text,) = [finding.text for finding in find_all(seen) if finding.code == "exposed"]
    assert text.startswith(f"minilm_logreg was pretrained on {sound.data}")


def test_a_zoo_model_at_the_floor_is_found(sound):
    floor = next(row.scores.cells for row in sound.rows if row.scores.name == "random_encoder")
    assert "zoo-at-the-floor" in codes(changed(sound, "minilm_logreg", scores={"cells": floor.copy()}))


def test_an_ensemble_owes_nothing_to_pretraining_unless_it_has_weights(sound):
    row = next(row for row in sound.rows if row.scores.name == "tfidf_minilm")
    floor = next(row.scores.cells for row in sound.rows if row.scores.name == "random_encoder")
    low = {"cells": floor.copy()}
    assert "zoo-at-the-floor" not in codes(changed(sound, "tfidf_minilm", scores=low))
    low["facts"] = replace(row.scores.facts, weights_mb=90.0)
    assert "zoo-at-the-floor" in codes(changed(sound, "tfidf_minilm", scores=low))


def test_a_zoo_model_behind_a_stable_one_is_found(sound):
    assert "zoo-behind-stable" in codes(sound)
    ahead = {"cells": next(row.scores.cells for row in sound.rows if row.scores.name == "tfidf_svm") + 0.05}
    for name in ("minilm_logreg", "static_logreg", "tfidf_minilm"):
        sound = changed(sound, name, scores=ahead)
    assert "zoo-behind-stable" not in codes(sound)


def test_a_simpler_model_that_ties_with_the_best_is_found(sound):
    assert "tied-with-simpler" not in codes(sound)
    best = next(row.scores.cells for row in sound.rows if row.scores.name == "tfidf_svm")
    assert "tied-with-simpler" in codes(changed(sound, "tfidf_minilm", scores={"cells": best + 0.0001}))


def test_a_lead_smaller_than_the_spread_of_folds_is_found(sound):
    assert "gain-within-noise" not in codes(sound)
    reference = next(row for row in sound.rows if row.scores.name == "tfidf_logreg")
    wide = reference.scores.cells + np.linspace(-0.2, 0.2, 5)[:, None]
    lead = next(row.against for row in sound.rows if row.scores.name == "tfidf_svm")
    bad = changed(sound, "tfidf_logreg", scores={"cells": wide})
    assert "gain-within-noise" in codes(changed(bad, "tfidf_svm", against=replace(lead, difference=0.05)))


def test_one_seed_is_too_few(sound):
    cells = next(row.scores.cells for row in sound.rows if row.scores.name == "tfidf_svm")[:, :1]
    assert "too-few-seeds" in codes(changed(sound, "tfidf_svm", scores={"cells": cells}))


def test_a_spread_too_uncertain_for_a_grade_asks_for_seeds(sound):
    card = next(row.stability for row in sound.rows if row.scores.name == "tfidf_svm")
    wide = Estimate(value=0.004, low=0.001, high=0.02, method="chi-square")
    bad = changed(sound, "tfidf_svm", stability=replace(card, seed_sd=wide, grade="?"))
    (text,) = [finding.text for finding in find_all(bad) if finding.code == "too-few-seeds"]
    assert "budget.seeds=10" in text


def test_probabilities_that_are_surely_off_are_found(sound):
    items = next(row.items for row in sound.rows if row.scores.name == "tfidf_svm")
    assert items is not None
    sound = changed(sound, "tfidf_minilm", items=None)
    off = replace(items, calibration_error=(0.2, 0.18, 0.22), calibration_null=0.02)
    near = replace(items, calibration_error=(0.02, 0.01, 0.03), calibration_null=0.02)
    assert "miscalibrated" in codes(changed(sound, "tfidf_svm", items=off))
    assert "miscalibrated" not in codes(changed(sound, "tfidf_svm", items=near))


def test_weights_without_a_lock_are_found(sound):
    assert "unpinned" not in codes(sound)
    assert "unpinned" in codes(changed(sound, "minilm_logreg", about={"unpinned": ["dir:mine"]}))
    missing = {"ran": 0, "reason": "There are no weights in mine."}
    assert "unpinned" not in codes(changed(sound, "minilm_logreg", about={"unpinned": ["dir:mine"]}, scores=missing))
