"""FLAML, in an environment of its own that ``python -m bench entrants make flaml`` makes."""

from dataclasses import dataclass
from pathlib import Path

from bench.entrants import environment
from bench.models.jobs import Commanded
from bench.models.launch import Command
from bench.registry import register_model
from bench.types import Context

NAME = "flaml"


@dataclass
class Params:
    """Parameters of ``flaml``."""

    seconds: float = 60.0
    """For everything up to the end of the training, imports too."""
    grace: float = 30.0
    """Seconds beyond these, after which it is killed."""
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
    licence="MIT",
)
def build(params: Params, context: Context) -> Commanded:
    """FLAML's search over boosting, forests and linear models, within a time limit."""
    words = (str(environment.python(NAME)), "-I", str(environment.RUN), environment.script(NAME).name)
    return Commanded(Command(words=words, seconds=params.seconds, grace=params.grace, metric=params.metric), context)
