"""What makes a model's rows, and the hash of it that decides whether finished rows may be reused."""

import hashlib
import inspect
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.files import sha256_of
from bench.machine import release
from bench.panel import series_of
from bench.settings import Budget
from bench.study import INNER_FOLDS
from bench.types import Dataset, ModelChoice, Split, Task
from bench.zoo.store import Zoo


def provenance_of(
    choice: ModelChoice, task: Task, dataset: Dataset, budget: Budget, splits: Sequence[Split], seed: int, zoo: Zoo
) -> dict[str, Any]:
    """Return what makes a model's rows, with the hash that decides whether finished rows may be reused.

    Parameters
    ----------
    splits : sequence of Split
        Those that were made, which may be fewer than the budget asks for.

    Returns
    -------
    dict
        ``inputs`` is what can move a score, ``key`` its hash; ``about`` is for the reader. Its ``encoder`` is filled in
        when a frozen encoder runs, its ``expected`` where published figures are known.
    """
    spec, addresses = choice.spec, choice.addresses
    inputs: dict[str, Any] = {
        "task": task.name,
        "task_version": task.version,
        "protocol": task.protocol,
        "metrics": list(task.metrics),
        "data_fingerprint": dataset.fingerprint,
        "folds": len({split.fold for split in splits}),
        "splits": _splits_hash(splits),
        "root_seed": seed,
        **made_of(choice, budget.trials, zoo),
    }
    if choice.bag:
        inputs["bag"] = choice.bag
    if choice.members:
        # In their order: of two that help as much, the earlier one is added.
        inputs["members"] = [{"name": one.name, **made_of(one, budget.trials, zoo)} for one in choice.members]
    about = {
        "task": asdict(task),
        "data": dataset.name,
        "rows": len(dataset.y),
        "classes": len(dataset.classes),
        "data_licence": dataset.licence,
        "data_citation": dataset.citation,
        "data_notes": list(dataset.notes),
        "repeats": len({split.repeat for split in splits}),
        "budget": asdict(budget),
        "role": spec.role,
        "licence": spec.licence,
        "trained_on": spec.trained_on,
        "deterministic": spec.deterministic,
        "weights_mb": round(sum(zoo.size(address) for address in addresses) / 1e6, 1),
        "unpinned": [address for address in addresses if address not in zoo.lock.addresses],
        "summary": spec.summary,
        "encoder": {},
        "expected": [],
        "report": {},
        "limits": {},
        "labels": [],
    }
    if spec.evidence:
        about["evidence"] = spec.evidence
    if dataset.forecasting is not None:
        about["panel"] = {"series": series_of(dataset), **asdict(dataset.forecasting)}
    if (ranking := dataset.ranking) is not None and (told := dataset.recommending) is not None:
        sizes = {"users": len(told.users), "items": len(told.items)}
        about["ranking"] = {
            **sizes,
            "hash": ranking.hash,
            "protocol": asdict(ranking),
            "splits": dict(dataset.split_facts),
        }
    if dataset.law is not None:
        about["made_by_law"] = True
    if dataset.ceiling:
        about["ceiling"] = dict(dataset.ceiling)
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return {"key": key, "inputs": inputs, "about": about}


def made_of(choice: ModelChoice, trials: int, zoo: Zoo) -> dict[str, Any]:
    """Return what moves the scores of one model on given rows, but a bag and members.

    Parameters
    ----------
    choice : ModelChoice
    trials : int
        Of its search; of no account where it is not tuned.
    zoo : Zoo
    """
    spec = choice.spec
    made: dict[str, Any] = {
        "model": spec.name,
        "params": asdict(choice.params),
        "zoo": {getattr(choice.params, name): _revision(zoo, getattr(choice.params, name)) for name in spec.zoo},
        "code": code_hash(spec.build),
        "libraries": {name: release(name) for name in spec.libraries},
    }
    if spec.sources is not None:
        files = spec.sources(choice.params)
        made["sources"] = {name: sha256_of(path)[:16] for name, path in files.items()}
    if choice.tuned:
        made["search"] = {"trials": trials, "inner_folds": INNER_FOLDS, "optuna": release("optuna")}
    return made


def code_hash(build: Any) -> str:
    """Return a hash of the source files that a model is made of.

    Its own, and what that imports of `bench.models` and `bench.zoo`; of a model from elsewhere everything that it
    reaches in its own package.
    """
    module = sys.modules[build.__module__]
    if module.__name__.startswith("bench."):
        parts = {module.__name__} | {home for home in _homes(module) if _is_model_code(home)}
    else:
        parts = _reached(module)
    digest = hashlib.sha256()
    for name in sorted(parts):
        source = inspect.getsource(sys.modules[name])
        digest.update(f"{name}\x1f{source}".encode())
    return digest.hexdigest()[:16]


def _homes(module: ModuleType) -> set[str]:
    """Return the modules that the names of a module come from."""
    values = vars(module).values()
    named = {value.__name__ for value in values if isinstance(value, ModuleType)}
    return named | {home for value in values if isinstance(home := getattr(value, "__module__", None), str)}


def _reached(module: ModuleType) -> set[str]:
    """Return the modules of the same package that a module imports, directly or not."""
    package = module.__name__.partition(".")[0]
    found, left = {module.__name__}, [module]
    while left:
        for name in _homes(left.pop()) - found:
            if name.partition(".")[0] == package and getattr(sys.modules.get(name), "__file__", None):
                found.add(name)
                left.append(sys.modules[name])
    return found


def _splits_hash(splits: Sequence[Split]) -> str:
    """Return a hash over the rows of the first repeat; further ones only add cells."""
    digest = hashlib.sha256()
    for split in splits:
        if split.repeat == 0:
            for rows in (split.train, split.test, *(() if split.fit is None else (split.fit,))):
                digest.update(rows.astype(np.int64).tobytes() + b"\x1f")
    return digest.hexdigest()[:16]


def _is_model_code(module: str) -> bool:
    return module.startswith(("bench.models.", "bench.zoo."))


def _revision(zoo: Zoo, address: str) -> str:
    try:
        return zoo.revision(address)
    except BenchError:
        return "unknown"
