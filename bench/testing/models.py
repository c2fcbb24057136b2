"""What every model must do, as functions that raise `AssertionError` with the fact that does not hold.

A check returns an `Outcome`: passed, or declared, where the model says beforehand that the fact does not hold for it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from bench.cell import checked_probabilities
from bench.types import Context, Model, ModelSpec

Outcome = Literal["passed", "declared"]


@dataclass(frozen=True, kw_only=True)
class ModelBench:
    """A model, what it is built with, and rows to try it on."""

    spec: ModelSpec
    context: Context
    other_seed: Context
    """The same with another seed."""
    X: pd.Series | pd.DataFrame
    """About 60 training rows."""
    y: NDArray[np.integer]
    """Class codes 0..C-1."""
    X_new: pd.Series | pd.DataFrame
    """Rows to predict, with values that the training rows lack."""

    def fitted(self, context: Context | None = None, rows: NDArray[Any] | None = None) -> Model:
        """Return the model, built from its default parameters and fitted on the rows."""
        model = self.spec.build(self.spec.params(), context or self.context)
        rows = np.arange(len(self.y)) if rows is None else rows
        model.fit(self.X.take(rows).reset_index(drop=True), self.y[rows])
        return model


def probabilities_are_sound(bench: ModelBench) -> Outcome:
    """Right shape, finite, between 0 and 1, rows that sum to one."""
    model = bench.fitted()
    checked_probabilities(
        model.predict_proba(bench.X_new), np.asarray(model.classes_), len(bench.X_new), bench.y.max() + 1
    )
    return "passed"


def the_same_seed_gives_the_same_predictions(bench: ModelBench) -> Outcome:
    """Bit for bit, on one machine."""
    one, two = (bench.fitted().predict_proba(bench.X_new) for _ in range(2))
    assert np.array_equal(one, two), (
        f"{bench.spec.name}: two fits with one seed differ by {np.abs(one - two).max():.3g}"
    )
    return "passed"


def a_deterministic_model_ignores_the_seed(bench: ModelBench) -> Outcome:
    """Where the model declares itself deterministic."""
    if not bench.spec.deterministic:
        return "declared"
    one, two = bench.fitted(), bench.fitted(bench.other_seed)
    assert np.array_equal(one.predict_proba(bench.X_new), two.predict_proba(bench.X_new)), (
        f"{bench.spec.name} declares itself deterministic, and its predictions depend on the seed"
    )
    return "passed"


def neither_order_nor_company_of_rows_matters(bench: ModelBench) -> Outcome:
    """Predictions of a row are its own, to the precision of half-width floats."""
    model = bench.fitted()
    together = np.asarray(model.predict_proba(bench.X_new))
    backwards = np.asarray(model.predict_proba(bench.X_new.iloc[::-1].reset_index(drop=True)))[::-1]
    alone = np.concatenate([model.predict_proba(bench.X_new.take([row])) for row in range(len(bench.X_new))])
    for other in (backwards, alone):
        assert np.abs(together - other).max() < 0.02, f"{bench.spec.name}: a prediction depends on other rows"
    return "passed"


def a_missing_class_is_no_crash(bench: ModelBench) -> Outcome:
    """Training rows that lack a class give a model of the other classes."""
    model = bench.fitted(rows=np.flatnonzero(bench.y > 0))
    assert 0 not in set(np.asarray(model.classes_)), f"{bench.spec.name} claims a class that it never saw"
    checked_probabilities(
        model.predict_proba(bench.X_new), np.asarray(model.classes_), len(bench.X_new), bench.y.max() + 1
    )
    return "passed"


def two_classes_are_no_special_case(bench: ModelBench) -> Outcome:
    """Binary problems give two columns."""
    model = bench.fitted(rows=np.flatnonzero(bench.y < 2))
    assert np.asarray(model.predict_proba(bench.X_new)).shape == (len(bench.X_new), 2)
    return "passed"


def a_rare_class_is_no_crash(bench: ModelBench) -> Outcome:
    """A class with one training row is harder than inner folds like it."""
    rows = np.concatenate([np.flatnonzero(bench.y > 0), np.flatnonzero(bench.y == 0)[:1]])
    model = bench.fitted(rows=rows)
    assert set(np.asarray(model.classes_)) == set(bench.y)
    return "passed"


def a_handful_of_rows_is_enough(bench: ModelBench) -> Outcome:
    """Two rows a class are harder than inner folds like it."""
    rows = np.concatenate([np.flatnonzero(bench.y == code)[:2] for code in np.unique(bench.y)])
    assert set(np.asarray(bench.fitted(rows=rows).classes_)) == set(bench.y)
    return "passed"


def a_single_class_is_a_model_or_a_plain_error(bench: ModelBench) -> Outcome:
    """Training rows of one class are predicted with certainty, or refused by an error that speaks of classes."""
    try:
        model = bench.fitted(rows=np.flatnonzero(bench.y == 0))
    except ValueError as error:
        assert "class" in str(error), f"{bench.spec.name} refuses a single class and does not say so: {error}"
        return "declared"
    assert np.allclose(model.predict_proba(bench.X_new), 1), f"{bench.spec.name} is not sure of the only class"
    return "passed"


def it_beats_chance(bench: ModelBench) -> Outcome:
    """A model that is no floor has learned something from separable rows."""
    if bench.spec.role == "floor":
        return "declared"
    model = bench.fitted()
    predicted = np.asarray(model.classes_)[np.asarray(model.predict_proba(bench.X)).argmax(axis=1)]
    accuracy, chance = float(np.mean(predicted == bench.y)), float(np.bincount(bench.y).max() / len(bench.y))
    assert accuracy > chance + 0.2, f"{bench.spec.name}: accuracy {accuracy:.2f} on its own training rows"
    return "passed"


def parameters_survive_yaml(bench: ModelBench) -> Outcome:
    """Defaults written as YAML and read back are the same parameters, with the same types."""
    params = bench.spec.params()
    back = bench.spec.params(**yaml.safe_load(yaml.safe_dump(asdict(params))))
    assert back == params
    assert [type(value) for value in asdict(back).values()] == [type(value) for value in asdict(params).values()]
    return "passed"


def it_says_what_it_is(bench: ModelBench) -> Outcome:
    """A summary, a licence, and real parameter names for its zoo addresses."""
    assert bench.spec.summary.endswith("."), f"{bench.spec.name}: build needs a docstring of one sentence"
    assert bench.spec.licence
    for name in bench.spec.zoo:
        assert ":" in getattr(bench.spec.params(), name), f"{bench.spec.name}: {name} holds no zoo address"
    return "passed"


MODEL_CHECKS: tuple[Callable[[ModelBench], Outcome], ...] = (
    probabilities_are_sound,
    the_same_seed_gives_the_same_predictions,
    a_deterministic_model_ignores_the_seed,
    neither_order_nor_company_of_rows_matters,
    a_missing_class_is_no_crash,
    two_classes_are_no_special_case,
    a_rare_class_is_no_crash,
    a_handful_of_rows_is_enough,
    a_single_class_is_a_model_or_a_plain_error,
    it_beats_chance,
    parameters_survive_yaml,
    it_says_what_it_is,
)
