"""The table and the recommendation in the terminal."""

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from bench.report import protocols, searches
from bench.report.columns import HEADERS, cells_of
from bench.report.content import Content
from bench.report.intervals import interval_sentence, tolerance_sentence
from bench.report.notes import table_notes
from bench.report.stages import stage_lines
from bench.report.wording import (
    answered_sentence,
    check_line,
    deferral_sentence,
    not_whole,
    protocol,
    recommendation,
    undecided_briefly,
)

RIGHT = ("best cell", "dependable", "total SD", "churn", "p50")
FIRST_TO_GO = ("role", "best cell", "total SD", "churn", "dependable")
"""Columns left out where the terminal is too narrow for all; Markdown has them."""
STYLES = {"better": "green", "worse": "red", "reference": "bold"}


def print_report(console: Console, content: Content) -> None:
    """Print table, notes and recommendation."""
    console.print()
    console.print(Text(protocol(content)))
    console.print(_table(console, content))
    if notes := table_notes(content):
        console.print(Text(" ".join(notes)))
        console.print()
    for reason, names in not_whole(content).items():
        console.print(Text(f"{', '.join(names)}: {reason}", style="yellow"))
    for note in content.facts["about"]["data_notes"]:
        console.print(Text(f"Data: {note}"))
    for finding in content.findings:
        console.print(Text(f"Finding {finding.code}: {finding.text}", style="yellow"))
    for line in undecided_briefly(content):
        console.print(Text(line))
    if tuned := searches.sentence(content):
        console.print(Text(tuned))
    for line in stage_lines(content):
        console.print(Text(line))
    # Which orders turn round stands in the report.
    for line in protocols.sentences(content)[:1]:
        console.print(Text(line))
    for check in content.checks:
        console.print(Text(check_line(check, content.unit), style="" if check.met else "red"))
    console.print()
    console.print(Markdown(recommendation(content)))
    pick = content.row(content.decision.pick)
    if pick is not None:
        of_classes = deferral_sentence(pick, content.settings), answered_sentence(pick, content.settings)
        for sentence in (*of_classes, interval_sentence(pick, content), tolerance_sentence(pick, content)):
            if sentence:
                console.print()
                console.print(Text(sentence))


def _table(console: Console, content: Content) -> Table:
    rows = [cells_of(row, content) for row in content.rows]
    widths = dict(zip(HEADERS, (max(map(len, column)) + 2 for column in zip(HEADERS, *rows, strict=True)), strict=True))
    shown = list(HEADERS)
    for header in FIRST_TO_GO:
        if sum(widths[name] for name in shown) > console.width:
            shown.remove(header)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in shown:
        table.add_column(header, justify="right" if header in RIGHT else "left", overflow="fold")
    for row, cells in zip(content.rows, rows, strict=True):
        style = "bold" if row.scores.name == content.decision.pick else ""
        kept = [cell for header, cell in zip(HEADERS, cells, strict=True) if header in shown]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in kept), style=style)
    return table
