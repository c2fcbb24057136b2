"""Pickled frames: what they are made of, and nothing else."""

import lzma
import os
import pickle

import numpy as np
import pandas as pd
import pytest

from bench.errors import DataError
from bench.frames import read_frame

FRAME = pd.DataFrame(
    {
        "number": [1.5, np.nan],
        "word": ["a", None],
        "level": pd.Categorical(["x", "y"]),
        "day": pd.to_datetime(["2024-01-01"] * 2),
    }
)


class Evil:
    def __init__(self, what):
        self.what = what

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_a_frame_comes_back(protocol):
    content = pickle.dumps(FRAME, protocol=protocol)
    pd.testing.assert_frame_equal(read_frame(content), FRAME)
    pd.testing.assert_frame_equal(read_frame(lzma.compress(content)), FRAME)


@pytest.mark.parametrize(
    "what", [(os.system, ("true",)), (eval, ("1",)), (pd.read_csv, ("/etc/passwd",)), (np.load, ("x",))]
)
def test_whatever_else_it_asks_for_is_refused_by_name(what):
    with pytest.raises(DataError, match=r"it asks for .*, which no data frame is made of"):
        read_frame(pickle.dumps(Evil(what)))


def test_something_else_than_a_frame_is_refused():
    with pytest.raises(DataError, match="holds a list"):
        read_frame(pickle.dumps([1, 2]))


@pytest.mark.parametrize("cut", [0, 5, 50])
def test_damaged_bytes_are_one_sentence(cut):
    for content in (pickle.dumps(FRAME)[:cut], lzma.compress(pickle.dumps(FRAME))[: cut + 10]):
        with pytest.raises(DataError):
            read_frame(content)
