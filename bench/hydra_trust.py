"""What a config may set of Hydra: nothing that names code, passes an environment on, or says where files are written.

Callbacks, logging, launchers and sweepers of Hydra are built from targets in its part of a config, before a run starts.
A file from a stranger could so run code, which the schemas of bench itself leave no room for.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from hydra._internal import hydra as engine
from omegaconf import OmegaConf

from bench.errors import ConfigError

SILENT = {"version": 1, "root": None, "disable_existing_loggers": False}
OURS: Mapping[str, Any] = {
    "callbacks": {},
    "job_logging": SILENT,
    "hydra_logging": SILENT,
    "output_subdir": None,
    "run.dir": ".",
    "sweep.dir": ".bench",
    "sweep.subdir": ".",
    "job.name": "bench",
    "job.chdir": False,
    "job.env_set": {},
    "job.env_copy": [],
}
"""What stands in ``conf/config.yaml``, or is Hydra's default."""
BUILT = ("callbacks", "job_logging", "hydra_logging")
"""What Hydra builds objects from: never anything but ours, not even by the command line, to which a file could add."""
BASIC, SUBMITIT = "hydra._internal.core_plugins.", "hydra_plugins.hydra_submitit_launcher.submitit_launcher."
PLUGINS = {
    "launcher": (f"{BASIC}basic_launcher.BasicLauncher", f"{SUBMITIT}SlurmLauncher", f"{SUBMITIT}LocalLauncher"),
    "sweeper": (f"{BASIC}basic_sweeper.BasicSweeper",),
}
OF_A_JOB = {
    *("timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "partition", "qos"),
    *("comment", "constraint", "exclude", "gres", "cpus_per_gpu", "gpus_per_task", "mem_per_gpu", "mem_per_cpu"),
    *("account", "signal_delay_s", "max_num_timeout", "array_parallelism", "stderr_to_stdout"),
}
"""What a file may ask of a cluster; the rest of the launcher, such as setup, holds lines of a script."""
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "launcher": {
        "submitit_folder": "${hydra.sweep.dir}/.submitit/%j",
        "name": "${hydra.job.name}",
        "setup": None,
        "additional_parameters": {},
    },
    "sweeper": {"params": None},
}
"""Further settings of the plugins, as they are unless the command line gives others."""


class TrustedLoader(engine.ConfigLoaderImpl):  # type: ignore[misc]
    """Hydra's way to a composed config, for a run and for each job of a sweep, which refuses what no file may set."""

    given: frozenset[str] | None = None
    """Hydra's keys on the command line."""

    def load_configuration(self, config_name: str | None, overrides: list[str], *others: Any, **more: Any) -> Any:
        """Compose a config, as Hydra does."""
        if self.given is None:
            # Jobs of a sweep get more overrides, which a file may have named.
            self.given = frozenset(key[6:] for key in map(_key, overrides) if key.startswith("hydra."))
        composed = super().load_configuration(config_name, overrides, *others, **more)
        check_hydra(OmegaConf.to_container(composed.hydra, resolve=False), self.given)
        return composed


@contextlib.contextmanager
def trusted_hydra() -> Iterator[None]:
    """Let Hydra compose configs by a `TrustedLoader`."""
    theirs = engine.ConfigLoaderImpl
    engine.ConfigLoaderImpl = TrustedLoader
    try:
        yield
    finally:
        engine.ConfigLoaderImpl = theirs


def check_hydra(settings: Any, given: frozenset[str]) -> None:
    """Refuse settings of Hydra that a file may not give.

    Parameters
    ----------
    settings : dict
        Not resolved, for what a reference means can change until it is used.
    given : frozenset of str
        Keys on the command line, which the user answers for.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    for key, expected in OURS.items():
        if _at(settings, key) != expected and (key in BUILT or key not in given):
            raise _refused(key)
    for part, allowed in PLUGINS.items():
        values = settings.get(part)
        if not isinstance(values, dict) or values.get("_target_") not in allowed:
            raise _refused(f"{part}._target_")
        for key, value in values.items():
            if f"{part}.{key}" not in given and not _is_allowed(part, key, value):
                raise _refused(f"{part}.{key}")


def _is_allowed(part: str, key: str, value: Any) -> bool:
    if key == "_target_" or (key in DEFAULTS[part] and value == DEFAULTS[part][key]):
        return True
    if part == "launcher":
        return key in OF_A_JOB and _is_plain(value)
    if key == "params":
        return isinstance(value, dict) and all(map(_is_plain, [*value, *value.values()]))
    return key == "max_batch_size" and _is_plain(value)


def _is_plain(value: Any) -> bool:
    """Return whether a value is no reference, holds no further values, and stays in its line of a script."""
    if isinstance(value, str):
        return "${" not in value and value.isprintable()
    return value is None or isinstance(value, bool | int | float)


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _refused(key: str) -> ConfigError:
    remedy = "" if key.partition(".")[0] in BUILT or key.endswith("_target_") else " Give it on the command line."
    return ConfigError(f"A config sets hydra.{key}, which can run code or write files, so no file may.{remedy}")
