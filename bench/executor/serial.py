"""One cell after the other in this process: the simplest thing that works, and the one to debug with."""

from collections.abc import Iterator, Sequence

from bench.cell import CellInputs, run_cell
from bench.types import Cell, Record


def run(cells: Sequence[Cell], inputs: CellInputs) -> Iterator[Record]:
    """Run cells in order and yield each record; a time limit on one cell needs ``executor=processes``."""
    for cell in cells:
        yield run_cell(cell, inputs)
