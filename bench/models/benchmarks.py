"""Forecasts in closed form, of all series at once: what every other forecast must beat.

References
----------
Hyndman & Athanasopoulos 2021, Forecasting: Principles and Practice, 3rd edition, sections 5.2 and 5.5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.models.histories import Floats, Forecasts, Histories, normal_forecasts
from bench.panel import Forecasting

Form = Callable[[Histories, Forecasting], tuple[Floats, Floats, NDArray[np.bool_]]]
"""Returns means and standard deviations, both of shape (s, horizon), and for which series a simpler form answers."""


@dataclass
class ClosedForm:
    """A forecaster whose answers follow from the history without a search."""

    form: Form
    asked: Forecasting
    forecasts: Forecasts | None = None
    fallbacks_: int = 0

    def fit(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Forecast every series."""
        histories = Histories.of(X, y)
        mean, deviation, simpler = self.form(histories, self.asked)
        values = normal_forecasts(mean, deviation, self.asked)
        self.forecasts = Forecasts(histories.ids, histories.origins, values, self.asked)
        self.fallbacks_ = int(simpler.sum())
        return self

    def observe(self, X: pd.DataFrame, y: NDArray[Any]) -> Self:
        """Forecast every series from later history: there are no parameters to keep."""
        return self.fit(X, y)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return points and quantiles, a row for each row of ``X``."""
        assert self.forecasts is not None
        return self.forecasts.answer(X)


def last_value(histories: Histories, asked: Forecasting) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Forecast the last value; errors are those of a random walk."""
    ahead = np.arange(1, asked.horizon + 1)
    last = histories.values[histories.starts[1:] - 1]
    deviation = difference_deviation(histories, 1)[:, None] * np.sqrt(ahead)
    return np.repeat(last[:, None], asked.horizon, axis=1), deviation, np.zeros(len(histories), bool)


def last_season(histories: Histories, asked: Forecasting) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Forecast the values of the last season; a series that is shorter than one repeats its last value."""
    season, ahead = asked.season, np.arange(asked.horizon)
    mean, deviation, _ = last_value(histories, asked)
    whole = histories.lengths >= season
    rows = histories.starts[1:][whole][:, None] - season + ahead % season
    mean[whole] = histories.values[rows]
    # Exactly one season has no seasonal differences: the random walk's errors, which are wider, stay.
    more = histories.lengths > season
    deviation[more] = difference_deviation(histories, season)[more, None] * np.sqrt(ahead // season + 1)
    return mean, deviation, ~whole


def straight_line(histories: Histories, asked: Forecasting) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Go on along the line from the first value to the last; a single value is repeated."""
    ahead = np.arange(1, asked.horizon + 1)
    first, last = histories.values[histories.starts[:-1]], histories.values[histories.starts[1:] - 1]
    steps = histories.lengths - 1.0
    slope = (last - first) / np.maximum(steps, 1)
    # Around their own mean, the slope: one degree of freedom less.
    squares = difference_squares(histories, 1) - steps * slope**2
    sigma = np.sqrt(np.maximum(squares, 0) / np.maximum(steps - 1, 1))
    deviation = sigma[:, None] * np.sqrt(ahead * (1 + ahead / np.maximum(steps, 1)[:, None]))
    return last[:, None] + slope[:, None] * ahead, deviation, steps < 1


def mean_of_all(histories: Histories, asked: Forecasting) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Forecast the mean of the history."""
    lengths = histories.lengths
    mean = np.add.reduceat(histories.values, histories.starts[:-1]) / lengths
    squares = np.add.reduceat((histories.values - np.repeat(mean, lengths)) ** 2, histories.starts[:-1])
    deviation = np.sqrt(squares / np.maximum(lengths - 1, 1) * (1 + 1 / lengths))
    flat = np.ones(asked.horizon)
    return mean[:, None] * flat, deviation[:, None] * flat, np.zeros(len(histories), bool)


def difference_squares(histories: Histories, lag: int) -> Floats:
    """Return the sum of the squared differences over a lag, shape (s,); 0 where a series has none."""
    owner = np.repeat(np.arange(len(histories)), histories.lengths)
    within = owner[lag:] == owner[:-lag]
    gaps = (histories.values[lag:] - histories.values[:-lag])[within]
    found: Floats = np.bincount(owner[lag:][within], gaps**2, len(histories)).astype(np.float64)
    return found


def difference_deviation(histories: Histories, lag: int) -> Floats:
    """Return the root of the mean squared difference over a lag, shape (s,); 0 where a series has none."""
    found: Floats = np.sqrt(difference_squares(histories, lag) / np.maximum(histories.lengths - lag, 1))
    return found
