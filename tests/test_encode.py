"""Encoding before the cells: in slices by the clock, kept as it goes."""

import io
import time
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.encode import FIRST_SLICE, Until, encode
from bench.executor import why_not_portable
from bench.provenance import code_hash
from bench.report.progress import Display
from bench.run_log import RunLog
from bench.zoo.features import FeatureCache
from tests.toy_models import toy


@dataclass
class Slow:
    """Takes its time, and counts what it was asked."""

    seconds: float = 0.0
    asked: Counter = field(default_factory=Counter)
    broken: bool = False

    @property
    def key(self):
        return {"weights": "none"}

    def encode(self, items, advance):
        if self.broken:
            raise RuntimeError("weights that do not fit")
        self.asked.update(items)
        time.sleep(self.seconds * len(items))
        return np.array([[len(item), hash(item) % 7] for item in items], np.float32)


@pytest.fixture
def run(tmp_path):
    texts = [f"text {'x' * (n % 50)} {n}" for n in range(500)] * 2
    display = Display(Console(file=io.StringIO()), "accuracy", RunLog(tmp_path / "log"))
    prepared = SimpleNamespace(zoo=None, dataset=SimpleNamespace(X=pd.Series(texts), recommending=None))

    def encoding(encoder, seconds=1e9, about=None):
        choice = toy("slow", encoder=lambda params, zoo: encoder)
        features = FeatureCache(tmp_path / "features", "data")
        until = Until(time.monotonic() + seconds, "too late")
        return encode(choice, prepared, features, {} if about is None else about, display, until)

    return encoding


def test_every_text_is_encoded_once_whatever_the_slices(run):
    encoder, about = Slow(), {}
    assert run(encoder, about=about) == ""
    # The first of each slice warms the encoder up.
    assert len(encoder.asked) == 500
    assert max(encoder.asked.values()) <= 2
    assert about["encoder"] == {"weights": "none"}
    again = Slow()
    assert run(again) == ""
    assert not again.asked


def test_the_clock_stops_encoding_and_what_was_done_is_kept(run):
    encoder = Slow(seconds=0.004)
    started = time.monotonic()
    assert run(encoder, seconds=0.5) == "too late"
    assert time.monotonic() - started < 0.5 + 4 * 0.004 * FIRST_SLICE + 1
    done = len(encoder.asked)
    assert 0 < done < 500
    rest = Slow()
    assert run(rest) == ""
    assert len(set(rest.asked) - set(encoder.asked)) == 500 - done


def test_a_broken_encoder_is_a_reason(run):
    assert run(Slow(broken=True)) == "Encoding failed: RuntimeError: weights that do not fit"


def test_a_model_that_cannot_travel_is_named_before_it_stops_a_run():
    def build(params, context):
        raise NotImplementedError

    sound = toy("sound")
    stuck = toy("stuck", encoder=lambda params, zoo: None)
    found = why_not_portable([sound, stuck])
    assert list(found) == ["stuck"]
    assert "executor=serial" in found["stuck"]


def test_a_helper_of_a_plugin_is_part_of_its_models_key(tmp_path, monkeypatch):
    package = tmp_path / "shop_models"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "deep.py").write_text("FACTOR = 1\n")
    (package / "helpers.py").write_text("from shop_models import deep\n\ndef scale(x):\n    return deep.FACTOR * x\n")
    (package / "model.py").write_text(
        "from shop_models.helpers import scale\n\ndef build(params, context):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from shop_models.model import build

    hashes = {code_hash(build)}
    for name in ("deep", "helpers", "model"):
        path = package / f"{name}.py"
        path.write_text(path.read_text() + "# changed\n")
        import linecache

        linecache.checkcache()
        hashes.add(code_hash(build))
    assert len(hashes) == 4
