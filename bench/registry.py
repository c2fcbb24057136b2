"""Names of models and task types, and how they come to be known.

A model is one file under ``bench/models/<family>/`` with ``Params`` and ``build`` under ``@register_model``; a task
type is one folder under ``tasks/`` with an instance under ``register_task_type``. Packages elsewhere add theirs by
the entry points ``bench.models`` and ``bench.tasks``. Importing them loads no heavy library.
"""

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

from bench.errors import BenchError, ConfigError, did_you_mean
from bench.settings import Budget, DataSpec
from bench.types import Dataset, ModelSpec, Prediction, Split


class TaskType(Protocol):
    """How one kind of problem is read, checked, split and scored."""

    @property
    def name(self) -> str:
        """The same string in config, folders and tables."""

    @property
    def prediction(self) -> Prediction:
        """What models of this kind hand over."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names in ``bench.metrics``; the first is the primary one."""

    @property
    def protocol(self) -> str:
        """``cv`` or ``published``, where the run does not say."""

    @property
    def reference(self) -> str:
        """Model that everything is compared with."""

    @property
    def floor(self) -> str:
        """Model that learns nothing."""

    @property
    def margin(self) -> float:
        """The smallest difference of the primary metric that matters."""

    @property
    def margin_relative(self) -> bool:
        """Whether the margin is a share of the reference's mean score, as for errors in the units of the target."""

    @property
    def version(self) -> int:
        """Raised when scores stop being comparable."""

    def load(self, spec: DataSpec, read: Callable[[str], Any]) -> Dataset:
        """Turn a source into a data set.

        Parameters
        ----------
        spec : DataSpec
        read : callable
            Takes ``spec.path`` or ``spec.test_path`` and returns the data frame that lies there.
        """

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Return the data set as the budget admits it: a subsample that keeps its shape, with a note."""

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the splits, and notes on what had to be changed to make them."""

    def perturbed(self, X: Any, seed: int) -> Mapping[str, Any]:
        """Return the inputs after each kind of change that leaves the target alone, in the order of the rows."""


_models: dict[str, ModelSpec] = {}
_task_types: dict[str, TaskType] = {}
_broken: list[str] = []
Build = TypeVar("Build", bound=Callable[..., Any])


def register_model(name: str, *, task_types: Sequence[str], params: type[Any], **spec: Any) -> Callable[[Build], Build]:
    """Register the decorated ``build(params, context)`` as a model.

    Parameters
    ----------
    name : str
        The same string in config, tables and folders.
    task_types : sequence of str
    params : type
        Plain dataclass whose defaults are the model's.
    **spec
        Further fields of `bench.types.ModelSpec`; ``summary`` comes from the docstring of ``build``.

    Raises
    ------
    BenchError
        If another model has the name, or the same class of parameters.
    """

    def register(build: Build) -> Build:
        if name in _models and _models[name].build.__module__ != build.__module__:
            raise BenchError(f"Two models are named {name!r}: {_models[name].build.__module__} and {build.__module__}.")
        if shared := [other for other in _models.values() if other.params is params and other.name != name]:
            # A preset is known by the class of its parameters.
            raise BenchError(f"{name!r} and {shared[0].name!r} share one Params class. Give each model its own.")
        summary = (inspect.getdoc(build) or "").partition("\n")[0]
        _models[name] = ModelSpec(
            name=name, task_types=tuple(task_types), params=params, build=build, summary=summary, **spec
        )
        return build

    return register


def register_task_type(task_type: TaskType) -> TaskType:
    """Register a task type; returns it, so that it can be assigned at once."""
    if task_type.name in _task_types:
        raise BenchError(f"Two task types are named {task_type.name!r}.")
    _task_types[task_type.name] = task_type
    return task_type


def models() -> dict[str, ModelSpec]:
    """Return every known model by name, in alphabetical order."""
    _discover("bench.models", "bench.models")
    return dict(sorted(_models.items()))


def task_types() -> dict[str, TaskType]:
    """Return every known task type by name, in alphabetical order."""
    _discover("tasks", "bench.tasks")
    return dict(sorted(_task_types.items()))


def broken() -> tuple[str, ...]:
    """Return a sentence on every entry point that could not be loaded: other people's faults end nobody's run."""
    models()
    task_types()
    return tuple(_broken)


def model(name: str) -> ModelSpec:
    """Return one model, or raise `ConfigError` with the nearest name."""
    known = models()
    if name not in known:
        raise ConfigError(f"Unknown model {name!r}. {' '.join([did_you_mean(name, known), *_broken])}")
    return known[name]


def task_type(name: str) -> TaskType:
    """Return one task type, or raise `ConfigError` with the nearest name."""
    known = task_types()
    if name not in known:
        raise ConfigError(f"Unknown task {name!r}. {did_you_mean(name, known)}")
    return known[name]


@cache
def _discover(package: str, entry_points: str) -> None:
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
    else:
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            importlib.import_module(module.name)
    for point in importlib.metadata.entry_points(group=entry_points):
        try:
            point.load()
        except Exception as error:
            package = point.dist.name if point.dist is not None else "a package"
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            _broken.append(f"The entry point {point.name} of {package} cannot be loaded and is left out ({said}).")
