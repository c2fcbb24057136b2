"""What forests of randomised trees share: how they are built, and what of them is searched."""

from typing import Any

from bench.types import Context


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }


def forest(classifier: Any, regressor: Any, params: Any, context: Context) -> Any:
    """Return a forest that is not fitted.

    Parameters
    ----------
    classifier : type
        scikit-learn's class for labels.
    regressor : type
        Its class for quantities.
    params : dataclass
        With ``n_estimators``, ``min_samples_leaf`` and ``max_features``; 0 of the last takes the square root of the
        number of columns, or all for a quantity.
    context : Context
    """
    regression = context.prediction == "value"
    return (regressor if regression else classifier)(
        n_estimators=params.n_estimators,
        min_samples_leaf=params.min_samples_leaf,
        max_features=params.max_features or (1.0 if regression else "sqrt"),
        random_state=context.seed,
        n_jobs=context.threads,
    )
