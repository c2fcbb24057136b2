"""Models of a single series, as statsforecast has them: fitted, forecast from, and carried on with later history.

What is kept of a fitted model is what its library needs to go on from later history, without states and residuals, so
that the memory of a panel does not grow with the length of its series twice. Where the library's own intervals are
drawn (CES, Theta), they are computed here instead: drawing takes longer than fitting, and shares one seed among series.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.models.histories import Floats, normal_forecasts
from bench.panel import Forecasting

Params = Mapping[str, Any]


class Local(Protocol):
    """A model of one series; plain data, so that it travels to other processes."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def fit(self, y: Floats) -> Any:
        """Return the library's model, fitted."""

    def kept(self, model: Any) -> Params:
        """Return what `resumed` needs of a fitted model."""

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model as it stands at the end of a longer history, with the parameters that it had."""

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points and quantiles, shape (horizon, 1 + levels)."""


@dataclass(frozen=True)
class ETS:
    """Exponential smoothing: error, trend and season, each none, additive or multiplicative, chosen by AICc."""

    season: int
    components: str = "ZZZ"
    damped: bool | None = None
    name: str = "ETS"

    def fit(self, y: Floats) -> Any:
        """Return the fitted model."""
        return _with_variance(self._made().fit(y))

    def kept(self, model: Any) -> Params:
        """Return components and parameters, with the states from before the first value."""
        return {name: model.model_[name] for name in ("m", "components", "par", "n_params")} | {"fit": None}

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.ets import forward_ets

        model = self._made()
        model.model_ = forward_ets(dict(kept), y=y)
        return _with_variance(model)

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points and quantiles."""
        return said(model, asked)

    def _made(self) -> Any:
        from statsforecast.models import AutoETS

        return AutoETS(season_length=self.season, model=self.components, damped=self.damped)


@dataclass(frozen=True)
class Theta:
    """The best of four Theta models, after a seasonal decomposition where the season is significant."""

    season: int
    name: str = "Theta"

    def fit(self, y: Floats) -> Any:
        """Return the fitted model."""
        return self._made().fit(y)

    def kept(self, model: Any) -> Params:
        """Return the kind of model and its parameters."""
        return {name: model.model_[name] for name in ("m", "modeltype", "par")}

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.theta import forward_theta

        model = self._made()
        model.model_ = forward_theta(dict(kept), y=y)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points, and quantiles of simple exponential smoothing with drift, which Theta is.

        References
        ----------
        Hyndman & Billah 2003, Unmasking the Theta method.
        """
        fitted, ahead = model.model_, np.arange(asked.horizon)
        errors, factors = _without_season(fitted, asked.horizon)
        # The first three errors are those of a model that has not yet settled.
        tail = errors[3:] if len(errors) >= 5 else errors
        deviation = np.std(tail, ddof=1) * np.sqrt(1 + ahead * fitted["par"]["alpha"] ** 2) * np.abs(factors)
        return normal_forecasts(model.predict(asked.horizon)["mean"], deviation, asked)

    def _made(self) -> Any:
        from statsforecast.models import AutoTheta

        return AutoTheta(season_length=self.season)


@dataclass(frozen=True)
class CES:
    """Complex exponential smoothing, with the kind of season chosen by AICc."""

    season: int
    name: str = "CES"

    def fit(self, y: Floats) -> Any:
        """Return the fitted model."""
        return self._made().fit(y)

    def kept(self, model: Any) -> Params:
        """Return the kind of season and the parameters."""
        return {name: model.model_[name] for name in ("m", "seasontype", "par")}

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.ces import forward_ces

        model = self._made()
        model.model_ = forward_ces(dict(kept), y=y)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points, and quantiles of a linear model with normal errors, whose variance has a closed form."""
        fitted = model.model_
        errors, parameters = fitted["residuals"], fitted["states"].shape[1] + 1
        variance = float(np.sum(errors**2)) / max(len(errors) - parameters, 1)
        weights = ces_weights(fitted["seasontype"], fitted["m"], fitted["par"], asked.horizon)
        deviation = np.sqrt(variance * np.cumsum(np.r_[1.0, weights[:-1] ** 2]))
        return normal_forecasts(model.predict(asked.horizon)["mean"], deviation, asked)

    def _made(self) -> Any:
        from statsforecast.models import AutoCES

        return AutoCES(season_length=self.season)


@dataclass(frozen=True)
class ARIMA:
    """A seasonal ARIMA, found step by step by AICc."""

    season: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = "ARIMA"

    def fit(self, y: Floats) -> Any:
        """Return the fitted model."""
        return self._made().fit(y)

    def kept(self, model: Any) -> Params:
        """Return orders and coefficients."""
        names = ("arma", "coef", "xreg", "sigma2", "x", "lambda")
        return {name: model.model_.get(name) for name in names}

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.arima import forward_arima

        model = self._made()
        with np.errstate(invalid="ignore"):
            model.model_ = forward_arima(dict(kept), y=y, method=model.method)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points and quantiles."""
        return said(model, asked)

    def _made(self) -> Any:
        from statsforecast.models import AutoARIMA

        return AutoARIMA(season_length=self.season, **self.settings)


@dataclass(frozen=True)
class STL:
    """A season that LOESS takes out, and repeats; what is left is forecast by another model."""

    season: int
    rest: ETS | ARIMA
    """Of what is left: without a season."""
    name: str = "STL"

    def fit(self, y: Floats) -> Any:
        """Return the decomposition, and the fitted model of what is left."""
        seasonal = self._seasonal(y)
        return seasonal, self.rest.fit(y - seasonal)

    def kept(self, model: Any) -> Params:
        """Return what is kept of the model of what is left."""
        return self.rest.kept(model[1])

    def resumed(self, kept: Params, y: Floats) -> Any:
        """Return the model after a longer history, which is decomposed anew: that has no parameters."""
        seasonal = self._seasonal(y)
        return seasonal, self.rest.resumed(kept, y - seasonal)

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points and quantiles: the last season is added to those of what is left."""
        seasonal, rest = model
        found = self.rest.forecast(rest, asked)
        again: Floats = found + np.resize(seasonal[-self.season :], asked.horizon)[:, None]
        return again

    def _seasonal(self, y: Floats) -> Floats:
        """Return the seasonal part, as R's ``mstl`` finds it: one pass with a window of 11 seasons."""
        from statsmodels.tsa import seasonal as decomposition

        if len(y) < 2 * self.season + 1:
            raise ValueError("shorter than two seasons")
        seasonal: Floats = decomposition.STL(y, period=self.season, seasonal=11, seasonal_deg=0).fit().seasonal
        return seasonal


def said(model: Any, asked: Forecasting) -> Floats:
    """Return what a model of statsforecast forecasts: it is asked for central intervals, and has none around a median.

    Parameters
    ----------
    model : object
        Fitted.
    asked : Forecasting
    """
    widths = {level: round(100 * abs(1 - 2 * level), 6) for level in asked.levels}
    found = model.predict(asked.horizon, level=sorted({width for width in widths.values() if width > 0}) or None)
    columns = [found["mean"]]
    for level, width in widths.items():
        columns.append(found[f"{'lo' if level < 0.5 else 'hi'}-{width}"] if width > 0 else found["mean"])
    return np.column_stack(columns)


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
    yearly = np.zeros(horizon)
    # Season and level share the recursion; a season's takes a season for a step.
    places = np.arange(season - 1, horizon, season)
    match kind:
        case "S":
            yearly[places] = level[: len(places)]
            return yearly
        case "P":
            yearly[places] = params["beta_0"]
        case _:
            yearly[places] = _complex_weights(params["beta_0"], params["beta_1"], len(places))
    return level + yearly


def _complex_weights(real: float, imaginary: float, horizon: int) -> Floats:
    transition = np.array([[1.0, imaginary - 1], [1.0, 1 - real]])
    state, found = np.array([real - imaginary, real + imaginary]), np.empty(horizon)
    for step in range(horizon):
        found[step] = state[0]
        state = transition @ state
    return found


def _with_variance(model: Any) -> Any:
    """Return a model of ETS whose variance is a number even where the parameters are as many as the values."""
    variance = model.model_["sigma2"]
    if not (np.isfinite(variance) and variance >= 0):
        model.model_["sigma2"] = float(np.mean(np.square(model.model_["residuals"])))
    return model


def _without_season(fitted: Mapping[str, Any], horizon: int) -> tuple[Floats, NDArray[Any]]:
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
