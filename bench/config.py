"""Hydra's side of the door: schemas, presets, and the way from a composed config to a `RunConfig`.

With ``bench.__main__`` the only module that knows Hydra. Names are resolved in our own registry, never by a target in
a file, so that a config from a stranger cannot run code.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench import registry
from bench.errors import ConfigError, did_you_mean
from bench.machine import user_cache
from bench.settings import Budget, DataSpec, ExecutorSpec, Expected, Limits, ReportSettings, RunConfig
from bench.types import ModelChoice
from bench.verbs.settings import VERBS, ImportSchema

CONF = Path(__file__).parents[1] / "conf"


LEAST_MEMORY_MB = 300
EXPOSED = ("show", "hide", "impute")
"""What may become of scores on data that a model was pretrained on."""
NAMES = (
    *(
        f"data.{key}"
        for key in (
            *("path", "test_path", "separator", "decimal", "target", "text", "groups", "time", "id", "merge_rare"),
            *("user", "item", "rating", "items_path", "item_id", "users_path", "user_id"),
        )
    ),
    *("results_dir", "cache_dir", "folder", "service", "predictions", "licence", "note"),
)
"""Keys whose values are taken as they stand, without quotes."""


@dataclass
class TaskSchema:
    """``conf/task``: the task type; its defaults stand in ``tasks/``."""

    type: str = "???"


@dataclass
class ZooSchema:
    """What a run may do to have its weights."""

    fetch: bool = False
    """Fetch missing weights before the run; without it they are unavailable rows."""
    allow_unpinned: bool = False
    """Load weights that ``zoo.lock`` does not hold."""


def _mutable(cls: type[Any]) -> type[Any]:
    """Return a copy of a frozen dataclass that OmegaConf can merge overrides into."""
    fields = [
        (f.name, f.type, field(default=f.default, default_factory=f.default_factory)) for f in dataclasses.fields(cls)
    ]
    return dataclasses.make_dataclass(f"{cls.__name__}Schema", fields)


DataSchema, BudgetSchema, ExecutorSchema = _mutable(DataSpec), _mutable(Budget), _mutable(ExecutorSpec)
ReportSchema = _mutable(ReportSettings)


@dataclass
class DecisionSchema:
    """Hard limits; see `bench.settings.Limits`."""

    max_latency_ms: float = 0.0
    max_memory_mb: float = 0.0
    max_failure_rate: float = 1.0
    licences: list[str] = field(default_factory=list)


@dataclass
class BenchSchema:
    """Everything that can be set for a run."""

    task: TaskSchema = field(default_factory=TaskSchema)
    data: Any = field(default_factory=DataSchema)
    budget: Any = field(default_factory=BudgetSchema)
    executor: Any = field(default_factory=ExecutorSchema)
    report: Any = field(default_factory=ReportSchema)
    decision: DecisionSchema = field(default_factory=DecisionSchema)
    zoo: ZooSchema = field(default_factory=ZooSchema)
    models: dict[str, Any] = field(default_factory=dict)
    lineup: bool | None = None
    """Add the task's line-up to the named models; without a value: only where none is named."""
    protocol: str = ""
    """cv, published or curve; the task type's own when empty."""
    curve: bool = False
    """Short for protocol=curve: how scores grow with the training rows."""
    expected: dict[str, Any] = field(default_factory=dict)
    """Published figures by data set."""
    tune: bool = False
    """Put a tuned variant beside every model that has a space to search."""
    bag: int = 0
    """Put a bag of so many inner folds beside every model that learns."""
    ensemble: bool = False
    """Add a weighted mean of the models, with weights chosen on inner folds."""
    shard: str = ""
    """i/n: run only the i-th of n parts of the cells."""
    seed: int = 0
    rerun: str = "none"
    timings: str = "keep"
    results_dir: str = "results"
    cache_dir: str = ""


def register_schemas() -> None:
    """Tell Hydra the schemas, and one preset a registered model."""
    store = ConfigStore.instance()
    store.store(name="bench_schema", node=BenchSchema)
    for name, schema in VERBS.items():
        store.store(name=f"verb_{name}", node=schema)
    for spec in registry.models().values():
        store.store(group="model", name=spec.name, node=spec.params, package=f"models.{spec.name}")


def compose_verb(verb: str, overrides: Sequence[str]) -> Any:
    """Return the settings of a verb other than run, from its schema and overrides."""
    with initialize_config_module(config_module="hydra.conf", version_base="1.3", job_name="bench"):
        return OmegaConf.to_object(compose(config_name=f"verb_{verb}", overrides=list(overrides)))


def adapt_import(words: Sequence[str]) -> list[str]:
    """Call ``from=`` and ``model=`` by the names of their fields, and quote what may hold any sign.

    Examples
    --------
    >>> adapt_import(["from=exchange/my data", "model=vertex_automl"])
    ['folder="exchange/my data"', 'service=vertex_automl']
    """
    called = {"folder": "from", "service": "model"}
    fields = {called.get(one.name, one.name): one.name for one in dataclasses.fields(ImportSchema)}
    out = []
    for key, equals, value in (word.partition("=") for word in words):
        if equals and key not in fields:
            raise ConfigError(f"Unknown key {key!r}. {did_you_mean(key, fields)}")
        out.append(_quoted(f"{fields[key]}={value}") if equals else key)
    return out


def compose_run(overrides: Sequence[str]) -> RunConfig:
    """Return the run that overrides ask for, as the command line would make it.

    Raises
    ------
    ConfigError
        Naming the key that is wrong.
    """
    from bench import hydra_errors

    words = [_searched(word) for word in adapt_overrides(overrides)]
    try:
        with initialize_config_dir(config_dir=str(CONF), version_base="1.3", job_name="bench"):
            return run_config(compose(config_name="config", overrides=words))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(hydra_errors.explain(error)) from error


def _searched(word: str) -> str:
    """Return what ``--config-dir=DIR`` means among overrides."""
    key, equals, value = word.partition("=")
    found = key in ("--config-dir", "-cd") and bool(equals)
    return f'hydra.searchpath=["file://{Path(value).absolute()}"]' if found else word


def without_models(config: RunConfig) -> RunConfig:
    """Return a run of the same splits that asks for no models, so that reference and floor alone are left."""
    return dataclasses.replace(config, models=(), lineup=False, tune=False, bag=0, ensemble=False)


def adapt_overrides(overrides: Sequence[str]) -> list[str]:
    """Add what a user's overrides imply.

    A file of the user's own replaces the task's default data set altogether, not only its path. A parameter of a
    model that was not named is a change to the line-up.

    Examples
    --------
    >>> adapt_overrides(["task=text_clf", "data.path=a.csv"])
    ['task=text_clf', 'data.path=a.csv', 'data=file']
    >>> adapt_overrides(["models.tfidf_svm.C=3"])
    ['models.tfidf_svm.C=3', 'model=[tfidf_svm]', 'lineup=true']
    >>> adapt_overrides(["data=file", "data.path=my reviews (1).csv"])
    ['data=file', 'data.path="my reviews (1).csv"']
    """
    if not {"-m", "--multirun"} & set(overrides):
        overrides = [_quoted(override) for override in overrides]
    keys = [override.partition("=")[0].lstrip("+~") for override in overrides]
    implied = []
    if "data.path" in keys and "data" not in keys:
        implied.append("data=file")
    touched = list(dict.fromkeys(key.split(".")[1] for key in keys if key.startswith("models.") and key.count(".") > 1))
    if touched and "model" not in keys and "experiment" not in keys:
        for name in touched:
            registry.model(name)
        implied.append(f"model=[{','.join(touched)}]")
        if "lineup" not in keys:
            implied.append("lineup=true")
    return [*overrides, *implied]


def flags_first(words: Sequence[str]) -> list[str]:
    """Put flags with their values before the overrides, for Hydra reads no override behind a flag.

    Examples
    --------
    >>> flags_first(["task=text_clf", "--config-dir", "mine", "budget=toy", "-m"])
    ['--config-dir', 'mine', '-m', 'task=text_clf', 'budget=toy']
    >>> flags_first(["task=text_clf", "--info"])
    ['--info=all', 'task=text_clf']
    """
    flags, overrides, left = [], [], list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
        elif word in ("--config-dir", "-cd", "--cfg", "-c"):
            flags += [word, *left[:1]]
            del left[:1]
        elif word in ("--info", "-i"):
            # Its value may be left out: the next word would be taken for it.
            flags.append(f"--info={left.pop(0) if left and '=' not in left[0] and left[0][:1] != '-' else 'all'}")
        else:
            flags.append(word)
    return [*flags, *overrides]


def _quoted(override: str) -> str:
    """Quote a name of a file, folder or column, which may hold signs that mean something in Hydra's grammar."""
    key, equals, value = override.partition("=")
    if key not in NAMES or not equals or value[:1] in ("'", '"') or re.fullmatch(r"[\w./:@-]*", value, re.ASCII):
        return override
    # Hydra takes backslashes as they stand, but those before a quotation mark.
    escaped = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), value)
    return f'{key}="{escaped}"'


def without_permission(overrides: Sequence[str]) -> tuple[list[str], bool]:
    """Take ``allow_commands=...`` out of the overrides, so that no file can give it.

    Examples
    --------
    >>> without_permission(["task=tabular_clf", "allow_commands=true"])
    (['task=tabular_clf'], True)
    """
    left, allowed = [], False
    for override in overrides:
        key, equals, value = override.partition("=")
        if key != "allow_commands" or not equals:
            left.append(override)
        elif value.lower() not in ("true", "false"):
            raise ConfigError(f"allow_commands={value} is not known. Expected true or false.")
        else:
            allowed = value.lower() == "true"
    return left, allowed


def run_config(config: DictConfig, allow_commands: bool = False) -> RunConfig:
    """Turn a composed config into a validated `RunConfig`.

    Parameters
    ----------
    config : DictConfig
    allow_commands : bool
        Whether the command line allows commands that a config names.

    Raises
    ------
    ConfigError
        Naming the key that is wrong.
    """
    try:
        values: BenchSchema = OmegaConf.to_object(config)  # type: ignore[assignment]
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{str(error).rstrip('.')}.") from error
    for name, allowed in {"rerun": ("none", "failed", "all"), "timings": ("keep", "refresh")}.items():
        if getattr(values, name) not in allowed:
            raise ConfigError(f"{name}={getattr(values, name)} is not known. Expected one of {', '.join(allowed)}.")
    registry.task_type(values.task.type)
    for section in ("data", "budget", "executor", "report"):
        _refuse_unknown_keys(section, config[section], type(getattr(values, section)))
    data = DataSpec.of(_as_dict(values.data))
    if not data.path:
        raise ConfigError(f"No data set: {values.task.type} needs data=NAME or data.path=FILE.")
    budget = Budget(**_as_dict(values.budget))
    _check_budget(budget)
    if values.curve:
        # Draws stand in for folds; what a seed changes is told by the main run.
        budget = dataclasses.replace(budget, folds=min(5, max(2, budget.seeds)), seeds=1, probe_rows=0)
    for key, name in {"data.name": data.name, "budget.name": budget.name}.items():
        if name != safe_name(name) and name:
            raise ConfigError(f"{key}={name} is no name for a folder. Expected letters, digits, '.', '-' and '_'.")
    if values.executor.workers < 0:
        raise ConfigError(f"executor.workers={values.executor.workers} is too small: at least 0.")
    limits = _limits(values.decision)
    if (limits.max_latency_ms or limits.max_memory_mb) and not budget.probe_rows and not values.curve:
        raise ConfigError(
            f"decision.max_latency_ms and max_memory_mb need costs, which budget {budget.name} does not measure. "
            "Give a larger budget, or budget.probe_rows=100."
        )
    models = tuple(_choice(name, params) for name, params in values.models.items())
    return RunConfig(
        task_type=values.task.type,
        data=dataclasses.replace(data, name=data.name or safe_name(Path(data.path).stem)),
        protocol="curve" if values.curve else values.protocol,
        budget=budget,
        executor=ExecutorSpec(**_as_dict(values.executor)),
        models=models,
        lineup=not models if values.lineup is None else values.lineup,
        tune=values.tune,
        shard=_shard(values.shard),
        seed=values.seed,
        results_dir=Path(values.results_dir),
        cache_dir=cache_dir(values.cache_dir),
        rerun=values.rerun,
        timings=values.timings,
        report=_report(values.report),
        limits=limits,
        zoo_fetch=values.zoo.fetch,
        allow_unpinned=values.zoo.allow_unpinned,
        expected=_expected(values.expected, data.name),
        allow_commands=allow_commands,
        bag=_bag(values.bag),
        ensemble=values.ensemble,
    )


def _shard(text: str) -> tuple[int, int] | None:
    """Return (i, n) of ``i/n``; None for an empty string."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"shard={text} is no part of a whole. Expected i/n with i from 1 to n, such as shard=1/4.")
    return int(found[1]), int(found[2])


def catalogued_data() -> dict[str, DataSpec]:
    """Return every data set of ``conf/data`` by name."""
    found = {}
    for path in sorted((CONF / "data").glob("*.yaml")):
        values = OmegaConf.to_container(OmegaConf.load(path))
        if isinstance(values, dict) and values.get("path"):
            found[path.stem] = DataSpec.of({str(key): value for key, value in values.items()})
    return found


def default_data(task: str) -> str:
    """Return the name of a task's default data set, or an empty string."""
    path = CONF / "data" / f"default_{task}.yaml"
    if not path.exists():
        return ""
    values: Any = OmegaConf.load(path)
    return str(values["defaults"][0])


def options(group: str) -> list[str]:
    """Return the choices of a config group that are files."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def cache_dir(given: str) -> Path:
    """Return the cache folder: as given, from BENCH_CACHE_DIR, or the user's own."""
    return Path(given) if given else user_cache()


def safe_name(stem: str) -> str:
    """Return a file's stem as a name for folders: letters, digits, dots, dashes and underscores.

    Examples
    --------
    >>> safe_name("my reviews (1)")
    'my_reviews_1'
    """
    return "_".join("".join(c if c.isalnum() or c in ".-_" else " " for c in stem).split()).lstrip(".") or "data"


def _refuse_unknown_keys(section: str, given: DictConfig, schema: type[Any]) -> None:
    known = [f.name for f in dataclasses.fields(schema)]
    for key in map(str, given):
        if key not in known:
            raise ConfigError(f"Unknown key '{section}.{key}'. {did_you_mean(key, known)}")


def _as_dict(values: Any) -> dict[str, Any]:
    return {f.name: getattr(values, f.name) for f in dataclasses.fields(values)}


def _choice(name: str, params: Any) -> ModelChoice:
    for spec in registry.models().values():
        if type(params) is spec.params:
            return ModelChoice(name=name, spec=spec, params=params)
    raise ConfigError(
        f"models.{name} is not a preset of a registered model. Start its file with: defaults: [MODEL@_here_, _self_]"
    )


def _check_budget(budget: Budget) -> None:
    for name, least in {
        "repeats": 0,
        "folds": 2,
        "seeds": 1,
        "rows": 0,
        "threads": 0,
        "memory_mb": 0,
        "probe_rows": 0,
        "trials": 1,
    }.items():
        if getattr(budget, name) < least:
            raise ConfigError(f"budget.{name}={getattr(budget, name)} is too small: at least {least}.")
    if 0 < budget.memory_mb < LEAST_MEMORY_MB:
        raise ConfigError(
            f"budget.memory_mb={budget.memory_mb} is too small: a worker takes {LEAST_MEMORY_MB} MB before its "
            "first fit. 0 gives each worker its share of the machine."
        )
    for name in ("cell_seconds", "run_seconds"):
        if getattr(budget, name) <= 0:
            raise ConfigError(f"budget.{name}={getattr(budget, name)} must be larger than 0.")
    if min(budget.neighbours, budget.moonshots) < 0 or budget.neighbours + budget.moonshots > 0.9:
        raise ConfigError(
            f"budget.neighbours={budget.neighbours:g} and budget.moonshots={budget.moonshots:g} are shares of the "
            "run's time: each at least 0, and together at most 0.9, for the known models come first."
        )


def _bag(folds: int) -> int:
    if folds < 0 or folds == 1:
        raise ConfigError(f"bag={folds} makes no bag: at least 2 inner folds, or 0 for none.")
    return folds


def _report(values: Any) -> ReportSettings:
    settings = ReportSettings(**_as_dict(values))
    for name in ("hourly_price", "requests_per_day", "error_cost", "human_cost", "tolerance"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"report.{name}={getattr(settings, name)} must not be negative.")
    if not 0 <= settings.target_risk <= 1:
        raise ConfigError(f"report.target_risk={settings.target_risk} must lie between 0 and 1.")
    if settings.exposed not in EXPOSED:
        raise ConfigError(f"report.exposed={settings.exposed} is not known. Expected one of {', '.join(EXPOSED)}.")
    if settings.imputed_by and settings.exposed != "impute":
        raise ConfigError(f"report.imputed_by={settings.imputed_by} means something under report.exposed=impute only.")
    if not 0.5 <= settings.interval_level <= 0.999:
        raise ConfigError(f"report.interval_level={settings.interval_level} must lie between 0.5 and 0.999.")
    return settings


def _limits(values: DecisionSchema) -> Limits:
    for name in ("max_latency_ms", "max_memory_mb"):
        if getattr(values, name) < 0:
            raise ConfigError(f"decision.{name}={getattr(values, name)} must not be negative; 0 sets no limit.")
    if not 0 <= values.max_failure_rate <= 1:
        raise ConfigError(f"decision.max_failure_rate={values.max_failure_rate} must lie between 0 and 1.")
    return Limits(**{**_as_dict(values), "licences": tuple(values.licences)})


def _expected(values: dict[str, Any], data: str) -> tuple[Expected, ...]:
    try:
        return tuple(Expected(**entry) for entry in values.get(data, ()))
    except TypeError as error:
        known = [f.name for f in dataclasses.fields(Expected)]
        raise ConfigError(f"expected.{data}: each entry needs {', '.join(known)} ({error}).") from error
