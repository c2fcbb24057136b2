"""Pipelines from a wide space, most of which nobody would try by hand."""

from dataclasses import dataclass
from typing import Any

from bench.models.columns import Dense, OnColumns
from bench.models.neighbours import Neighbours
from bench.registry import register_model
from bench.types import Context, Model

NUMBERS = ("standard", "quantile", "spline", "bins")
FEATURES = ("plain", "components", "kernel", "products", "leaves")
ESTIMATORS = ("linear", "bayes", "network", "boosting", "neighbours")


@dataclass
class Params:
    """Parameters of ``moonshot``."""

    numbers: str = "quantile"
    """What becomes of a number: standard, quantile (its rank, as a normal one), spline, or bins."""
    features: str = "kernel"
    """Made of all columns: plain, their principal components, a Gaussian kernel's, products of two, leaves of trees."""
    estimator: str = "linear"
    """What learns from these: linear, bayes, network, boosting, or neighbours."""
    size: int = 200
    """How much is made: components, hidden units, rounds; an eighth of it trees, a tenth of it neighbours."""
    freedom: float = 1.0
    """Inverse strength of the regularisation of what is linear or a network."""

    def __post_init__(self) -> None:
        for name, allowed in (("numbers", NUMBERS), ("features", FEATURES), ("estimator", ESTIMATORS)):
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"{name}={value} is not known. Expected one of {', '.join(allowed)}")


def space(trial: Any) -> dict[str, Any]:
    """Return parameters to try."""
    return {
        "numbers": trial.suggest_categorical("numbers", NUMBERS),
        "features": trial.suggest_categorical("features", FEATURES),
        "estimator": trial.suggest_categorical("estimator", ESTIMATORS),
        "size": trial.suggest_int("size", 20, 400, log=True),
        "freedom": trial.suggest_float("freedom", 1e-2, 1e2, log=True),
    }


@register_model(
    "moonshot",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    space=space,
    role="moonshot",
    libraries=("numpy", "scipy", "scikit-learn", "skrub"),
)
def build(params: Params, context: Context) -> Model:
    """One pipeline of a wide space: of numbers, of features made from all columns, and of what learns from them."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = context.prediction == "value"
    features = make_pipeline(_numbers(params, context.seed), _features(params, context.seed), StandardScaler())
    if params.estimator == "neighbours":
        learner: Any = Neighbours(max(2, params.size // 10), context.threads, regression)
    else:
        learner = _regressor(params, context.seed) if regression else _classifier(params, context.seed)
    return OnColumns(Dense(seed=context.seed), OnColumns(features, learner, least_classes=1 if regression else 2))


def _numbers(params: Params, seed: int) -> Any:
    from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer, SplineTransformer

    match params.numbers:
        case "quantile":
            return QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=seed)
        case "spline":
            return SplineTransformer(n_knots=5, extrapolation="linear")
        case "bins":
            return KBinsDiscretizer(
                8, encode="onehot-dense", quantile_method="averaged_inverted_cdf", random_state=seed
            )
        case _:
            # The columns come standardised.
            return "passthrough"


def _features(params: Params, seed: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.ensemble import RandomTreesEmbedding
    from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch

    match params.features:
        case "components":
            return PCA(0.9, svd_solver="full", whiten=True)
        case "kernel":
            return Nystroem(n_components=params.size, random_state=seed)
        case "products":
            return PolynomialCountSketch(degree=2, coef0=1, n_components=params.size, random_state=seed)
        case "leaves":
            trees = max(5, params.size // 8)
            return RandomTreesEmbedding(trees, max_depth=4, sparse_output=False, random_state=seed)
        case _:
            return "passthrough"


def _classifier(params: Params, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier

    match params.estimator:
        case "bayes":
            return GaussianNB(var_smoothing=1e-3)
        case "network":
            return MLPClassifier((params.size,), alpha=1e-3 / params.freedom, max_iter=60, random_state=seed)
        case "boosting":
            return HistGradientBoostingClassifier(max_iter=params.size, early_stopping=False, random_state=seed)
        case _:
            return LogisticRegression(C=params.freedom, max_iter=1000)


def _regressor(params: Params, seed: int) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import BayesianRidge, Ridge
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    match params.estimator:
        case "bayes":
            return BayesianRidge()
        case "network":
            network = MLPRegressor(
                hidden_layer_sizes=(params.size,), alpha=1e-3 / params.freedom, max_iter=60, random_state=seed
            )
            return TransformedTargetRegressor(network, transformer=StandardScaler())
        case "boosting":
            return HistGradientBoostingRegressor(max_iter=params.size, early_stopping=False, random_state=seed)
        case _:
            return Ridge(alpha=1 / params.freedom)
