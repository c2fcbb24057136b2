"""Too few seeds to say how stable the pick is."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "too-few-seeds"


def find(content: Content) -> Iterator[str]:
    """Yield a text where the grade of the pick is a question mark for want of seeds."""
    row = next((row for row in content.rows if row.scores.name == content.decision.pick), None)
    if row is None or row.about["deterministic"] or not row.scores.cells.size:
        return
    seeds, sd = row.scores.cells.shape[1], row.stability.seed_sd
    if seeds < 2 and row.imported:
        yield (
            f"The predictions of {row.scores.name} come from one training a split: nobody knows what another would "
            "say. Import those of a second one, from a folder seed1 beside the first."
        )
    elif seeds < 2:
        yield f"{row.scores.name} was run with one seed: nobody knows what another would do. Try budget.seeds=3."
    elif row.stability.grade == "?" and sd.high > content.margin / 2:
        yield (
            f"{seeds} seeds leave the seed spread of {row.scores.name} between {content.unit.size(sd.low)} and "
            f"{content.unit.amount(sd.high)}, too wide for a grade. Try budget.seeds={max(10, 2 * seeds)}."
        )
