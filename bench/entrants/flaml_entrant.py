"""FLAML with its default search; runs inside FLAML's environment, started by ``run.py``."""

import time
from typing import Any

METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}
LEAST_SECONDS = 1.0


def load() -> Any:
    """Return the library."""
    import flaml

    return flaml


def predict(job: dict[str, Any], train: Any, target: Any, test: Any, deadline: float) -> Any:
    """Return a data frame with the predictions of the test rows."""
    import pandas as pd

    # LightGBM and XGBoost refuse what people write into headers.
    train, test = (table.set_axis([f"c{at}" for at in range(table.shape[1])], axis=1) for table in (train, test))
    model = load().AutoML()
    metric = METRICS[job["metric"]]
    if metric == "roc_auc" and len(job["classes"]) > 2:
        metric = "roc_auc_ovr"
    model.fit(
        train,
        target,
        task=job["task"],
        metric=metric,
        time_budget=max(LEAST_SECONDS, deadline - time.monotonic()),
        n_jobs=job["threads"],
        seed=job["seed"],
        log_file_name="",
    )
    if job["task"] == "regression":
        return pd.DataFrame({"prediction": model.predict(test)})
    return pd.DataFrame(model.predict_proba(test), columns=[str(name) for name in model.classes_])
