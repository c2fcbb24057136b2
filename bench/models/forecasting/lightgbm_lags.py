"""LightGBM on lags, calendar and covariates, one for the whole panel."""

from dataclasses import asdict, dataclass
from typing import Any

from bench.models.regressions import TREES, trees
from bench.registry import register_model
from bench.types import Context, Model

DIFFERENCES = ("none", "step", "season", "both")


@dataclass
class Params:
    """Parameters of ``lightgbm_lags``."""

    n_estimators: int = TREES["n_estimators"]
    learning_rate: float = TREES["learning_rate"]
    num_leaves: int = TREES["num_leaves"]
    min_child_samples: int = TREES["min_child_samples"]
    colsample_bytree: float = TREES["colsample_bytree"]
    """Share of the columns that each tree sees."""
    reg_lambda: float = TREES["reg_lambda"]
    lags: int = 0
    """Steps back that it sees, beside those a season and two seasons ago; 0 for a season and one more."""
    differences: str = "season"
    """What is taken from each value: none, that of the step before, that of the season before, or both."""

    def __post_init__(self) -> None:
        if self.differences not in DIFFERENCES:
            raise ValueError(f"differences must be one of {', '.join(DIFFERENCES)}, not {self.differences!r}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try: steps and their number, leaves, what each tree sees, lags and differences."""
    rate = trial.suggest_float("learning_rate", 0.01, 0.2, log=True)
    # Small steps need more of them: their product stays within a factor of ten.
    travel = trial.suggest_float("travel", 3.0, 30.0, log=True)
    return {
        "learning_rate": rate,
        "n_estimators": max(20, round(travel / rate)),
        "num_leaves": trial.suggest_int("num_leaves", 4, 128, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
        "lags": trial.suggest_int("lags", 1, 36),
        "differences": trial.suggest_categorical("differences", list(DIFFERENCES)),
    }


@register_model(
    "lightgbm_lags",
    task_types=["forecasting"],
    params=Params,
    space=space,
    role="stable",
    from_budget="quick",
    deterministic=True,
    libraries=("numpy", "pandas", "scikit-learn", "lightgbm", "mlforecast"),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Model:
    """Gradient-boosted trees on lags, calendar and covariates, one model for all series."""
    return trees(context, **asdict(params))
