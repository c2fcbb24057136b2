"""Whether two reports say the same where processors may differ.

Reports are computed anew from tables on any machine. Processors add in different orders (wider registers, other kernels
of the linear algebra), so that a sum may differ in its last bit; what is then rounded for print may differ by one unit
of its last place where it lay half-way between two. No draw differs: see `bench.stats.variance.AGREE`.
"""

import re
from decimal import Decimal

_NUMBER = re.compile(r"(?<![\w.])(?<!\w-)([+-]?\d{1,3}(?:,\d{3})+(?!\d)|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?!\.?\w)")
"""A number that is no part of a name, a version, a date or a hash."""
_FIXED = 4
"""Most decimals that reports print, whatever the size of a number; what has more was cut to its significant digits."""


def same_but_last_digits(one: str, other: str) -> bool:
    """Return whether two texts differ in nothing but single units of the last places of numbers.

    Words and signs have to agree, and so do steps and counts of one digit (of costs rounded to 1, 2 and 5, say), whose
    neighbours are other figures and no rounding.

    Examples
    --------
    >>> same_but_last_digits("mean 97.55 (96.89 to 98.21)", "mean 97.56 (96.89 to 98.20)")
    True
    >>> same_but_last_digits("mean 97.55", "mean 97.57"), same_but_last_digits("fit 1 s", "fit 2 s")
    (False, False)
    >>> same_but_last_digits("equal", "cannot tell"), same_but_last_digits("numpy 2.4.6", "numpy 2.4.7")
    (False, False)
    """
    # Every second part is a number.
    parts = [_NUMBER.split(text) for text in (one, other)]
    if len(parts[0]) != len(parts[1]) or parts[0][::2] != parts[1][::2]:
        return False
    return all(_near(*pair) for pair in zip(parts[0][1::2], parts[1][1::2], strict=True))


def _near(one: str, other: str) -> bool:
    """Return whether two printed numbers differ by one unit of their last place, the finer one of the two."""
    if one == other:
        return True
    numbers = [Decimal(text.replace(",", "")) for text in (one, other)]
    places = [int(number.as_tuple().exponent) for number in numbers]
    single = any(len(number.as_tuple().digits) == 1 for number in numbers)
    if single and places[0] == places[1] and not -_FIXED <= places[0] < 0:
        return False
    return abs(numbers[0] - numbers[1]) <= Decimal(1).scaleb(min(places))
