"""Changes of a text that leave its label alone: what a model should shrug off.

References
----------
Liang et al. 2023, Holistic Evaluation of Language Models, section 4.4 (typos, case and spacing as robustness checks).
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

TOKENS_PER_TYPO = 20


def perturbed(texts: pd.Series, seed: int) -> dict[str, pd.Series]:
    """Return the texts after each kind of change, in the order of the rows.

    Each text has draws of its own, so that a change does not depend on the other rows.
    """
    kinds: dict[str, Callable[[str, np.random.Generator], str]] = {
        "typos": with_typos,
        "case": lambda text, generator: text.upper(),
        "whitespace": lambda text, generator: f"  {re.sub(r'[ ]', '  ', text)} ",
        "punctuation": with_commas,
    }
    return {
        name: pd.Series(
            [change(text, np.random.default_rng([seed, row])) for row, text in enumerate(texts)], dtype=object
        )
        for name, change in kinds.items()
    }


def with_typos(text: str, generator: np.random.Generator) -> str:
    """Swap two neighbouring letters inside a word, once in about twenty words and at least once.

    Examples
    --------
    >>> with_typos("brew", np.random.default_rng(0))
    'berw'
    """
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) > 3]
    if not long:
        return text
    typos = min(len(long), max(1, round(len(words) / TOKENS_PER_TYPO)))
    for number in generator.choice(long, typos, replace=False):
        word = words[number]
        # The first and the last letter stay, as in most slips of the hand.
        at = int(generator.integers(1, len(word) - 2))
        words[number] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def with_commas(text: str, generator: np.random.Generator) -> str:
    """Put a comma behind one word in ten, and a full stop at the end."""
    words = text.split(" ")
    chosen = generator.random(len(words)) < 0.1
    return " ".join(f"{word}," if comma and word else word for word, comma in zip(words, chosen, strict=True)) + "."
