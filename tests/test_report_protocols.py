"""Reports of the same data under several protocols tell of each other."""

import json
import shutil
from dataclasses import replace

import pytest

from bench.publish import publish
from bench.report import protocols
from bench.report.html import report_html
from bench.report.markdown import report_markdown
from bench.report.protocols import siblings, with_protocols
from tests.ranking_reports import MODELS, content_of, shop, under_protocol
from tests.test_stats_protocols import MEANS, scored


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Results of a shop under two protocols; the second one lacks a model."""
    root = tmp_path_factory.mktemp("protocols")
    under_protocol(root, "random")
    less = {name: one for name, one in MODELS.items() if name != "bpr"}
    under_protocol(root, "global_time", models=less)
    return root


def both(root):
    folder = root / "rec" / "shop" / "quick"
    return folder, with_protocols(content_of(folder), folder, root)


def test_models_stand_beside_their_ranks_under_every_protocol(root):
    _, content = both(root)
    assert [one.protocol for one in content.tested] == ["random", "global_time"]
    means = protocols.parts(content)[0]
    assert means.headers == ("model", "random", "global_time", "in time over random")
    said = {row[0]: row[1:] for row in means.rows}
    other = content_of(root / "rec_global_time" / "shop" / "quick")
    here, there = content.row("ease").scores.mean, other.row("ease").scores.mean
    assert said["ease"] == (f"{100 * here:.2f} (1)", f"{100 * there:.2f} (1)", f"{there / here:.2f}")
    # Ranks are among the models that both have.
    assert said["bpr"][0] == f"{100 * content.row('bpr').scores.mean:.2f}"
    assert said["bpr"][1:] == ("?", "?")
    assert said["recommended"] == (content.decision.pick, other.decision.pick, "")
    agreement = protocols.parts(content)[1]
    assert agreement.rows[0][:3] == ("random", "global_time", "3")


def test_the_reports_say_so(root):
    _, content = both(root)
    page, markdown = report_html(content, ()), report_markdown(content)
    for text in (page, markdown):
        assert "Under other protocols: means and ranks" in text
        assert "Recommended under each of 2 protocols: ease." in text
        assert "No two models surely turn round" in text
    alone = report_markdown(content_of(root / "rec" / "shop" / "quick"))
    assert "These data were tested by this protocol alone." in alone


def test_models_that_turn_round_are_told_in_sentences_the_largest_turn_first(root):
    _, content = both(root)
    one = scored("random", MEANS)
    other = scored("global_time", {"popularity": 0.25, "item_knn": 0.05, "ease": 0.12})
    tested = (replace(one, pick="ease"), replace(other, pick=""))
    said = protocols.sentences(replace(content, tested=tested))
    assert said[0] == "What is recommended hangs on the protocol: ease under random parts; nothing under global_time."
    leads = {name: 100 * (one.scores[name].mean - one.scores["popularity"].mean) for name in ("ease", "item_knn")}
    back = {name: 100 * (other.scores["popularity"].mean - other.scores[name].mean) for name in ("ease", "item_knn")}
    assert said[1] == (
        f"Under random parts ease beats popularity by {leads['ease']:.2f} points, under global_time popularity beats "
        f"ease by {back['ease']:.2f} points."
    )
    assert said[2].startswith("Under random parts item_knn beats popularity")
    assert len(said) == 3


def test_many_turns_are_counted_and_not_all_told(root):
    _, content = both(root)
    names = [f"model{place}" for place in range(5)]
    rising = {name: 0.1 + 0.05 * place for place, name in enumerate(names)}
    falling = {name: 0.3 - 0.05 * place for place, name in enumerate(names)}
    tested = (scored("random", rising), scored("leave_last", falling))
    said = protocols.sentences(replace(content, tested=tested))
    assert len(said) == 1 + protocols.MOST_FLIPS + 1
    assert said[-1] == "4 more pairs surely turn round, by less."


def test_publishing_writes_what_the_others_say(root, tmp_path):
    shutil.copytree(root, tmp_path / "results")
    folder = tmp_path / "results" / "rec_global_time" / "shop" / "quick"
    content = publish(folder, tmp_path / "results", "machine", tmp_path / "scratch")
    assert [one.protocol for one in content.tested] == ["global_time", "random"]
    assert "| model | global_time | random | in time over random |" in (folder / "report.md").read_text()


@pytest.mark.parametrize("change", [{"users": 40}, {"k": 3}, {"at_least": 2.0}, {"ideal": "all"}, {"seen": "show"}])
def test_other_data_or_another_question_are_no_sibling(root, tmp_path, change):
    shutil.copytree(root / "rec", tmp_path / "rec")
    models = {name: MODELS[name] for name in ("ease", "popularity", "random_items")}
    under_protocol(tmp_path, "leave_last", data=shop(**change), models=models, seeds=1)
    folder = tmp_path / "rec" / "shop" / "quick"
    content = content_of(folder)
    assert siblings(content, folder, tmp_path) == []
    assert with_protocols(content, folder, tmp_path) is content


def test_the_split_alone_makes_a_sibling(root, tmp_path):
    shutil.copytree(root / "rec", tmp_path / "rec")
    models = {name: MODELS[name] for name in ("ease", "popularity", "random_items")}
    under_protocol(tmp_path, "leave_last", data=shop(last=2, ties="item"), models=models, seeds=1)
    folder = tmp_path / "rec" / "shop" / "quick"
    assert len(siblings(content_of(folder), folder, tmp_path)) == 1


def test_a_damaged_sibling_loses_no_report(root, tmp_path):
    shutil.copytree(root, tmp_path / "results")
    folder = tmp_path / "results" / "rec" / "shop" / "quick"
    path = tmp_path / "results" / "rec_global_time" / "shop" / "quick" / "ease.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "inputs": {}}))
    content = content_of(folder)
    assert with_protocols(content, folder, tmp_path / "results") is content


def test_other_tasks_have_no_protocols():
    from tests.pages import page

    content = page()
    assert with_protocols(content, None, None) is content
    assert protocols.sentences(content) == []
    assert protocols.parts(content) == []
