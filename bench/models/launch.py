"""Commands as a model runs them: in a folder of their own, within a time, and ended with all that they started.

A command is told nothing but what stands in its files and arguments, and gets of the environment only what a program
needs to start. It is not cut off from the network.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from bench.errors import BenchError, ConfigError, OvertimeError

FORMATS = ("parquet", "csv")
METRICS = ("roc_auc", "log_loss", "rmse")
JOB = "{job}"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "BENCH_WORKER")
"""Variables of the environment that a command gets; the last one marks it as part of its worker, with which it ends."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
KEPT_OUTPUT = 2000
"""Bytes of a command's output from which a failure is explained."""
PREFIX = "bench-job-"
KILLED = -9
"""Exit code of a process that SIGKILL ended."""
STALE_SECONDS = 60.0
"""Age from which a folder that nobody holds is one that was left behind."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is run, and with what."""

    words: tuple[str, ...]
    """Never given to a shell; ``{job}`` stands for the path of the job, which else is the last word."""
    seconds: float
    """That the command is told to keep."""
    grace: float
    """Seconds beyond these, after which it is killed."""
    format: str = "parquet"
    metric: str = ""
    """What is to be optimised; the one that usually decides when empty."""
    variables: tuple[str, ...] = ()
    """Further variables of the environment that are passed on."""
    folder: Path | None = None
    """Where it runs; in that of its files when None."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further entries of the job."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        for name, allowed in {"format": FORMATS, "metric": ("", *METRICS)}.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"Unknown {name} {getattr(self, name)!r}. Known: {', '.join(filter(None, allowed))}.")
        if not self.seconds > 0 or not self.grace >= 0:
            raise ConfigError(f"seconds={self.seconds:g} with grace={self.grace:g} leaves a command no time.")


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """Make a folder that only the user can read, and remove it; and those of jobs that were killed with their worker.

    Training rows may be private: they must not lie about until the machine is restarted.
    """
    _remove_stale()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with FileLock(folder / "lock"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command: Command, job: Path, folder: Path, threads: int) -> None:
    """Run a command until it ends, or its time is up; what it prints is printed here.

    Raises
    ------
    OvertimeError
        If it had to be killed.
    BenchError
        If it cannot be started, or says that it failed.
    """
    words = [word.replace(JOB, str(job)) for word in command.words]
    words += [] if JOB in " ".join(command.words) else [str(job)]
    try:
        process = subprocess.Popen(
            words,
            cwd=command.folder or folder,
            env=_environment(command, folder, threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A group of its own, which can be killed as a whole.
            start_new_session=True,
        )
    except OSError as error:
        raise BenchError(f"The command {words[0]} cannot be started ({error.strerror or error}).") from error
    said = bytearray()
    printing = threading.Thread(target=_print_on, args=(process.stdout, said), daemon=True)
    printing.start()
    try:
        code = process.wait(command.seconds + command.grace)
    except subprocess.TimeoutExpired as error:
        raise OvertimeError(
            f"The command was killed {command.grace:g} s after the {command.seconds:g} s that it was given (seconds)."
        ) from error
    finally:
        _end(process)
        # What it started may hold the pipe for ever.
        printing.join(1.0)
    if code:
        raise BenchError(_why_failed(code, bytes(said)))


def _environment(command: Command, folder: Path, threads: int) -> dict[str, str]:
    passed = {name: os.environ[name] for name in (*PASSED_ON, *command.variables) if name in os.environ}
    # What it leaves in its temporary folder goes with the job.
    scratch = folder / "tmp"
    scratch.mkdir()
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)) | dict.fromkeys(THREADS, str(threads))
    # On a busy machine, threads that spin while they wait cost a boosting library nine tenths of its time.
    return {**own, "OMP_WAIT_POLICY": "PASSIVE", **passed}


def _print_on(stream: IO[bytes], said: bytearray) -> None:
    with stream:
        while chunk := os.read(stream.fileno(), 65536):
            said += chunk
            del said[:-KEPT_OUTPUT]
            with contextlib.suppress(OSError):
                os.write(1, chunk)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with everything that it started."""
    import psutil

    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for one in family:
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.kill()
    process.wait()


def _why_failed(code: int, said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    last = f" Its last line: {lines[-1].strip()}" if lines else ""
    if code == KILLED:
        return f"The command was killed from outside, most likely because the machine was out of memory.{last}"
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"The command {how}.{last}"


def _remove_stale() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Those of other users cannot be opened; those of running jobs are held.
        with contextlib.suppress(OSError, Timeout):
            if _is_own(folder) and time.time() - folder.stat().st_mtime > STALE_SECONDS:
                with FileLock(folder / "lock", blocking=False):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Return whether this user made a folder, which is no link: others can put anything beside it under such a name."""
    made = folder.lstat()
    return stat.S_ISDIR(made.st_mode) and (not hasattr(os, "getuid") or made.st_uid == os.getuid())
