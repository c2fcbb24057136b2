"""What a sceptic asks of the splits of interactions before any score, as a table; what is alarming are findings."""

import math
from collections.abc import Mapping
from typing import Any

from bench.report.content import Content
from bench.report.forecasts import Part
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

TITLE = "What the splits are like"


def parts(content: Content) -> list[Part]:
    """Return the table; none of other tasks."""
    about = content.facts["about"]
    rows = tuple((what, shown, why) for what, shown, why in _figures(about) if shown)
    if not about.get("ranking", {}).get("splits"):
        return []
    many = "means over all splits" if content.facts["inputs"]["folds"] > 1 else "of the one split"
    return [Part(title=TITLE, about=f"Figures are {many}.", headers=("figure", "value", "why it matters"), rows=rows)]


def _figures(about: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what each figure is called, its value, empty where it is not known, and why a reader should care."""

    def number(name: str) -> str:
        value = split_figure(about, name)
        return "" if math.isnan(value) else f"{value:,.0f}"

    def part(name: str) -> str:
        value = split_figure(about, name)
        return "" if math.isnan(value) else share(value)

    def plain(name: str) -> str:
        value = split_figure(about, name)
        return "" if math.isnan(value) else f"{value:.2f}"

    ginis = [one for name in ("gini_train", "gini_test") if (one := plain(name))]
    return [
        ("interactions that models are fitted on", number("train"), "what there is to learn from"),
        ("interactions to be found", number("test"), "what there is to score"),
        ("users who are tested", number("users"), "what intervals are over"),
        (
            "training later than the median target",
            part("later"),
            "nobody has the future to learn from: above zero scores flatter",
        ),
        ("cold users", part("cold_users"), "nothing is known of them; they are scored by themselves"),
        (
            "targets with cold items",
            part("cold_items"),
            "nobody was seen to take them up: no list of known items has them",
        ),
        (
            "popularity ranks, training against test",
            f"{plain('rank_correlation')}" if plain("rank_correlation") else "",
            "Kendall's tau of the items' ranks: low, where what is popular changes",
        ),
        (
            "Gini index, training and test",
            ", ".join(ginis),
            "how much few items take: where the two differ, popularity is rewarded otherwise than it was learned",
        ),
        ("interactions that share their time stamp", part("tied"), "whose order nobody knows, for the same user"),
    ]
