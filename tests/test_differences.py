"""A run says which tables of other settings its own take the place of, and what differs."""

from dataclasses import replace

from bench.differences import differences
from bench.ledger import Ledger
from bench.panel import Rolling
from bench.provenance import provenance_of
from bench.settings import Budget
from bench.windows import rolling_windows
from bench.zoo.store import Zoo
from tests.builders import dataset, panel, task
from tests.test_journal import REFERENCE, prepared, rows
from tests.toy_models import toy


def written(folder, models, **changes):
    ledger = Ledger(prepared(folder, models, **changes))
    ledger.add(rows(*(choice.name for choice in models)))
    ledger.close()


def test_the_first_run_and_the_same_again_replace_nothing(tmp_path):
    models = [REFERENCE, toy("one")]
    assert Ledger(prepared(tmp_path, models)).replaced == ""
    written(tmp_path, models)
    assert Ledger(prepared(tmp_path, models)).replaced == ""


def test_a_run_with_other_settings_says_which_tables_it_replaces_and_how_to_keep_both(tmp_path):
    models = [REFERENCE, toy("one")]
    written(tmp_path, models)
    assert Ledger(prepared(tmp_path, models, seed=1)).replaced == (
        f"{tmp_path}/results/text_clf/toy/quick has 2 tables from a run with other settings (seed 0, now 1): this "
        "run's take their place. data.name=NAME keeps both."
    )
    assert Ledger(prepared(tmp_path, models, seed=1, shard=(1, 2))).replaced == ""
    one = models[1]
    other = replace(one, params=replace(one.params, way="raises"))
    said = Ledger(prepared(tmp_path, [REFERENCE, other])).replaced
    assert "the table of one from a run with other settings (way well, now raises): this run's takes its" in said
    fewer = replace(prepared(tmp_path, models), dataset=dataset(45))
    assert "(other data, or read in another way)" in Ledger(fewer).replaced


def made(tmp_path, horizon=6, windows=2, **changes):
    data = panel(horizon=horizon, rolling=Rolling(windows=windows), **changes)
    asked = task(type="forecasting", protocol="rolling")
    return provenance_of(toy("one"), asked, data, Budget(), rolling_windows(data, 2)[0], 0, Zoo.open(tmp_path))


def test_of_forecasts_horizon_season_and_windows_are_named(tmp_path):
    before = made(tmp_path)
    assert differences(before, made(tmp_path, horizon=4)) == ["horizon 6, now 4"]
    assert differences(before, made(tmp_path, season=2, windows=3)) == ["season 4, now 2", "windows 2, now 3"]
    assert differences(before, {**before, "inputs": {**before["inputs"], "code": "other"}}) == ["the model's code"]
