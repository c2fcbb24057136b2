"""Tables as people bring them, from the command line to a recommendation."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
QUICK = ("budget=toy", "budget.probe_rows=0", "executor=serial")


@pytest.fixture
def bench(tmp_path, shared_cache):
    def run(*arguments, code=0):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache), "COLUMNS": "140"}
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments, *QUICK],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    return run


def houses(rows=120):
    """Return a table with most of what goes wrong in tables, whose price follows from the rooms."""
    generator = np.random.default_rng(0)
    rooms = generator.integers(1, 9, rows)
    sold = pd.date_range("2024-01-30", periods=rows).strftime("%d.%m.%Y")
    return pd.DataFrame(
        {
            "Fläche m² (netto)": generator.normal(80, 20, rows).round(1),
            "rooms": rooms,
            "sold on": sold,
            "mixed": [("12", "n/a", "?", "3.5", "")[at % 5] for at in range(rows)],
            "infinite": np.where(np.arange(rows) % 9 == 0, np.inf, rooms / 3),
            "constant": 1,
            "empty": [""] * rows,
            "listing": [f"id-{at:04d}" for at in range(rows)],
            "agent": [f"agent {at % 60}" for at in range(rows)],
            "price": [f"{100 * room + at % 7 + 0.5:.2f}" if at != 3 else "" for at, room in enumerate(rooms)],
        }
    )


def test_a_messy_table_with_a_quantity_goes_through_and_says_what_was_done(bench, tmp_path):
    content = houses().to_csv(index=False).encode("utf-8-sig")
    (tmp_path / "houses.csv").write_bytes(content)
    said = bench("task=tabular_reg", "data.path=houses.csv", "data.target=price", "model=[lightgbm,knn,random_forest]")
    assert "119 rows" in said
    for dropped in ("constant", "empty", "listing"):
        assert f"'{dropped}'" in said
    assert "Ship " in said
    assert "failed" not in said.partition("Ship")[0].replace("failed cells", "")


def test_a_wide_and_short_table_has_a_recommendation(bench, tmp_path):
    generator = np.random.default_rng(1)
    wide = pd.DataFrame(generator.normal(size=(100, 2000)).round(3), columns=[f"gene {at}" for at in range(2000)])
    ill = np.arange(100) % 3 == 0
    wide.loc[ill, [f"gene {at}" for at in range(0, 2000, 40)]] += 1.5
    wide["outcome"] = np.where(ill, "ill", "well")
    wide.to_csv(tmp_path / "wide.csv", index=False)
    said = bench("task=tabular_clf", "data.path=wide.csv", "data.target=outcome", "model=[extra_trees]")
    assert "100 rows" in said
    assert "Ship " in said


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("agent", "no numbers"),
        ("constant", "every row has 1"),
        ("rooms", "look like labels"),
        ("prise", "Did you mean"),
    ],
)
def test_a_column_that_is_no_quantity_is_refused_in_one_paragraph(bench, tmp_path, target, said):
    houses().to_csv(tmp_path / "houses.csv", index=False)
    found = bench("task=tabular_reg", "data.path=houses.csv", f"data.target={target}", code=2)
    assert said in found
    assert "Traceback" not in found
