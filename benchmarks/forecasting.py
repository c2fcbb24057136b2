"""Print what the harness adds to statsforecast's own time, and what each series of a large panel takes.

python benchmarks/forecasting.py [SERIES]

Both sides of the ratio use all cores, one after the other in turns. Series of the large panel are short: 24 months.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.cell import CellInputs, run_cell  # noqa: E402
from bench.config import CONF, register_schemas, run_config  # noqa: E402
from bench.executor import cap_threads  # noqa: E402
from bench.footprint import peak_mb  # noqa: E402
from bench.machine import cores  # noqa: E402
from bench.panel import SERIES, TIME  # noqa: E402
from bench.plan import make_cells  # noqa: E402
from bench.prepare import prepare  # noqa: E402
from bench.settings import RunConfig  # noqa: E402

TURNS = 3
DATA = "m1_monthly"
MODELS = {"auto_theta": "AutoTheta", "auto_ets": "AutoETS"}
LARGE = ("seasonal_naive", "auto_theta")
HORIZON, LENGTH = 6, 24
LEVELS = [20, 40, 60, 80]
"""Central intervals whose ends are the quantiles 0.1 to 0.9."""


def main() -> None:
    """Print one line a figure."""
    print = Console(soft_wrap=True).print
    for name, theirs in MODELS.items():
        points, quantiles = _ratios(name, theirs)
        print(
            f"{DATA}, {name}: {points:.3f} times the seconds of statsforecast's own {theirs} for points alone, "
            f"{quantiles:.3f} times those for quantiles, which it may have to simulate"
        )
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for name in LARGE:
        few, many = (_in_a_process(name, count) for count in (series // 10, series))
        per_series = 1e3 * (many["peak_mb"] - few["peak_mb"]) / (series - series // 10)
        print(
            f"{name}: {series:,} series of {LENGTH} steps in {many['seconds']:.0f} s, {many['peak_mb'] / 1e3:.2f} GB "
            f"at most ({few['peak_mb'] / 1e3:.2f} GB with a tenth of them: {per_series:.1f} kB for each further series)"
        )


def _ratios(name: str, theirs: str) -> tuple[float, float]:
    """Return the seconds of a cell over those of the library called by hand, without and with its intervals."""
    inputs, cell = _cell(name, f"data={DATA}")
    split, data = inputs.splits[0], inputs.dataset
    history = data.X.iloc[split.train][[SERIES, TIME]].assign(y=data.y[split.train])
    ours, points, quantiles = [], [], []
    for _ in range(TURNS):
        started = time.perf_counter()
        record = run_cell(cell, inputs)
        ours.append(time.perf_counter() - started)
        assert record.status == "ok", record.reason
        points.append(_own_seconds(theirs, history, data.forecasting, None))
        quantiles.append(_own_seconds(theirs, history, data.forecasting, LEVELS))
    return median(ours) / median(points), median(ours) / median(quantiles)


def _own_seconds(name: str, history: pd.DataFrame, asked: Any, levels: list[int] | None) -> float:
    import statsforecast.models as models
    from statsforecast import StatsForecast

    started = time.perf_counter()
    model = getattr(models, name)(season_length=asked.season)
    made = StatsForecast([model], freq=asked.freq or 1, n_jobs=cores())
    made.forecast(df=history, h=asked.horizon, level=levels)
    return time.perf_counter() - started


def _cell(name: str, *overrides: str) -> tuple[CellInputs, Any]:
    config = _config("task=forecasting", "protocol=published", f"model=[{name}]", *overrides)
    ready = prepare(config, lambda said: None)
    inputs = replace(ready.inputs(), predictions=None, memory=None, threads=cores())
    cells = make_cells(config, ready.task, ready.models, ready.splits)
    return inputs, next(cell for cell in cells if cell.model == name)


def _config(*overrides: str) -> RunConfig:
    from hydra import compose, initialize_config_dir

    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return run_config(compose("config", overrides=list(overrides)))


def _in_a_process(name: str, series: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, str(series)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(name: str, series: int) -> None:
    """Forecast a large panel in this process, and print its seconds and its peak of memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.parquet"
        _panel(series).to_parquet(path)
        columns = ["data=file", "data.id=shop", "data.time=month", "data.target=sold"]
        asked = ["protocol=rolling", "data.season=12", f"data.horizon={HORIZON}", "data.windows=1", "budget.rows=0"]
        inputs, cell = _cell(name, f"data.path={path}", *columns, *asked)
    started = time.perf_counter()
    record = run_cell(cell, inputs)
    assert record.status == "ok", record.reason
    assert record.n_test == series * HORIZON, "not every series was forecast"
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}))


def _panel(series: int) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    step = np.tile(np.arange(LENGTH), series)
    level = np.repeat(generator.lognormal(3, 1, series), LENGTH)
    sold = level * (1 + 0.3 * np.sin(2 * np.pi * step / 12)) * generator.lognormal(0, 0.2, len(step))
    months = pd.date_range("2024-01-01", periods=LENGTH, freq="MS").to_numpy()
    return pd.DataFrame({"shop": np.repeat(np.arange(series), LENGTH), "month": months[step], "sold": sold.round(2)})


if __name__ == "__main__":
    cap_threads(cores(), 1)
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        main()
