"""From the options of a data set to the protocol that recommendations are tested under."""

from dataclasses import fields
from typing import Any

from bench.errors import DataError, did_you_mean
from bench.ranking.asked import Ranking
from bench.settings import DataSpec

WORDS = {
    "duplicates": ("first", "last"),
    "weights": ("one", "rating"),
    "ties": ("row", "item", "shuffled"),
    "targets": ("all", "first", "last", "random"),
    "candidates": ("known", "catalogue"),
    "seen": ("hide", "show"),
    "cold_items": ("miss", "drop"),
    "ideal": ("min", "k", "all"),
}
LEAST = {"k": 1, "last": 1, "core": 0, "windows": 0, "sampled": 0}
FOREIGN = {
    "target": "The columns of a row are data.user, data.item, data.time and data.rating",
    "id": "Users and items have data.user and data.item",
    "test_path": "Interactions are split by protocol=",
    "text": "Columns that describe items are data.item_text",
    **dict.fromkeys(
        (
            *("groups", "known", "static", "freq", "horizon", "season", "step", "context", "levels", "fill"),
            *("merge_rare", "kinds"),
        ),
        "Leave it out",
    ),
}
"""Options of other task types, and what to do instead."""


def ranking_of(spec: DataSpec) -> Ranking:
    """Return the protocol that options ask for, but for its split, which the run chooses.

    Parameters
    ----------
    spec : DataSpec

    Returns
    -------
    Ranking

    Raises
    ------
    DataError
        Naming the option that no data could meet.
    """
    usual = {field.name: field.default for field in fields(DataSpec)}
    for name, instead in FOREIGN.items():
        # Tuples have a factory or an empty default; either way nothing was given where they are empty.
        if getattr(spec, name) and getattr(spec, name) != usual[name]:
            raise DataError(f"data.{name} means nothing to recommendation. {instead}.")
    values: dict[str, Any] = {
        one.name: getattr(spec, one.name) for one in fields(Ranking) if one.name not in ("split", "duplicates")
    }
    values["duplicates"] = spec.duplicates or "first"
    for name, known in WORDS.items():
        if values[name] not in known:
            raise DataError(f"data.{name}={values[name]} is not known. {did_you_mean(str(values[name]), known)}")
    for name, least in LEAST.items():
        if values[name] < least:
            raise DataError(f"data.{name}={values[name]} is too small: at least {least}.")
    share, validation = spec.share, spec.validation
    if not 0 < share < 1 or not 0 <= validation < 1 or share + validation >= 1:
        raise DataError(
            f"data.share={share:g} and data.validation={validation:g} are shares of the interactions: above 0, and "
            "below 1 together, for models need the rest."
        )
    return Ranking(**values)
