"""The values that travel between the stages of a run.

Small, frozen and keyword-only; the terms are OpenML's where it has one. This module knows nothing of Hydra, of any
library that fits models, or of the disk.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.panel import Forecasting, Rolling
from bench.ranking.asked import Queries, Ranking, Recommending

Prediction = Literal["label", "probability", "value", "quantiles", "ranking"]
Role = Literal["floor", "stable", "zoo", "tuned", "ensemble", "moonshot", "external"]
Vectors = NDArray[np.float32]
"""One row an item, shape (n, d)."""
Arrays = Mapping[str, NDArray[Any]]
"""By name."""
Exposure = Literal["exposed", "clean", "unknown"]
"""Whether a model has met the data that it is tested on before; see `bench.exposure`."""
Status = Literal["ok", "failed", "timeout", "oom", "invalid", "skipped", "unavailable"]

ROLES: tuple[Role, ...] = ("floor", "stable", "zoo", "tuned", "ensemble", "moonshot", "external")
"""From the simplest family to the most involved; the decision prefers the earlier of two equals."""

BUDGETS: tuple[str, ...] = ("toy", "quick", "standard", "full")
"""From the smallest to the largest; a model joins a plain run from its ``from_budget`` on."""

LICENCE_AND = " AND "
"""Between licences that all apply, as SPDX writes it."""


def seed_for(root: int, *axes: str | int) -> int:
    """Derive a seed from the root seed and the names of the axes it belongs to.

    A hash of names, so that adding a model, a fold or a data set moves no other seed.

    Parameters
    ----------
    root : int
        The run's ``seed``.
    *axes : str or int
        What the seed is for: ``("text_clf", repeat)`` for a split, ``(model, fold, seed)`` added for a fit.

    Returns
    -------
    int
        In [0, 2**31), which every library accepts.

    Examples
    --------
    >>> seed_for(0, "text_clf", 1) == seed_for(0, "text_clf", 1)
    True
    >>> seed_for(0, "a", 12) == seed_for(0, "a1", 2)
    False
    """
    text = "\x1f".join([str(root), *map(str, axes)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 2**31


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set as the engine sees it; rows are aligned over all members."""

    name: str
    X: pd.Series | pd.DataFrame
    """Inputs, n rows; a series of strings for text."""
    y: NDArray[Any]
    """Targets, shape (n,): class codes 0..C-1 for classification, floats for regression."""
    classes: tuple[str, ...]
    """Class labels in code order; empty for regression."""
    groups: NDArray[Any] | None = None
    """Group codes, shape (n,)."""
    time: NDArray[Any] | None = None
    """Sortable time stamps, shape (n,)."""
    test: NDArray[np.bool_] | None = None
    """True where a row belongs to the published test part, shape (n,)."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Kind of each column of the source."""
    licence: str = "unknown"
    citation: str = ""
    forecasting: Forecasting | None = None
    """What is asked of forecasts; then inputs are a panel (`bench.panel`), groups its series, and time its stamps."""
    rolling: Rolling | None = None
    """Where the origins of forecasts lie; splits follow from it, so it is no part of the fingerprint."""
    observed: NDArray[np.bool_] | None = None
    """False where a target was filled in, shape (n,): models learn from it, and no score is taken of it."""
    recommending: Recommending | None = None
    """What is asked of recommenders; then inputs are interactions (`bench.ranking`) in the order of time, targets what
    each of them weighs, and time their stamps where there are any."""
    ranking: Ranking | None = None
    """How these are tested; part of the fingerprint."""
    fingerprint: str = ""
    """Hash of inputs, targets, classes, groups, time, parts and what is asked; see `bench.data.fingerprint`."""
    notes: tuple[str, ...] = ()
    """What was dropped, merged, counted or changed on the way in: said in every report."""
    law: Callable[["Dataset", "Split"], Any] | None = None
    """Makes the best possible forecasts of a window, in the order of its rows, or the best possible scores of the users
    who are tested, shape (n, items); of data that were made by a law."""
    ceiling: Mapping[str, float] = field(default_factory=dict)
    """What these score in the windows of a run, by metric."""
    split_facts: Mapping[str, float | None] = field(default_factory=dict)
    """Of interactions, what a sceptic asks of the splits of a run; see `bench.ranking.diagnostics`."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Row numbers of one train and test part; never data."""

    repeat: int
    fold: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    fit: NDArray[np.intp] | None = None
    """Rows that parameters are from, where these are not those of ``train``. A forecaster observes the later ones
    without being fitted to them; a recommender answers users of the others by what they did."""

    @property
    def fitted(self) -> NDArray[np.intp]:
        """Rows that parameters are from."""
        return self.train if self.fit is None else self.fit


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is measured: OpenML's task, with the protocol and the metric that decide."""

    name: str
    """Folder under ``results/``: the type, with the protocol added where it is not the type's own."""
    type: str
    protocol: str
    """``cv`` for repeated (stratified, grouped or time-ordered) folds, ``published`` for the data set's own parts,
    ``curve`` for growing training parts, ``rolling`` for forecasts from several origins."""
    metrics: tuple[str, ...]
    """The first is the primary one."""
    reference: str
    """Model that everything is compared with; runs first."""
    floor: str
    """Model that learns nothing; what does not beat it is not recommended."""
    margin: float
    """The smallest difference that matters, in units of the primary metric; see ``margin_relative``."""
    version: int
    """Raised when scores stop being comparable."""
    prediction: Prediction = "probability"
    """What models hand over."""
    margin_relative: bool = False
    """Whether ``margin`` is a share of the reference's mean score, as for errors in the units of the target."""

    def margin_at(self, mean: float) -> float:
        """Return the margin in units of the primary metric, where the reference's mean score is ``mean``."""
        return self.margin * abs(mean) if self.margin_relative else self.margin


class Encoder(Protocol):
    """A frozen function from items to vectors: what the feature cache can hold.

    The vector of an item depends on that item alone, so encoding test items beside training items leaks nothing.
    """

    @property
    def key(self) -> Mapping[str, str | int]:
        """Everything that moves a vector: hash of the weights, preprocessing, number format."""

    def encode(self, items: Sequence[str], advance: Callable[[int], None]) -> NDArray[np.float32]:
        """Return one row an item, shape (n, d); ``advance`` is told how many items were done."""


class Weights(Protocol):
    """Access to the zoo: verified bytes only, never the network."""

    def __call__(self, address: str, /) -> Path:
        """Return the verified local file or folder behind an address."""

    def revision(self, address: str, /) -> str:
        """Return a hash over every file of an address."""


class Features(Protocol):
    """Cached vectors of one data set."""

    def __call__(self, encoder: Encoder, items: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of ``items``, shape (n, d), encoding only those not seen before."""


class Remember(Protocol):
    """Arrays that follow from their inputs alone, and are computed once."""

    def __call__(self, key: str, make: Callable[[], Arrays | None]) -> Arrays | None:
        """Return what was kept under a key, or else what ``make`` returns, which is kept unless it is None.

        Parameters
        ----------
        key : str
            Hash of all that moves the arrays: code, versions, inputs.
        make : callable
            None is for what does not repeat.
        """


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a model may know beside its parameters: never rows, folds or metrics."""

    seed: int
    threads: int
    zoo: Weights
    features: Features
    prediction: Prediction = "probability"
    """What the model is asked for: one file may serve several task types."""
    classes: tuple[str, ...] = ()
    """Class labels in code order, for systems that are told them; empty for values."""
    forecasting: Forecasting | None = None
    """What is asked of forecasts; None for other predictions."""
    recommending: Recommending | None = None
    """What is asked of recommenders; None for other predictions."""
    remember: Remember | None = None
    """For parts of a model that take no seed; None where everything is to be computed."""


class Classifier(Protocol):
    """A model for ``prediction="probability"``."""

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes in the order of the columns of ``predict_proba``."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from training rows only."""

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return probabilities, shape (n, len(classes_)), rows summing to one."""


class Regressor(Protocol):
    """A model for ``prediction="value"``."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from training rows only."""

    def predict(self, X: Any) -> NDArray[Any]:
        """Return finite numbers in the units of the target, shape (n,)."""


class Forecaster(Protocol):
    """A model for ``prediction="quantiles"``.

    One that can go on from later history with the parameters that it has also has ``observe(X, y)``, which takes what
    ``fit`` takes. One that answered for some series by something simpler than itself says for how many by an attribute
    ``fallbacks_``.
    """

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from a panel: columns ``unique_id``, ``ds`` and covariates; targets, shape (n,)."""

    def predict(self, X: Any) -> pd.DataFrame:
        """Return forecasts of any of the series, for steps right behind what was fitted or observed.

        Parameters
        ----------
        X : DataFrame
            ``unique_id``, ``ds``, and those covariates that are known for the future: ``horizon`` rows a series.

        Returns
        -------
        DataFrame
            The same ``unique_id`` and ``ds`` in any order, ``point``, and a column for each level (`bench.panel`).
        """


class Recommender(Protocol):
    """A model for ``prediction="ranking"``; the harness makes its scores into lists, and leaves out what was seen."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from interactions in the order of time: columns ``user`` and ``item``, and ``time`` where it is known.

        What each of them weighs is ``y``, shape (n,).
        """

    def predict(self, X: Queries) -> NDArray[Any]:
        """Return a score for each user and item, shape (n, items): higher is better, the scale is the model's.

        Users may be others than those it was fitted on: what they did is in their histories. Minus infinity is for what
        the model has nothing to say of.
        """


Model = Classifier | Regressor | Forecaster | Recommender
"""scikit-learn's contract, so that any estimator qualifies; which of them is the task's to say."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What the registry holds of a model."""

    name: str
    task_types: tuple[str, ...]
    role: Role
    params: type[Any]
    """Plain dataclass of the parameters; its defaults are the model's defaults."""
    build: Callable[[Any, Context], Model]
    from_budget: str = "toy"
    deterministic: bool = False
    """Claims that the seed changes nothing; checked on the first fold of every run."""
    zoo: tuple[str, ...] = ()
    """Names of the parameters that hold zoo addresses."""
    space: Callable[[Any], dict[str, Any]] | None = None
    """Takes an Optuna trial and returns values of parameters by name: what ``tune=true`` searches."""
    encoder: Callable[[Any, Weights], Encoder] | None = None
    """Makes the frozen encoder whose vectors are cached before the cells run."""
    libraries: tuple[str, ...] = ("numpy", "scipy", "scikit-learn")
    """Distributions whose version can move a score: part of a cell's key."""
    trained_on: str = "unknown"
    """Data sets the weights have seen: ``clean`` for none that is real, ``unknown``, or names, with ``unknown`` among
    them where they are not all. What has no weights need not say anything."""
    evidence: str = ""
    """Where that is said: paper, number, date. Without it, a set that is not named may have been seen all the same."""
    gpus: float = 0.0
    """GPUs that a cell reserves under ``executor=ray``, which hides the others from it; 0.5 puts two cells on one.
    Cores and memory are those of the budget; other executors reserve nothing."""
    licence: str = "BSD-3-Clause"
    """Of the library that fits, or of the weights where there are any."""
    at_once: bool = False
    """Learns when it is asked, from training and test rows together: its time is that of the fit, and nothing is
    measured item by item. Its parameters say by ``seconds`` and ``grace`` how long that takes."""
    runs_command: bool = False
    """Runs a command that its parameters name: only where the command line allows it."""
    lacks: Callable[[Any], str] | None = None
    """Says, of parameters, what else is missing on this machine, or returns an empty string."""
    sources: Callable[[Any], Mapping[str, Path]] | None = None
    """Names, of parameters, the files beside its modules that move a score: part of a cell's key."""
    unfit_for: Callable[[Dataset], str] | None = None
    """Says why the model has nothing to do on a data set, or returns an empty string: then no line-up holds it."""
    summary: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One fit and one evaluation: strings and numbers only, so that it pickles, hashes and travels."""

    task: str
    data: str
    model: str
    budget: str
    repeat: int
    fold: int
    seed: int
    spec: str
    """Registered model behind the name; another one than ``model`` where that is a user's preset."""
    params: str = "{}"
    """Parameters as JSON with sorted keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What became of a cell: one row."""

    model: str
    repeat: int
    fold: int
    seed: int
    status: Status
    reason: str = ""
    """One line; empty when ok."""
    origin: Literal["fit", "fill", "import"] = "fit"
    """``fill``: copied from another seed of a model whose two seeds agreed; ``import``: predicted elsewhere."""
    scores: Mapping[str, float] = field(default_factory=dict)
    n_train: int = 0
    n_test: int = 0
    digest: str = ""
    """Hash of the predictions."""
    fit_seconds: float = float("nan")
    """With the share of encoding that the training rows cost."""
    predict_seconds: float = float("nan")
    """For the whole test part, with the share of encoding that it cost."""
    warnings: tuple[str, ...] = ()
    """What the libraries complained of, once each."""
    found: Mapping[str, Any] = field(default_factory=dict)
    """What the cell found out beside its score, by kind: what a search tried, weights of an ensemble. Plain JSON."""

    @classmethod
    def unscored(cls, cell: Cell, status: Status, reason: str) -> "Record":
        """Return the row of a cell that brought no scores."""
        return cls(model=cell.model, repeat=cell.repeat, fold=cell.fold, seed=cell.seed, status=status, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model costs to run on one machine class, measured alone after the cells."""

    cold_start_seconds: float
    """From a running interpreter to the first answer: imports, weights, a fit of a few rows, one prediction."""
    fit_seconds: float
    """On the training rows of the first fold; a frozen encoder's share is added, what a search takes is not."""
    latency_p50_ms: float
    """One item at a time."""
    latency_p95_ms: float
    throughput_1: float
    """Items a second in batches of 1."""
    throughput_32: float
    throughput_1000: float
    peak_mb: float
    """Resident memory of the process that fitted and predicted."""
    artefact_mb: float
    """Of the fitted model and its pretrained weights."""
    packages: int
    """Distributions beyond what the reference needs."""
    packages_mb: float
    """Their size as installed."""


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """What small changes of the inputs do to a fitted model, by predicting again and nothing else."""

    items: int
    clean: float
    """Primary metric of the unchanged items."""
    perturbed: Mapping[str, tuple[float, float]]
    """By kind of change: primary metric, and share of items whose prediction changes; of values the mean absolute
    change over the interquartile range of the targets."""
    order: float
    """Largest change of a probability when the items come in reverse, of a value over that range, of a forecast on the
    scale of its series; of lists the share that changes. 0 for a sound model."""
    batch: float
    """Largest such change when items come one by one."""
    loss_error: Mapping[str, float] | None = None
    """By kind of change: standard error of the loss under other items; None where it follows from the share above."""
    stale: tuple[float, ...] | None = None
    """Primary metric in each later stretch of time, of lists by a model that knows new histories and was not fitted to
    them; None where there is no such stretch."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model with its parameters under the name that tables use."""

    name: str
    spec: ModelSpec
    params: Any
    tuned: bool = False
    """Whether each cell searches the model's space on its training rows; the parameters are where it starts."""
    bag: int = 0
    """Inner folds: one fit without each, and the mean of their answers; 0 fits once on all training rows."""
    members: tuple["ModelChoice", ...] = ()
    """Models whose bagged answers are averaged with weights that inner folds choose; empty for a single model."""

    @property
    def parts(self) -> tuple["ModelChoice", ...]:
        """The single models that are fitted: its members, or itself."""
        return self.members or (self,)

    @property
    def reads_a_search(self) -> bool:
        """Whether it is a bag or an ensemble of tuned models, which need not search where these have done so."""
        return bool(self.bag and self.tuned) or any(one.tuned for one in self.members)

    @property
    def encoded(self) -> bool:
        """Whether a part has a frozen encoder."""
        return any(part.spec.encoder is not None for part in self.parts)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Zoo addresses that its parts load."""
        return tuple(dict.fromkeys(getattr(part.params, name) for part in self.parts for name in part.spec.zoo))
