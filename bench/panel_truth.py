"""What the windows of a panel hold out, kept beside the predictions so that forecasts can be scored anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.forecast_metrics import Scaled, by_series
from bench.panel import SERIES, Held, held_of
from bench.types import Dataset, Split

SEPARATOR = "\x1e"
CEILING: tuple[Scaled, ...] = ("mase", "sql")
"""Scores of the best possible forecasts, where these are known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PanelTruth:
    """What the truth of a panel holds beside its values."""

    season: int
    """Steps of a season; 1 where there is none."""
    freq: str
    """pandas' alias of one step; empty where time stamps are whole numbers."""
    step: int
    """Steps between two origins."""
    names: tuple[str, ...]
    """Of the series, by their codes."""
    observed: NDArray[np.bool_] | None
    """False where a target was filled in, shape (n,)."""
    windows: Mapping[tuple[int, int], Held]
    """What each (repeat, fold) holds out, in the order of its test rows."""


def panel_arrays(dataset: Dataset, splits: Sequence[Split]) -> dict[str, Any]:
    """Return the arrays of a file that `read_panel` understands; none for what is no panel."""
    asked, groups = dataset.forecasting, dataset.groups
    if asked is None or groups is None:
        return {}
    first = np.unique(groups, return_index=True)[1]
    names = SEPARATOR.join(dataset.X[SERIES].iloc[first].astype(str))
    step = dataset.rolling.step if dataset.rolling is not None else 0
    found: dict[str, Any] = {
        "panel_numbers": np.array([asked.season, step or asked.horizon]),
        "panel_freq": np.array(asked.freq),
        "panel_levels": np.array(asked.levels, dtype=float),
        "panel_names": np.frombuffer(names.encode(errors="replace"), np.uint8),
    }
    if dataset.observed is not None:
        found["panel_observed"] = dataset.observed
    for split in splits:
        held = held_of(dataset, split.train, split.test)
        for name in ("y", "series", "step", "scale", "squared_scale"):
            found[f"panel-{split.repeat}-{split.fold}-{name}"] = getattr(held, name)
    return found


def read_panel(content: Mapping[str, Any]) -> PanelTruth | None:
    """Return what such arrays say, or None where there are none."""
    if "panel_numbers" not in content:
        return None
    season, step = map(int, content["panel_numbers"])
    levels = tuple(map(float, content["panel_levels"]))
    fields: dict[tuple[int, int], dict[str, Any]] = {}
    for name, array in content.items():
        if name.startswith("panel-"):
            _, repeat, fold, what = name.split("-")
            fields.setdefault((int(repeat), int(fold)), {})[what] = array
    return PanelTruth(
        season=season,
        freq=str(content["panel_freq"]),
        step=step,
        names=tuple(content["panel_names"].tobytes().decode().split(SEPARATOR)),
        observed=content.get("panel_observed"),
        windows={window: Held(**arrays, levels=levels) for window, arrays in fields.items()},
    )


def ceiling_of(dataset: Dataset, splits: Sequence[Split]) -> dict[str, float]:
    """Return what the best possible forecasts score, a mean over series of their means over windows.

    Nothing where no law of the data is known, and no metric that no series has a scale for.
    """
    law, asked, groups = dataset.law, dataset.forecasting, dataset.groups
    if law is None or asked is None or groups is None:
        return {}
    found: dict[str, list[NDArray[np.floating]]] = {name: [] for name in CEILING}
    codes = []
    for split in splits:
        held = held_of(dataset, split.train, split.test)
        best = law(dataset, split)[list(asked.columns)].to_numpy(np.float64)
        codes.append(groups[split.test][np.unique(held.series, return_index=True)[1]])
        for name in CEILING:
            found[name].append(by_series(held, best, name))
    means = {name: _mean_over_series(np.concatenate(codes), np.concatenate(found[name])) for name in CEILING}
    return {name: mean for name, mean in means.items() if np.isfinite(mean)}


def _mean_over_series(codes: NDArray[np.integer], values: NDArray[np.floating]) -> float:
    """Return the mean of the means of each series, in digits that are the same on every machine."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    place = np.unique(codes[known], return_inverse=True)[1]
    return float(f"{(np.bincount(place, values[known]) / np.bincount(place)).mean():.8g}")
