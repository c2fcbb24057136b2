"""LightGBM as several models build it."""

from typing import Any

from bench.types import Context


def boosted(context: Context, **params: Any) -> Any:
    """Return LightGBM for labels or quantities, not fitted; one fit is as another on any number of threads."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMRegressor if context.prediction == "value" else LGBMClassifier)(
        **params,
        random_state=context.seed,
        n_jobs=context.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
