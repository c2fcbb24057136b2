"""The unit of a metric: how its scores, and differences and spreads of them, are printed.

Statistics turn scores so that larger is better; here they are turned back, so that an error comes out as an error.
Shares and areas are printed in points, hundredths. What has a unit of its own gets so many decimals that a typical
score has four significant digits; its scores are whole numbers from a hundred on.
"""

import math
from dataclasses import dataclass

POINT_DECIMALS = 2
DIGITS = 4
WHOLE_FROM = 100.0


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How one metric is printed; a question mark stands for NaN everywhere."""

    label: str = "score"
    """Name of the metric."""
    sign: float = 1.0
    """+1 where larger is better, -1 where smaller is."""
    in_points: bool = True
    decimals: int = POINT_DECIMALS
    """Of differences and spreads."""
    score_decimals: int = POINT_DECIMALS

    @classmethod
    def own(cls, label: str, sign: float, typical: float, decimals: int | None = None) -> "Unit":
        """Return the unit of a metric that is no share.

        Parameters
        ----------
        label : str
        sign : float
        typical : float
            A score whose digits are to be seen.
        decimals : int, optional
            Where they do not follow from the size.

        Examples
        --------
        >>> Unit.own("RMSE", -1, 4.48372).score(-4.48372), Unit.own("RMSE", -1, 532.26).score(-532.26)
        ('4.484', '532')
        >>> Unit.own("RMSE", -1, 532.26).size(7.31), Unit.own("RMSE", -1, 0.0214).size(0.00021)
        ('7.3', '0.00021')
        """
        if decimals is not None:
            return cls(label=label, sign=sign, in_points=False, decimals=decimals, score_decimals=decimals)
        size = abs(typical) if math.isfinite(typical) and typical else 1.0
        decimals = max(0, DIGITS - 1 - math.floor(math.log10(size)))
        whole = 0 if size >= WHOLE_FROM else decimals
        return cls(label=label, sign=sign, in_points=False, decimals=decimals, score_decimals=whole)

    @property
    def factor(self) -> float:
        """What numbers are multiplied by: 100 for points."""
        return 100.0 if self.in_points else 1.0

    @property
    def smallest(self) -> float:
        """The smallest difference that can be seen in print."""
        return float(10**-self.decimals / self.factor)

    @property
    def name(self) -> str:
        """What amounts are amounts of."""
        return "points" if self.in_points else self.label

    @property
    def best(self) -> str:
        """Which of two scores is the better one, as a word."""
        return "highest" if self.sign > 0 else "lowest"

    @property
    def worst(self) -> str:
        """The other word."""
        return "lowest" if self.sign > 0 else "highest"

    def plain(self, value: float) -> str:
        """Return a score of the metric itself, not turned.

        Examples
        --------
        >>> Unit().plain(0.97123), Unit().plain(float("nan"))
        ('97.12', '?')
        """
        return self._fixed(value, self.score_decimals)

    def score(self, turned: float) -> str:
        """Return a turned score as the metric itself."""
        return self.plain(self.sign * turned)

    def scores(self, low: float, high: float) -> str:
        """Return an interval of turned scores, from small to large."""
        ends = sorted((self.sign * low, self.sign * high))
        return "?" if math.isnan(low) else f"{self.plain(ends[0])} to {self.plain(ends[1])}"

    def size(self, value: float, decimals: int | None = None) -> str:
        """Return a spread, or how large a difference is; ``decimals`` in points where they are not two."""
        return self._fixed(value, self.decimals if decimals is None or not self.in_points else decimals)

    def amount(self, value: float, decimals: int | None = None) -> str:
        """Return the same with its unit.

        Examples
        --------
        >>> Unit().amount(0.0041), Unit.own("RMSE", -1, 4.4).amount(0.0412)
        ('0.41 points', '0.041 RMSE')
        """
        return f"{self.size(value, decimals)} {self.name}"

    def change(self, turned: float, decimals: int | None = None) -> str:
        """Return a difference of turned scores with its sign, as a difference of the metric itself.

        Examples
        --------
        >>> Unit().change(0.0041), Unit.own("RMSE", -1, 4.4).change(0.0412)
        ('+0.41', '-0.041')
        """
        if math.isnan(turned):
            return "?"
        decimals = self.decimals if decimals is None or not self.in_points else decimals
        # Plus zero, for minus zero is none.
        return f"{self.factor * self.sign * turned + 0.0:+.{decimals}f}"

    def changes(self, low: float, high: float) -> str:
        """Return an interval of differences of turned scores, from small to large."""
        ends = (low, high) if self.sign > 0 else (high, low)
        return "?" if math.isnan(low) else f"{self.change(ends[0])} to {self.change(ends[1])}"

    def margin(self, value: float) -> str:
        """Return a margin: points as short as can be."""
        return f"{self.factor * value:g}" if self.in_points else self.size(value)

    def reach(self, turned: float) -> str:
        """Return, as the end of "nine runs in ten ...", that a score or a better one is reached.

        Examples
        --------
        >>> Unit().reach(0.97), Unit.own("RMSE", -1, 4.4).reach(-4.6112)
        ('score at least 97.00', 'have an RMSE of at most 4.611')
        """
        return self.reach_word(self.score(turned))

    def reach_word(self, what: str) -> str:
        """Return the same of a score in words."""
        return f"score at least {what}" if self.sign > 0 else f"have {self.article} {self.label} of at most {what}"

    @property
    def article(self) -> str:
        """The article before the label; initials are spelled out."""
        return "an" if self.label[:1] in ("AEFHILMNORSX" if self.label[:2].isupper() else "aeio") else "a"

    def axis(self, turned: float) -> float:
        """Return where a drawing has a turned score: better ones lie to the right or above for every metric."""
        return self.factor * turned

    def _fixed(self, value: float, decimals: int) -> str:
        if not math.isfinite(value):
            return "?"
        return f"{self.factor * value + 0.0:.{decimals}f}"


POINTS = Unit()
