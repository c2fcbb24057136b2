"""What can be set for the verbs beside run and export, which take the settings of a run."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ListSchema:
    """``python -m bench list``."""

    what: str = "all"
    cache_dir: str = ""


@dataclass
class DoctorSchema:
    """``python -m bench doctor``."""

    cache_dir: str = ""


@dataclass
class ValidateSchema:
    """``python -m bench validate``."""

    results_dir: str = "results"
    recompute: str = ""
    """Share of the cells to run again, such as 5%."""
    cache_dir: str = ""


@dataclass
class ReportVerbSchema:
    """``python -m bench report``."""

    results_dir: str = "results"


@dataclass
class ZooVerbSchema:
    """``python -m bench zoo``."""

    action: str = "list"
    names: list[str] = field(default_factory=list)
    """Models, data sets or addresses; all when empty."""
    cache_dir: str = ""
    allow_unpinned: bool = False


@dataclass
class EntrantsSchema:
    """``python -m bench entrants``."""

    action: str = "list"
    names: list[str] = field(default_factory=list)
    """Entrants; all when empty."""


@dataclass
class ImportSchema:
    """``python -m bench import``."""

    folder: str = ""
    """Of an export; ``from=`` on the command line, which Python does not take for a name."""
    service: str = ""
    """Name of the rows; ``model=`` on the command line, which Hydra takes for a choice of models."""
    predictions: str = ""
    """Which files hold predictions; all in the folders of the splits when empty."""
    licence: str = "unknown"
    note: str = ""
    seconds: float = 0.0
    """Of training and predicting, as the service says."""
    results_dir: str = ""
    cache_dir: str = ""


VERBS: dict[str, type[Any]] = {
    "import": ImportSchema,
    "list": ListSchema,
    "doctor": DoctorSchema,
    "validate": ValidateSchema,
    "report": ReportVerbSchema,
    "zoo": ZooVerbSchema,
    "entrants": EntrantsSchema,
}
