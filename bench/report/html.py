"""The report as one HTML file that needs nothing else: no script, no font, no request.

Everything that comes from data or results passes through a template that escapes it; only the drawings do not, whose
texts were escaped when they were drawn.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report import forecasts, rankings, searches
from bench.report.captions import with_captions
from bench.report.columns import confidence_about, split_title
from bench.report.content import Content, Row
from bench.report.figures.cells import scores_picture
from bench.report.figures.confidence import NO_ITEMS, reliability_picture, risk_picture
from bench.report.figures.confusion import confusion_pictures
from bench.report.figures.curve import curve_picture
from bench.report.figures.forecasts import forecast_pictures
from bench.report.figures.lists import list_pictures
from bench.report.figures.pareto import pareto_picture
from bench.report.figures.picture import Picture
from bench.report.figures.search import search_picture
from bench.report.figures.width import width_picture
from bench.report.intervals import NOT_MEASURED, interval_about, interval_sentence, tolerance_sentence
from bench.report.notes import table_notes
from bench.report.shown_lists import ShownUser
from bench.report.stages import stage_lines
from bench.report.tables import (
    card,
    changes_table,
    confidence_table,
    costs_table,
    forecast_tables,
    intervals_table,
    models_table,
    of_picture,
    others_table,
    part_tables,
    plans_table,
    scores_table,
    split_table,
    tuning_tables,
)
from bench.report.wording import (
    FIRST_LOOK,
    check_line,
    churn_about,
    deferral_sentence,
    left_out,
    not_whole,
    of_whom,
    protocol,
    undecided,
)

SECTIONS = (
    ("decision", "Recommendation"),
    ("scores", "Models"),
    ("findings", "Findings"),
    ("growth", "Learning curve"),
    ("tuning", searches.TITLE),
    ("deferral", "Deferral"),
    ("intervals", "Intervals"),
    ("forecasts", "Forecasts"),
    ("lists", "Lists"),
    ("protocol", "Protocol"),
    ("stability", "Stability"),
    ("cost", "Cost"),
    ("mistakes", "Mistakes"),
    ("published", "Published figures"),
    ("data", "Data"),
    ("provenance", "Provenance"),
)

START = 280
"""Characters of an example that are shown at once."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """An item that a model gets wrong, or a value that it misses by much."""

    model: str
    true: str
    """Label of its class, or the value."""
    predicted: str
    confidence: float
    """Probability of the predicted class; NaN where it is not known, and for values."""
    text: str


def report_html(
    content: Content, examples: Sequence[Example], labels: Sequence[str] = (), users: Sequence[ShownUser] = ()
) -> str:
    """Return the report as a page; the same content gives the same bytes.

    Parameters
    ----------
    content : Content
    examples : sequence of Example
        Mistakes to show, in this order; none where the data are not at hand.
    labels : sequence of str
        Names of the classes in the order of their codes; a class without one is shown by its number.
    users : sequence of ShownUser
        Whose lists are shown, with titles; none where these are not at hand.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.report", ""), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    view = with_captions(_view(content, examples, labels), content)
    return environment.get_template("page.html.jinja").render({**view, "users": users})


def _view(content: Content, examples: Sequence[Example], labels: Sequence[str]) -> dict[str, Any]:
    about, pictures = content.facts.get("about", {}), _pictures(content, labels)
    return {
        "title": f"{content.task.name}: {content.data}",
        "budget": content.budget,
        "protocol": protocol(content),
        "sections": _sections(content),
        "of_classes": _of_classes(content),
        "of_forecasts": _of_forecasts(content),
        "of_lists": _of_lists(content),
        "part": content.part,
        "decision": _decision(content),
        "scores": scores_table(content),
        "notes": " ".join(table_notes(content)),
        "split": split_table(content),
        "split_title": split_title(content),
        "others": others_table(content),
        "confidence": confidence_table(content),
        "confidence_about": confidence_about(content).replace("`", ""),
        "pictures": {one.name: one for one in pictures},
        "values": {one.name: of_picture(one) for one in pictures},
        "reach": content.unit.reach_word("this"),
        "stability_unit": f"Scores and their spread in {content.unit.name}",
        "churn_about": churn_about(content),
        "undecided": undecided(content),
        "stages": stage_lines(content),
        "partial": [(names, reason) for reason, names in not_whole(content).items()],
        "findings": content.findings,
        "plans": plans_table(content),
        "plan_sentences": _plan_sentences(content),
        "no_items": NO_ITEMS,
        "intervals": intervals_table(content),
        "intervals_about": interval_about(content).replace("`", ""),
        "interval_sentences": _interval_sentences(content),
        "not_measured": NOT_MEASURED,
        "forecast_sentences": forecasts.sentences(content),
        "forecast_parts": forecast_tables(content),
        "no_forecasts": forecasts.not_measured(content),
        "rankings": [(one, part_tables(one.parts, content)) for one in rankings.sections(content)],
        "cards": [card(row, content.unit, content.part) for row in content.rows],
        "changes": changes_table(content),
        "changes_about": _changes_about(content),
        "tuned": (tuning_tables(content), searches.about(content), searches.overrides(content)),
        "costs": costs_table(content),
        "costs_about": _costs_about(content),
        "examples": [_example(one) for one in examples],
        "checks": [(one.met, check_line(one, content.unit)) for one in content.checks],
        "data_facts": _data_facts(content, about),
        "data_notes": about.get("data_notes", ()),
        "provenance": _provenance(content),
        "models": models_table(content),
        "facts": json.dumps(content.facts, indent=2, sort_keys=True, ensure_ascii=False, default=str),
    }


def _of_classes(content: Content) -> bool:
    return content.task.prediction == "probability"


def _of_forecasts(content: Content) -> bool:
    return content.task.prediction == "quantiles"


def _of_lists(content: Content) -> bool:
    return content.task.prediction == "ranking"


def _sections(content: Content) -> tuple[tuple[str, str], ...]:
    """Return the sections of the page: of values there is no confidence, so none about it."""
    known = [section for section in SECTIONS if section[0] != "tuning" or searches.tuned_rows(content)]
    # Growing parts of a panel would mix past and future, and whose interactions would grow?
    absent = {
        "probability": ("intervals", "forecasts", "lists", "protocol"),
        "quantiles": ("deferral", "growth", "intervals", "mistakes", "lists", "protocol"),
        "ranking": ("deferral", "growth", "intervals", "mistakes", "forecasts"),
    }.get(content.task.prediction, ("deferral", "forecasts", "lists", "protocol"))
    renamed = {} if _of_classes(content) else {"mistakes": "Largest errors"}
    return tuple((name, renamed.get(name, text)) for name, text in known if name not in absent)


@dataclass(frozen=True, kw_only=True)
class _Decision:
    """The recommendation in parts, for the head of the page."""

    pick: str
    verb: str
    headline: str
    because: tuple[str, ...]
    tiles: tuple[tuple[str, str, str], ...]
    """Name, value and what it means."""
    changes: tuple[str, ...]
    """Sentences on what would change the answer."""


def _decision(content: Content) -> _Decision:
    decision = content.decision
    single = math.isnan(decision.confidence)
    price = "?" if math.isnan(decision.price) else content.unit.amount(max(0.0, decision.price))
    runner_up = content.row(decision.runner_up)
    tiles = (
        ("Confidence", "?" if single else f"{decision.confidence:.2f}", _why_confidence(content)),
        (
            "Price",
            price,
            f"of score against the best mean{of_whom(content)}, " + ("on this split" if single else "expected"),
        ),
        (
            "Runner-up",
            decision.runner_up or "?",
            "no other model is a contender"
            if runner_up is None
            else f"mean {content.unit.score(runner_up.scores.mean)}",
        ),
    )
    return _Decision(
        pick=decision.pick,
        verb=_verb(content),
        headline=_headline(content),
        because=tuple(text[:1].upper() + text[1:] if decision.pick else text for text in decision.because),
        tiles=tiles if decision.pick else (),
        changes=tuple(_changes(content)),
    )


def _headline(content: Content) -> str:
    if content.task.protocol == "curve":
        return "A learning curve"
    return f"{_verb(content)} {content.decision.pick}" if content.decision.pick else "Nothing to ship"


def _verb(content: Content) -> str:
    return "Ship" if content.decision.settled else "Keep for now:"


def _why_confidence(content: Content) -> str:
    if math.isnan(content.decision.confidence):
        return "one split alone cannot tell"
    return f"probability of lying within {content.unit.margin(content.margin)} of the best{of_whom(content)}"


def _changes(content: Content) -> list[str]:
    decision = content.decision
    said = [FIRST_LOOK] if content.budget == "toy" else []
    if decision.runner_up:
        said.append(f"Prefer {decision.runner_up} if {decision.would_change_if}.")
    elif decision.pick and decision.would_change_if:
        said.append(f"The answer would change if {decision.would_change_if}.")
    if decision.also:
        said.append(decision.also)
    if decision.winner_changes >= 0.005:
        share = f"{100 * decision.winner_changes:.0f} of 100 runs"
        said.append(f"With other seeds another model has the {content.unit.best} mean in {share}.")
    said.extend(f"Left out: {name} ({why})." for name, why in left_out(content))
    return said


def _pictures(content: Content, labels: Sequence[str]) -> list[Picture]:
    every = [scores_picture(content), pareto_picture(content)]
    every += [] if _of_forecasts(content) or _of_lists(content) else [curve_picture(content)]
    every += [search_picture(content)] if searches.tuned_rows(content) else []
    if _of_forecasts(content):
        return [*every, *forecast_pictures(content)]
    if _of_lists(content):
        return [*every, *list_pictures(content)]
    if not _of_classes(content):
        return [*every, width_picture(content)]
    return [*every, risk_picture(content), reliability_picture(content), *confusion_pictures(content, labels)]


def _plan_sentences(content: Content) -> list[str]:
    return [sentence for row in _contenders(content) if (sentence := deferral_sentence(row, content.settings))]


def _interval_sentences(content: Content) -> list[str]:
    told = [tell(row, content) for row in _contenders(content) for tell in (interval_sentence, tolerance_sentence)]
    return [sentence for sentence in told if sentence]


def _contenders(content: Content) -> list[Row]:
    names = (content.decision.pick, content.decision.runner_up)
    return [row for name in names if (row := content.row(name)) is not None]


def _changes_about(content: Content) -> str:
    items = next((row.robustness.items for row in content.rows if row.robustness is not None), 0)
    if _of_lists(content):
        return rankings.probed_about(content, items)
    change = "change of a probability"
    if content.task.prediction != "probability":
        change = "change of a prediction, in the same shares,"
    return (
        f"The {content.task.metrics[0]} of {items} test items before and after each change. The last two columns hold "
        f"the largest {change} when the rows come in reverse and when they come one by one; both should be 0."
    )


def _costs_about(content: Content) -> str:
    return (
        f"Measured alone on machine class {content.machine}, after warm-up. The price is that of the machine's time at "
        f"{content.settings.hourly_price:g} an hour.{f' {rankings.OF_A_USER}' if _of_lists(content) else ''}"
    )


def _example(one: Example) -> dict[str, str]:
    text = one.text.strip()
    whole = len(text) <= START
    return {
        "model": one.model,
        "true": one.true,
        "predicted": one.predicted,
        "confidence": "?" if math.isnan(one.confidence) else f"{one.confidence:.2f}",
        "start": text if whole else text[:START],
        "rest": "" if whole else text,
    }


def _data_facts(content: Content, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("Name", content.data),
        *(rankings.data_facts(about) if _of_lists(content) else [("Rows", str(about.get("rows", "?")))]),
        *([("Classes", str(about.get("classes", "?")))] if _of_classes(content) else []),
        ("Licence", str(about.get("data_licence") or "?")),
        ("Source", str(about.get("data_citation") or "?")),
    ]
    if content.left_out:
        facts.append(("Left out", f"{', '.join(content.left_out)}: made from other data, splits or versions"))
    return facts


def _provenance(content: Content) -> list[tuple[str, str]]:
    about, inputs = content.facts.get("about", {}), content.facts.get("inputs", {})
    return [
        ("Machine class of the costs", content.machine or "?"),
        ("Budget", _named(about.get("budget", {}))),
        ("Data fingerprint", str(inputs.get("data_fingerprint") or "?")),
        ("Splits", str(inputs.get("splits") or "?")),
        ("Seed", str(inputs.get("root_seed", "?"))),
        ("Task version", str(inputs.get("task_version", "?"))),
        ("Parameters of the reference", _named(inputs.get("params", {}))),
        ("Libraries of the reference", _named(inputs.get("libraries", {}))),
        ("Key of the reference's table", str(content.facts.get("key") or "?")),
        ("Its hash", str(content.facts.get("table_sha256") or "?")),
    ]


def _named(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items())) or "?"
