"""Runs an entrant inside its own environment, where there is no bench: ``python run.py flaml_entrant.py job.json``.

The job says where the files lie, what the columns are, and how much time there is; see ``bench/entrants/README.md``.
Without a job, it only imports what the entrant needs.
"""

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

# Before anything large is imported: that takes from the time, too.
STARTED = time.monotonic()


def main(script: str, job_path: str = "") -> None:
    """Hand the rows of a job to an entrant, and write what it predicts."""
    entrant = runpy.run_path(str(Path(__file__).with_name(script)))
    if not job_path:
        entrant["load"]()
        return
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    train, test = _tables(job)
    target = train.pop(job["target"])
    entrant["predict"](job, train, target, test, STARTED + job["seconds"]).to_parquet(job["predictions"], index=False)


def _tables(job: dict[str, Any]) -> tuple[Any, Any]:
    """Return training and test rows; categories of both have the levels of the training rows."""
    import pandas as pd

    train, test = (pd.read_parquet(job[part]) for part in ("train", "test"))
    for name, kind in job["columns"].items():
        if kind == "category":
            levels = sorted(train[name].dropna().unique())
            for table in (train, test):
                table[name] = pd.Categorical(table[name], categories=levels)
        elif kind == "text":
            for table in (train, test):
                table[name] = table[name].astype(object)
    return train, test


if __name__ == "__main__":
    main(*sys.argv[1:])
