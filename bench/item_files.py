"""How figures over single predictions are told apart and packed: what `bench.items` and `bench.item_errors` share."""

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.predictions import Truth
from bench.types import Record


def whole_runs(records: Sequence[Record], truth: Truth) -> list[Record]:
    """Return the records of every repeat and seed that ran on all folds: where a run was cut short, others did not."""
    ran = [record for record in records if record.status not in ("skipped", "unavailable")]
    found = Counter((record.repeat, record.seed) for record in ran)
    folds = Counter(repeat for repeat, _ in truth.tests)
    return [record for record in ran if found[record.repeat, record.seed] == folds[record.repeat]]


def digests_of(records: Sequence[Record]) -> str:
    """Return a hash over the predictions behind records."""
    lines = sorted(f"{r.repeat} {r.fold} {r.seed} {r.digest}" for r in records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def in_order(groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return codes from 0 on in the order in which the groups appear."""
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[codes], dtype=np.intp)


def pack(bits: NDArray[np.bool_]) -> str:
    """Return bits as text, one bit each before compression."""
    return _packed(len(bits), np.packbits(bits).tobytes())


def unpack(text: str) -> NDArray[np.bool_]:
    """Return the bits behind such a text."""
    size, content = _unpacked(text)
    return np.unpackbits(np.frombuffer(content, np.uint8), count=size).astype(bool)


def pack_codes(codes: NDArray[np.integer], kind: str = "<u4") -> str:
    """Return whole numbers as text."""
    return _packed(len(codes), codes.astype(kind).tobytes())


def unpack_codes(text: str, kind: str = "<u4") -> NDArray[np.intp]:
    """Return the numbers behind such a text.

    Raises
    ------
    ValueError
        If there are more or fewer than it says.
    """
    size, content = _unpacked(text)
    codes = np.frombuffer(content, kind)
    if len(codes) != size:
        raise ValueError(f"{len(codes)} codes, {size} expected")
    return codes.astype(np.intp)


def pack_floats(values: NDArray[np.floating]) -> str:
    """Return numbers as text, in half the width of a double: errors that explode keep their size."""
    return _packed(len(values), values.astype("<f4").tobytes())


def unpack_floats(text: str) -> NDArray[np.floating]:
    """Return the numbers behind such a text.

    Raises
    ------
    ValueError
        If there are more or fewer than it says.
    """
    size, content = _unpacked(text)
    values = np.frombuffer(content, "<f4")
    if len(values) != size:
        raise ValueError(f"{len(values)} numbers, {size} expected")
    return values.astype(np.float64)


def rounded(value: Any) -> Any:
    """Return nested values with six significant digits; what is no number is null."""
    match value:
        case dict():
            return {name: rounded(one) for name, one in value.items()}
        case list() | tuple():
            return [rounded(one) for one in value]
        case float():
            return float(f"{value:.6g}") if np.isfinite(value) else None
        case _:
            return value


def number(value: float | None) -> float:
    """Return a number that was written so."""
    return float("nan") if value is None else float(value)


def _packed(size: int, content: bytes) -> str:
    return f"{size} {base64.b64encode(zlib.compress(content, 9)).decode()}"


def _unpacked(text: str) -> tuple[int, bytes]:
    size, packed = text.split(" ")
    return int(size), zlib.decompress(base64.b64decode(packed))
