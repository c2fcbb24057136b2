"""The protocol of recommendations in words: what was held out, what was to be found, among which items.

Tables of different protocols answer different questions, so each table carries the hash of its own.
"""

import math
from collections.abc import Mapping
from typing import Any

from bench.ranking.splits import TO_FIND

NAMES = {"random": "random parts", "held_out_users": "held-out users"}
"""What ways to split are called in a sentence, where it is not their own name."""


def named(about: Mapping[str, Any]) -> str:
    """Return the name and hash of a protocol, from what a table's provenance says; empty where it has none."""
    ranking = about.get("ranking")
    return f"protocol {ranking['hash']}" if ranking else ""


def size_of_log(about: Mapping[str, Any]) -> str:
    """Return how many interactions, users and items there are.

    Examples
    --------
    >>> size_of_log({"rows": 12, "ranking": {"users": 3, "items": 1}})
    '12 interactions of 3 users with 1 item'
    """
    return (
        f"{_count(about['rows'], 'interaction')} of {_count(about['ranking']['users'], 'user')} with "
        f"{_count(about['ranking']['items'], 'item')}"
    )


def how_split(about: Mapping[str, Any], folds: int) -> str:
    """Return the protocol, and how many splits and seeds were run.

    Parameters
    ----------
    about : mapping
        What the provenance of a table says.
    folds : int
    """
    asked, repeats = about["ranking"]["protocol"], about["repeats"]
    each = f" x {_count(repeats, 'repeat')}" if repeats > 1 else ""
    parts = [
        _split(asked, folds),
        *_positives(asked),
        _targets(asked),
        _candidates(asked),
        *_fit(asked),
        f"NDCG by {_ideal(asked)}, k = {asked['k']}",
    ]
    seeds = _count(about["budget"]["seeds"], "seed")
    return f"{named(about)}: {', '.join(parts)}; {_count(folds, 'split')}{each} x {seeds}"


def _split(asked: Mapping[str, Any], folds: int) -> str:
    share = asked["share"]
    match asked["split"]:
        case "global_time":
            cuts = "/".join(f"{100 * (1 - share * (folds - fold)):g}" for fold in range(folds))
            ahead = f", each test part the {100 * share:g} % that follow" if folds > 1 else ""
            return f"split by time at {cuts} %{ahead}"
        case "leave_last":
            many = f"{asked['last']} last interactions" if asked["last"] > 1 else "last interaction"
            return f"the {many} of each user held out"
        case "random":
            return f"{100 * share:g} % of each user's interactions held out at random"
        case _:
            return f"{100 * share:g} % of the users held out, the last {100 * TO_FIND:g} % of what each did to be found"


def _positives(asked: Mapping[str, Any]) -> list[str]:
    said = []
    if asked["at_least"] is not None:
        said.append(f"interactions rated at least {asked['at_least']:g}")
    if asked["weights"] == "rating":
        said.append("weighted by their rating")
    if asked["duplicates"] != "first":
        said.append(f"of repeated ones the {asked['duplicates']} counts")
    if asked["split"] != "random" and asked["ties"] != "row":
        said.append("ties in time " + ("drawn" if asked["ties"] == "shuffled" else "in the order of item labels"))
    return said


def _targets(asked: Mapping[str, Any]) -> str:
    which = {
        "all": "all held-out interactions are targets",
        "first": "the first held-out interaction of a user is the target",
        "last": "the last held-out interaction of a user is the target",
        "random": "one held-out interaction of a user, drawn, is the target",
    }[asked["targets"]]
    return which + (" but those with cold items" if asked["cold_items"] == "drop" else "")


def _candidates(asked: Mapping[str, Any]) -> str:
    among = "known at the cut" if asked["split"] == "global_time" else "of the training part"
    which = f"the items {among}" if asked["candidates"] == "known" else "the whole catalogue"
    return f"full ranking of {which}" + (" without those seen before" if asked["seen"] == "hide" else "")


def _fit(asked: Mapping[str, Any]) -> list[str]:
    said = [f"{asked['core']}-core of the training part"] if asked["core"] else []
    if asked["validation"]:
        kept = (
            f"{asked['last']} more of each user"
            if asked["split"] == "leave_last"
            else f"{100 * asked['validation']:g} %"
        )
        said.append(f"{kept} kept out of fits")
    return said


def _ideal(asked: Mapping[str, Any]) -> str:
    return {"min": "min(k, relevant)", "k": "k hits", "all": "all relevant"}[asked["ideal"]]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def split_figure(about: Mapping[str, Any], name: str) -> float:
    """Return one of the figures of the splits, see `bench.ranking.diagnostics`; NaN where it is not known."""
    value = about.get("ranking", {}).get("splits", {}).get(name)
    return math.nan if value is None else float(value)
