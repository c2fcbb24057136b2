"""Targets that the user had before."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

CODE = "repeated-targets"


def find(content: Content) -> Iterator[str]:
    """Yield a text where some of what is to be found was taken up by the same user before."""
    about = content.facts["about"]
    repeated = split_figure(about, "repeated")
    if repeated > 0:
        hidden = about["ranking"]["protocol"]["seen"] == "hide"
        yield f"{share(repeated)} of what is to be found was taken up by the same user before: " + (
            "lists without what was seen cannot have it (data.seen=show)."
            if hidden
            else "who recommends what was seen is paid for it."
        )
