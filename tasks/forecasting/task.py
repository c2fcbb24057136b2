"""How panels of time series are read, checked and cut into windows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import fingerprint, take
from bench.errors import ConfigError, DataError, did_you_mean
from bench.panel import LEVELS, SERIES, TIME, Forecasting, Rolling, quantile_column, series_of
from bench.settings import Budget, DataSpec
from bench.types import Dataset, Prediction, Split, seed_for
from bench.windows import published_window, rolling_windows
from tasks.forecasting import synthetic
from tasks.forecasting.covariates import CovariateColumns, read_covariates
from tasks.forecasting.frequency import Grid, find_grid
from tasks.forecasting.gaps import FILLS, MERGES, Panel, completed, trimmed, without_duplicates
from tasks.forecasting.reading import Long, hint_on_commas, read_long
from tasks.forecasting.seasons import other_season
from tasks.forecasting.stamps import hint_on_clocks, read_stamps
from tasks.forecasting.steps import check_alias, cut_short, grid_of

LEAST_WINDOWS, MOST_WINDOWS = 2, 10
FORECAST_SERIES = 20
"""Over all windows, where series are few."""
ROWS_A_SERIES = 10
"""Rows of a budget that stand for a series: with fewer series a panel says little, whatever their length."""


@dataclass(frozen=True)
class SeriesForecasting:
    """The task type ``forecasting``."""

    name: str = "forecasting"
    prediction: Prediction = "quantiles"
    metrics: tuple[str, ...] = (
        "mase",
        "rmsse",
        "wape",
        "smape",
        "wql",
        "sql",
        "coverage_80",
        "width_80",
        "bias",
    )
    protocol: str = "rolling"
    reference: str = "seasonal_naive"
    floor: str = "naive"
    margin: float = 0.01
    margin_relative: bool = True
    version: int = 1

    def load(self, spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Dataset:
        """Read a panel, its steps and what is asked of forecasts; see `bench.registry.TaskType.load`."""
        check_options(spec)
        source = spec.name or spec.path
        long = read_long(spec, read)
        panel, grid, notes = _on_steps(long, spec, source)
        season = spec.season or grid.step.season
        panel = completed(panel, spec.fill, season)
        horizon, said = _horizon(grid, panel, season, spec)
        covariates = read_covariates(long.covariates, panel, spec, horizon, season)
        dataset = Dataset(
            name=spec.name,
            X=_inputs(panel, grid, covariates),
            y=panel.y,
            classes=(),
            groups=np.unique(panel.codes, return_inverse=True)[1],
            test=panel.test,
            columns={SERIES: "category", TIME: "date" if grid.freq else "number", **covariates.kinds},
            licence=spec.licence,
            citation=spec.citation,
            forecasting=Forecasting(
                horizon=horizon,
                season=season,
                freq=grid.freq,
                levels=tuple(sorted(set(spec.levels))) or LEVELS,
                known=covariates.known,
                past=covariates.past,
                static=covariates.static,
            ),
            rolling=Rolling(windows=spec.windows, step=spec.step, refit_every=spec.refit_every, context=spec.context),
            observed=panel.observed,
            notes=(*long.notes, *notes, said, *panel.notes, *covariates.notes),
            law=synthetic.best_of(spec.path, str(long.target.name), covariates.known),
        )
        dataset = replace(dataset, time=dataset.X[TIME].to_numpy())
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Return whole series drawn at random, one for every ten rows of the budget."""
        assert dataset.groups is not None
        series, count = len(np.bincount(dataset.groups)), -(-budget.rows // ROWS_A_SERIES)
        if not budget.rows or series <= count:
            return dataset
        order = np.random.default_rng(seed_for(seed, "subsample", self.name)).permutation(series)
        kept = np.isin(np.arange(series), order[:count])
        rows = np.flatnonzero(kept[dataset.groups])
        renumbered = replace(dataset, groups=(np.cumsum(kept) - 1)[dataset.groups])
        note = f"A subsample of {count} of {series} series ({len(rows)} of {len(dataset.y)} rows), at random."
        return replace(take(renumbered, rows), notes=(*dataset.notes, note))

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return a window for each origin, or the published one; see `bench.registry.TaskType.splits`."""
        match protocol:
            case "rolling":
                return rolling_windows(dataset, _usual_windows(dataset, budget))
            case "published":
                return published_window(dataset)
        raise ConfigError(f"protocol={protocol} would mix past and future: forecasting has rolling and published.")

    def perturbed(self, X: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
        """Return nothing: what can be changed in a frame of future steps is which values are asked for."""
        return {}


def _usual_windows(dataset: Dataset, budget: Budget) -> int:
    """Return how many windows a run has that names no number.

    Half of the budget's folds over all repeats, for a fit on a panel takes longer than one on a table; more where
    series are few.
    """
    series = series_of(dataset)
    few = min(MOST_WINDOWS, -(-FORECAST_SERIES // series))
    return max(LEAST_WINDOWS, budget.folds * budget.repeats_of(series) // 2, few)


def check_options(spec: DataSpec) -> None:
    """Refuse options that no panel could meet.

    Parameters
    ----------
    spec : DataSpec

    Raises
    ------
    DataError
        Naming the option.
    """
    for name in ("text", "groups", "merge_rare"):
        if getattr(spec, name):
            raise DataError(f"data.{name} means nothing to forecasting. Leave it out.")
    for name in ("horizon", "season", "windows", "step", "refit_every", "context"):
        if getattr(spec, name) < 0:
            raise DataError(f"data.{name}={getattr(spec, name)} must not be negative.")
    for name, words in (("fill", FILLS), ("duplicates", MERGES)):
        if (word := getattr(spec, name)) and word not in words:
            raise DataError(f"data.{name}={word} is not known. {did_you_mean(word, words)}")
    if odd := [level for level in spec.levels if not 0 < level < 1]:
        raise DataError(f"data.levels: {odd[0]:g} is no quantile level. Levels lie between 0 and 1.")
    if spec.freq:
        check_alias(spec.freq)
    levels = sorted(set(spec.levels))
    for low, high in pairwise(levels):
        if quantile_column(low) == quantile_column(high):
            raise DataError(
                f"data.levels: {low!r} and {high!r} are both called {quantile_column(low)}. Leave one of them out."
            )


def _on_steps(long: Long, spec: DataSpec, source: str) -> tuple[Panel, Grid, tuple[str, ...]]:
    """Return the rows by series and step, their grid, and notes."""
    stamps, notes = read_stamps(long.time, source)
    codes, names = pd.factorize(long.ids)
    order = np.lexsort((np.arange(len(codes)), stamps.to_numpy(), codes))
    codes, stamps = codes[order], stamps.iloc[order]
    y = _targets(long.target, source)[order]
    if spec.freq:
        grid = grid_of(spec.freq, codes, stamps, source)
    else:
        grid = find_grid(codes, stamps, np.asarray(names, object), source, bool(spec.fill))
    made = grid.stamps(codes, grid.place)
    if moved := int((made != stamps.to_numpy()).sum()):
        notes += (_moved(grid, moved, spec.freq),)
    panel = Panel(
        source=source,
        names=np.asarray(names, object),
        codes=codes,
        place=grid.place,
        y=y,
        rows=order,
        test=None if long.test is None else long.test[order],
    )
    _check_parts(panel)
    again = np.r_[False, (np.diff(codes) == 0) & (np.diff(grid.place) == 0)]
    if not again.any():
        return trimmed(panel), grid, notes
    notes += _merged(spec, len(long.covariates.columns), codes, stamps)
    return trimmed(without_duplicates(panel, spec.duplicates, _why_twice(stamps, again, spec))), grid, notes


def _merged(spec: DataSpec, covariates: int, codes: NDArray[np.intp], stamps: pd.Series) -> tuple[str, ...]:
    """Return notes on what rows of one step lose, beside how many they are."""
    notes: tuple[str, ...] = ()
    if spec.duplicates in ("sum", "mean") and covariates:
        notes += ("Of rows that were merged, other columns are those of the first one.",)
    if spec.freq and spec.duplicates == "sum" and (part := cut_short(spec.freq, codes, stamps)):
        notes += (
            f"{part} of {len(np.unique(codes))} series begin or end within a step, whose sum is then of a part of it: "
            "if it looks too small, drop its rows from the file.",
        )
    return notes


def _moved(grid: Grid, moved: int, asked: str) -> str:
    """Return a note on time stamps that are not those of the file."""
    if asked:
        return f"{moved} time stamps stand for the steps that they lie in (data.freq={asked})."
    match grid.step.unit:
        case "number":
            return f"Time stamps are numbered anew, one for each {grid.step.size}."
        case "month":
            return f"{moved} time stamps within a month stand for its {'last' if grid.at_end else 'first'} day."
    return f"{moved} time stamps stand for the steps that they lie in."


def _why_twice(stamps: pd.Series, again: NDArray[np.bool_], spec: DataSpec) -> str:
    """Return why several rows may be of one step, for errors."""
    if spec.freq:
        rows = int((again | np.r_[again[1:], False]).sum())
        many = (
            f" {rows} of {len(again)} rows share a step of data.freq={spec.freq}: sum is for what adds up, as sales, "
            "mean for measurements."
        )
    elif many := hint_on_clocks(stamps, again):
        return many
    return many if spec.id else many + " If the file holds several series, name the column that tells them by data.id=."


def _check_parts(panel: Panel) -> None:
    """Refuse a published part that does not lie behind the other rows of its series."""
    if panel.test is None:
        return
    behind = panel.codes[:-1] == panel.codes[1:]
    early = np.r_[panel.test[:-1] & ~panel.test[1:] & behind, False]
    both = np.r_[~panel.test[:-1] & panel.test[1:] & behind & (panel.place[:-1] == panel.place[1:]), False]
    if both.any():
        series, shown = panel.worst(both)
        raise DataError(
            f"{panel.source}: in {series} series a step has rows of the published part and others: {shown}. Each step "
            "has to lie in one part."
        )
    if early.any():
        series, shown = panel.worst(early)
        raise DataError(
            f"{panel.source}: in {series} series rows of the published part lie before other rows: {shown}. It has to "
            "be the last part of every series."
        )


def _targets(values: pd.Series, source: str) -> np.ndarray:
    """Return floats, NaN where a cell is empty."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    blank = values.isna() | (values.astype(str).str.strip() == "") if numbers.isna().any() else numbers.isna()
    if (bad := ~np.isfinite(numbers) & ~blank).any():
        shown = ", ".join(sorted({repr(value) for value in values[bad].head(1000)})[:5])
        raise DataError(
            f"{source}: column {values.name!r} holds {int(bad.sum())} values that are no numbers ({shown})."
            f"{hint_on_commas(values[bad])} Empty these cells, or give another column by data.target=COLUMN."
        )
    return numbers.to_numpy()


def _horizon(grid: Grid, panel: Panel, season: int, spec: DataSpec) -> tuple[int, str]:
    """Return the horizon as given, as published or as usual, and a note on what is forecast."""
    horizon, origin = spec.horizon, []
    if not horizon and panel.test is not None:
        published = np.bincount(panel.codes[panel.test])
        horizon = int(np.bincount(published[published > 0]).argmax())
        origin.append("the horizon is that of the published part")
    usual = [name for name, value in (("season", spec.season), ("horizon", horizon)) if not value]
    if usual:
        origin.append(f"{' and '.join(usual)} as usual for such steps")
    horizon = horizon or grid.step.horizon
    lengths = np.bincount(panel.codes)
    lengths = lengths[lengths > 0]
    if not spec.season and (other := other_season(grid.step, int(lengths.max()), horizon)):
        origin.append(other)
    sizes = f"{lengths.min()}" if lengths.min() == lengths.max() else f"{lengths.min()} to {lengths.max()}"
    freq = f"{grid.step.words} ({grid.freq})" if grid.freq else "numbered"
    return horizon, "; ".join(
        [f"{len(lengths)} series of {sizes} steps, {freq}; season {season}, horizon {horizon}", *origin]
    ) + "."


def _inputs(panel: Panel, grid: Grid, covariates: CovariateColumns) -> pd.DataFrame:
    frame = pd.DataFrame({SERIES: panel.names[panel.codes], TIME: grid.stamps(panel.codes, panel.place)})
    for name in (SERIES, TIME):
        if name in covariates.frame:
            raise DataError(
                f"{panel.source}: a covariate is called {name!r}, which names a part of every panel. Rename it."
            )
    return pd.concat([frame, covariates.frame], axis=1)
