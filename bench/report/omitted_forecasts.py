"""Models that were run and stand in no table of forecasts, with the reason of each."""

from bench.report.content import Content, Row
from bench.report.wording import count
from bench.stats.stability import kinds_of_failure

NOT_KEPT = "forecasts are not kept here"
OTHER_SERIES = "errors are known on other series or windows than those of the reference"


def omitted(content: Content, shown: set[str]) -> dict[str, list[str]]:
    """Return the models with cells that are not among those shown, by the reason that they share.

    What was never run has no forecasts to miss, and its row says why.
    """
    found: dict[str, list[str]] = {}
    for row in content.rows:
        if row.scores.ran and row.scores.name not in shown:
            found.setdefault(why_omitted(row), []).append(row.scores.name)
    return found


def omitted_sentence(content: Content, shown: set[str]) -> str:
    """Return which models the tables lack, and why; empty where they have all."""
    said = [f"{', '.join(names)} ({why})" for why, names in omitted(content, shown).items()]
    return f"Not in the tables of forecasts: {'; '.join(said)}." if said else ""


def why_omitted(row: Row) -> str:
    """Return why a model that was run stands in no table of forecasts."""
    scores = row.scores
    if scores.failed:
        return f"{scores.failed} of {count(scores.ran, 'cell')} failed: {kinds_of_failure(scores)}"
    if row.forecasts is not None:
        return OTHER_SERIES
    return f"run on {row.folds_run}" if row.folds_run else NOT_KEPT
