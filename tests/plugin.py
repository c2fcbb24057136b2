"""A package of models outside the tree: slow ones, for runs that are to be stopped while they work."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.registry import register_model
from bench.types import Context, Encoder

NAME = "bench_test_plugin"
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"


def install(folder: Path) -> Path:
    """Put this package into a folder as pip would; for PYTHONPATH."""
    information = folder / f"{NAME}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(f"[bench.models]\nslow = {NAME}\n")
    shutil.copy(__file__, folder / f"{NAME}.py")
    return folder


@dataclass
class SeededParams:
    """Parameters of ``slow_seeded``."""

    seconds: float = 0.1


@dataclass
class FixedParams:
    """Parameters of ``slow_fixed``."""

    seconds: float = 0.1


@dataclass
class EncodedParams:
    """Parameters of ``slow_encoded``."""

    seconds: float = 0.0


@dataclass
class Slow:
    """Sleeps while it fits, and draws its answers."""

    seconds: float
    seed: int

    def fit(self, X: Any, y: Any) -> "Slow":
        """Sleep."""
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Draw."""
        return np.random.default_rng(self.seed).dirichlet(np.ones(len(self.classes_)), len(X))


class Lengths:
    """Encodes a text as a thousand times its length."""

    @property
    def key(self) -> Mapping[str, str | int]:
        """What moves a vector."""
        return {"encoder": "lengths"}

    def encode(self, items: Sequence[str], advance: Callable[[int], None]) -> Any:
        """Return one row an item."""
        return np.repeat(np.array([[len(item)] for item in items], np.float32), 1000, axis=1)


def encoder(params: Any, zoo: Any) -> Encoder:
    """Make the encoder."""
    return Lengths()


def build_seeded(params: SeededParams, context: Context) -> Slow:
    """Sleep, and draw by the seed."""
    return Slow(params.seconds, context.seed)


def build_fixed(params: FixedParams, context: Context) -> Slow:
    """Sleep, and draw the same whatever the seed."""
    return Slow(params.seconds, 0)


def build_encoded(params: EncodedParams, context: Context) -> Slow:
    """Draw by the seed, beside vectors that nobody needs."""
    context.features(Lengths(), ["one", "two"])
    return Slow(params.seconds, context.seed)


if __name__ == NAME:
    # Only where it is installed: tests that import this file must not have its models.
    register_model("slow_seeded", task_types=["text_clf"], params=SeededParams, role="external", from_budget="full")(
        build_seeded
    )
    register_model(
        "slow_fixed",
        task_types=["text_clf"],
        params=FixedParams,
        role="external",
        from_budget="full",
        deterministic=True,
    )(build_fixed)
    register_model(
        "slow_encoded",
        task_types=["text_clf"],
        params=EncodedParams,
        role="external",
        from_budget="full",
        encoder=encoder,
    )(build_encoded)
