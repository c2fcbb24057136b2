"""Numbers and sentences as every report words them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bench.report.content import Check, Content, Row
from bench.report.ranking_protocol import how_split, size_of_log
from bench.report.units import unit_of
from bench.settings import ReportSettings
from bench.stats.decision import OF_THE_REST, misses_floor, unbeaten, what_is_needed
from bench.stats.estimate import Estimate
from bench.stats.unit import Unit


def points(value: float) -> str:
    """Return a share in points, two decimals; a question mark where there is none. Scores go through a `Unit`.

    Examples
    --------
    >>> points(0.97123), points(float("nan"))
    ('97.12', '?')
    """
    return "?" if math.isnan(value) else f"{100 * value:.2f}"


FEWER_FOLDS = (
    "The mean of fewer folds is the reference's mean plus the difference to it on the folds that both have; its "
    "dependable score is moved with it."
)


def seconds(value: float) -> str:
    """Return a rounded duration with its unit.

    Examples
    --------
    >>> seconds(0.002), seconds(20.0), seconds(float("nan"))
    ('2 ms', '20 s', '?')
    """
    if math.isnan(value):
        return "?"
    return f"{value:g} s" if value >= 1 else f"{1000 * value:g} ms"


def share(value: float) -> str:
    """Return a share in per cent; a question mark where there is none.

    Examples
    --------
    >>> share(0.0123), share(float("nan"))
    ('1.2 %', '?')
    """
    return "?" if math.isnan(value) else f"{100 * value:.1f} %"


CHURN_OF_VALUES = "Churn is the mean absolute change of a prediction over the interquartile range of the targets."
CHURN_OF_FORECASTS = "Churn is the sum of the absolute changes of forecasts over that of the true values."
CHURN_OF_LISTS = "Churn is one minus the Jaccard index of the lists that two seeds make for a user, over users."


def churn_about(content: Content) -> str:
    """Return what churn is, as a sentence behind others; of classes it goes without saying."""
    about = {"value": f" {CHURN_OF_VALUES}", "quantiles": f" {CHURN_OF_FORECASTS}", "ranking": f" {CHURN_OF_LISTS}"}
    return about.get(content.task.prediction, "")


def moved(changed: float, content: Content) -> str:
    """Return how far small changes of the inputs move predictions: the share that flips, or how far values move."""
    words = {"probability": "flip", "ranking": "of a list is another"}
    return f"{share(changed)} {words.get(content.task.prediction, 'moved')}"


def estimate(found: Estimate, show: Callable[[float], str] = points) -> str:
    """Return a figure with its interval, or a question mark and why it was not measured.

    Examples
    --------
    >>> estimate(Estimate(value=0.004, low=0.002, high=0.009, method="")), estimate(Estimate.not_measured("one seed"))
    ('0.40 (0.20 to 0.90)', '? (one seed)')
    """
    if not found.measured:
        return f"? ({found.why})"
    if math.isnan(found.low):
        return show(found.value)
    return f"{show(found.value)} ({show(found.low)} to {show(found.high)})"


def size_estimate(found: Estimate, unit: Unit) -> str:
    """Return the same of a spread or a loss of scores."""
    return estimate(found, unit.size)


def score_estimate(found: Estimate, unit: Unit) -> str:
    """Return the same of a turned score, as the metric itself."""
    ends = (found.low, found.high) if unit.sign > 0 else (found.high, found.low)
    return estimate(replace(found, low=ends[0], high=ends[1]), unit.score)


def threshold(value: float) -> str:
    """Return a threshold of confidence, three decimals, and more where it takes them to tell it from one.

    Examples
    --------
    >>> threshold(0.9566), threshold(0.99987), threshold(1.0)
    ('0.956', '0.9998', '1')
    """
    decimals = max(3, min(6, -math.floor(math.log10(max(1e-6, 1 - value)))))
    # Cut, not rounded: one is a threshold that nothing passes, and what is let through must pass what is printed.
    return f"{math.floor(value * 10**decimals + 1e-9) / 10**decimals:.{decimals}f}" if value < 1 else "1"


def answered_sentence(row: Row, settings: ReportSettings) -> str:
    """Return how much can go out at the risk that the user gave; empty for the default, which tables show."""
    if row.items is None or settings.target_risk == ReportSettings().target_risk:
        return ""
    risk = f"{100 * settings.target_risk:g} %"
    out = row.items.accepted.coverage_at(settings.target_risk)
    if not out:
        return f"{row.scores.name} can answer nothing with no more than {risk} of it wrong."
    return f"{row.scores.name} can answer {share(out)} of the items with no more than {risk} of the answers wrong."


def deferral_sentence(row: Row, settings: ReportSettings) -> str:
    """Return what to hand to a human, as a sentence; empty where nothing is known of single predictions."""
    plan = row.deferral
    if plan is None:
        return ""
    costs = f"With {settings.error_cost:g} for an error and {settings.human_cost:g} for a human answer"
    others = f"against {plan.cost_model_only:.3g} for the model alone and {plan.cost_human_only:g} for humans alone"
    if math.isinf(plan.threshold) or plan.cost >= plan.cost_human_only:
        return f"{costs}, {row.scores.name} should answer nothing by itself: humans alone cost no more."
    if plan.cost >= plan.cost_model_only:
        return f"{costs}, {row.scores.name} should answer everything by itself: no threshold costs less."
    daily = (1 - plan.automated) * settings.requests_per_day
    whole = ", taking groups whole" if row.scores.facts.groups is not None else ""
    wrong = (
        f"{100 * plan.error.value:.2f} % of them wrong (95 % interval up to {100 * plan.error.high:.2f} %{whole})"
        if plan.error.measured
        else "of whose errors nothing is known"
    )
    return (
        f"{costs}, let {row.scores.name} answer where its confidence is at least {threshold(plan.threshold)}: "
        f"{100 * plan.automated:.1f} % of the items, {wrong}, and {daily:.0f} of {settings.requests_per_day} a day "
        f"for a human. Cost of an item {plan.cost:.3g}, {others}. Holds for items like these only (exchangeable ones)."
        f"{_flattered(row)}"
    )


def _flattered(row: Row) -> str:
    folds = 0 if row.items is None else len(row.items.accepted.items)
    return " One split: the threshold was chosen on these items themselves, which flatters it." if folds == 1 else ""


FIRST_LOOK = "A first look, of few rows and seeds (budget=toy): see that all runs, and decide without budget=toy."


def recommendation(content: Content) -> str:
    """Return the recommendation as a paragraph of Markdown."""
    return f"{_decided(content)} {FIRST_LOOK}" if content.budget == "toy" else _decided(content)


def _decided(content: Content) -> str:
    decision = content.decision
    if content.task.protocol == "curve":
        return f"{decision.because[0]} {decision.also}"
    if not decision.pick:
        return f"**Nothing to ship.** {' '.join(decision.because)}{_barred(content)}"
    sure = "" if math.isnan(decision.confidence) else f" (confidence {decision.confidence:.2f})"
    what = f"Ship `{decision.pick}`" if decision.settled else f"Keep `{decision.pick}` for now"
    text = f"**{what}**{sure}: {'; '.join(decision.because)}."
    if not math.isnan(decision.price):
        # One split gives no expectation.
        how = "on this split" if math.isnan(decision.confidence) else "expected"
        whom = of_whom(content)
        against = f" against the best{whom}" if whom else ""
        text += f" Price: {content.unit.amount(max(0.0, decision.price))}{against}, {how}."
    if decision.runner_up:
        text += f" Prefer `{decision.runner_up}` if {decision.would_change_if}."
    if decision.also:
        text += f" {decision.also}"
    if not math.isnan(decision.winner_changes) and decision.winner_changes >= 0.005:
        often = f"{100 * decision.winner_changes:.0f} of 100 runs"
        text += f" With other seeds another model has the {content.unit.best} mean in {often}."
    return text + _barred(content)


LISTED = 4
"""Most models that a sentence lists whole; beyond, the ones that a reader could take for better."""


def of_whom(content: Content) -> str:
    """Return what limits the word "best": nothing where no model that is left out has a higher mean."""
    decision, pick = content.decision, content.row(content.decision.pick)
    if pick is None or math.isnan(decision.price):
        return ""
    # Rounding alone must not put the best above itself.
    best = pick.scores.mean + decision.price + 1e-12
    beyond = [row for row in content.rows if row.scores.name in decision.excluded and row.scores.mean > best]
    return OF_THE_REST if beyond else ""


def left_out(content: Content) -> list[tuple[str, str]]:
    """Return the models that could not be picked, as far as a reader has to know of them, and why.

    Not those of which "no model beats the floor" says it already; and of many that miss the floor the ones above the
    pick only, for the rest would not have been picked anyway.
    """
    decision, pick = content.decision, content.row(content.decision.pick)
    if pick is None:
        said = unbeaten([content.task.floor])
        return [(name, why) for name, why in decision.excluded.items() if why != said]
    if len(decision.excluded) <= LISTED:
        return list(decision.excluded.items())
    below = {row.scores.name for row in content.rows if row.scores.mean <= pick.scores.mean}
    return [(name, why) for name, why in decision.excluded.items() if name not in below or not misses_floor(why)]


def _barred(content: Content) -> str:
    found = left_out(content)
    return f" Left out: {'; '.join(f'{name} ({why})' for name, why in found)}." if found else ""


def not_whole(content: Content) -> dict[str, list[str]]:
    """Return the models with rows that are missing or failed, by the reason that they share."""
    found: dict[str, list[str]] = {}
    for row in content.rows:
        if row.scores.reason:
            found.setdefault(row.scores.reason, []).append(row.scores.name)
    return found


def undecided_briefly(content: Content) -> list[str]:
    """Return the lines of `undecided` for a terminal: of many, those of models that a reader could take for better."""
    lines = undecided(content)
    open_ones = [row for row in content.rows if row.against.verdict == "cannot tell"]
    ahead = {row.scores.name for row in open_ones if row.against.difference > 0}
    kept = [line for line in lines if len(lines) <= LISTED or line.partition(":")[0] in ahead]
    if more := len(lines) - len(kept):
        kept.append(f"Nor can the data tell of {more} more with lower means; the report has them.")
    return kept


def undecided(content: Content) -> list[str]:
    """Return a line for every verdict "cannot tell": what these splits can find, and what would find the margin."""
    unit = content.unit
    return [
        f"{row.scores.name}: the data cannot tell whether its difference of {unit.change(row.against.difference)} "
        f"{unit.name} ({unit.changes(row.against.low, row.against.high)}) lies within the margin; "
        f"{what_is_needed(row.against.detectable, row.against.folds_needed, content.margin, unit)}."
        for row in content.rows
        if row.against.verdict == "cannot tell" and not math.isnan(row.against.detectable)
    ]


def protocol(content: Content) -> str:
    """Return what was measured, in one sentence."""
    about, inputs = content.facts["about"], content.facts["inputs"]
    seeds = count(about["budget"]["seeds"], "seed")
    if content.task.protocol == "published":
        how = f"the published train and test parts, {seeds}"
    elif content.task.protocol == "curve":
        how = f"{count(about['repeats'], 'size')} of the training part x {count(inputs['folds'], 'draw')}"
    else:
        how = " x ".join((count(inputs["folds"], "fold"), count(about["repeats"], "repeat"), seeds))
    if content.task.protocol == "rolling":
        how = f"{count(inputs['folds'], 'window')} x {seeds}"
    if content.task.prediction == "ranking":
        how = how_split(about, inputs["folds"])
    name = content.unit.label if content.task.prediction == "ranking" else content.task.metrics[0]
    return (
        f"{name}{' in points' * content.unit.in_points}; {content.data}, "
        f"{size_of(about)}; {how}; the margin is {_margin(content)}"
    )


def size_of(about: Mapping[str, Any]) -> str:
    """Return how large a data set is, and what is forecast of it, from what a table's provenance says.

    Examples
    --------
    >>> size_of({"rows": 3, "classes": 2}), size_of({"rows": 3, "classes": 0})
    ('3 rows, 2 classes', '3 rows')
    >>> size_of({"rows": 99, "classes": 0, "panel": {"series": 3, "horizon": 6, "season": 12, "freq": "MS"}})
    '3 series with 99 steps (MS), 6 of each to forecast, season 12'
    """
    if "ranking" in about:
        return size_of_log(about)
    if panel := about.get("panel"):
        steps = count(about["rows"], "step") + (f" ({panel['freq']})" if panel["freq"] else "")
        return (
            f"{panel['series']} series with {steps}, {panel['horizon']} of each to forecast, season {panel['season']}"
        )
    number = about["classes"]
    classes = f", {number} {'class' if number == 1 else 'classes'}" if number else ""
    return f"{count(about['rows'], 'row')}{classes}"


def _margin(content: Content) -> str:
    if content.unit.in_points:
        return count(100 * content.margin, "point")
    size = content.unit.margin(content.margin)
    share = f"{100 * content.task.margin:g} % of the mean of {content.task.reference}"
    return f"{size}, {share}" if content.task.margin_relative else size


def count(number: float, noun: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> count(1, "cell"), count(0.5, "point")
    ('1 cell', '0.5 points')
    """
    return f"{number if isinstance(number, int) else format(number, 'g')} {noun}{'' if number == 1 else 's'}"


def check_line(check: Check, unit: Unit) -> str:
    """Return a published figure beside the measured one, as one line."""
    one = check.expected
    word = "met" if check.met else "MISSED"
    what = ""
    if one.metric:
        unit = unit_of(one.metric, one.score)
        what = f"{unit.label} "
    return (
        f"{word}: {one.model} {what}{unit.plain(check.measured)}, expected {unit.plain(one.score)} "
        f"(tolerance {unit.margin(one.tolerance)}): {one.source}"
    )
