"""AutoGluon with one of its presets; runs inside AutoGluon's environment, started by ``run.py``."""

import time
from pathlib import Path
from typing import Any

METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}
LEAST_SECONDS = 5.0


def load() -> Any:
    """Return the part of the library for tables."""
    from autogluon import tabular

    return tabular


def predict(job: dict[str, Any], train: Any, target: Any, test: Any, deadline: float) -> Any:
    """Return a data frame with the predictions of the test rows."""
    metric, kind = METRICS[job["metric"]], job["task"]
    if kind == "classification":
        kind = "binary" if len(job["classes"]) == 2 else "multiclass"
        metric = "roc_auc_ovr_macro" if metric == "roc_auc" and kind == "multiclass" else metric
    predictor = load().TabularPredictor(
        label=job["target"],
        problem_type=kind,
        eval_metric=metric,
        path=str(Path(job["predictions"]).with_name("autogluon")),
        learner_kwargs={"random_state": job["seed"]},
    )
    predictor.fit(
        train.assign(**{job["target"]: target}),
        presets=job["preset"],
        time_limit=max(LEAST_SECONDS, deadline - time.monotonic()),
        num_cpus=job["threads"],
        num_gpus=0,
    )
    if kind == "regression":
        return predictor.predict(test).to_frame("prediction")
    answer = predictor.predict_proba(test)
    answer.columns = [str(name) for name in answer.columns]
    # Classes with very few rows are left out of the training.
    return answer.reindex(columns=job["classes"], fill_value=0.0)
