"""A command of the user's in an environment of its own; run only where the command line allows it.

The command stands in the result tables as it is: a secret is passed on by `env`, never as an argument.
"""

import os.path
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from bench.models.jobs import Commanded
from bench.models.launch import JOB, Command
from bench.registry import register_model
from bench.types import Context


@dataclass
class Params:
    """Parameters of ``external``."""

    command: list[str] = field(default_factory=list)
    """Program and arguments; ``{job}`` stands for the path of the job, which else is added as the last one."""
    seconds: float = 60.0
    """That the command is told to keep."""
    grace: float = 30.0
    """Seconds beyond these, after which it is killed."""
    format: str = "parquet"
    """Of the files that it gets, parquet or csv; its answer may be either."""
    metric: str = ""
    """roc_auc, log_loss or rmse: what it is told to optimise; when empty roc_auc of classes, rmse of quantities."""
    env: list[str] = field(default_factory=list)
    """Names of variables of the environment that are passed on, beside PATH, HOME and the locale."""
    version: str = ""
    """Anything: another one is another system, whose cells run again. Files that the command names are known."""


def lacks(params: Params) -> str:
    """Return why a command cannot be run here, or an empty string."""
    if not params.command:
        return "It has no command. Give one: 'models.external.command=[python,my_system.py]' allow_commands=true"
    return "" if shutil.which(params.command[0]) else f"There is no program {params.command[0]!r} here."


def sources(params: Params) -> dict[str, Path]:
    """Return the files that a command names."""
    # Path.is_file raises where a word is too long for a name.
    return {word: Path(word) for word in params.command if JOB not in word and os.path.isfile(word)}


@register_model(
    "external",
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="external",
    at_once=True,
    runs_command=True,
    lacks=lacks,
    sources=sources,
    libraries=(),
    licence="unknown",
)
def build(params: Params, context: Context) -> Commanded:
    """A command of your own, given training and test rows as files."""
    command = Command(
        words=tuple(params.command),
        seconds=params.seconds,
        grace=params.grace,
        format=params.format,
        metric=params.metric,
        variables=tuple(params.env),
        folder=Path.cwd(),
    )
    return Commanded(command, context)
