"""Forecasts as every report words them: relative to the reference, how stable, at which level, and of which series."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.forecast_items import ForecastItems
from bench.metrics import metric
from bench.report.content import Content, Row
from bench.report.omitted_forecasts import omitted_sentence, why_omitted
from bench.report.wording import count, share
from bench.stats.blocks import block_length
from bench.stats.estimate import Estimate
from bench.stats.forecast_stability import Tail, dispersion, tail, worst_tenth
from bench.stats.skill import BOUNDS, REPLICATES, RelativeScores, over_datasets, over_series, over_time, raw_ratios
from bench.stats.table import ModelFacts
from bench.types import seed_for

NOT_MEASURED = "the forecasts of these models are not kept here"
BEST_POSSIBLE = "best possible"
KNOWS_THE_LAW = "forecasts, in the same windows, of who knows the law that these series were made by"
MOST_PAIRS = 12
"""Models that are shown each against each."""

Known = Sequence[tuple[Row, ForecastItems]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One table with what it means."""

    title: str
    about: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def with_forecasts(content: Content) -> Known:
    """Return the models whose forecasts were measured on the series of the reference; none without it."""
    found = [(row, row.forecasts) for row in content.rows if row.forecasts is not None]
    reference = next((items for row, items in found if row.scores.name == content.task.reference), None)
    if reference is None:
        return []
    return [(row, items) for row, items in found if np.array_equal(items.groups, reference.groups)]


def with_series(facts: ModelFacts, items: ForecastItems, metric: str) -> ModelFacts:
    """Return what is known of a model, with the series that its score is made of as its items."""
    parts = items.parts(metric)
    if parts is None:
        return replace(facts, block=items.block)
    found = replace(
        facts, by_item=parts.score_by_item, item_variance=parts.item_variance, groups=parts.groups, block=items.block
    )
    # Of one series the windows are all that could be drawn.
    return replace(found, sample="series" if found.group_count > 1 else "")


def errors_of(known: Known, name: str) -> NDArray[np.floating]:
    """Return the mean error of each series, or of each window of a single one, shape (n, M); NaN where unknown."""
    columns = []
    for _, items in known:
        if name not in items.scores:
            columns.append(np.full(_units(items), np.nan))
        elif _units(items) == len(items.groups):
            columns.append(items.scores[name].mean(axis=0))
        else:
            columns.append(items.over_series(name)[1])
    return np.column_stack(columns)


def _units(items: ForecastItems) -> int:
    return len(items.groups) if items.series == 1 else items.series


def relative_to_reference(
    content: Content, known: Known, name: str, replicates: int = REPLICATES
) -> RelativeScores | None:
    """Return all models relative to the reference; None where a metric was not measured.

    Of a panel skill is that of the means over series, as over data sets, and wins are those of its series. Without
    replicates there are no intervals.
    """
    models, reference = [row.scores.name for row, _ in known], content.task.reference
    errors = errors_of(known, name)
    if not np.isfinite(errors[:, models.index(reference)]).any():
        return None
    seed = seed_for(int(content.facts["inputs"].get("root_seed", 0)), "relative", name)
    if len(np.unique(known[0][1].groups)) == 1:
        return over_time(errors, models, reference, known[0][1].block)
    wins = over_series(errors, models, reference, seed, replicates=replicates)
    skills = over_datasets([errors], models, reference, seed, replicates=replicates)
    pairs = zip(wins.scores, skills.scores, strict=True)
    return replace(wins, scores=tuple(replace(won, skill=one.skill) for won, one in pairs), skills=skills.skills)


def tails(content: Content, known: Known) -> dict[str, tuple[str, Tail]]:
    """Return the metric and the far end of each model's errors relative to the reference's, before clipping."""
    models = [row.scores.name for row, _ in known]
    name = "sql" if all("sql" in items.scores for _, items in known) else "mase"
    errors = errors_of(known, name)
    raw = raw_ratios(errors, errors[:, models.index(content.task.reference)])
    return {model: (name, tail(raw[:, at], BOUNDS[1])) for at, model in enumerate(models)}


def parts(content: Content) -> list[Part]:
    """Return the tables of the section; none where no forecast was measured."""
    known = with_forecasts(content)
    if not known:
        return []
    made = [_relative(content, known), _pairs(content, known), _stability(known), _levels(known)]
    return [part for part in made if part is not None and part.rows]


def sentences(content: Content) -> list[str]:
    """Return what stands before the tables: what was scored, and which series and models were left out."""
    known = with_forecasts(content)
    if not known:
        why = not_measured(content)
        return [] if why == NOT_MEASURED else [f"There is no table of forecasts: {why}."]
    items = known[0][1]
    series, windows = items.series, len(items.sizes)
    step = f" of frequency {items.freq}" if items.freq else ""
    said = [f"{series} series{step}, {count(windows, 'window')}: {_sample(items)}."]
    if items.left_out:
        said.append(
            f"{items.left_out} of the {items.left_out + len(items.groups)} forecasts of a series have no scaled error, "
            "for the season before them repeats exactly, is too short, or nothing was observed: they are left out of "
            "MASE, RMSSE and SQL."
        )
    name = content.task.metrics[0]
    parts = items.parts(name)
    if parts is not None and parts.weights is not None and series > 1:
        said.append(
            f"{metric(name).label} is a ratio of sums over all series, in which large ones count for more: together "
            f"they are worth {parts.worth:.0f} series of one size. Intervals are those of its linear part."
        )
    missing = omitted_sentence(content, {row.scores.name for row, _ in known})
    return [*said, missing] if missing else said


def not_measured(content: Content) -> str:
    """Return why there is no table: all of them compare with the reference."""
    reference = content.row(content.task.reference)
    if reference is None or all(row.forecasts is None for row in content.rows):
        return NOT_MEASURED
    return f"{content.task.reference}, which others are compared with, has none: {why_omitted(reference)}"


def _sample(items: ForecastItems) -> str:
    if items.series > 1:
        return "series are drawn with all their windows, and intervals say what other series would do"
    length = block_length(len(items.groups), least=items.block)
    how = f"of blocks of {length} of them, by t" if length > 1 else "of t over them"
    return f"{'they share steps, and ' if items.block > 1 else ''}intervals are those {how}"


def _relative(content: Content, known: Known) -> Part:
    found = {name: relative_to_reference(content, known, name) for name in ("mase", "sql")}
    shown = {name: one for name, one in found.items() if one is not None}
    ends = tails(content, known)
    rows = []
    for row, items in known:
        name, end = ends[row.scores.name]
        mine = {one: scores.of(row.scores.name) for one, scores in shown.items() if one in items.scores}
        skills = [_estimate(one.skill, 3) if (one := mine.get(name)) is not None else "?" for name in shown]
        wins, over = mine.get("mase"), mine.get(name)
        rows.append(
            (
                row.label,
                *skills,
                "?" if wins is None else _estimate(wins.win_rate, 2),
                "?" if over is None else str(sum(over.clipped)),
                _number(end.percentile),
                _number(end.largest),
            )
        )
    labels = [f"{metric(name).label} skill" for name in shown]
    return Part(
        title=f"Relative to {content.task.reference}",
        about=_about_relative(content, shown, metric(next(iter(ends.values()))[0]).label),
        headers=("model", *labels, "wins", "clipped", "95th percentile", "largest"),
        rows=(*rows, *_best_possible(content, known, shown)),
    )


def _best_possible(content: Content, known: Known, shown: Mapping[str, RelativeScores]) -> list[tuple[str, ...]]:
    """Return the row of who knows how the series came about; none where nobody does."""
    ceiling = content.facts["about"].get("ceiling", {})
    if not shown or not set(shown) <= set(ceiling):
        return []
    place = [row.scores.name for row, _ in known].index(content.task.reference)
    skills = (1 - ceiling[name] / float(np.nanmean(errors_of(known, name)[:, place])) for name in shown)
    return [(BEST_POSSIBLE, *map(_number, skills), "", "", "", "")]


def _about_relative(content: Content, shown: Mapping[str, RelativeScores], label: str) -> str:
    found = next(iter(shown.values()), None)
    if found is None:
        return f"{content.task.reference} has no scaled error."
    low, high = found.bounds
    return (
        f"Skill is one minus the error over that of {content.task.reference}; intervals of 95 % by "
        f"{found.scores[0].skill.method}. Wins: mean over the other models of the share of {found.unit} with the "
        f"smaller MASE, ties as half. The last columns are of the {label} of single {found.unit} relative to the "
        f"reference's: how many lie below {low:g} or above {high:g}, where a mean of ratios is clipped, and the 95th "
        "percentile and the largest before that."
    ) + (f" {BEST_POSSIBLE.capitalize()}: {KNOWS_THE_LAW}." if content.facts["about"].get("ceiling") else "")


def _pairs(content: Content, known: Known) -> Part | None:
    found = relative_to_reference(content, known, "mase", replicates=0)
    if found is None or len(known) <= 2:
        return None
    names = [row.scores.name for row, _ in known]
    order = np.argsort(-found.skills[:, names.index(content.task.reference)], kind="stable")
    best = sorted(order[:MOST_PAIRS].tolist())
    rows = tuple(
        (
            names[i],
            *("" if i == j else f"{share(found.win_rates[i, j])}, {found.skills[i, j]:+.3f}" for j in best),
        )
        for i in best
    )
    about = (
        f"Share of {found.unit} in which the model of the row has the smaller MASE, and its skill against the column's."
    )
    if len(best) < len(names):
        about += f" The best {len(best)} of {len(names)} models by MASE."
    return Part(title="Each against each", about=about, headers=("model", *(names[j] for j in best)), rows=rows)


def _stability(known: Known) -> Part:
    rows = []
    for row, items in known:
        spread = dispersion(items.by_window("mase"))
        rows.append(
            (
                row.label,
                _number(spread.over_windows),
                _number(spread.over_seeds),
                f"{_number(spread.worst)} (window {spread.worst_window + 1})",
                _number(worst_tenth(items.over_series("mase")[1])),
                items.worst.get("sql", items.worst["mase"]),
                share(items.churn[0]),
                _estimate(items.revision, 3),
                share(items.crossed),
                share(items.fallbacks),
            )
        )
    why = next((f" (not measured: {items.revision.why})" for _, items in known if items.revision.why), "")
    return Part(
        title="Stability of forecasts",
        about=(
            "Of MASE: standard deviations over windows and over seeds, the worst window, and the mean of the tenth of "
            "the series with the largest errors; then the series with the largest quantile loss. Churn: sum of "
            "absolute differences between two seeds over that of the true values. Revision: mean absolute change of "
            f"the forecast of a step from one origin to the next, on the scale of its series{why}. Crossed: steps "
            "whose quantiles had to be sorted. By a simpler model: series that a library gave up on, if it tells."
        ),
        headers=("model", "SD over windows", "SD over seeds", "worst window", "worst tenth", "hardest series", "churn",
                 "revision", "crossed", "by a simpler model"),
        rows=tuple(rows),
    )  # fmt: skip


def _levels(known: Known) -> Part | None:
    levels = known[0][1].levels
    rows = tuple((row.label, *map(_number, items.pinball)) for row, items in known if items.levels == levels)
    about = "Mean over series of the scaled quantile loss, whose mean over levels is the SQL."
    headers = ("model", *(f"{level:g}" for level in levels))
    return Part(title="Loss by level", about=about, headers=headers, rows=rows) if levels else None


def _number(value: float) -> str:
    return "?" if math.isnan(value) else f"{value:.3f}" if value < 1000 else f"{value:.3g}"


def _estimate(found: Estimate, decimals: int) -> str:
    if not found.measured:
        return "?"
    value, low, high = (f"{one:.{decimals}f}" for one in (found.value, found.low, found.high))
    return value if math.isnan(found.low) else f"{value} ({low} to {high})"
