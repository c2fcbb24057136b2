"""How the errors of forecasts grow with the steps ahead: closed forms, from what statsforecast fitted.

The library's own intervals are not used where it draws them (CES, Theta), which takes longer than a fit and shares one
seed among series, nor for ETS, where those of multiplicative seasons leave out how seasons differ.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ets_deviation(fitted: Mapping[str, Any], points: Floats) -> Floats:
    """Return the standard deviation of an ETS model's forecasts, shape (horizon,).

    Parameters
    ----------
    fitted : mapping
        As the library keeps a fitted model; its trend is no multiplicative one.
    points : array, shape (horizon,)
        Its forecasts.

    References
    ----------
    Hyndman, Koehler, Ord & Snyder 2008, Forecasting with Exponential Smoothing, sections 6.3 and 6.4.
    """
    error, _, season, _ = fitted["components"]
    variance, horizon, length = _variance(fitted), len(points), fitted["m"]
    weights = ets_weights(fitted, horizon)
    if error == "A":
        return _linear_deviation(variance, weights)
    if season != "M":
        return np.sqrt(np.maximum((1 + variance) * _second_moments(points, weights, variance) - points**2, 0))
    # Level and trend without the season, whose own errors grow once a season.
    level = _without_multiplicative_season(fitted, horizon)
    gamma, seasons = fitted["par"][2], np.arange(horizon) // length
    growth = (1 + variance) * (1 + gamma**2 * variance) ** seasons
    spread = np.maximum(growth * _second_moments(level, weights, variance) - level**2, 0)
    factors = fitted["states"][-1][-length:][::-1]
    found: Floats = np.abs(np.resize(factors, horizon)) * np.sqrt(spread)
    return found


def ets_weights(fitted: Mapping[str, Any], horizon: int) -> Floats:
    """Return how much of an error is still there 1, 2, ... steps later; of a multiplicative season it leaves out."""
    _, trend, season, damped = fitted["components"]
    alpha, beta, gamma, phi = fitted["par"][:4]
    weights = np.full(horizon, float(alpha))
    if trend != "N":
        weights += beta * _trend_sums(phi if damped != "N" else 1.0, horizon)
    if season == "A":
        weights[fitted["m"] - 1 :: fitted["m"]] += gamma
    return weights


def ces_weights(kind: str, season: int, params: Mapping[str, float], horizon: int) -> Floats:
    """Return how much of an error is still there 1, 2, ... steps later.

    Parameters
    ----------
    kind : str
        Of the season: N none, S simple, P partial, F full.
    season : int
    params : mapping
    horizon : int

    References
    ----------
    Svetunkov, Kourentzes & Ord 2022, Complex exponential smoothing, sections 3 and 4.
    """
    level = _complex_weights(params["alpha_0"], params["alpha_1"], horizon)
    if kind == "N":
        return level
    seasonal = np.zeros(horizon)
    # Season and level share the recursion; a season's takes a season for a step.
    places = np.arange(season - 1, horizon, season)
    match kind:
        case "S":
            seasonal[places] = level[: len(places)]
            return seasonal
        case "P":
            seasonal[places] = params["beta_0"]
        case _:
            seasonal[places] = _complex_weights(params["beta_0"], params["beta_1"], len(places))
    return level + seasonal


def ces_deviation(fitted: Mapping[str, Any], horizon: int) -> Floats:
    """Return the standard deviation of a CES model's forecasts, shape (horizon,): it is linear in its errors."""
    errors, parameters = fitted["residuals"], fitted["states"].shape[1] + 1
    variance = float(np.sum(errors**2)) / max(len(errors) - parameters, 1)
    weights = ces_weights(fitted["seasontype"], fitted["m"], fitted["par"], horizon)
    return _linear_deviation(variance, weights)


def theta_deviation(fitted: Mapping[str, Any], horizon: int) -> Floats:
    """Return the standard deviation of a Theta model's forecasts, shape (horizon,): that of smoothing with drift.

    References
    ----------
    Hyndman & Billah 2003, Unmasking the Theta method.
    """
    errors, factors = _without_season(fitted, horizon)
    # The first three errors are those of a model that has not yet settled.
    tail = errors[3:] if len(errors) >= 5 else errors
    growth = 1 + np.arange(horizon) * fitted["par"]["alpha"] ** 2
    return np.asarray(np.std(tail, ddof=1) * np.sqrt(growth) * np.abs(factors), dtype=np.float64)


def _linear_deviation(variance: float, weights: Floats) -> Floats:
    """Return the standard deviation of what is linear in independent errors of one variance."""
    growth: Floats = np.cumsum(np.r_[1.0, weights[:-1] ** 2])
    return np.asarray(np.sqrt(variance * growth), dtype=np.float64)


def _trend_sums(phi: float, horizon: int) -> Floats:
    """Return phi + phi² + ..., as far as each step."""
    return np.asarray(np.cumsum(phi ** np.arange(1, horizon + 1)), dtype=np.float64)


def _variance(fitted: Mapping[str, Any]) -> float:
    """Return the variance of the errors, a number even where parameters are as many as values."""
    variance = float(fitted["sigma2"])
    return variance if np.isfinite(variance) and variance >= 0 else float(np.mean(np.square(fitted["residuals"])))


def _second_moments(points: Floats, weights: Floats, variance: float) -> Floats:
    """Return the second moments of what errors are multiplied by, step by step."""
    moments = np.empty(len(points))
    for step in range(len(points)):
        moments[step] = points[step] ** 2 + variance * (weights[:step] ** 2 @ moments[:step][::-1])
    return moments


def _without_multiplicative_season(fitted: Mapping[str, Any], horizon: int) -> Floats:
    _, trend, _, damped = fitted["components"]
    state, phi = fitted["states"][-1], fitted["par"][3]
    level = np.full(horizon, float(state[0]))
    return level + state[1] * _trend_sums(phi if damped != "N" else 1.0, horizon) if trend != "N" else level


def _without_season(fitted: Mapping[str, Any], horizon: int) -> tuple[Floats, Floats]:
    """Return errors of a Theta model on the scale on which it was fitted, and what widths are multiplied by ahead.

    The library puts the season into the errors; for an additive one it adds it, which is no error.
    """
    errors, ones = fitted["residuals"], np.ones(horizon)
    if not fitted.get("decompose", False):
        return errors, ones
    pattern = fitted["seas_forecast"]["mean"]
    past = pattern[(np.arange(len(errors)) - len(errors)) % len(pattern)]
    if fitted["decomposition_type"] == "multiplicative":
        return errors / past, np.resize(pattern, horizon)
    return errors - past, ones


def _complex_weights(real: float, imaginary: float, horizon: int) -> Floats:
    transition = np.array([[1.0, imaginary - 1], [1.0, 1 - real]])
    state, found = np.array([real - imaginary, real + imaginary]), np.empty(horizon)
    for step in range(horizon):
        found[step] = state[0]
        state = transition @ state
    return found
