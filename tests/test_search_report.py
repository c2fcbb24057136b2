"""What tuning bought is told from what every search left beside the tables: a toy model, real studies."""

import json
import math
import re
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bench import app, registry
from bench.publish import html_path
from bench.report import searches
from bench.report.findings import tuning_bought_nothing
from bench.report.html import report_html
from bench.report.read import read_content
from bench.settings import Budget, DataSpec, ExecutorSpec
from bench.stats.search import Search, search_sd, typical
from bench.types import Context, ModelChoice, ModelSpec
from bench.verbs.recompute import recompute
from bench.verbs.validate import validate
from tests import toy_task
from tests.toy_models import ToyValues


@dataclass
class ShrunkParams:
    """Of a line whose slopes are multiplied."""

    slope: float = 1.0
    kind: str = "plain"


@dataclass
class Shrunk(ToyValues):
    """A line through the training rows that is too flat, or too steep."""

    slope: float = 1.0

    def predict(self, X):
        return self.mean + self.slope * (super().predict(X) - self.mean)


def build_shrunk(params: ShrunkParams, context: Context) -> Shrunk:
    return Shrunk("well", context.seed, slope=params.slope)


def space(trial):
    return {"slope": trial.suggest_float("slope", 0.0, 2.0), "kind": trial.suggest_categorical("kind", ["a", "b"])}


def make_known(monkeypatch):
    """Make the toy task known, and a model of it that can be tuned."""
    toy_task.register(monkeypatch)
    spec = ModelSpec(
        name="shrunk", task_types=("toy_reg",), role="stable", params=ShrunkParams, build=build_shrunk, space=space,
        deterministic=True, summary="A toy.",
    )  # fmt: skip
    known = {name: toy_task.MODELS[name] for name in ("line", "middle")}
    monkeypatch.setattr(registry, "_models", {**known, "shrunk": spec})


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    make_known(monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """A folder with a run from defaults that are too flat, which tests leave as it is; and what its report says."""
    place = tmp_path_factory.mktemp("flat")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(place)
        make_known(monkeypatch)
        yield place, ran(place, slope=0.5)


def ran(place, slope, **changes):
    """Run with searches that start from the given slope; return what the report says."""
    toy_task.write_csv(place / "toy.csv", 120)
    budget = Budget(name="quick", folds=3, seeds=2, probe_rows=0, race=False, trials=8)
    spec = registry.models()["shrunk"]
    config = toy_task.config(
        place,
        DataSpec(name="toy", path=str(place / "toy.csv")),
        models=(ModelChoice(name="shrunk", spec=spec, params=ShrunkParams(slope=slope)),),
        tune=True,
        executor=ExecutorSpec(name="serial"),
        **{"budget": budget, **changes},
    )
    assert app.run(config) == 0
    return read_content(folder(place), place / "results", "")


def folder(place):
    return place / "results/toy_reg/toy/quick"


def bytes_of(place):
    paths = (path for path in sorted((place / "results").rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path): path.read_bytes() for path in paths if "timings" not in path.parts}


def test_every_cell_leaves_what_its_search_tried_and_settled_on(flat):
    place, _ = flat
    told = json.loads((folder(place) / "found/shrunk_tuned.json").read_text())
    assert [(one["fold"], one["seed"]) for one in told["cells"]] == [
        (fold, seed) for fold in range(3) for seed in (0, 1)
    ]
    for cell in told["cells"]:
        search = cell["found"]["search"]
        known = [score for score in search["scores"] if score is not None]
        assert len(search["scores"]) == search["asked"] == 8
        assert search["given_up"] == search["scores"].count(None)
        # Errors are turned: larger is better.
        assert search["scores"][0] < max(known) < 0
        assert abs(search["params"]["slope"] - 1) < 0.5
    assert not (folder(place) / "found/shrunk.json").exists()
    assert validate(str(place / "results"), 0.0, place / "cache") == 0


def test_the_report_says_what_is_left_of_the_gain_and_how_many_trials_it_took(flat):
    place, content = flat
    tuned, default = content.row("shrunk_tuned"), content.row("shrunk")
    tuning = tuned.tuning
    assert tuning.default == "shrunk"
    assert tuning.trials == (8, 8)
    # Paired on the same folds: its mean is the difference of both means.
    assert tuning.gain.mean == pytest.approx(tuned.scores.mean - default.scores.mean)
    assert tuning.gain.interval()[0] > content.margin
    inner_gain = tuning.inner[1] - tuning.inner[0]
    assert tuning.gain_of_best(8)[0] == pytest.approx(inner_gain)
    assert 0 == tuning.gain_of_best(1)[0] <= tuning.gain_of_best(2)[0] <= tuning.gain_of_best(5)[0] <= inner_gain
    # The defaults have no luck, so all of it is the search's.
    assert 0 < tuning.search_sd.value == pytest.approx(tuned.stability.seed_sd.value)
    assert default.tuning is None
    text = (folder(place) / "report.md").read_text()
    assert f"## {searches.TITLE}" in text
    gain = content.unit.change(tuning.gain.mean)
    assert re.search(rf"\| shrunk_tuned \| 8 \([\d.]+ % given up\) \| [\d.]+, [\d.]+ \(-[\d.]+\) \| {gain} \(-", text)
    assert "| model | best of 2 | best of 5 | best of 8 |" in text
    assert re.search(r"\| shrunk.slope \| 0.5 \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", text)
    assert re.search(r"\| shrunk.kind \| plain \| [ab] \(\d of 6\)", text)
    assert searches.sentence(content).startswith(f"Tuning bought, in RMSE against the defaults: shrunk {gain} (")


def test_the_parameters_that_were_found_can_be_given_on_the_command_line(flat):
    place, content = flat
    ((name, _, given),) = searches.overrides(content)
    assert name == "shrunk_tuned"
    found = dict(one.removeprefix("models.shrunk.").split("=") for one in given.split())
    tried = [search.params for search in content.row("shrunk_tuned").tuning.searches]
    assert any(f"{one['slope']:.3g}" == found["slope"] and one["kind"] == found["kind"] for one in tried)
    assert f"`{given}`" in (folder(place) / "report.md").read_text()


def test_the_page_has_a_section_and_a_drawing_only_where_something_was_tuned(flat):
    place, content = flat
    page = html_path(content, place / ".bench").read_text()
    for part in ('href="#tuning"', '<section id="tuning"', '<figure id="search">', "best of 5", "models.shrunk.slope="):
        assert part in page
    assert re.search(r"shrunk_tuned gains -[\d.]+ RMSE on inner folds in 8 trials, of which -[\d.]+ show", page)
    plain = report_html(replace(content, rows=tuple(replace(row, tuning=None) for row in content.rows)), ())
    assert 'id="tuning"' not in plain
    assert 'href="#tuning"' not in plain


def test_a_second_run_changes_no_byte_whether_its_cells_are_reused_or_made_anew(place):
    ran(place, slope=0.5)
    before = bytes_of(place)
    ran(place, slope=0.5)
    assert bytes_of(place) == before
    ran(place, slope=0.5, rerun="all")
    assert bytes_of(place) == before


def test_defaults_that_do_as_well_are_found_and_only_where_that_is_sure(flat):
    _, content = flat
    low, high = content.row("shrunk_tuned").tuning.gain.interval()
    furthest = max(abs(low), abs(high))
    assert not [one for one in content.findings if one.code == tuning_bought_nothing.CODE]
    assert not list(tuning_bought_nothing.find(replace(content, margin=0.99 * furthest)))
    (text,) = tuning_bought_nothing.find(replace(content, margin=1.01 * furthest))
    assert "the defaults do as well, and need no search" in text
    assert content.unit.changes(low, high) in text


def test_searches_that_keep_the_defaults_are_found_however_few_the_rows(place):
    content = ran(place, slope=1.0)
    (text,) = [one.text for one in content.findings if one.code == tuning_bought_nothing.CODE]
    assert text == "Every search of shrunk_tuned kept the parameters of shrunk: the defaults do as well."
    assert searches.overrides(content) == [("shrunk_tuned", "6 of 6 searches kept the defaults", "")]


def test_a_search_that_the_clock_stopped_is_said(place):
    budget = Budget(name="quick", folds=3, seeds=2, probe_rows=0, race=False, trials=10_000, cell_seconds=1.0)
    content = ran(place, slope=0.5, budget=budget)
    tuning = content.row("shrunk_tuned").tuning
    assert tuning.stopped == 6
    assert tuning.trials[1] < 10_000
    assert "the clock stopped 6 of 6" in (folder(place) / "report.md").read_text()


def test_without_the_defaults_beside_it_the_gain_is_not_measured(flat):
    place, _ = flat
    content = read_content(folder(place), place / "results", "", ["line", "shrunk_tuned"])
    tuning = content.row("shrunk_tuned").tuning
    assert math.isnan(tuning.gain.mean)
    assert tuning.search_sd.why == searches.NO_DEFAULTS
    assert "? (the defaults were not run)" in searches.tables(content)[0][2][0]


def test_an_edited_file_of_searches_is_a_problem(place, capsys):
    ran(place, slope=0.5)
    path = folder(place) / "found/shrunk_tuned.json"
    path.write_text(path.read_text().replace('"fold": 1', '"fold": 7', 1))
    assert validate(str(place / "results"), 0.0, place / "cache") == 1
    assert "shrunk_tuned.json is damaged" in capsys.readouterr().out


def run_again(place):
    """Run all cells of the tuned model again; return what differs, and what was said."""
    said = []
    return list(recompute([folder(place) / "shrunk_tuned"], 1.0, place / "cache", said.append)), said


def test_cells_that_are_run_again_search_again(place, socket_enabled):
    ran(place, slope=0.5)
    journals = place / ".bench/studies"
    assert list(journals.rglob("*.journal"))
    shutil.rmtree(journals)
    differences, said = run_again(place)
    assert differences == []
    assert "6 of 6 cells run again" in said[-1]
    assert not journals.exists()


def test_cells_whose_search_the_clock_stopped_are_not_run_again(place, socket_enabled):
    ran(place, slope=0.5)
    path = folder(place) / "found/shrunk_tuned.json"
    path.write_text(path.read_text().replace('"stopped_by_clock": false', '"stopped_by_clock": true', 2))
    differences, said = run_again(place)
    assert differences == []
    assert any("shrunk_tuned.csv: 2 cells not run again, for time ran out there" in line for line in said)
    assert "4 of 4 cells run again" in said[-1]


def told(scores, **params):
    return Search.of({"params": params, "scores": scores, "given_up": scores.count(None), "stopped_by_clock": False})


def test_a_search_whose_defaults_have_no_score_tells_no_gain():
    search = told([None, 0.5])
    assert np.isnan(search.gains).all()
    assert search.best_at == 2


def test_the_typical_set_is_one_that_was_tried_and_lies_in_the_middle():
    tried = [told([0.0], rate=rate, kind=kind) for rate, kind in ((0.01, "a"), (0.1, "b"), (0.2, "b"), (9.0, "b"))]
    assert typical(tried) in ({"rate": 0.1, "kind": "b"}, {"rate": 0.2, "kind": "b"})


def test_the_interval_of_the_search_sd_covers_a_known_truth():
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        folds = generator.normal(0, 0.1, (5, 1))
        default = folds + generator.normal(0, 0.02, (5, 3))
        tuned = folds + generator.normal(0, np.hypot(0.02, 0.03), (5, 3))
        found = search_sd(tuned, default)
        held += found.low <= 0.03 <= found.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)
