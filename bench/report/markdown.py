"""Markdown beside the tables, for pull requests."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.metrics import metric
from bench.report import forecasts, rankings, searches
from bench.report.captions import with_headings
from bench.report.columns import (
    HEADERS,
    card_cells,
    card_headers,
    cells_of,
    confidence_about,
    confidence_cells,
    confidence_headers,
    cost_cells,
    cost_headers,
    other_cells,
    other_metrics,
    place,
    split_about,
    split_headers,
    split_rows,
    split_title,
)
from bench.report.content import Content, Curve, Row
from bench.report.curve import crossing_sentence
from bench.report.intervals import (
    interval_about,
    interval_cells,
    interval_headers,
    interval_sentence,
    tolerance_sentence,
    with_intervals,
)
from bench.report.notes import table_notes
from bench.report.over_datasets import RELATIVE_HEADERS, ranked, relative_by_frequency, relative_to_reference
from bench.report.pretraining import PRETRAINED_HEADERS, pretrained_about, pretrained_rows
from bench.report.stages import stage_lines
from bench.report.wording import (
    check_line,
    churn_about,
    count,
    deferral_sentence,
    moved,
    not_whole,
    protocol,
    recommendation,
    undecided,
)
from bench.stats.curve import CurvePoint
from bench.stats.unit import Unit


def report_markdown(content: Content) -> str:
    """Return the report of one task, data set and budget."""
    about = content.facts["about"]
    parts = [
        f"# {content.task.name}: {content.data}, budget {content.budget}",
        recommendation(content),
        f"Measured: {protocol(content)}. Data licence: {_escape(about['data_licence'])}.{_source(about)}",
        _table(HEADERS, [cells_of(row, content) for row in content.rows]),
        _explain(content),
        *(_escape(note) for note in [" ".join(table_notes(content))] if note),
        *_models(content),
        *_confidence(content),
        *_intervals(content),
        *_forecasts(content),
        *_rankings(content),
        *_changes(content),
    ]
    if content.curve is not None:
        parts += ["## Learning curve", crossing_sentence(content.curve), _curve(content.curve)]
    parts += [*_tuning(content), "## Cost", _costs(content)]
    for heading, lines in _lists(content).items():
        if lines:
            parts += [f"## {heading}", "\n".join(f"- {line}" for line in lines)]
    if content.left_out:
        parts += [f"Left out, damaged or made from other data, splits or versions: {', '.join(content.left_out)}."]
    return "\n\n".join(with_headings(parts, content)) + "\n"


def _models(content: Content) -> list[str]:
    """Return what is said of each model: against the reference on one split, how stable it is, what it has seen."""
    parts = []
    if split := split_rows(content):
        parts += [f"## {split_title(content)}", split_about(content), _table(split_headers(content), split)]
    about = (
        f"{_stability_unit(content)}, with 95 % intervals; grades in units of the margin, the weakest counts."
        f"{churn_about(content)}"
    )
    cards = [card_cells(row, content.unit) for row in content.rows if row.scores.cells.size]
    parts += ["## Stability", about, _table(card_headers(content), cards)]
    if seen := pretrained_rows(content):
        parts += ["## Pretraining", pretrained_about(content), _table(PRETRAINED_HEADERS, seen)]
    return parts


def _confidence(content: Content) -> list[str]:
    parts = []
    if sentence := _deferral(content):
        parts += ["## What to hand to a human", sentence]
    if len(headers := confidence_headers(content)) > 1:
        rows = [confidence_cells(row, content) for row in content.rows if row.scores.cells.size]
        parts += ["## Confidence", confidence_about(content), _table(headers, rows)]
    return parts


def _intervals(content: Content) -> list[str]:
    """Return what intervals of values hold, and what to hand over by their width."""
    if not with_intervals(content):
        return []
    names = (content.decision.pick, content.decision.runner_up)
    rows = [row for name in names if (row := content.row(name)) is not None]
    said = [text for row in rows for tell in (interval_sentence, tolerance_sentence) if (text := tell(row, content))]
    cells = [interval_cells(row, content) for row in content.rows if row.scores.cells.size]
    table = _table(interval_headers(content), cells)
    return ["## Intervals", "\n".join(f"- {text}" for text in said), interval_about(content), table]


def _forecasts(content: Content) -> list[str]:
    """Return what forecasts say beside their scores."""
    before = " ".join(forecasts.sentences(content))
    said = [before] if before else []
    for part in forecasts.parts(content):
        said += [f"## {part.title}", part.about, _table(part.headers, part.rows)]
    return said


def _rankings(content: Content) -> list[str]:
    """Return what lists say beside their scores, and what hangs on the protocol."""
    said = []
    for one in rankings.sections(content):
        said += [f"## {one.title}", "\n".join(f"- {sentence}" for sentence in one.sentences)]
        for part in one.parts:
            said += [f"### {part.title}", part.about, _table(part.headers, part.rows)]
    return said


def _changes(content: Content) -> list[str]:
    """Return what other metrics and changed inputs show."""
    parts = []
    if others := [row for row in content.rows if row.others]:
        names = other_metrics(content)
        headers = ("model", *(metric(name).heading for name in names), "P(best)", "on the front")
        parts += ["## Other metrics, and the front", _table(headers, [_others(row, content) for row in others])]
    if probed := [row for row in content.rows if row.robustness is not None]:
        parts += ["## Small changes of the inputs", *_robustness(probed, content)]
    return parts


def _tuning(content: Content) -> list[str]:
    """Return what searches of parameters bought, and what they found."""
    if not (made := searches.tables(content)):
        return []
    parts = [part for caption, headers, rows in made for part in (f"{caption}:", _table(headers, rows))]
    lines = [f"- {name}: {what}{f': `{given}`' if given else '.'}" for name, what, given in searches.overrides(content)]
    return [f"## {searches.TITLE}", searches.about(content), *parts, "\n".join(lines)]


def _lists(content: Content) -> dict[str, list[str]]:
    """Return the lines of each section that is a list."""
    return {
        "What each share of the time bought": stage_lines(content),
        "What the data cannot tell": undecided(content),
        "Published figures": [_escape(check_line(check, content.unit)) for check in content.checks],
        "The data": [_escape(note) for note in content.facts["about"]["data_notes"]],
        "Findings": [f"`{one.code}`: {_escape(one.text)}" for one in content.findings],
        "Rows that are not whole": [
            f"{', '.join(f'`{name}`' for name in names)}: {_escape(reason)}"
            for reason, names in not_whole(content).items()
        ],
    }


def overview_markdown(decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return ``results/README.md``: a line for every (folder, decision)."""
    mixed = any("unit" in one for _, one in decisions)
    rows = [
        (f"[{folder}]({folder}/report.md){_protocol(one)}", _recommended(folder, one), _best(one), _price(one, mixed))
        for folder, one in decisions
    ]
    table = _table(("task / data / budget", "recommended", "best mean", f"price{'' if mixed else ' in points'}"), rows)
    about = "Generated by `python -m bench`; one folder a task, data set and budget."
    parts = ["# Results", about, table, "## Over data sets", "\n".join(f"- {line}" for line in ranked(decisions))]
    for name, caption, relative in relative_to_reference(decisions):
        parts += [f"### {name}, relative to the reference", caption, _table(RELATIVE_HEADERS, relative)]
    for name, caption, headers, by_frequency in relative_by_frequency(decisions):
        parts += [f"### {name}, by frequency", caption, _table(headers, by_frequency)]
    return "\n\n".join(parts) + "\n"


def _protocol(decision: Mapping[str, Any]) -> str:
    return f", protocol {decision['protocol']}" if "protocol" in decision else ""


def _recommended(folder: str, decision: Mapping[str, Any]) -> str:
    if folder.partition("/")[0].endswith("_curve"):
        return "(learning curve)"
    pick = str(decision["pick"] or "nothing")
    # Where the data support nothing better, and not because it is the best.
    return pick if decision.get("settled", True) else f"{pick}, for now"


def _best(decision: Mapping[str, Any]) -> str:
    best = str(decision["best"] or "none")
    # The price beside it is measured against the best of the others.
    return f"{best} (left out)" if decision["pick"] and best in decision.get("excluded", {}) else best


def _price(decision: Mapping[str, Any], mixed: bool) -> str:
    """Return the price of one decision, with its unit where units differ."""
    price = decision["price"]
    if price is None:
        return "?"
    unit = Unit(**decision["unit"]) if "unit" in decision else Unit()
    return unit.amount(price) if mixed else unit.size(price)


def _source(about: Mapping[str, Any]) -> str:
    return f" Source: {_escape(about['data_citation'])}." if about["data_citation"] else ""


def _others(row: Row, content: Content) -> tuple[str, ...]:
    """Return the other metrics, and the place on the Pareto front."""
    return (row.label, *other_cells(row, content), *place(row))


def _stability_unit(content: Content) -> str:
    return "In points of the metric" if content.unit.in_points else f"Scores and their spread in {content.unit.label}"


def _deferral(content: Content) -> str:
    names = (content.decision.pick, content.decision.runner_up)
    rows = [row for name in names if (row := content.row(name)) is not None]
    return "\n".join(f"- {sentence}" for row in rows if (sentence := deferral_sentence(row, content.settings)))


def _robustness(rows: Sequence[Row], content: Content) -> tuple[str, str]:
    kinds = list(dict.fromkeys(kind for row in rows if row.robustness for kind in row.robustness.perturbed))
    lines = []
    for row in rows:
        found = row.robustness
        if found is None:
            continue
        changed = [found.perturbed.get(kind, (math.nan, math.nan)) for kind in kinds]
        cells = [f"{content.unit.plain(score)}, {moved(flips, content)}" for score, flips in changed]
        clean = content.unit.plain(found.clean)
        lines.append((row.scores.name, clean, *cells, f"{found.order:.3f}", f"{found.batch:.3f}"))
    items = rows[0].robustness.items if rows[0].robustness else 0
    headers = ("model", "clean", *kinds, f"{content.asked} reversed", "one by one")
    about = (
        f"{content.task.metrics[0]} of {items} test items before and after each change, and the share whose prediction "
        "flips; the last two columns hold the largest change of a probability, which should be 0."
    )
    if content.task.prediction != "probability":
        about = (
            f"{content.task.metrics[0]} of {items} test items before and after each change, and the mean absolute "
            "change of a prediction; the last two columns hold its largest change, which should be 0. Changes are "
            "shares of the interquartile range of the targets."
        )
    if content.task.prediction == "quantiles":
        about = (
            f"{content.task.metrics[0]} of {items} series that are asked about together, and the largest change of a "
            "forecast, on the scale of its series, when they come in reverse or one by one: it should be 0."
        )
    if content.task.prediction == "ranking":
        about = rankings.probed_about(content, items)
    return about, _table(headers, lines)


def _curve(curve: Curve) -> str:
    models = list(dict.fromkeys(point.model for point in curve.points))
    sizes = list(dict.fromkeys(point.rows for point in curve.points))
    known = {(point.model, point.rows): point for point in curve.points}
    rows = [(model, *(_point(known.get((model, size)), curve.unit) for size in sizes)) for model in models]
    return _table(("training rows", *(f"{size:.0f}" for size in sizes)), rows)


def _point(point: CurvePoint | None, unit: Unit) -> str:
    return "?" if point is None else f"{unit.score(point.mean)} ({unit.scores(point.low, point.high)})"


def _costs(content: Content) -> str:
    if not content.machine:
        return "Not measured."
    rows = [cost_cells(row, content.settings.hourly_price) for row in content.rows if row.scores.cells.size]
    about = (
        f"Machine class `{content.machine}`, rounded to 1-2-5 steps; measured alone, after warm-up, but where p50 is a "
        "question mark: such seconds are those of the scoring cells. The price is that "
        f"of the machine's time at {content.settings.hourly_price:g} an hour."
    )
    if content.task.prediction == "ranking":
        about = f"{about} {rankings.OF_A_USER}"
    return f"{about}\n\n{_table(cost_headers(content), rows)}"


def _explain(content: Content) -> str:
    tried = sum(row.scores.fitted for row in content.rows)
    fitted = f"{count(tried, 'cell')} of {count(len(content.rows), 'model')} {'was' if tried == 1 else 'were'}"
    how = "corrected resampled t over folds (Nadeau & Bengio 2003)"
    if content.single_split:
        how = f"bootstrap over {'groups' if content.grouped else 'items'}, t over seeds"
    if content.task.prediction == "ranking":
        how = rankings.how_compared(content, how)
    elif any(row.scores.facts.sample for row in content.rows):
        how = "bootstrap over series, each with all its windows; t over seeds"
    elif any(row.scores.facts.block for row in content.rows):
        how = "t over windows, in moving blocks"
    return (
        f"Best cell: the luckiest of its {content.part}s and seeds ({fitted} fitted). "
        f"Dependable: nine training runs in ten {content.unit.reach_word('this')}. Intervals and verdicts, 95 %: {how}."
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *[[_escape(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Return text from data so that Markdown shows it and does not obey it."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(sign, entity)
    return text
