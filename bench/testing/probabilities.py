"""What every model of classes must do; see `bench.testing.models`."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.testing import models
from bench.testing.models import ModelBench, Outcome
from bench.types import Classifier, Model


def probabilities_are_sound(bench: ModelBench) -> Outcome:
    """Right shape, finite, between 0 and 1, rows that sum to one."""
    bench.sound(bench.fitted(), bench.X_new)
    return "passed"


def a_missing_class_is_no_crash(bench: ModelBench) -> Outcome:
    """Training rows that lack a class give a model of the other classes."""
    model = bench.fitted(rows=np.flatnonzero(bench.y > 0))
    assert 0 not in set(_classes(model)), f"{bench.spec.name} claims a class that it never saw"
    bench.sound(model, bench.X_new)
    return "passed"


def two_classes_are_no_special_case(bench: ModelBench) -> Outcome:
    """Binary problems give two columns."""
    model = bench.fitted(rows=np.flatnonzero(bench.y < 2))
    assert bench.said(model, bench.X_new).shape == (len(bench.X_new), 2)
    return "passed"


def a_rare_class_is_no_crash(bench: ModelBench) -> Outcome:
    """A class with one training row is harder than inner folds like it."""
    rows = np.concatenate([np.flatnonzero(bench.y > 0), np.flatnonzero(bench.y == 0)[:1]])
    model = bench.fitted(rows=rows)
    assert set(_classes(model)) == set(bench.y)
    return "passed"


def a_handful_of_rows_is_enough(bench: ModelBench) -> Outcome:
    """Two rows a class are harder than inner folds like it."""
    rows = np.concatenate([np.flatnonzero(bench.y == code)[:2] for code in np.unique(bench.y)])
    assert set(_classes(bench.fitted(rows=rows))) == set(bench.y)
    return "passed"


def a_single_class_is_a_model_or_a_plain_error(bench: ModelBench) -> Outcome:
    """Training rows of one class are predicted with certainty, or refused by an error that speaks of classes."""
    try:
        model = bench.fitted(rows=np.flatnonzero(bench.y == 0))
    except ValueError as error:
        assert "class" in str(error), f"{bench.spec.name} refuses a single class and does not say so: {error}"
        return "declared"
    assert np.allclose(bench.said(model, bench.X_new), 1), f"{bench.spec.name} is not sure of the only class"
    return "passed"


def it_beats_chance(bench: ModelBench) -> Outcome:
    """A model that is no floor has learned something from separable rows."""
    if bench.spec.role == "floor":
        return "declared"
    model = bench.fitted()
    predicted = _classes(model)[bench.said(model, bench.X).argmax(axis=1)]
    accuracy, chance = float(np.mean(predicted == bench.y)), float(np.bincount(bench.y).max() / len(bench.y))
    assert accuracy > chance + 0.2, f"{bench.spec.name}: accuracy {accuracy:.2f} on its own training rows"
    return "passed"


def _classes(model: Model) -> NDArray[Any]:
    return np.asarray(cast(Classifier, model).classes_)


MODEL_CHECKS: tuple[Callable[[ModelBench], Outcome], ...] = (
    probabilities_are_sound,
    models.the_same_seed_gives_the_same_predictions,
    models.a_deterministic_model_ignores_the_seed,
    models.neither_order_nor_company_of_rows_matters,
    a_missing_class_is_no_crash,
    two_classes_are_no_special_case,
    a_rare_class_is_no_crash,
    a_handful_of_rows_is_enough,
    a_single_class_is_a_model_or_a_plain_error,
    it_beats_chance,
    models.parameters_survive_yaml,
    models.it_says_what_it_is,
)
