"""Hydra's and OmegaConf's messages about a wrong key, choice or value, as one paragraph with a remedy."""

import dataclasses
from typing import Any

from bench import config, registry
from bench.errors import did_you_mean


def explain(error: Exception) -> str:
    """Return what a message of Hydra's means and what to do; what is not known is passed on, cut to one line."""
    text = str(error).strip()
    first = text.partition("\n")[0]
    if "Ambiguous value for argument" in text:
        return (
            f"{first.split(chr(39))[1]} names several values. Add -m for one run each, or write a list in brackets, as "
            "in model=[tfidf_svm,nb_svm]."
        )
    if override := getattr(error, "override", ""):
        return f"Cannot read {override!r}: {first}. Quote values with special signs, as in 'data.path=\"a,b.csv\"'."
    if "Could not override" in text or "is not in struct" in text or "not in '" in text:
        key = text.split("'")[1] if "'" in text else ""
        if key.startswith("models.") and (name := key.split(".")[1]) in registry.models() and not _nearest_key(key):
            return f"{key} is set, and {name} is not among the models of this run. Add it to model=[...]."
        return f"Unknown key {key!r}. {_nearest_key(key)}".strip()
    if "Could not load '" in text or "Could not find '" in text:
        group, _, name = text.split("Could not ")[1].split("'")[1].partition("/")
        if "launcher" in name and "submitit" in name:
            return 'Slurm jobs need the "slurm" extra: pip install -e ".[slurm]"'
        known = list(registry.models()) if group == "model" else []
        shown = [option for option in {*known, *config.options(group)} if not option.startswith("default_")]
        if name.startswith("default_"):
            task = name.removeprefix("default_")
            return f"Unknown task {task!r}. {did_you_mean(task, config.options('task'))}"
        return f"Unknown {group} {name!r}. {did_you_mean(name, shown)}"
    if "must specify 'task'" in text or "default_???" in text or "Config group override must be" in text:
        return f"Which task? Give task=NAME. Known: {', '.join(config.options('task'))}."
    if first.startswith("Error merging override") and error.__cause__ is not None:
        return f"{first.removeprefix('Error merging override ')}: {str(error.__cause__).strip().partition(chr(10))[0]}."
    where = next((line.strip() for line in text.splitlines() if "full_key:" in line), "")
    key = where.partition(":")[2].strip()
    return f"{first}{f' (key {key})' if key else ''}"


def _nearest_key(key: str) -> str:
    *path, last = key.split(".")
    node: Any = config.BenchSchema()
    for part in path:
        if part in registry.models() and path[0] == "models":
            node = registry.model(part).params()
        else:
            node = getattr(node, part, None)
    if not dataclasses.is_dataclass(node) or hasattr(node, last):
        return ""
    return did_you_mean(last, [f.name for f in dataclasses.fields(node)])
