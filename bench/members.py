"""What an ensemble says of members that it goes without, and what tells that the clock decided."""

import warnings
from collections.abc import Mapping
from typing import Any

from bench.errors import BenchError, one_line

CLOCK = "for want of time (budget.cell_seconds)"
LATE = f"was not fitted {CLOCK}"
STOPPED = "members_stopped_by_clock"
"""Under this name an ensemble tells, where there are any, the members whose search ran out of time."""
NO_REPEAT, TOLD = "does not repeat exactly", "says_it_does_not_repeat"
"""What a model says in a warning when the clock has cut its work, and the name under which a record keeps that."""
LONGEST = 200
"""Characters that are kept of why a member was left out."""


def failed(error: Exception) -> str:
    """Return why a member is left out that raised an error, in one line."""
    said = one_line(f"{type(error).__name__}: {one_line(error)}", LONGEST - len("failed ()"))
    return f"failed ({said})"


def nothing_left(left_out: Mapping[str, str]) -> BenchError:
    """Return the error of an ensemble without members."""
    said = "; ".join(f"{name} {why}" for name, why in left_out.items())
    return BenchError(f"No member of the ensemble could be fitted: {said}.")


def say_what_was_left_out(left_out: Mapping[str, str], members: int) -> None:
    """Warn of members that an ensemble goes without; raise an error where none is left."""
    if len(left_out) == members:
        raise nothing_left(left_out)
    if left_out:
        said = "; ".join(f"{name} {why}" for name, why in left_out.items())
        clock = f" Such an ensemble {NO_REPEAT}." if LATE in left_out.values() else ""
        warnings.warn(f"The ensemble goes without {len(left_out)} of {members} members: {said}.{clock}", stacklevel=2)


def hangs_on_clock(found: Mapping[str, Any]) -> bool:
    """Return whether time ran out for a search, a member or a part of a model, so that the cell does not repeat."""
    late = any(why.endswith(CLOCK) for why in found.get("left_out", {}).values())
    stopped = found.get("search", {}).get("stopped_by_clock") or found.get(STOPPED) or found.get(TOLD)
    return late or bool(stopped)
