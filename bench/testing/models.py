"""What every model must do, as functions that raise `AssertionError` with the fact that does not hold.

A check returns an `Outcome`: passed, or declared, where the model says beforehand that the fact does not hold for it.
Here stands what does not depend on the kind of prediction; see `bench.testing.probabilities`,
`bench.testing.values`, `bench.testing.forecasts` and `bench.testing.rankings`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from bench.answers import Asked, ask, checked
from bench.types import Context, Model, ModelSpec

Outcome = Literal["passed", "declared"]


@dataclass(frozen=True, kw_only=True)
class ModelBench:
    """A model, what it is built with, and rows to try it on; ``context.prediction`` says what it is asked for."""

    spec: ModelSpec
    context: Context
    other_seed: Context
    """The same with another seed."""
    X: pd.Series | pd.DataFrame
    """About 60 training rows."""
    y: NDArray[Any]
    """Class codes 0..C-1, or values that some of the columns tell."""
    X_new: Any
    """Rows to predict, with values that the training rows lack; of recommenders an `Asking`."""
    made: dict[str, Model] = field(default_factory=dict)
    """The model that checks share which change nothing."""

    @property
    def classes(self) -> int:
        """Number of classes; 0 for values and forecasts."""
        return int(self.y.max()) + 1 if self.context.prediction == "probability" else 0

    def fitted(
        self, context: Context | None = None, rows: NDArray[Any] | None = None, y: NDArray[Any] | None = None
    ) -> Model:
        """Return the model, built from its default parameters and fitted on the rows, with other targets if given."""
        model = self.spec.build(self.spec.params(), context or self.context)
        rows = np.arange(len(self.y)) if rows is None else rows
        model.fit(self.X.take(rows).reset_index(drop=True), (self.y if y is None else y)[rows])
        return model

    def usual(self) -> Model:
        """Return the model fitted on all rows, once for all checks that ask for it."""
        if "usual" not in self.made:
            self.made["usual"] = self.fitted()
        return self.made["usual"]

    def said(self, model: Model, X: Any) -> NDArray[Any]:
        """Return what a fitted model says of rows, as it says it."""
        return np.asarray(ask(model, X, self.context.prediction))

    def sound(self, model: Model, X: Any) -> NDArray[np.float64]:
        """Return what a fitted model says of rows, checked as the harness checks it."""
        return checked(ask(model, X, self.context.prediction), model, X, Asked.within(self.context, self.classes))


def the_same_seed_gives_the_same_predictions(bench: ModelBench) -> Outcome:
    """Bit for bit, on one machine."""
    one, two = (bench.said(bench.fitted(), bench.X_new) for _ in range(2))
    assert np.array_equal(one, two), (
        f"{bench.spec.name}: two fits with one seed differ by {np.abs(one - two).max():.3g}"
    )
    return "passed"


def a_deterministic_model_ignores_the_seed(bench: ModelBench) -> Outcome:
    """Where the model declares itself deterministic."""
    if not bench.spec.deterministic:
        return "declared"
    one, two = bench.fitted(), bench.fitted(bench.other_seed)
    assert np.array_equal(bench.said(one, bench.X_new), bench.said(two, bench.X_new)), (
        f"{bench.spec.name} declares itself deterministic, and its predictions depend on the seed"
    )
    return "passed"


def neither_order_nor_company_of_rows_matters(bench: ModelBench) -> Outcome:
    """Predictions of a row are its own, to the precision of half-width floats."""
    model = bench.fitted()
    together = bench.said(model, bench.X_new)
    backwards = bench.said(model, bench.X_new.iloc[::-1].reset_index(drop=True))[::-1]
    alone = np.concatenate([bench.said(model, bench.X_new.take([row])) for row in range(len(bench.X_new))])
    # Values have a scale of their own.
    scale = 1.0 if bench.classes else float(bench.y.std())
    for other in (backwards, alone):
        assert np.abs(together - other).max() < 0.02 * scale, f"{bench.spec.name}: a prediction depends on other rows"
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
