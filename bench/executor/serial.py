"""One cell after the other in this process: the simplest thing that works, and the one to debug with."""

from collections.abc import Iterator

from bench.cell import CellInputs, run_cell
from bench.types import Cell, Record


def run(source: Iterator[Cell | None], inputs: CellInputs) -> Iterator[list[Record]]:
    """Run cells in order and yield each record; a limit on one cell needs ``executor=processes``."""
    for cell in source:
        # Nothing runs beside it, so there is always a next cell until the source ends.
        assert cell is not None
        yield [run_cell(cell, inputs)]
