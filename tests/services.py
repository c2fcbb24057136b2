"""What services do with an export: a model of scikit-learn for each split, and its answers in their layouts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

Write = Callable[[Path, pd.DataFrame, pd.DataFrame, str], None]
"""Given a folder, the test rows, the predictions, and the name of the target."""


def answer(folder: Path, write: Write, only: str = "*", seed: int = 0, below: str = "") -> None:
    """Learn from every split's training file, and write what is predicted for its test file in any order."""
    said = json.loads((folder / "exchange.json").read_text(encoding="utf-8"))
    for place in sorted(folder.glob(f"repeat{only}")):
        train, test = (pd.read_csv(place / name) for name in ("train.csv", "test.csv"))
        predicted = _predicted(train, test, said, seed)
        order = np.random.default_rng(seed).permutation(len(test))
        (place / below).mkdir(exist_ok=True)
        rows = test.iloc[order].reset_index(drop=True), predicted.iloc[order].reset_index(drop=True)
        write(place / below, *rows, said["target"])


def _predicted(train: pd.DataFrame, test: pd.DataFrame, said: dict[str, Any], seed: int) -> pd.DataFrame:
    inputs = [name for name in train.columns if name != said["target"]]
    forest = RandomForestClassifier if said["classes"] else RandomForestRegressor
    model, X, new = forest(8, random_state=seed), train[inputs], test[inputs]
    if inputs == ["text"] or inputs == ["body"]:
        model, X, new = make_pipeline(CountVectorizer(), model), X.iloc[:, 0].fillna(""), new.iloc[:, 0].fillna("")
    else:
        X, new = (part.select_dtypes("number").fillna(0) for part in (X, new))
    model.fit(X, train[said["target"]].astype(str) if said["classes"] else train[said["target"]])
    if not said["classes"]:
        return pd.DataFrame({"value": model.predict(new)})
    return pd.DataFrame(model.predict_proba(new), columns=model.classes_)


def plain(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """A column a class, or one called prediction."""
    named = predicted.rename(columns={"value": "prediction"})
    pd.concat([test[["bench_id"]], named], axis=1).to_csv(place / "predictions.csv", index=False)


def vertex(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """Shards in a folder of the job, with a list of errors and an empty shard."""
    job = place / "prediction-churn-2026-11-24T10:00:00.000000Z"
    job.mkdir(exist_ok=True)
    whole = pd.concat([test, predicted.rename(columns=lambda name: vertex_name(name, target))], axis=1)
    half = len(whole) // 2
    whole.iloc[:half].to_csv(job / "prediction.results-00000-of-00003.csv", index=False)
    whole.iloc[half:].to_csv(job / "prediction.results-00001-of-00003.csv", index=False)
    (job / "prediction.results-00002-of-00003.csv").touch()


def vertex_name(name: str, target: str) -> str:
    return f"predicted_{target}" if name == "value" else f"{target}_{name}_scores"


def tables(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """AutoML Tables: quantities in a column called as the target is."""
    named = predicted.rename(columns=lambda name: target if name == "value" else f"{target}_{name}_score")
    pd.concat([test, named], axis=1).to_csv(place / "tables_1.csv", index=False)


def keyed(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """Vertex AI with a key field: the inputs are not repeated."""
    named = predicted.rename(columns=lambda name: vertex_name(name, target))
    pd.concat([test[["bench_id"]].set_axis(["key"], axis=1), named], axis=1).to_csv(
        place / "predictions_0001.csv", index=False
    )


def _nested(row: pd.Series) -> dict[str, Any]:
    if "value" in row:
        return {"value": row["value"], "lower_bound": row["value"] - 1, "upper_bound": row["value"] + 1}
    # Not in the order of the classes.
    labels = list(row.index)[::-1]
    return {"classes": labels, "scores": [str(row[label]) for label in labels]}


def _objects(test: pd.DataFrame, predicted: pd.DataFrame) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for (_, row), (_, said) in zip(test.iterrows(), predicted.iterrows(), strict=True):
        yield json.loads(row.to_json()), _nested(said)


def bigquery(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """A table of BigQuery as JSON lines."""
    rows = ({**row, f"predicted_{target}": said} for row, said in _objects(test, predicted))
    (place / "bq-results.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def json_lines(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """Vertex AI's own JSON lines, in files without a suffix."""
    rows = ({"instance": row, "prediction": said} for row, said in _objects(test, predicted))
    (place / "prediction.results-00000-of-00001").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def nested_csv(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """Classes with their scores as JSON in a cell."""
    cells = [json.dumps(said) for _, said in _objects(test, predicted)]
    test.assign(**{f"predicted_{target}": cells}).to_csv(place / "query.csv", index=False)


def azure(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """A test run of Azure's automated ML: inputs renamed too, labels beside probabilities."""
    labels = predicted["value"] if "value" in predicted else predicted.idxmax(axis=1)
    named = [] if "value" in predicted else [predicted.add_suffix("_predicted_proba")]
    whole = pd.concat([labels.rename(f"{target}_predicted"), *named, test.add_suffix("_orig")], axis=1)
    (place / "predictions").mkdir(exist_ok=True)
    whole.to_csv(place / "predictions" / "predictions.csv", index=False)


def designer(place: Path, test: pd.DataFrame, predicted: pd.DataFrame, target: str) -> None:
    """Azure's designer."""
    labels = predicted["value"] if "value" in predicted else predicted.idxmax(axis=1)
    named = [] if "value" in predicted else [predicted.add_prefix("Scored Probabilities_")]
    pd.concat([test, labels.rename("Scored Labels"), *named], axis=1).to_csv(place / "scored.csv", index=False)


LAYOUTS = {
    "one column": plain,
    "Vertex AI": vertex,
    "AutoML Tables": tables,
    "key": keyed,
    "BigQuery": bigquery,
    "JSON lines": json_lines,
    "JSON in CSV": nested_csv,
    "Azure automated ML": azure,
    "Azure designer": designer,
}
