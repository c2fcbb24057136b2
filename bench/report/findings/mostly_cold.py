"""Users or items of the test part of which most are new, so that scores are of the few others."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

CODE = "mostly-cold"
USERS, ITEMS = 0.5, 0.2
"""Shares of the tested users, and of what is to be found, above which a reader has to know."""


def find(content: Content) -> Iterator[str]:
    """Yield a text for cold users and one for cold items, where there are many."""
    about = content.facts["about"]
    users, items = split_figure(about, "cold_users"), split_figure(about, "cold_items")
    if users > USERS:
        yield (
            f"{share(users)} of the tested users have no history: the score is that of the others. See what each model "
            "does for the cold ones before one is chosen for all."
        )
    if items > ITEMS:
        dropped = about["ranking"]["protocol"]["cold_items"] == "drop"
        counted = "they are no targets" if dropped else "each is a miss for every model that knows items by their users"
        yield f"{share(items)} of what is to be found are items that no model was fitted on: {counted}."
