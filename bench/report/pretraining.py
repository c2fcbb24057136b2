"""What models have seen before the training rows, and what a report says of it."""

from collections.abc import Iterator, Sequence

from bench.report.content import Content, Row

PRETRAINED_HEADERS = ("model", "exposure", "trained on", "source")
SHOWN_NAMES = 6
"""Of the data sets that a model has seen."""


def pretrained_rows(content: Content) -> list[tuple[str, ...]]:
    """Return a row, in the order of `PRETRAINED_HEADERS`, for every model that learned something beforehand."""
    return [
        (row.scores.name, row.exposure, some_names(row.declared.names), row.declared.source or "?")
        for row in content.rows
        if row.declared is not None and row.declared.pretrained
    ]


def pretrained_about(content: Content) -> str:
    """Return what the columns of that table mean."""
    about = (
        "As far as their authors say. Exposed: these data are named. Clean: the list is whole and does not name them, "
        "or all that was learned from was made up. Unknown: nobody says, or corpora are named of which nobody lists "
        "what they hold."
    )
    if "made_by_law" in content.facts["about"]:
        return f"{about} These data are made here by a law, and no corpus of an older source can hold them."
    if not content.facts["about"].get("data_citation"):
        about += " These data name no source (`data.citation`) and may be a copy of anything: no list clears them."
    return about


def exposure_notes(content: Content) -> Iterator[str]:
    """Yield why rows are marked as exposed, or which are hidden."""
    mode = content.settings.exposed
    if content.hidden:
        stands = f", and over data sets the score of {stand_in(content)} stands for theirs" if mode == "impute" else ""
        yield (
            f"Hidden, for pretrained on {content.data}: {', '.join(content.hidden)} (report.exposed={mode}{stands})."
        )
    if seen := exposed_models(content):
        yield f"Exposed: pretrained on {content.data}, and so never recommended ({', '.join(seen)})."


def exposed_models(content: Content) -> list[str]:
    """Return the models with scores on data that they were pretrained on."""
    return [row.scores.name for row in content.rows if row.exposure == "exposed" and row.scores.cells.size]


def stand_in(content: Content) -> str:
    """Return the model whose score stands for an exposed one over data sets: the one that is asked for, if clean."""
    row = content.row(content.settings.imputed_by)
    return row.scores.name if row is not None and _can_stand_in(row) else content.task.reference


def some_names(names: Sequence[str]) -> str:
    """Return the first of many names, and how many there are; the tables' own files have them all."""
    rest = len(names) - SHOWN_NAMES
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:SHOWN_NAMES])} and {rest} more"


def _can_stand_in(row: Row) -> bool:
    return row.exposure == "clean" and row.scores.role != "floor" and row.scores.mean == row.scores.mean
