"""Vectors of a model's frozen encoder, made before its cells run: every item once, with all cores."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.errors import BenchError, DiskError
from bench.prepare import Prepared
from bench.report.progress import Display
from bench.types import ModelChoice
from bench.zoo.features import FeatureCache

SLICE_SECONDS = 2.0
"""Of encoding, after which vectors are kept and the clock is looked at."""
FIRST_SLICE, MOST_AT_ONCE = 64, 4096


@dataclass(frozen=True)
class Until:
    """When to stop, and what to say then."""

    deadline: float
    """On the monotonic clock."""
    late: str


def encode(
    choice: ModelChoice, run: Prepared, features: FeatureCache, about: dict[str, Any], display: Display, until: Until
) -> str:
    """Encode what is not cached yet; return why that failed, if it did.

    Parameters
    ----------
    choice : ModelChoice
    run : Prepared
    features : FeatureCache
    about : dict
        Facts for the reader of the model's table; the encoder's key is added.
    display : Display
    until : Until
        What was encoded by then is kept.
    """
    for member in choice.members:
        key: dict[str, Any] = {}
        if encode(member, run, features, key, display, until) == until.late:
            return until.late
        # A member that cannot be encoded is left out by the cells.
        about["encoder"] |= {member.name: key["encoder"]} if "encoder" in key else {}
    if choice.spec.encoder is None:
        return ""
    try:
        encoder = choice.spec.encoder(choice.params, run.zoo)
        # The number format is the machine's, and can be asked for only where the encoder's library is loaded.
        about["encoder"] = dict(encoder.key)
        told = run.dataset.recommending
        texts = texts_of(run.dataset.X) if told is None else list(told.texts)
        if features.holds(encoder, texts):
            return ""
        started = time.monotonic()
        distinct = list(dict.fromkeys(texts))
        with display.bar(f"encoding for {choice.name}", len(distinct)) as bar:
            features.advance = bar.advance
            for part in _slices(distinct):
                if time.monotonic() > until.deadline:
                    return until.late
                features(encoder, part)
        took = time.monotonic() - started
        display.say(f"{choice.name}: {len(distinct)} texts encoded in {took:.0f} s, kept for later runs")
    except DiskError:
        raise
    except BenchError as error:
        return str(error)
    except Exception as error:
        # A broken library or weights that do not fit: this model's row, not the end of the run.
        return f"Encoding failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    finally:
        features.advance = _say_nothing
    return ""


def texts_of(X: pd.Series | pd.DataFrame) -> list[str]:
    """Return every text of a data set's inputs; of a table the values of its columns of texts."""
    if isinstance(X, pd.Series):
        return X.tolist()
    columns = [X.iloc[:, at] for at, kind in enumerate(X.dtypes) if isinstance(kind, pd.StringDtype)]
    return [text for column in columns for text in column.dropna()]


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts by length, as many at a time as take about `SLICE_SECONDS`."""
    # Texts of one length share a batch without padding.
    left, size = sorted(texts, key=len), FIRST_SLICE
    while left:
        part, left = left[:size], left[size:]
        began = time.monotonic()
        yield part
        took = max(time.monotonic() - began, 1e-3)
        size = max(1, min(2 * size, MOST_AT_ONCE, round(len(part) * SLICE_SECONDS / took)))


def _say_nothing(done: int) -> None:
    """Report no progress."""
