"""What a cell may use, and how rows say that it used more."""

import contextlib
import signal
from dataclasses import dataclass

from bench.types import Cell, Record

FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
"""Signals that something else sends. A cell hit by one is tried once more."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one cell, and of the run."""

    cell_seconds: float
    memory_mb: float
    deadline: float
    """End of the run, on the monotonic clock."""
    run_seconds: float

    def timed_out(self, cell: Cell) -> Record:
        """Return the row of a cell that ran too long."""
        reason = f"Stopped after the limit of {self.cell_seconds:g} s (budget.cell_seconds)."
        return Record.unscored(cell, "timeout", reason)

    def out_of_memory(self, cell: Cell, used_mb: float) -> Record:
        """Return the row of a cell whose processes took too much memory together."""
        reason = f"Stopped with {used_mb:,.0f} MB in use; the limit is {self.memory_mb:,.0f} MB (budget.memory_mb)."
        return Record.unscored(cell, "oom", reason)

    def out_of_time(self, cell: Cell) -> Record:
        """Return the row of a cell that the end of the run stopped."""
        reason = f"Stopped at the end of the run's {self.run_seconds:g} s (budget.run_seconds)."
        return Record.unscored(cell, "skipped", reason)


def signal_name(code: int | None) -> str:
    """Return the signal that ended a process with this exit code; empty where none did.

    Examples
    --------
    >>> signal_name(-11), signal_name(7)
    ('SIGSEGV', '')
    """
    if code is None or code >= 0:
        return ""
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def killed_from_outside(cell: Cell, by: str) -> Record:
    """Return the row of a cell whose worker was killed twice by something that is not us."""
    if by in FROM_OUTSIDE and by != "SIGKILL":
        return Record.unscored(cell, "failed", f"Its worker was ended twice by {by}, from outside or by the model.")
    reason = f"Its worker was killed twice by {by} from outside, most likely for want of memory."
    return Record.unscored(cell, "oom", reason)


def died(cell: Cell, how: str) -> Record:
    """Return the row of a cell that took its worker down."""
    return Record.unscored(cell, "failed", f"The worker process died: {how}.")
