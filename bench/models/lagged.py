"""One regression for a whole panel: lags, calendar and covariates are its columns, and steps follow one another.

mlforecast makes the columns. Each series is differenced and put on its own scale, so that large ones do not outweigh
small ones. Quantiles are those of scaled errors on inner windows, which the regression had not seen: residuals of rows
that it was fitted to would be too small.
"""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.benchmarks import difference_deviation, last_season
from bench.models.covariates import Covariates
from bench.models.histories import Floats, Forecasts, Histories, normal_forecasts
from bench.panel import INNER_SERIES, MOST_INNER_WINDOWS, SERIES, TIME, Forecasting

FEWEST = 20
"""Errors of a step below which those of all steps are taken together."""
CALENDAR = {"Q": ("quarter",), "M": ("month",), "W": ("month",), "D": ("dayofweek", "month"), "B": ("dayofweek",),
            "h": ("hour", "dayofweek"), "min": ("hour", "dayofweek")}  # fmt: skip
"""What a time stamp tells, by the unit of the frequency."""
TARGET, CHANGE = "y", "_change"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the regression sees of a panel."""

    lags: tuple[int, ...]
    differences: tuple[int, ...]
    """Lags over which each series is differenced, one after the other."""
    calendar: tuple[str, ...] = ()
    dummies: bool = False
    """Whether each value of the calendar gets a column of its own, as linear models need."""

    @property
    def fewest(self) -> int:
        """Values of a series below which there is nothing to learn from it."""
        return sum(self.differences) + min(self.lags) + 1


@dataclass
class Lagged:
    """A forecaster of panels: a regression on lags, with quantiles from inner windows."""

    make: Callable[[], Any]
    """Returns the regression, not fitted."""
    columns: Columns
    asked: Forecasting
    threads: int = 1
    covariates: Covariates = field(default_factory=Covariates)
    histories: Histories | None = None
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Known rows as mlforecast takes them, with the place of a series for its name."""
    static: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """Columns of the rows that are known ahead."""
    simple: Floats | None = None
    """What the last season forecasts."""
    regression: Any = None
    spread: Floats | None = None
    """Quantiles of scaled errors, shape (horizon, levels); None where there were too few."""
    left_out: pd.Index = field(default_factory=lambda: pd.Index([]))
    """Series that are too short, or of which the regression made no number."""

    @property
    def fallbacks_(self) -> int:
        """Number of series that the last season answers for."""
        return len(self.left_out)

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Fit the regression to all series, and before that to earlier ends of them, to learn its errors."""
        self.covariates = Covariates().fit(X, (*self.asked.known, *self.asked.static))
        self._remember(X, y)
        usable = self._usable(0)
        if not usable.any():
            return self
        windows = min(MOST_INNER_WINDOWS, math.ceil(INNER_SERIES / usable.sum()))
        errors = [self._errors(number * self.asked.horizon) for number in range(1, windows + 1)]
        self.spread = spread_of(np.concatenate(errors), self.asked.levels)
        self.regression = self._fitted(self._known(usable, 0))
        return self

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Take later history: neither the regression nor its errors are learned anew."""
        self._remember(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``: with covariates, of all steps of a series."""
        assert self.histories is not None
        assert self.simple is not None
        values, usable = self.simple.copy(), self._usable(0)
        used = usable & self.histories.ids.isin(X[SERIES].unique())
        lost = np.zeros(len(usable), bool)
        if self.regression is not None and used.any():
            points = self._points(self.regression, self._known(used, 0), self._future(X, used))
            sound = np.isfinite(points).all(axis=1)
            lost[used], used[used] = ~sound, sound
            around = values[used] - values[used][:, :, :1]
            if self.spread is not None:
                around[:, :, 1:] = scales(self.histories, self.asked.season)[used, None, None] * self.spread
            values[used] = points[sound][:, :, None] + around
        self.left_out = self.histories.ids[(~usable & ~constant(self.histories)) | lost]
        return Forecasts(self.histories.ids, self.histories.origins, values, self.asked).answer(X)

    def _remember(self, X: pd.DataFrame, y: NDArray[Any]) -> None:
        self.histories = Histories.of(X, y)
        static, known = (self.covariates.transform(X, names) for names in (self.asked.static, self.asked.known))
        self.static, self.known = tuple(static), tuple(known)
        place = self.histories.ids.get_indexer(pd.Index(X[SERIES]))
        named = {SERIES: place, TIME: X[TIME].to_numpy(), TARGET: np.asarray(y, np.float64)}
        rows = pd.DataFrame({**named, **static, **known}).sort_values(SERIES, kind="stable", ignore_index=True)
        self.rows = self._with_changes(rows)
        mean, deviation, _ = last_season(self.histories, self.asked)
        self.simple = normal_forecasts(mean, deviation, self.asked)
        short = (self.histories.lengths < self.columns.fewest) & ~constant(self.histories)
        if short.any():
            said = f"The last season answers for {short.sum()} of {len(short)} series, which are too short."
            warnings.warn(said, stacklevel=3)

    def _with_changes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Add to columns that are known ahead what the target is given as: differences, 0 where there are none yet."""
        changes = rows[list(self.known)]
        for lag in self.columns.differences:
            changes = changes.groupby(rows[SERIES], sort=False).diff(lag)
        return rows.join(changes.fillna(0.0).add_suffix(CHANGE)) if self.columns.differences and self.known else rows

    def _usable(self, held_out: int) -> NDArray[np.bool_]:
        """Return which series have something to learn from without their last values."""
        assert self.histories is not None
        long = self.histories.lengths - held_out >= self.columns.fewest
        usable: NDArray[np.bool_] = long & ~constant(self.histories)
        return usable

    def _known(self, series: NDArray[np.bool_], held_out: int) -> pd.DataFrame:
        """Return the rows of some series without their last ones."""
        assert self.histories is not None
        left = np.repeat(self.histories.starts[1:], self.histories.lengths) - np.arange(len(self.rows))
        return self.rows[series[self.rows[SERIES]] & (left > held_out)]

    def _future(self, X: pd.DataFrame, series: NDArray[np.bool_]) -> pd.DataFrame | None:
        """Return what is known of the steps ahead, of some series; None where nothing is."""
        if not self.known:
            return None
        assert self.histories is not None
        place = self.histories.ids.get_indexer(pd.Index(X[SERIES]))
        stamps = {SERIES: place, TIME: X[TIME].to_numpy()}
        known = pd.DataFrame({**stamps, **self.covariates.transform(X, self.asked.known)})
        known = known[(place >= 0) & series[place]]
        if (np.bincount(known[SERIES])[known[SERIES]] != self.asked.horizon).any():
            raise ValueError(f"known columns are needed of all {self.asked.horizon} steps of a series")
        # Behind the history, for the changes of the first steps.
        past = self._known(series, 0)[[SERIES, TIME, *self.known]]
        both = pd.concat([past.assign(ahead=False), known.assign(ahead=True)])
        both = self._with_changes(both.sort_values([SERIES, TIME], kind="stable", ignore_index=True))
        return both[both["ahead"]].drop(columns="ahead")

    def _errors(self, held_out: int) -> Floats:
        """Return scaled errors of a fit to the rows before the last ones, shape (series, horizon)."""
        tried = self._usable(held_out)
        if not tried.any():
            return np.empty((0, self.asked.horizon))
        before = self._known(tried, held_out)
        after = self._known(tried, held_out - self.asked.horizon).drop(index=before.index)
        future = after.drop(columns=[TARGET, *self.static]) if self.known else None
        points = self._points(self._fitted(before), before, future)
        unit = scales(Histories.of(before, before[TARGET].to_numpy()), self.asked.season)[:, None]
        errors: Floats = (after[TARGET].to_numpy().reshape(points.shape) - points)[unit[:, 0] > 0] / unit[
            unit[:, 0] > 0
        ]
        return errors[np.isfinite(errors).all(axis=1)]

    def _fitted(self, rows: pd.DataFrame) -> Any:
        from mlforecast import MLForecast
        from mlforecast.target_transforms import Differences, LocalStandardScaler

        differences = [Differences(list(self.columns.differences))] if self.columns.differences else []
        made = MLForecast(
            models={"model": self.make()},
            freq=self.asked.freq or 1,
            lags=list(self.columns.lags),
            date_features=list(self.columns.calendar),
            date_features_as_dummies=self.columns.dummies,
            target_transforms=[*differences, LocalStandardScaler()],
            num_threads=self.threads,
        )
        with _quiet():
            # Lags that reach before a series are missing, or its first seasons would teach nothing.
            return made.fit(rows, static_features=list(self.static), dropna=False, validate_data=False)

    def _points(self, regression: Any, rows: pd.DataFrame, future: pd.DataFrame | None) -> Floats:
        """Return forecasts from the ends of series, shape (series, horizon)."""
        with _quiet():
            found = regression.predict(self.asked.horizon, new_df=rows, X_df=future)
        points: Floats = found["model"].to_numpy(np.float64).reshape(-1, self.asked.horizon)
        return points


def lags_of(season: int, near: int = 0) -> tuple[int, ...]:
    """Return the lags that a regression sees: the near ones, and those of one and two seasons.

    Parameters
    ----------
    season : int
        Steps; 1 for none.
    near : int
        Steps back; 0 for a season and one more, 4 at least and 24 at most.
    """
    near = near or min(max(season + 1, 4), 24)
    return tuple(sorted({*range(1, near + 1), *((season, 2 * season) if season > 1 else ())}))


def calendar_of(freq: str) -> tuple[str, ...]:
    """Return what time stamps tell that may matter."""
    from pandas.tseries.frequencies import to_offset

    if not freq:
        return ()
    offset = to_offset(freq)
    assert offset is not None
    unit = offset.rule_code.partition("-")[0]
    # The start and the end of a unit tell the same.
    return CALENDAR.get(unit, CALENDAR.get(unit[0], ()))


def constant(histories: Histories) -> NDArray[np.bool_]:
    """Return which series hold one value only."""
    starts = histories.starts[:-1]
    least, most = (bound.reduceat(histories.values, starts) for bound in (np.minimum, np.maximum))
    same: NDArray[np.bool_] = least == most
    return same


def scales(histories: Histories, season: int) -> Floats:
    """Return a unit of errors for each series: its seasonal differences, or plain ones where it is too short."""
    seasonal, plain = difference_deviation(histories, season), difference_deviation(histories, 1)
    return np.where(seasonal > 0, seasonal, plain)


def spread_of(errors: Floats, levels: tuple[float, ...]) -> Floats | None:
    """Return quantiles of errors around their median, shape (horizon, levels); None where they are too few.

    Parameters
    ----------
    errors : array, shape (n, horizon)
    levels : tuple of float
    """
    count, horizon = errors.shape
    if count * horizon < FEWEST:
        return None
    known = count if count >= FEWEST else count * horizon
    if beyond := [level for level in levels if min(level, 1 - level) * (known + 1) < 1]:
        named = ", ".join(f"{level:g}" for level in beyond)
        warnings.warn(
            f"{known} errors hold no quantile as far out as {named}: the largest stands for it.", stacklevel=3
        )
    growth = np.sqrt(np.arange(1, horizon + 1))
    if count < FEWEST:
        # As if steps were those of a random walk: their errors are then alike but for size.
        pooled = _quantiles((errors / growth).reshape(-1, 1), levels)
        return growth[:, None] * pooled
    return _quantiles(errors, levels)


def _quantiles(errors: Floats, levels: tuple[float, ...]) -> Floats:
    """Return quantiles of each column around its median, with the rank of a new error among them."""
    found = np.quantile(errors, [0.5, *levels], axis=0, method="weibull").T
    centred: Floats = found[:, 1:] - found[:, :1]
    return centred


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of missing lags, which are meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
