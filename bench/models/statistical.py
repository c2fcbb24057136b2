"""Models of a single series, as statsforecast has them: fitted, forecast from, and carried on with later history.

What is kept of a fitted model is what its library needs to go on from later history, without states and residuals, so
that the memory of a panel does not grow with the length of its series twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bench.models.error_growth import ces_deviation, ets_deviation, theta_deviation
from bench.models.histories import Floats, normal_forecasts
from bench.panel import Forecasting

LONGEST_SEASON = 24
"""Steps of the longest season that ETS has states for: R's limit too."""
State = Mapping[str, Any]
"""What is kept of a fitted model."""


class Local(Protocol):
    """A model of one series; plain data, so that it travels to other processes."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def fit(self, y: Floats) -> Any:
        """Return the library's model, fitted."""

    def kept(self, model: Any) -> State:
        """Return what `resumed` needs of a fitted model."""

    def resumed(self, kept: State, y: Floats) -> Any:
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
        return self._made().fit(y)

    def kept(self, model: Any) -> State:
        """Return components and parameters, with the states from before the first value."""
        return {name: model.model_[name] for name in ("m", "components", "par", "n_params")} | {"fit": None}

    def resumed(self, kept: State, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.ets import forward_ets

        model = self._made()
        model.model_ = forward_ets(dict(kept), y=y)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points, and quantiles of normal errors."""
        points = model.predict(asked.horizon)["mean"]
        return normal_forecasts(points, ets_deviation(model.model_, points), asked)

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

    def kept(self, model: Any) -> State:
        """Return the kind of model and its parameters."""
        return {name: model.model_[name] for name in ("m", "modeltype", "par")}

    def resumed(self, kept: State, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.theta import forward_theta

        model = self._made()
        model.model_ = forward_theta(dict(kept), y=y)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points, and quantiles of normal errors."""
        points = model.predict(asked.horizon)["mean"]
        return normal_forecasts(points, theta_deviation(model.model_, asked.horizon), asked)

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

    def kept(self, model: Any) -> State:
        """Return the kind of season and the parameters."""
        return {name: model.model_[name] for name in ("m", "seasontype", "par")}

    def resumed(self, kept: State, y: Floats) -> Any:
        """Return the model after a longer history."""
        from statsforecast.ces import forward_ces

        model = self._made()
        model.model_ = forward_ces(dict(kept), y=y)
        return model

    def forecast(self, model: Any, asked: Forecasting) -> Floats:
        """Return points, and quantiles of normal errors."""
        points = model.predict(asked.horizon)["mean"]
        return normal_forecasts(points, ces_deviation(model.model_, asked.horizon), asked)

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

    def kept(self, model: Any) -> State:
        """Return orders and coefficients."""
        names = ("arma", "coef", "xreg", "sigma2", "x", "lambda")
        return {name: model.model_.get(name) for name in names}

    def resumed(self, kept: State, y: Floats) -> Any:
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

    def kept(self, model: Any) -> State:
        """Return what is kept of the model of what is left."""
        return self.rest.kept(model[1])

    def resumed(self, kept: State, y: Floats) -> Any:
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


def smoothing(season: int) -> ETS | STL:
    """Return ETS for a season; a long one, of which each step would be a parameter, is taken out before."""
    return ETS(season) if season <= LONGEST_SEASON else STL(season, ETS(1, "ZZN"))


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
