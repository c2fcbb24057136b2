"""The protocol of a run over every table of its reports; tables of other tasks stay as they are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.report.content import Content
from bench.report.ranking_protocol import named
from bench.report.tables import Table


def with_captions(parts: Any, content: Content) -> Any:
    """Return parts of a page, in which the caption of every table names the protocol.

    Parameters
    ----------
    parts : any
        Tables, alone or in lists, tuples and dictionaries; what else there is comes back as it was.
    content : Content
    """
    if not (name := named(content.facts.get("about", {}))):
        return parts
    if isinstance(parts, Table):
        return replace(parts, caption="; ".join([*([parts.caption] if parts.caption else []), name]))
    if isinstance(parts, dict):
        return {key: with_captions(one, content) for key, one in parts.items()}
    return type(parts)(with_captions(one, content) for one in parts) if type(parts) in (list, tuple) else parts


def with_headings(parts: Sequence[str], content: Content) -> list[str]:
    """Return parts of a Markdown report, in which every heading above a table names the protocol.

    Parameters
    ----------
    parts : sequence of str
    content : Content
    """
    found, above = list(parts), 0
    if not (name := named(content.facts["about"])):
        return found
    for place, part in enumerate(found):
        above = place if part.startswith("#") else above
        if "| --- |" in part and name not in found[above]:
            found[above] += f" ({name})"
    return found
