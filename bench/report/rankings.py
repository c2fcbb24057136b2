"""What reports of recommendation have and no others: lists user by user, the protocol, and words where users ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report import lists, protocols, split_diagnostics
from bench.report.content import Content
from bench.report.forecasts import Part
from bench.report.ranking_protocol import named

OF_A_USER = "What is asked for is a user's list: p50 and p95 are of one user alone."


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section in words and tables."""

    title: str
    sentences: tuple[str, ...]
    parts: tuple[Part, ...]


def lists_section(content: Content) -> Section:
    """Return what lists say beside their scores."""
    found = lists.parts(content)
    said = lists.sentences(content) if found else [f"Not shown: {lists.NOT_MEASURED}."]
    return Section(title="Lists, user by user", sentences=tuple(said), parts=tuple(found))


def protocol_section(content: Content) -> Section:
    """Return what the splits are like, and what other protocols say of the same models."""
    said = protocols.sentences(content) or [
        "These data were tested by this protocol alone. Run the same command with protocol=random, leave_last or "
        "global_time, and this section says which conclusions hang on the choice."
    ]
    found = [*split_diagnostics.parts(content), *protocols.parts(content)]
    return Section(title="What hangs on the protocol", sentences=tuple(said), parts=tuple(found))


def sections(content: Content) -> list[Section]:
    """Return both; none of other tasks."""
    if content.task.prediction != "ranking":
        return []
    return [lists_section(content), protocol_section(content)]


def how_compared(content: Content, otherwise: str) -> str:
    """Return how intervals of means and differences are made; ``otherwise`` where users are not what is drawn."""
    if not any(row.scores.facts.sample for row in content.rows):
        return otherwise
    return "bootstrap over users, each with all splits; t over seeds"


def probed_about(content: Content, users: int) -> str:
    """Return what stands over the table of changed inputs."""
    return (
        f"{content.unit.label} of {users} users before and after each change, and how much of a list is another then: "
        "one minus the Jaccard index. The last two columns hold the share of users whose list changes when they come "
        "in reverse and when they come one by one; both should be 0."
    )


def data_facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how many interactions, users and items there are, and the protocol, for the facts of a page."""
    ranking = about["ranking"]
    return [
        ("Interactions", str(about["rows"])),
        ("Users", str(ranking["users"])),
        ("Items", str(ranking["items"])),
        ("Protocol", named(about).removeprefix("protocol ")),
    ]
