"""What an ensemble is made of, over its cells."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from bench.types import Record


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the members of an ensemble."""

    mean: Mapping[str, float]
    """By member, over all cells; the largest first, of equals by name."""
    left_out: Mapping[str, int]
    """Cells that went without a member, since it failed or time ran out."""
    cells: int

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Weights | None":
        """Return the weights that the cells of a model found; None where it is no ensemble."""
        told = [record.found for record in records if record.origin == "fit" and "weights" in record.found]
        if not told:
            return None
        names = sorted({name for one in told for name in one["weights"]})
        mean = {name: fmean(one["weights"].get(name, 0.0) for one in told) for name in names}
        return cls(
            mean=dict(sorted(mean.items(), key=lambda item: -item[1])),
            left_out=dict(sorted(Counter(name for one in told for name in one["left_out"]).items())),
            cells=len(told),
        )
