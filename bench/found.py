"""What cells found out beside their scores, kept beside the tables: a line a cell in ``found/<model>.json``.

Parameters that a search settled on, weights of an ensemble: whatever a model chose by itself on training rows.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.files import write_atomically
from bench.item_files import rounded
from bench.types import Record

Place = tuple[int, int, int]
"""Repeat, fold, seed."""


def format_found(key: str, records: Iterable[Record]) -> bytes:
    """Return the file of one model, six significant digits; empty where its cells found out nothing.

    Parameters
    ----------
    key : str
        Of the model's table.
    records : iterable of Record
        In the order of the table.
    """
    lines = [
        json.dumps(rounded(_line(record)), sort_keys=True)
        for record in records
        if record.found and record.origin == "fit" and record.status == "ok"
    ]
    if not lines:
        return b""
    cells = ",\n".join(lines)
    return f'{{"cells": [\n{cells}\n],\n"key": "{key[:16]}"}}\n'.encode()


def write_found(path: Path, key: str, records: Iterable[Record]) -> None:
    """Write the file of one model, or remove what another key left where there is nothing to write."""
    if content := format_found(key, records):
        write_atomically(path, content)
    else:
        path.unlink(missing_ok=True)


def read_found(path: Path, key: str, records: Iterable[Record]) -> dict[Place, dict[str, Any]]:
    """Return what the cells of a table found out; nothing of those with other predictions, or of a damaged file.

    Parameters
    ----------
    path : Path
        Of a file that may be missing.
    key : str
        Of the model's table.
    records : iterable of Record
        Rows of the table.
    """
    digests = {(record.repeat, record.fold, record.seed): record.digest[:16] for record in records}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {(line["repeat"], line["fold"], line["seed"]): line for line in content["cells"]}
        if content["key"] != key[:16]:
            return {}
        return {place: dict(line["found"]) for place, line in known.items() if digests.get(place) == line["digest"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _line(record: Record) -> dict[str, Any]:
    place = {"repeat": record.repeat, "fold": record.fold, "seed": record.seed}
    return {**place, "digest": record.digest[:16], "found": dict(record.found)}
