"""What tuning bought, in words and tables: how far searches got, what is left of it, and what they found."""

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.content import Content, Row
from bench.report.wording import share, size_estimate
from bench.stats.comparison import paired
from bench.stats.estimate import Estimate
from bench.stats.pairs import CorrectedMean
from bench.stats.search import Search, Tuning, search_sd, steps_to, typical
from bench.stats.table import ModelScores
from bench.types import Record

TITLE = "What tuning bought"
NO_DEFAULTS = "the defaults were not run"
HEADERS = (
    "model", "trials of a search", "inner folds: defaults, best", "outer folds: tuned minus default", "search SD",
    "SD of trials", "trials within the margin", "best at trial",
)  # fmt: skip
PARAMETER_HEADERS = ("parameter", "default", "median", "least", "most")


def tuning_of(
    model: ModelScores,
    records: Sequence[Record],
    made: Mapping[str, Any],
    scores: Sequence[ModelScores],
    test_train_ratio: float,
) -> Tuning | None:
    """Return what the searches of a model bought, or None where its cells made none.

    Parameters
    ----------
    model : ModelScores
    records : sequence of Record
        Of this model.
    made : mapping
        Provenance of every model.
    scores : sequence of ModelScores
        Of all models.
    test_train_ratio : float
    """
    told = [record.found["search"] for record in records if record.origin == "fit" and "search" in record.found]
    # A bag's search is that of the tuned model, which has a row of its own.
    if not told or "bag" in made[model.name]["inputs"]:
        return None
    fixed = {name: value for name, value in made[model.name]["inputs"].items() if name != "search"}
    default = next((one for one in scores if made[one.name]["inputs"] == fixed and one.cells.size), None)
    return Tuning(
        searches=tuple(Search.of(one) for one in told),
        default=default.name if default is not None else "",
        defaults=made[model.name]["inputs"]["params"],
        gain=paired(model, default, test_train_ratio)
        if default is not None
        else CorrectedMean(mean=math.nan, scale=math.nan, df=0),
        search_sd=search_sd(model.succeeded, default.succeeded)
        if default is not None
        else Estimate.not_measured(NO_DEFAULTS),
    )


def tuned_rows(content: Content) -> list[tuple[Row, Tuning]]:
    """Return the rows of models that were tuned, in the order of the table."""
    return [(row, row.tuning) for row in content.rows if row.tuning is not None]


def about(content: Content) -> str:
    """Return what the figures of this section mean."""
    unit = content.unit
    return (
        "Each cell searches on inner folds of its training rows, from the defaults on. What the best trial gains there "
        "is partly the luck of being picked; the outer folds show what is left. Search SD: what the luck of a search "
        "adds to the spread over seeds, and part of the total SD. SD of trials: over the finished trials of one "
        f"search. {'In points' if unit.in_points else 'Scores in ' + unit.label}, intervals of 95 %."
    )


def tables(content: Content) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return caption, headers and rows of each table of this section; none where nothing was tuned."""
    found = tuned_rows(content)
    # The first trial is the defaults, which gain nothing over themselves.
    steps = steps_to(max((tuning.trials[1] for _, tuning in found), default=1))[1:]
    growth = [
        (row.scores.name, *(content.unit.change(tuning.gain_of_best(step)[0]) for step in steps))
        for row, tuning in found
    ]
    moved = [line for row, tuning in found for line in parameter_rows(row, tuning)]
    every = [
        ("Searches, one a cell", HEADERS, [search_cells(row, tuning, content) for row, tuning in found]),
        (
            "Expected best of so many trials: mean gain over the defaults on inner folds",
            ("model", *(f"best of {step}" for step in steps)),
            growth if steps else [],
        ),
        ("Parameters that searches moved, over all cells", PARAMETER_HEADERS, moved),
    ]
    return [table for table in every if table[2]]


def search_cells(row: Row, tuning: Tuning, content: Content) -> tuple[str, ...]:
    """Return the row of a model in the order of `HEADERS`."""
    unit, (low, high) = content.unit, tuning.gain.interval()
    sides = "" if math.isnan(low) else f" ({unit.changes(low, high)})"
    inner = tuning.inner
    return (
        row.scores.name,
        _trials(tuning),
        f"{unit.score(inner[0])}, {unit.score(inner[1])} ({unit.change(inner[1] - inner[0])})",
        f"{unit.change(tuning.gain.mean)}{sides}" if tuning.default else f"? ({NO_DEFAULTS})",
        size_estimate(tuning.search_sd, unit),
        unit.size(tuning.trial_sd),
        share(tuning.within(content.margin)),
        f"{tuning.best_at:g} (median)",
    )


def _trials(tuning: Tuning) -> str:
    fewest, most = tuning.trials
    said = [f"{share(tuning.given_up)} given up"]
    if tuning.stopped:
        said.append(f"the clock stopped {tuning.stopped} of {len(tuning.searches)}")
    return f"{most if fewest == most else f'{fewest} to {most}'} ({'; '.join(said)})"


def parameter_rows(row: Row, tuning: Tuning) -> list[tuple[str, ...]]:
    """Return a row, in the order of `PARAMETER_HEADERS`, for every parameter that a search moved."""
    found = {name: [search.params[name] for search in tuning.searches] for name in tuning.defaults}
    return [
        (f"{_base(row, tuning)}.{name}", _value(default), *_spread(found[name]))
        for name, default in tuning.defaults.items()
        if any(value != default for value in found[name])
    ]


def _base(row: Row, tuning: Tuning) -> str:
    return tuning.default or row.scores.name.removesuffix("_tuned")


def _spread(values: Sequence[Any]) -> tuple[str, str, str]:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        ordered = sorted(values)
        # A value that was found, so that whole numbers stay whole.
        return _value(ordered[(len(ordered) - 1) // 2]), _value(ordered[0]), _value(ordered[-1])
    common = Counter(map(_value, values)).most_common()
    return ", ".join(f"{value} ({number} of {len(values)})" for value, number in common), "", ""


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def overrides(content: Content) -> list[tuple[str, str, str]]:
    """Return of every tuned model its name, what was found in words, and as it is given on the command line.

    That is the set of the search nearest to the middle of all; nothing where it kept the defaults.
    """
    lines = []
    for row, tuning in tuned_rows(content):
        moved = {name: value for name, value in typical(tuning.searches).items() if value != tuning.defaults[name]}
        given = shlex.join(f"models.{_base(row, tuning)}.{name}={_value(value)}" for name, value in moved.items())
        kept = f"{tuning.kept} of {len(tuning.searches)} searches kept the defaults"
        what = f"the set nearest to the middle of all{f'; {kept}' if tuning.kept else ''}" if given else kept
        lines.append((row.scores.name, what, given))
    return lines


def sentence(content: Content) -> str:
    """Return what tuning bought in one sentence; empty where nothing was tuned."""
    parts = []
    for _, tuning in tuned_rows(content):
        if not tuning.default:
            continue
        low, high = tuning.gain.interval()
        unit = content.unit
        sides = "" if math.isnan(low) else f" ({unit.changes(low, high)})"
        gain = tuning.inner[1] - tuning.inner[0]
        parts.append(f"{tuning.default} {unit.change(tuning.gain.mean)}{sides}, {unit.change(gain)} on inner folds")
    return f"Tuning bought, in {content.unit.name} against the defaults: {'; '.join(parts)}." if parts else ""
