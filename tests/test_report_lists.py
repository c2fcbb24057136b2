"""What reports say and draw of lists, from tables and lists on the disk."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from bench.predictions import Predictions
from bench.publish import html_path, publish, users_shown
from bench.ranking.asked import Ranking
from bench.ranking.list_items import ACTIVITY
from bench.report import lists, rankings
from bench.report.columns import other_metrics, split_rows
from bench.report.figures.lists import list_pictures
from bench.report.findings import find_all, new_users_unserved
from bench.report.html import report_html
from bench.report.lists_compared import p_values
from bench.report.markdown import report_markdown
from bench.report.shown_lists import shown_users
from bench.report.terminal import print_report
from bench.results import read_records
from bench.stats.permutation import against_reference
from bench.types import Robustness
from tests.ranking_reports import METRICS, MODELS, content_of, ranking_task, shop, under_protocol, written
from tests.rankings import splits_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return under_protocol(tmp_path_factory.mktemp("lists"), "random")


@pytest.fixture(scope="module")
def content(folder):
    return content_of(folder)


@pytest.fixture(scope="module")
def in_time(tmp_path_factory):
    return content_of(under_protocol(tmp_path_factory.mktemp("time"), "global_time"))


def plain(page):
    return re.sub(r"<svg.*?</svg>|<style>.*?</style>|<pre>.*?</pre>", "", page, flags=re.DOTALL)


def part_of(content, title):
    return next(one for one in lists.parts(content) if one.title == title)


def cells(part):
    return {row[0]: dict(zip(part.headers, row, strict=True)) for row in part.rows}


def test_every_table_names_the_protocol(content):
    page, markdown = report_html(content, ()), report_markdown(content)
    name = f"protocol {content.facts['about']['ranking']['hash']}"
    captions = [one for one in re.findall(r"<caption>(.*?)</caption>", page) if one]
    assert len(captions) > 12
    assert all(one.endswith(name) for one in captions)
    for heading, body in re.findall(r"^(#+ .*)\n((?:(?!#).*\n)*)", markdown, flags=re.MULTILINE):
        assert (name in heading) == ("| --- |" in body), heading


def test_the_page_and_the_markdown_have_the_tables_and_the_pictures(content):
    page, markdown = report_html(content, ()), report_markdown(content)
    for title in ("Relative to popularity", "What lists are like", "Whom lists serve", "Stability of lists"):
        assert f"### {title}" in markdown
        assert f"<caption>{title}" in page
    for name in ("coverage", "popularity", "activity"):
        assert f'<figure id="{name}"' in page
    for name in ("growth", "deferral", "intervals", "forecasts", "mistakes"):
        assert f'href="#{name}"' not in page
        assert f'<section id="{name}"' not in page
    for text in (markdown, plain(page)):
        assert "bootstrap over users" in text
        assert not re.search(r"\bnan\b|\binf\b|None|\bfold\b", text)
    assert "524 interactions of 60 users with 24 items" in markdown
    assert report_html(content, ()) == page


def test_differences_are_those_of_the_users_of_the_reference(content):
    part = part_of(content, "Relative to popularity")
    said = cells(part)
    assert part.headers[1:] == ("difference", "95 % interval", "p (Holm)", "better", "equal", "worse")
    assert list(said) == ["ease", "bpr", "random_items"]
    own = {name: content.row(name).lists.over_users("ndcg") for name in MODELS}
    for name, row in said.items():
        gaps = own[name] - own["popularity"]
        assert row["difference"] == f"{100 * content.row(name).against.difference:+.2f}"
        for word, share in (("better", gaps > 1e-12), ("equal", np.abs(gaps) <= 1e-12), ("worse", gaps < -1e-12)):
            assert row[word] == f"{100 * share.mean():.1f} %"
    assert said["ease"]["p (Holm)"] == "below 0.001"
    assert split_rows(content) == []


def test_p_values_are_those_of_the_mean_over_splits(in_time):
    known = lists.with_lists(in_time)
    sizes = np.array(known[0][1].sizes)
    assert len(set(sizes)) > 1
    weights = np.repeat(sizes.sum() / (len(sizes) * sizes), sizes)
    scores = {row.scores.name: items.parts("ndcg").values * weights for row, items in known}
    for name, values in scores.items():
        assert values.mean() == pytest.approx(in_time.row(name).scores.mean, abs=1e-5)
    found = p_values(in_time, known)
    wanted = against_reference(scores, "popularity", seed=1, groups=known[0][1].groups)
    assert found == pytest.approx(wanted, abs=0.02)
    assert found == p_values(in_time, known)


def test_what_lists_are_like_stands_beside_their_score_and_not_twice(content):
    said = cells(part_of(content, "What lists are like"))
    items = content.row("ease").lists
    assert said["ease"]["NDCG"] == f"{100 * content.row('ease').scores.mean:.2f}"
    assert said["ease"]["coverage"] == f"{100 * items.figures['coverage']:.2f}"
    assert (
        said["popularity"]["recall of the others"]
        == f"{100 * content.row('popularity').lists.figures['tail_recall']:.2f}"
    )
    assert other_metrics(content) == ("recall", "map", "hit_rate")
    away = replace(content, rows=tuple(replace(row, lists=None) for row in content.rows))
    assert "coverage" in other_metrics(away)
    assert lists.NOT_MEASURED in report_markdown(away)
    assert lists.NOT_MEASURED in report_html(away, ())


def test_quarters_of_the_users_cold_ones_and_the_worst_are_told(in_time):
    part = part_of(in_time, "Whom lists serve")
    items = in_time.row("ease").lists
    first = next(one for one in items.slices if one.by == ACTIVITY)
    assert f"{first.label} before, {first.users} users" in part.headers
    value, low, high = (100 * one for one in first.ndcg)
    assert cells(part)["ease"][part.headers[1]] == f"{value:.2f} ({low:.2f} to {high:.2f})"
    assert cells(part)["ease"]["worst 10 % of users"] == f"{100 * items.worst_tenth:.2f}"


def test_variance_is_split_and_the_worst_split_is_named(content, in_time):
    for one, word in ((content, "split"), (in_time, "window")):
        part = part_of(one, "Stability of lists")
        said = cells(part)
        by_split = one.row("bpr").lists.parts("ndcg").by_window.mean(axis=1)
        assert said["bpr"][f"worst {word}"] == f"{100 * by_split.min():.2f} ({word} {by_split.argmin() + 1})"
        shares = [float(said["bpr"][name].removesuffix(" %")) for name in ("users", "splits", "seeds")]
        assert sum(shares) == pytest.approx(100, abs=0.2)
        assert float(said["random_items"]["seeds"].removesuffix(" %")) > 20
        assert said["popularity"]["seeds"] == "0.0 %"


def test_windows_are_shown_where_splits_are_in_the_order_of_time(content, in_time):
    assert not any(one.title == "Window by window" for one in lists.parts(content))
    part = part_of(in_time, "Window by window")
    by_split = in_time.row("ease").lists.parts("ndcg").by_window.mean(axis=1)
    assert cells(part)["ease"]["first to last"] == f"{100 * (by_split[-1] - by_split[0]):+.2f}"
    assert [one.name for one in list_pictures(in_time)] == ["coverage", "popularity", "activity", "windows"]


def test_lists_that_are_whole_need_no_table(content):
    assert not any(one.title == "Lists that are not whole" for one in lists.parts(content))
    assert "Every user with a history got a whole list" in " ".join(lists.sentences(content))
    row = content.row("bpr")
    broken = {**row.lists.defects, "covered": row.lists.defects["users"] - 9, "short": 12, "duplicates": 3}
    rows = [replace(one, lists=replace(one.lists, defects=broken)) if one is row else one for one in content.rows]
    changed = replace(content, rows=tuple(rows))
    said = cells(part_of(changed, "Lists that are not whole"))
    assert list(said) == ["bpr"]
    total = row.lists.defects["users"]
    assert said["bpr"]["users with a list"] == f"{total - 9} of {total} ({100 * (total - 9) / total:.1f} %)"
    assert (said["bpr"]["short lists"], said["bpr"]["items that stand twice"]) == ("12", "3")
    assert "Every user" not in " ".join(lists.sentences(changed))


def test_sampled_negatives_are_a_diagnostic_with_both_figures(tmp_path):
    data = shop(sampled=3)
    wanted = ranking_task(metrics=(*METRICS, "ndcg_sampled"))
    models = {name: MODELS[name] for name in ("ease", "popularity", "random_items")}
    content = content_of(written(tmp_path, data, splits_of(data, 2), wanted, models, seeds=1))
    part = next(one for one in lists.parts(content) if one.title.startswith("Diagnostic"))
    assert part.title == "Diagnostic, no score: among 3 sampled negatives"
    said = cells(part)["ease"]
    full, few = content.row("ease").scores.mean, content.row("ease").others["ndcg_sampled"]
    assert (said["NDCG, full ranking"], said["NDCG, sampled"]) == (f"{100 * full:.2f}", f"{100 * few:.2f}")
    assert said["sampled over full"] == f"{few / full:.1f}"
    assert "never compare" in part.about
    assert "ndcg_sampled" not in other_metrics(content)


def test_pictures_say_what_they_show_and_hold_their_values(content, in_time):
    for one in (*list_pictures(content), *list_pictures(in_time)):
        assert one.svg.startswith("<svg")
        assert one.finding
        assert all(len(row) == len(one.headers) for row in one.rows)
    coverage = list_pictures(content)[0]
    front = {row[0] for row in coverage.rows if row[-1] == "yes"}
    # Chance covers most, ease scores best, and popularity has less of both than bpr.
    assert {"ease", "random_items"} <= front
    assert "popularity" not in front
    away = replace(content, rows=tuple(replace(row, lists=None) for row in content.rows))
    assert all(one.why == lists.NOT_MEASURED for one in list_pictures(away))


def test_titles_stand_on_the_page_alone(folder, tmp_path):
    root, scratch = folder.parents[2], folder.parents[2] / "scratch"
    content = publish(folder, root, "machine", scratch)
    page = html_path(content, scratch).read_text()
    truth = Predictions(scratch / "predictions" / "rec" / "shop" / "quick").load_truth("shop")
    users = users_shown(content, folder, scratch, truth)
    assert [one.title for one in users] == ["The longest history", "A middle one", "The shortest"]
    assert [one.model for one in users[0].lists] == ["ease", "popularity"]
    known, heavy = truth.ranking.relevant[0, 2], truth.ranking.examples[0]
    row = int(np.flatnonzero(known.users == heavy.user)[0])
    own = Predictions(scratch / "predictions" / "rec" / "shop" / "quick").load(
        next(one for one in read_records(folder / "ease.csv", METRICS) if (one.fold, one.seed) == (2, 0))
    )
    targets = known.items[known.starts[row] : known.starts[row + 1]]
    assert users[0].lists[0].items == tuple((f"Title {item}", item in targets) for item in own[row, :4].tolist())
    assert users[0].tail[0] == f"Title {heavy.tail[-1]}"
    assert users[0].label in page
    assert "Title 3" in page
    assert page.count('class="hit"') == sum(hit for one in users for shown in one.lists for _, hit in shown.items)
    for path in folder.rglob("*"):
        assert path.is_dir() or b"Title" not in path.read_bytes(), path
    assert (
        json.loads((folder / "decision.json").read_text())["protocol"] == Ranking(k=4, split="random", share=0.25).hash
    )
    assert f"protocol {Ranking(k=4, split='random', share=0.25).hash}" in (root / "README.md").read_text()


def test_without_titles_a_page_says_that_they_are_missing(content):
    assert shown_users(None, {}) == []
    assert "their titles are not" in report_html(content, ())


def test_where_the_reference_is_recommended_the_runner_up_stands_beside_it(folder, content):
    scratch = folder.parents[2] / "scratch"
    truth = Predictions(scratch / "predictions" / "rec" / "shop" / "quick").load_truth("shop")
    kept = replace(content, decision=replace(content.decision, pick="popularity", runner_up="bpr"))
    assert [one.model for one in users_shown(kept, folder, scratch, truth)[0].lists] == ["popularity", "bpr"]


def test_the_terminal_says_the_protocol_and_shows_the_table(content):
    console = Console(width=150)
    with console.capture() as shown:
        print_report(console, content)
    text = " ".join(shown.get().split())
    assert "NDCG in points; shop, 524 interactions of 60 users with 24 items; protocol" in text
    assert "ease" in text
    assert "Finding future-in-training" in text


def test_a_single_split_is_compared_over_users(tmp_path):
    content = content_of(under_protocol(tmp_path, "leave_last", seeds=1))
    assert content.row("ease").against.method.startswith("paired bootstrap over users")
    assert "A question mark: one seed, one split." in part_of(content, "Stability of lists").about
    assert report_html(content, ())
    assert "bootstrap over users" in report_markdown(content)


FIGURES = {"train": 8000.0, "test": 2000.0, "users": 90.0, "cold_users": 0.1, "cold_items": 0.01, "later": 0.0,
           "gini_train": 0.5, "gini_test": 0.55, "rank_correlation": 0.6, "tied": 0.02}  # fmt: skip


def found(content, protocol="global_time", items=200, ranking=None, **figures):
    about = dict(content.facts["about"])
    told = {**about["ranking"], "splits": {**FIGURES, **figures}, "items": items}
    told["protocol"] = {**told["protocol"], **(ranking or {})}
    changed = replace(
        content,
        task=replace(content.task, protocol=protocol),
        facts={**content.facts, "about": {**about, "ranking": told}},
    )
    return {one.code: one.text for one in find_all(changed)}


CODES = {"future-in-training", "mostly-cold", "popularity-shift", "tied-times"}


def test_splits_that_are_sound_raise_nothing(content):
    assert not CODES & set(found(content))
    assert not CODES & set(found(content, later=None, tied=None))


@pytest.mark.parametrize(
    ("code", "figures", "words"),
    [
        ("future-in-training", {"later": 0.384}, "38.4 % of the training interactions lie after the median test"),
        ("mostly-cold", {"cold_users": 0.64}, "64.0 % of the tested users have no history"),
        ("mostly-cold", {"cold_items": 0.3}, "30.0 % of what is to be found are items that no model was fitted on"),
        ("mostly-cold", {"cold_items": 0.3, "ranking": {"cold_items": "drop"}}, "they are no targets"),
        ("popularity-shift", {"rank_correlation": 0.1}, "agree little (Kendall's tau 0.10)"),
        ("popularity-shift", {"gini_test": 0.7}, "is 0.50 in the training and 0.70 in the test part"),
        ("tied-times", {"tied": 0.758}, "models that read histories in their order read the one of the file"),
        ("tied-times", {"tied": 0.5, "protocol": "leave_last"}, "decided by the order of the file"),
        ("tied-times", {"tied": 0.5, "protocol": "held_out_users"}, "and so to be found, is decided by the order of"),
    ],
)
def test_splits_that_are_not_are_found(content, code, figures, words):
    said = found(content, **figures)
    assert CODES & set(said) == {code}
    assert words in said[code]


def test_ties_do_not_matter_where_parts_are_drawn(content):
    assert "tied-times" not in found(content, protocol="random", tied=0.9)


def test_ranks_of_few_interactions_an_item_tell_no_shift(content):
    assert "popularity-shift" not in found(content, items=1682, rank_correlation=0.1, gini_test=0.9)


def test_what_the_splits_are_like_is_a_table_of_what_is_known(content):
    part = rankings.protocol_section(content).parts[0]
    said = {row[0]: row[1] for row in part.rows}
    known = content.facts["about"]["ranking"]["splits"]
    assert said["training later than the median target"] == f"{100 * known['later']:.1f} %"
    about = {**content.facts["about"]}
    about["ranking"] = {**about["ranking"], "splits": {**known, "later": None}}
    less = rankings.protocol_section(replace(content, facts={**content.facts, "about": about})).parts[0]
    assert len(less.rows) == len(part.rows) - 1


def test_the_best_possible_score_stands_below_the_models_where_it_is_known(content):
    about = {**content.facts["about"], "ceiling": {"ndcg": 0.4321}}
    known = cells(part_of(replace(content, facts={**content.facts, "about": about}), "What lists are like"))
    assert list(known)[-1] == "best possible"
    assert known["best possible"]["NDCG"] == "43.21"
    assert "best possible" not in cells(part_of(content, "What lists are like"))


def test_lists_that_change_with_their_company_are_said_to_be_those_of_users(content):
    shaken = Robustness(
        items=60, clean=0.3, perturbed={"thinned": (0.25, 0.08)}, order=0.25, batch=0.0, loss_error={"thinned": 0.004}
    )
    rows = [replace(row, robustness=shaken) if row.scores.name == "bpr" else row for row in content.rows]
    changed = replace(content, rows=tuple(rows))
    (text,) = [one.text for one in find_all(changed) if one.code == "order-dependent"]
    assert "depend on the order of the users: the lists of 25 % of the users change. The same user" in text
    assert "| bpr | 30.00 | 25.00, 8.0 % of a list is another | 0.250 | 0.000 |" in report_markdown(changed)
    assert "users reversed" in report_html(changed, ())


def test_a_pick_without_a_list_for_new_users_says_whose_to_give_them(content):
    rows = []
    for row in content.rows:
        cold = 0.0 if row.scores.name == content.decision.pick else 0.21
        rows.append(replace(row, others={**row.others, "ndcg_cold_users": cold}))
    (said,) = new_users_unserved.find(replace(content, rows=tuple(rows)))
    assert said.startswith(f"{content.decision.pick} has no list for users without a history")
    assert "(NDCG of cold users 21.00)" in said
    served = [replace(row, others={**row.others, "ndcg_cold_users": 0.21}) for row in content.rows]
    assert not list(new_users_unserved.find(replace(content, rows=tuple(served))))
