"""AutoGluon, in an environment of its own that ``python -m bench entrants make autogluon`` makes."""

from dataclasses import dataclass
from pathlib import Path

from bench.entrants import environment
from bench.models.jobs import Commanded
from bench.models.launch import Command
from bench.registry import register_model
from bench.types import Context

NAME = "autogluon"


@dataclass
class Params:
    """Parameters of ``autogluon``."""

    seconds: float = 60.0
    """For everything up to the end of the training, imports too."""
    grace: float = 30.0
    """Seconds beyond these, after which it is killed."""
    preset: str = "medium_quality"
    """What AutoGluon calls a preset: how much it does within the time."""
    metric: str = ""
    """roc_auc, log_loss or rmse: what it optimises; when empty roc_auc of classes, rmse of quantities."""


def lacks(params: Params) -> str:
    """Return why it cannot be run here, or an empty string."""
    return environment.why_missing(NAME)


def sources(params: Params) -> dict[str, Path]:
    """Return the files that make it what it is."""
    return environment.sources(NAME)


@register_model(
    NAME,
    task_types=["tabular_clf", "tabular_reg"],
    params=Params,
    role="external",
    at_once=True,
    lacks=lacks,
    sources=sources,
    libraries=(),
    licence="Apache-2.0",
)
def build(params: Params, context: Context) -> Commanded:
    """AutoGluon's ensemble of boosting, forests and neighbours, within a time limit; without its neural networks."""
    command = Command(
        words=(str(environment.python(NAME)), "-I", str(environment.RUN), environment.script(NAME).name),
        seconds=params.seconds,
        grace=params.grace,
        metric=params.metric,
        settings={"preset": params.preset},
    )
    return Commanded(command, context)
