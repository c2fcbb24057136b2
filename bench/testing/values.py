"""What every model of values must do; see `bench.testing.models`."""

from collections.abc import Callable

import numpy as np

from bench.testing import models
from bench.testing.models import ModelBench, Outcome

HANDFUL = 4
CONSTANT = 7.25


def values_are_sound(bench: ModelBench) -> Outcome:
    """One finite number a row."""
    bench.sound(bench.fitted(), bench.X_new)
    return "passed"


def one_value_for_all_is_no_crash(bench: ModelBench) -> Outcome:
    """Where every training row has the same target, so has every prediction."""
    constant = np.full(len(bench.y), CONSTANT)
    found = bench.sound(bench.fitted(y=constant), bench.X_new)
    assert np.allclose(found, CONSTANT, rtol=1e-3), f"{bench.spec.name}: {found[0]:.4g} is not the only target there is"
    return "passed"


def a_handful_of_rows_is_enough(bench: ModelBench) -> Outcome:
    """Four rows are harder than inner folds like it."""
    bench.sound(bench.fitted(rows=np.arange(HANDFUL)), bench.X_new)
    return "passed"


def a_missing_span_of_targets_is_no_crash(bench: ModelBench) -> Outcome:
    """Training rows of the lower half predict rows of the upper half by finite numbers."""
    bench.sound(bench.fitted(rows=np.flatnonzero(bench.y < np.median(bench.y))), bench.X)
    return "passed"


def it_beats_the_mean(bench: ModelBench) -> Outcome:
    """A model that is no floor has learned something from rows that can be learned."""
    if bench.spec.role == "floor":
        return "declared"
    errors = bench.sound(bench.fitted(), bench.X) - bench.y
    found, spread = float(np.sqrt(np.mean(errors**2))), float(bench.y.std())
    assert found < 0.9 * spread, f"{bench.spec.name}: RMSE {found:.3g} on its own rows, whose SD is {spread:.3g}"
    return "passed"


VALUE_CHECKS: tuple[Callable[[ModelBench], Outcome], ...] = (
    values_are_sound,
    models.the_same_seed_gives_the_same_predictions,
    models.a_deterministic_model_ignores_the_seed,
    models.neither_order_nor_company_of_rows_matters,
    one_value_for_all_is_no_crash,
    a_handful_of_rows_is_enough,
    a_missing_span_of_targets_is_no_crash,
    it_beats_the_mean,
    models.parameters_survive_yaml,
    models.it_says_what_it_is,
)
