"""Facts about the HTML report, the last ones seen by a browser."""

import html
import json
import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from bench.report.figures.confusion import confusion_pictures
from bench.report.html import SECTIONS, Example, report_html
from bench.report.units import unit_of
from bench.stats.estimate import Estimate
from tests.browser import browser, find_browser
from tests.pages import EXAMPLES, HOSTILE, LABELS, page

VOID = {"meta", "link", "path", "use", "rect", "br", "img", "input", "hr"}


class Outline(HTMLParser):
    """The elements of a page: start tags in order, and whether all were closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.stack = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.stack)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.stack)))

    def handle_endtag(self, tag):
        assert tag in VOID or self.stack.pop() == tag

    def named(self, *names):
        return [(tag, attributes) for tag, attributes, _ in self.tags if tag in names]


@pytest.fixture(scope="module")
def whole():
    return report_html(page(), EXAMPLES, LABELS)


def without(content, **changes):
    return replace(content, rows=tuple(replace(row, **changes) for row in content.rows))


def without_cells(content):
    """Every cell failed, the floor's too."""
    rows = []
    for row in content.rows:
        nothing = Estimate.not_measured("no cells")
        scores = replace(
            row.scores, cells=np.empty((0, 0)), folds=(), digests=(), dependable=nothing, failed=15, cost=math.nan,
            fit_seconds=math.nan, reason="RuntimeError: out of luck",
        )  # fmt: skip
        estimates = {name: nothing for name, one in vars(row.stability).items() if isinstance(one, Estimate)}
        card = replace(row.stability, **estimates, grades=dict.fromkeys(row.stability.grades, "?"), grade="?")
        rows.append(replace(row, scores=scores, mean=replace(row.mean, mean=math.nan, scale=math.nan), stability=card))
    rows = [replace(row, items=None, cost=None, robustness=None, deferral=None, standing=None) for row in rows]
    return replace(content, rows=tuple(replace(row, others={}) for row in rows))


def no_pick(content):
    because = ("The reference or the floor has no scores.",)
    decision = replace(
        content.decision, pick="", runner_up="", because=because, confidence=math.nan, price=math.nan, also="",
        winner_changes=math.nan,
    )  # fmt: skip
    return replace(content, decision=decision)


def errors_decide(content):
    task = replace(content.task, metrics=("log_loss", "accuracy"))
    return replace(content, task=task, unit=unit_of("log_loss", math.nan))


def curve_alone(content):
    content = no_pick(content)
    because = ("A learning curve recommends nothing by itself.",)
    task = replace(content.task, protocol="curve")
    return replace(content, task=task, decision=replace(content.decision, because=because))


def no_single_predictions(content):
    return without(content, items=None, deferral=None)


VARIANTS = {
    "items": (no_single_predictions, ("the predictions of these models are not kept here",)),
    "cost": (lambda one: replace(without(one, cost=None), machine=""), ("costs were not measured",)),
    "curve": (lambda one: replace(one, curve=None), ("curve=true measures it",)),
    "robustness": (lambda one: without(one, robustness=None), ("no model was probed",)),
    "standing": (lambda one: without(one, standing=None), ()),
    "pick": (no_pick, ("Nothing to ship", "The reference or the floor has no scores.")),
    "runner-up": (lambda one: replace(one, decision=replace(one.decision, runner_up="")), ("no other model",)),
    "scores": (lambda one: no_pick(without_cells(one)), ("no model has a score", "out of luck", "no cells")),
    "checks": (lambda one: replace(one, checks=(), findings=(), left_out=()), ("No finding", "No published figure")),
    "one model": (lambda one: no_pick(replace(one, rows=one.rows[3:4])), ("Nothing to ship",)),
    "other metrics": (lambda one: without(one, others={}), ()),
    "protocol": (curve_alone, ("A learning curve</h2>", "recommends nothing by itself")),
    "errors": (errors_decide, ("log loss, smaller is better",)),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_missing_is_said(name):
    change, words = VARIANTS[name]
    text = report_html(change(page()), ())
    Outline(text)
    for word in words:
        assert word in text
    tuned = any(row.tuning is not None for row in change(page()).rows)
    for name, _ in SECTIONS:
        assert (f'<section id="{name}"' in text) == (
            name not in ("intervals", "forecasts", "lists", "protocol") and (name != "tuning" or tuned)
        )


@pytest.mark.parametrize(("folds", "seeds"), [(1, 3), (5, 1), (1, 1), (2, 2)])
def test_few_folds_and_seeds_still_make_a_page(folds, seeds):
    content = page(folds, seeds)
    content = replace(content, decision=replace(content.decision, confidence=math.nan))
    text = report_html(content, EXAMPLES)
    Outline(text)
    assert '<span class="unknown">?</span>' in text
    assert "nan" not in re.sub(r"<[^>]+>", "", text).lower().split()


def test_a_failed_cell_is_drawn_at_the_edge():
    content = page()
    row = content.rows[1]
    cells = row.scores.cells.copy()
    cells[0, 0] = 0.511
    changed = replace(row, scores=replace(row.scores, cells=cells, failed=1, reason="timeout"))
    text = report_html(replace(content, rows=(content.rows[0], changed, *content.rows[2:])), ())
    assert "1 of 15 failed" in text
    assert "timeout" in text


def test_the_same_content_gives_the_same_bytes(whole):
    assert report_html(page(), EXAMPLES, LABELS) == whole


def test_markup_in_labels_texts_and_names_is_text(whole):
    assert HOSTILE not in whole
    assert html.escape(HOSTILE) in whole
    names = {"reason": HOSTILE, "name": f'"><img src=x onerror=alert(1)>{HOSTILE}'}
    content = page()
    row = content.rows[0]
    hostile = replace(row, scores=replace(row.scores, **names), about={"summary": HOSTILE, "licence": HOSTILE})
    content = replace(content, rows=(hostile, *content.rows[1:]), data=HOSTILE, machine=HOSTILE, budget=HOSTILE)
    content = replace(content, facts={**content.facts, "key": HOSTILE}, left_out=(HOSTILE,))
    outline = Outline(report_html(content, [Example(**dict.fromkeys(("model", "true", "predicted", "text"), HOSTILE),
                                                    confidence=0.5)]))  # fmt: skip
    assert outline.named("script", "img") == []


def test_nothing_is_fetched_and_nothing_runs(whole):
    outline = Outline(whole)
    (policy,) = [one for _, one in outline.named("meta") if "http-equiv" in one]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert outline.named("script", "img", "iframe", "object", "form") == []
    links = [one.get(name, "#") for _, one, _ in outline.tags for name in ("href", "src", "xlink:href")]
    assert {link[:1] for link in links} - {"#"} == {"d"}
    assert [link for link in links if link.startswith("d")] == ["data:,"]
    assert [name for _, one, _ in outline.tags for name in one if name.startswith("on")] == []
    assert "@import" not in whole
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", whole))


def test_every_figure_has_words_a_caption_and_a_table(whole):
    figures = re.findall(r"<figure.*?</figure>", whole, re.DOTALL)
    assert len(figures) == 8
    for figure in figures:
        assert re.search(r'role="img" aria-label="[^"]{30,}"', figure)
        assert "<figcaption><strong>" in figure
        assert re.search(r"<details>.*<table>.*<td", figure, re.DOTALL)
        assert "<svg" in figure


def test_headings_come_in_order_and_ids_are_unique(whole):
    outline = Outline(whole)
    levels = [int(tag[1]) for tag, _ in outline.named("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [one["id"] for _, one, _ in outline.tags if "id" in one]
    assert len(ids) == len(set(ids))
    targets = {one["href"][1:] for _, one in outline.named("a")}
    referred = {one["aria-labelledby"] for _, one, _ in outline.tags if "aria-labelledby" in one}
    assert (targets | referred) - set(ids) == set()


def test_landmarks_and_language_are_named(whole):
    outline = Outline(whole)
    assert outline.named("html") == [("html", {"lang": "en"})]
    assert [tag for tag, _ in outline.named("header", "nav", "main", "footer")] == ["header", "nav", "main", "footer"]


def test_drawings_take_their_colours_from_the_page(whole):
    drawings = re.findall(r"<svg.*?</svg>", whole, re.DOTALL)
    assert len(drawings) == 8
    colours = {colour for drawing in drawings for colour in re.findall(r"(?:fill|stroke): ([^;\"]+)", drawing)}
    assert {one for one in colours if one.startswith("#")} == set()
    assert "var(--ink)" in colours


def test_fifty_two_classes_stay_readable():
    content = page()
    pairs = tuple((a, b, float(a + 1)) for a in range(52) for b in range(52) if a != b)
    rows = tuple(replace(row, items=replace(row.items, confusion=pairs)) for row in content.rows)
    text = report_html(replace(content, rows=rows), (), [f"class number {code}" for code in range(52)])
    assert "the 12 most frequent of 2652 confusions" in text


def confusions(classes):
    """Return the confusion figures of a page whose models take every class for every other."""
    content = page()
    pairs = tuple((a, b, float(a + 1)) for a in range(classes) for b in range(classes) if a != b)
    rows = tuple(replace(row, items=replace(row.items, confusion=pairs)) for row in content.rows)
    facts = {**content.facts, "about": {**content.facts["about"], "classes": classes}}
    return confusion_pictures(replace(content, rows=rows, facts=facts), [f"number {code}" for code in range(classes)])


def test_up_to_twenty_five_classes_are_mapped_for_the_pick_and_the_runner_up():
    first, second = confusions(25)
    assert (first.name, second.name) == ("confusion", "confusion-second")
    assert "What tfidf_svm takes" in first.title
    assert "What tfidf_minilm takes" in second.title
    assert len(first.rows) == 25 * 24
    assert first.rows[0] == ("number 24", "number 0", "25")
    # A field and a number for every pair, and a field for every right answer.
    fields = re.findall(r'<g>\s*<path d="[^"]*" clip-path="[^"]*" style="fill: var\(--(first|line)\)', first.svg)
    assert fields.count("line") == 25
    assert fields.count("first") == 25 * 24
    assert len(confusions(26)) == 1


def test_a_model_without_mistakes_has_no_map_and_says_so():
    content = page()
    rows = tuple(replace(row, items=replace(row.items, confusion=())) for row in content.rows)
    assert {one.why for one in confusion_pictures(replace(content, rows=rows), LABELS)} == {
        "tfidf_svm made no mistake",
        "tfidf_minilm made no mistake",
    }


def test_a_class_without_a_name_is_shown_by_its_number():
    assert "class 0" in report_html(page(), ())


def program():
    found = find_browser()
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on the path")
    assert found is not None, "No Chromium on the path; continuous integration needs one."
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_a_browser_shows_the_page_without_complaint(whole, tmp_path, width, dark):
    file = tmp_path / "report.html"
    file.write_text(whole, encoding="utf-8")
    with browser(program(), tmp_path / "profile") as tab:
        tab.open(file.as_uri(), width, dark=dark)
        assert tab.value("document.title").startswith("text_clf: reuters_r8")
        assert [one["request"]["url"] for one in tab.named("Network.requestWillBeSent")] == [file.as_uri()]
        assert tab.named("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
        assert tab.named("Page.javascriptDialogOpening") == []
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")
        assert tab.value("document.body.scrollWidth <= document.documentElement.clientWidth")
        assert tab.value("document.querySelectorAll('script').length") == 0
        assert tab.value("getComputedStyle(document.body).backgroundColor") == (
            "rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)"
        )


def opened(text, tmp_path, width):
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    with browser(program(), tmp_path / "profile") as tab:
        tab.open(file.as_uri(), width)
        return tab.value(
            "JSON.stringify([...document.querySelectorAll('.scroll')]"
            ".map(one => [one.className, one.getAttribute('aria-label'), one.scrollWidth - one.clientWidth]))"
        ), tab.value("getComputedStyle(document.querySelector('.scroll table')).borderCollapse")


def test_verdicts_with_counts_leave_the_last_column_in_sight(tmp_path):
    content = page()
    rows = tuple(replace(row, scores=replace(row.scores, ran=5, not_run=10)) for row in content.rows)
    text = report_html(replace(content, rows=rows), ())
    assert "worse; 5 of 15 cells" in text
    found = json.loads(opened(text, tmp_path, 1400)[0])
    (over,) = [hidden for _, label, hidden in found if label.startswith("In points of the accuracy")]
    assert over == 0


def test_figures_fit_a_phone_and_the_first_column_keeps_its_lines(whole, tmp_path):
    found, borders = opened(whole, tmp_path, 360)
    drawn = [hidden for names, _, hidden in json.loads(found) if "drawing" in names]
    assert drawn
    assert set(drawn) == {0}
    # Collapsed borders belong to the table, and would scroll away under a cell that stays.
    assert borders == "separate"


def test_one_threshold_is_one_number_wherever_it_stands():
    content = page()
    row = content.row(content.decision.pick)
    plan = replace(row.deferral, threshold=0.9568, cost=0.1, cost_model_only=0.3, cost_human_only=1.0)
    changed = replace(row, deferral=plan)
    rows = tuple(changed if one is row else one for one in content.rows)
    text = report_html(replace(content, rows=rows), ())
    assert "where its confidence is at least 0.956:" in text
    assert "<td>0.956 </td>" in text
    assert "confidence 0.956 or more" in text
    assert "0.957" not in text.partition("What to hand to a human")[2].partition("</table>")[0]
