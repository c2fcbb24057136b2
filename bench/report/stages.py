"""What each share of a run's time bought: the best neighbour, and the best moonshot, beside the best known model."""

import math
from collections.abc import Sequence

from bench.report.content import Content, Row
from bench.report.wording import count
from bench.stats.comparison import bridged
from bench.stats.pairs import CorrectedMean

STAGES = {"neighbours": "Neighbours of the leaders", "moonshots": "Moonshots"}
SURE = 0.95
NOT_OURS = ("floor", "external")
"""Roles that no time of the run is meant for."""


def stage_of(row: Row) -> str:
    """Return the stage of a run in which a model was added."""
    return str(row.about.get("stage", "known"))


def stage_lines(content: Content) -> list[str]:
    """Return a sentence for every stage after the known models; nothing where a run had none."""
    known = _best([row for row in content.rows if stage_of(row) == "known" and row.scores.role not in NOT_OURS])
    budget = content.facts["about"]["budget"]
    lines, shares = [], 0.0
    for stage, title in STAGES.items():
        rows = [row for row in content.rows if stage_of(row) == stage]
        if not rows or known is None:
            continue
        shares += budget.get(stage, 0.0)
        share = f" ({100 * budget[stage]:.0f} % of the time)" if budget.get(stage) else ""
        lines.append(f"{title}{share}: {_bought(rows, known, content)}")
    if lines and known is not None:
        share = f"{100 * (1 - shares):.0f} % of the time"
        chosen = (
            " Its neighbours were chosen by the scores of this very table."
            if lines[0].startswith(STAGES["neighbours"])
            else ""
        )
        lines.insert(0, f"What is known to work ({share}): the best of it is {known.scores.name}.{chosen}")
    return lines


def _bought(rows: Sequence[Row], known: Row, content: Content) -> str:
    tried = f"{count(len(rows), 'model')} tried"
    best = _best(rows)
    if best is None:
        return f"{tried}, and none has scores."
    unit, gap = content.unit, _gap(best, known, content)
    low, high = gap.interval()
    sides = "" if math.isnan(low) else f" ({unit.changes(low, high)})"
    lead = f"{unit.change(gap.mean)} {unit.name}{sides} against {known.scores.name}"
    folds = f", on {best.folds_run}" if best.folds_run else ""
    if gap.mean <= 0:
        return f"{tried}; the best, {best.scores.name}, is at {lead}{folds}: nothing gained."
    # The best of several is likelier to look good.
    sure = gap.probability_above(0) >= 1 - (1 - SURE) / len(rows)
    return f"{tried}; {best.scores.name} is at {lead}{folds}{'' if sure else ': no sure gain'}."


def _gap(one: Row, other: Row, content: Content) -> CorrectedMean:
    reference = content.row(content.task.reference)
    assert reference is not None
    return bridged(one.scores, other.scores, reference.scores, content.test_train_ratio)


def _best(rows: Sequence[Row]) -> Row | None:
    scored = [row for row in rows if row.scores.mean == row.scores.mean and not row.scores.all_failed]
    # What they led to is made without a model that was pretrained on the data.
    scored = [row for row in scored if row.exposure != "exposed"]
    return max(scored, key=lambda row: row.scores.mean, default=None)
