"""Print the speed of the MiniLM encoder on R8 at 128 tokens, in bfloat16 beside float32.

python benchmarks/encoding.py [TEXTS]
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console

from bench import machine
from bench.config import cache_dir, catalogued_data
from bench.data import Reader
from bench.models.text.minilm_logreg import Params, encoder
from bench.zoo import transformer
from bench.zoo.store import Zoo
from tasks.text_clf import text_clf


def main(texts: int = 2000) -> None:
    """Print rates, ratio and cosine; the two formats are run in turns, and the medians of three are shown."""
    print = Console(soft_wrap=True).print
    zoo, spec = Zoo.open(cache_dir("")), catalogued_data()["reuters_r8"]
    items = list(text_clf.load(spec, Reader(spec=spec, zoo=zoo, say=print)).X[:texts])
    minilm = encoder(Params(), zoo)
    tokenizer, _ = transformer.load_encoder(zoo(Params().weights))
    tokens = np.mean([len(ids) for ids in tokenizer(items, truncation=True, max_length=128)["input_ids"]])
    print(f"{machine.machine_class()}: {len(items)} texts of R8, {tokens:.0f} tokens on average")
    rates: dict[str, list[float]] = {"bfloat16": [], "float32": []}
    vectors = {}
    for _ in range(3):
        for name in rates:
            transformer.number_format = _always(f"{name} on cpu")
            transformer._opened.clear()  # A model that was cast to bfloat16 cannot be cast back.
            minilm.encode(items[:64], lambda done: None)
            started = time.perf_counter()
            vectors[name] = minilm.encode(items, lambda done: None)
            rates[name].append(len(items) / (time.perf_counter() - started))
    half, full = (statistics.median(rates[name]) for name in ("bfloat16", "float32"))
    print(f"bfloat16 {half:.0f} texts a second, float32 {full:.0f}: ratio {half / full:.2f}")
    print(f"least cosine between the two: {(vectors['bfloat16'] * vectors['float32']).sum(axis=1).min():.5f}")
    # 6 layers of 12 * 384^2 weights, two operations each: the matrix products alone.
    billions = tokens * 6 * 12 * 384**2 * 2 / 1e9
    peak = _matrix_speed()
    print(
        f"a text costs {billions:.2f} billion operations in matrix products; this machine does {peak:.0f} billion a "
        f"second in bfloat16 on these shapes, which alone allows {peak / billions:.0f} texts a second"
    )


def _always(value: str) -> Callable[[], str]:
    return lambda: value


def _matrix_speed() -> float:
    """Return billions of operations a second in bfloat16: the best of one thread, times the cores."""
    import torch

    speeds = []
    torch.set_num_threads(1)
    with torch.inference_mode():
        for inner, outer in ((384, 384), (384, 1536), (1536, 384)):
            left = torch.randn(2624, inner).bfloat16()
            weights, bias = torch.randn(outer, inner).bfloat16(), torch.randn(outer).bfloat16()
            torch.nn.functional.linear(left, weights, bias)
            took = []
            for _ in range(100):
                started = time.perf_counter()
                torch.nn.functional.linear(left, weights, bias)
                took.append(time.perf_counter() - started)
            speeds.append(2 * 2624 * inner * outer / min(took) / 1e9)
    # A layer has four products of the first shape and one of each other: equal thirds of the operations.
    return machine.cores() * 3 / sum(1 / speed for speed in speeds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
