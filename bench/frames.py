"""Pickled data frames out of packages, read by an unpickler that admits nothing but what a frame is made of."""

import io
import lzma
import pickle
from typing import Any

import pandas as pd

from bench.errors import DataError

MOST_BYTES = 2 * 10**9
"""Of a frame once unpacked."""
ADMITTED = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.arrays.categorical", "Categorical"),
    ("pandas.core.arrays.datetimes", "DatetimeArray"),
    ("pandas.core.dtypes.dtypes", "CategoricalDtype"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}
"""Constructors of arrays, indexes and frames; none of them opens a file or runs what it is given."""


class _FrameUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data frame is made of")
        return super().find_class(module, name)


def read_frame(content: bytes) -> pd.DataFrame:
    """Return the frame of a pickle, compressed by xz or not.

    Raises
    ------
    DataError
        If it holds anything but a data frame, or is damaged.
    """
    try:
        if content[:6] == b"\xfd7zXZ\x00":
            unpacked = lzma.LZMADecompressor()
            content = unpacked.decompress(content, MOST_BYTES)
            if not unpacked.eof:
                raise DataError(f"It is cut off, or larger than {MOST_BYTES / 1e9:g} GB once unpacked.")
        frame = _FrameUnpickler(io.BytesIO(content)).load()
    except DataError:
        raise
    except Exception as error:
        # A damaged pickle raises whatever its bytes lead to.
        raise DataError(f"It cannot be read as a data frame: {' '.join(str(error).split())}.") from error
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"It holds a {type(frame).__name__}, and a data frame was expected.")
    return frame
