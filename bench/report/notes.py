"""Short lines below the main table: why a question mark stands in it, and what a mark on a row means."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from bench.report.columns import HEADERS, cells_of
from bench.report.content import Content, Row
from bench.report.pretraining import exposure_notes
from bench.report.wording import FEWER_FOLDS, count
from bench.stats.stability import Stability

NO_SHARED_FOLD = "no fold in common with the reference"


def table_notes(content: Content) -> list[str]:
    """Return what a reader of the main table needs beside it; nothing where nothing is marked."""
    missing = _missing(content)
    notes = [
        *exposure_notes(content),
        *_imported(content),
        *_columns(content, missing),
        *_grades(content, {header for header, _ in missing}),
    ]
    notes += [*_weights(content), *([FEWER_FOLDS] if any(row.folds_run for row in content.rows) else [])]
    return notes


def _imported(content: Content) -> Iterator[str]:
    """Yield which rows were predicted elsewhere, and what their user says of them."""
    for row in content.rows:
        if row.imported:
            note, seconds = row.imported.get("note", ""), row.imported.get("seconds", 0.0)
            said = [*([note.rstrip(".")] if note else []), *([f"{seconds:,.0f} s"] if seconds else [])]
            account = f"; its user says: {', '.join(said)}" if said else ""
            yield f"{row.scores.name}: imported, not run here{account}."


def _grades(content: Content, said: Collection[str]) -> Iterator[str]:
    """Yield why grades are open: components whose interval spans two letters, and those that were not measured."""
    rows = [row for row in _with_cells(content) if row.stability.grade == "?"]
    spans: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    for row in rows:
        for name in (name for name, letter in row.stability.grades.items() if letter == "?"):
            why = _why_unknown(row.stability, name)
            # A reason that stands beside the column of the same name is not given twice.
            found, key = (unknown, name if name in said else f"{name}: {why}") if why else (spans, name)
            found.setdefault(key, []).append(row.scores.name)
    everybody = [row.scores.name for row in rows]
    parts = [
        start + ", ".join(f"{what}{_whom(names, everybody)}" for what, names in found.items())
        for start, found in (("an interval spans two letters: ", spans), ("not measured: ", unknown))
        if found
    ]
    if parts:
        yield f"Grade ?: {'; '.join(parts)}."


def _weights(content: Content) -> Iterator[str]:
    """Yield what each ensemble is made of."""
    for row in content.rows:
        if (found := row.weights) is not None:
            parts = ", ".join(f"{name} {weight:.2f}" for name, weight in found.mean.items())
            over = f"mean weight over {count(found.cells, 'cell')}"
            without = ", ".join(f"{name} in {number}" for name, number in found.left_out.items())
            yield f"{row.scores.name} is made of {parts} ({over}{f'; it went without {without}' if without else ''})."


def _why_unknown(card: Stability, component: str) -> str:
    """Return why a graded component was not measured; empty where it was."""
    return {
        "total SD": card.total_sd,
        "churn": card.excess_churn,
        "failures": card.failure_rate,
        "robustness": card.robustness,
    }[component].why


def _missing(content: Content) -> dict[tuple[str, str], list[str]]:
    """Return the models whose figure of a column is missing, by column and reason."""
    missing: dict[tuple[str, str], list[str]] = {}
    for row in _with_cells(content):
        cells = dict(zip(HEADERS, cells_of(row, content), strict=True))
        for header, why in _reasons(row, content).items():
            if cells[header].partition(" (")[0] == "?":
                missing.setdefault((header, why), []).append(row.scores.name)
    return missing


def _columns(content: Content, missing: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[str]:
    """Yield why figures are missing, columns of one reason and the same models together."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (header, why), names in missing.items():
        together.setdefault((why, tuple(names)), []).append(header)
    everybody = [row.scores.name for row in _with_cells(content)]
    for (why, found), headers in together.items():
        what = ", ".join(headers)
        # The name of a percentile keeps its small letter.
        yield f"{what if what[:1] == 'p' else what[:1].upper() + what[1:]} ?: {why}{_whom(found, everybody)}."


def _reasons(row: Row, content: Content) -> dict[str, str]:
    """Return why a figure of each column could be missing."""
    card = row.stability
    return {
        "best cell": "every cell failed",
        "mean (95 %)": NO_SHARED_FOLD,
        "dependable": card.dependable.why,
        "total SD": card.total_sd.why,
        "churn": card.churn.why,
        "against the reference": NO_SHARED_FOLD,
        "p50": _why_no_cost(row, content),
    }


def _why_no_cost(row: Row, content: Content) -> str:
    if row.imported:
        return "imported, not run here"
    if row.scores.role == "external":
        return "external systems are not timed item by item"
    if content.task.protocol == "curve":
        return "a learning curve measures no costs"
    about = content.facts["about"]
    if about["budget"].get("probe_rows") == 0:
        return "costs were left out (budget.probe_rows=0)"
    if not content.machine:
        return "costs were not measured"
    return f"costs were not measured on {content.machine}"


def _with_cells(content: Content) -> list[Row]:
    return [row for row in content.rows if row.scores.cells.size]


def _whom(names: Sequence[str], everybody: Sequence[str]) -> str:
    """Return the names in brackets; nothing where it is everybody, and the others where they are few."""
    others = [name for name in everybody if name not in names]
    if not others:
        return ""
    return f" (all but {', '.join(others)})" if len(others) < 3 < len(names) else f" ({', '.join(names)})"
