"""Splits that go to a service, and predictions that come back: the whole way, and every bad file."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from bench import app, config
from bench.__main__ import dispatch
from bench.errors import BenchError
from bench.exchange.columns import plain_names
from bench.exchange.files import returned_files
from bench.exchange.folder import README, read_manifest, row_ids
from bench.exchange.imported import Answer, read_answers
from bench.prepare import prepare
from bench.verbs.export import splits_of_run
from bench.verbs.import_predictions import Source, settings_of
from tests import builders, services

SMALL = ("budget.folds=3", "budget.seeds=2", "budget.probe_rows=0")
LABELS = ("task=tabular_clf", "data.path=Verträge (2).csv", "data.target=Kündigung ja/nein", *SMALL)
VALUES = ("task=tabular_reg", "data.path=houses.csv", "data.target=price", *SMALL)
TEXTS = ("task=text_clf", "data.path=reviews.csv", "data.target=stars", *SMALL)
FOLDERS = {
    LABELS: "exchange/tabular_clf-Verträge_2-quick",
    VALUES: "exchange/tabular_reg-houses-quick",
    TEXTS: "exchange/text_clf-reviews-quick",
}


def run(command: tuple[str, ...], *words: str) -> int:
    """Run the reference and the floor."""
    floor = "mean" if command is VALUES else "prior"
    return app.run(config.compose_run([*command, f"model=[{floor}]", "executor=serial", *words]))


def data(folder: Path) -> None:
    X, y = builders.table(150)
    names = {"size": "Größe (cm)", "city": "city", "day": "Tag", "note": "note, long", "member": "value", "noise": "x"}
    frame = X.rename(columns=names)
    # Sorted by the label, as files often are.
    labels = np.array(["ja", "nein", "weiß nicht"])[y]
    frame.assign(**{"Kündigung ja/nein": labels}).sort_values("Kündigung ja/nein").to_csv(
        folder / "Verträge (2).csv", index=False
    )
    price = X["size"].fillna(1) * 100 + X["noise"].fillna(0) + 1000
    frame.assign(price=price.round(2)).to_csv(folder / "houses.csv", index=False)
    pairs = pd.DataFrame(dict(zip(("body", "stars"), builders.texts(90), strict=True)))
    pairs.to_csv(folder / "reviews.csv", index=False)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """A folder in which everything was exported."""
    folder = tmp_path_factory.mktemp("sent")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data(folder)
        for command in FOLDERS:
            assert dispatch(["export", *command, "to=exchange"]) == 0
    return folder


@pytest.fixture(scope="module")
def ready(sent):
    """The runs whose splits went out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(sent)
        return {command: prepare(splits_of_run(command), print) for command in FOLDERS}


@pytest.fixture(scope="module")
def finished(sent, tmp_path_factory):
    """The same, after runs."""
    folder = tmp_path_factory.mktemp("finished") / "work"
    shutil.copytree(sent, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in FOLDERS:
            assert run(command) == 0
    return folder


@pytest.fixture
def exported(sent, tmp_path, monkeypatch):
    shutil.copytree(sent, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def here(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def take_in(command=LABELS, name="vertex_automl", *words):
    return dispatch(["import", f"from={FOLDERS[command]}", f"model={name}", *words])


def table(command, name):
    where = {LABELS: "tabular_clf/Verträge_2", VALUES: "tabular_reg/houses", TEXTS: "text_clf/reviews"}[command]
    return pd.read_csv(f"results/{where}/quick/{name}.csv", keep_default_na=False)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def read(command: tuple[str, ...], ready) -> list[Answer]:
    """Return what is read of the files that a service returned."""
    folder = Path(FOLDERS[command])
    manifest = read_manifest(folder)
    return read_answers(returned_files(folder, manifest, ""), manifest, ready[command])


@pytest.mark.parametrize("command", [LABELS, VALUES], ids=["labels", "quantities"])
@pytest.mark.parametrize("layout", [name for name in services.LAYOUTS if name != "one column"])
def test_every_layout_of_a_service_is_read_as_a_plain_file_is(exported, ready, command, layout):
    folder = Path(FOLDERS[command])
    services.answer(folder, services.plain, only="0-fold0")
    plain = read(command, ready)
    (folder / "repeat0-fold0" / "predictions.csv").unlink()
    services.answer(folder, services.LAYOUTS[layout], only="0-fold0")
    found = read(command, ready)
    np.testing.assert_allclose(plain[0].predicted, found[0].predicted, atol=1e-6)
    assert len(plain) == len(found) == 1


def test_labels_come_back_as_rows_with_the_score_of_the_service(here, capsys):
    services.answer(Path(FOLDERS[LABELS]), services.vertex)
    assert take_in() == 0
    assert "vertex_automl: imported, not run here." in " ".join(capsys.readouterr().out.split())
    rows = table(LABELS, "vertex_automl")
    assert set(rows["origin"]) == {"import"}
    assert rows["status"].tolist() == ["ok", "skipped"] * 3
    assert rows.loc[rows["status"] == "ok", "roc_auc"].astype(float).tolist() == pytest.approx(expected(), abs=1e-5)


def expected() -> list[float]:
    """Return the score of the service on each split, joined to the labels in the user's own file by its rows."""
    labels = pd.read_csv("Verträge (2).csv")["Kündigung ja/nein"]
    ready = prepare(splits_of_run(LABELS), print)
    scores = []
    for split in ready.splits:
        place = Path(FOLDERS[LABELS]) / f"repeat0-fold{split.fold}"
        found = pd.concat(pd.read_csv(path) for path in sorted(place.rglob("prediction.results-*-of-*.csv"))[:2])
        p = found.set_index("bench_id").loc[row_ids(ready.dataset.fingerprint, split)].iloc[:, -3:]
        scores.append(roc_auc_score(labels.iloc[split.test], p, multi_class="ovr"))
    return scores


def test_quantities_come_back_as_rows(here):
    services.answer(Path(FOLDERS[VALUES]), services.azure)
    assert take_in(VALUES, "azure") == 0
    rows = table(VALUES, "azure")
    assert (rows.loc[rows["status"] == "ok", "r2"].astype(float) > 0.9).all()
    assert "azure: imported, not run here." in Path("results/tabular_reg/houses/quick/report.md").read_text()


def test_texts_go_out_as_one_column_and_their_labels_come_back(here):
    folder = Path(FOLDERS[TEXTS])
    assert list(pd.read_csv(folder / "repeat0-fold0" / "train.csv").columns) == ["text", "stars"]
    services.answer(folder, services.vertex)
    assert take_in(TEXTS) == 0
    assert (table(TEXTS, "vertex_automl").query("status == 'ok'")["accuracy"].astype(float) > 0.8).all()


def test_test_files_hold_no_target_and_their_ids_tell_nothing_of_it(exported, ready):
    asked = ready[LABELS]
    for split in asked.splits:
        test = pd.read_csv(Path(FOLDERS[LABELS]) / f"repeat0-fold{split.fold}" / "test.csv")
        assert not [name for name in test.columns if "ndigung" in name]
        ids = row_ids(asked.dataset.fingerprint, split)
        assert sorted(ids) == test["bench_id"].tolist()
        # The file was sorted by label: neighbours in it are none by id.
        ranks = pd.Series(ids).rank()
        assert abs(np.corrcoef(ranks, asked.dataset.y[split.test])[0, 1]) < 0.4


def test_columns_get_names_that_services_take_and_values_that_they_read(exported):
    folder = Path(FOLDERS[LABELS])
    train = pd.read_csv(folder / "repeat0-fold0" / "train.csv", dtype=str, keep_default_na=False)
    assert list(train.columns) == ["Grosse_cm", "city", "Tag", "note_long", "value", "x", "Kundigung_ja_nein"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d|", day) for day in train["Tag"])
    assert set(train["value"]) == {"", "0", "1"}
    assert "" in set(train["city"])
    assert "nan" not in (folder / "repeat0-fold0" / "train.csv").read_text(encoding="utf-8").lower()
    assert read_manifest(folder).renamed["Größe (cm)"] == "Grosse_cm"
    assert set(train["Kundigung_ja_nein"]) == {"ja", "nein", "weiß nicht"}


def test_what_is_exported_is_what_models_see(exported):
    ready = prepare(splits_of_run(LABELS), print)
    split, folder = ready.splits[0], Path(FOLDERS[LABELS]) / "repeat0-fold0"
    shutil.copy(folder / "train.csv", "back.csv")
    again = prepare(splits_of_run(["task=tabular_clf", "data.path=back.csv", "data.target=Kundigung_ja_nein"]), print)
    sent = ready.dataset.X.iloc[split.train].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.dataset.X, sent.set_axis(again.dataset.X.columns, axis=1), check_dtype=False)


def test_names_stay_apart_when_they_are_made_plain():
    names = plain_names(["a b", "a-b", "A_B", "bench_id", "", "x" * 200, "x" * 201], taken=["bench_id"])
    assert len({name.lower() for name in names.values()}) == 7
    assert "bench_id" not in names.values()


def test_exporting_again_changes_no_byte(exported):
    before = files(exported / "exchange")
    assert dispatch(["export", *LABELS, "to=exchange"]) == 0
    assert files(exported / "exchange") == before


def test_importing_again_changes_no_byte(here):
    services.answer(Path(FOLDERS[LABELS]), services.vertex)
    take_in()
    before = files(here / "results")
    take_in()
    assert files(here / "results") == before


def test_other_predictions_are_other_rows(here):
    folder = Path(FOLDERS[LABELS])
    keys, digests = [], []
    for seed in (0, 1):
        services.answer(folder, services.plain, seed=seed)
        take_in()
        keys.append(json.loads(Path("results/tabular_clf/Verträge_2/quick/vertex_automl.json").read_text())["key"])
        digests.append(table(LABELS, "vertex_automl")["digest"].tolist())
    assert keys[0] != keys[1]
    assert digests[0] != digests[1]


def test_a_later_run_and_report_keep_the_row_and_validation_accepts_it(here, capsys):
    for other in ("tabular_reg", "text_clf"):
        shutil.rmtree(here / "results" / other)
    services.answer(Path(FOLDERS[LABELS]), services.vertex)
    assert take_in(LABELS, "vertex_automl", "note=one node hour", "seconds=3600", "licence=proprietary") == 0
    before = files(here / "results")
    assert run(LABELS, "rerun=all") == 0
    assert dispatch(["report"]) == 0
    assert files(here / "results") == before
    capsys.readouterr()
    assert dispatch(["validate", "recompute=1%"]) == 0
    said = capsys.readouterr().out
    assert "vertex_automl.csv: imported; predictions made elsewhere cannot be computed again" in said
    assert "3 tables, 0 problems" in said
    report = Path("results/tabular_clf/Verträge_2/quick/report.md").read_text()
    assert "vertex_automl: imported, not run here; its user says: one node hour, 3,600 s." in report


def test_folds_that_are_missing_are_rows_with_a_reason_and_mark_the_model(here, capsys):
    services.answer(Path(FOLDERS[LABELS]), services.plain, only="0-fold[01]")
    assert take_in() == 0
    rows = table(LABELS, "vertex_automl")
    assert rows["status"].tolist() == ["ok", "skipped", "ok", "skipped", "skipped", "skipped"]
    assert rows["reason"].iloc[4] == "No predictions were imported for this split (repeat0-fold2)."
    assert "2 of 3 folds" in " ".join(capsys.readouterr().out.split())


def test_a_second_training_lies_in_a_folder_of_its_seed(here):
    folder = Path(FOLDERS[LABELS])
    services.answer(folder, services.plain)
    services.answer(folder, services.plain, seed=1, below="seed1")
    assert take_in() == 0
    rows = table(LABELS, "vertex_automl")
    assert set(rows["status"]) == {"ok"}
    assert rows["digest"].nunique() == 6


def test_predictions_may_lie_anywhere(here):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    for fold in range(3):
        source = Path(FOLDERS[LABELS]) / f"repeat0-fold{fold}" / "predictions.csv"
        target = Path(f"my downloads/fold {fold}")
        target.mkdir(parents=True)
        source.rename(target / "result.csv")
    assert take_in(LABELS, "azure", "predictions=my downloads/fold {fold}/*.csv") == 0
    assert table(LABELS, "azure")["status"].tolist() == ["ok", "skipped"] * 3


def test_labels_of_test_rows_are_never_read_before_scoring(exported, ready):
    services.answer(Path(FOLDERS[LABELS]), services.vertex)
    manifest, asked = read_manifest(Path(FOLDERS[LABELS])), ready[LABELS]
    returned = returned_files(Path(FOLDERS[LABELS]), manifest, "")
    blind = []
    for split in asked.splits:
        y = asked.dataset.y.copy()
        y[split.test] = 0
        mine = [one for one in returned if one.place == f"repeat0-fold{split.fold}"]
        blind += read_answers(mine, manifest, replace(asked, dataset=replace(asked.dataset, y=y)))
    for one, other in zip(read_answers(returned, manifest, asked), blind, strict=True):
        np.testing.assert_array_equal(one.predicted, other.predicted)


def test_probabilities_that_were_printed_short_are_made_good(exported, ready):
    folder = Path(FOLDERS[LABELS])
    services.answer(folder, services.plain)
    for path in folder.glob("*/predictions.csv"):
        pd.read_csv(path).round(3).to_csv(path, index=False)
    p = read(LABELS, ready)[0].predicted
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-6


def edit(change):
    def apply(place: Path) -> None:
        path = place / "predictions.csv"
        change(pd.read_csv(path, dtype=object)).to_csv(path, index=False)

    return apply


def put(rows, column, value):
    def change(frame):
        frame.loc[frame.index[:rows], column] = value
        return frame

    return edit(change)


def cut_off(path: Path) -> None:
    path.write_text(path.read_text("utf-8").rpartition(",")[0], "utf-8")


BAD = {
    "a missing row": (edit(lambda f: f.iloc[2:]), r"2 of 50 test rows have no prediction: r[0-9a-f]{16}, r"),
    "a row twice": (edit(lambda f: pd.concat([f, f.iloc[:1]])), r"1 id is there more than once: r[0-9a-f]{16}\. Leave"),
    "an unknown row": (put(1, "bench_id", "r123"), r"1 id is not of this split: r123\."),
    "no ids": (edit(lambda f: f.drop(columns="bench_id")), r"no column 'bench_id'.*Columns: 'ja', 'nein'"),
    "text": (put(5, "ja", "0,5"), r"5 of 50 rows hold no number, such as '0,5': r[0-9a-f]{16}, .* and 2 more"),
    "nothing": (put(1, "ja", ""), r"1 of 50 rows hold no number, such as 'nan'|such as ''"),
    "infinite": (put(1, "ja", "inf"), r"1 of 50 rows hold no number, such as 'inf'"),
    "per cent": (edit(lambda f: f.assign(ja=f["ja"].astype(float) * 100)), r"values from 0 to \d+, and probabilities"),
    "negative": (put(1, "ja", "-0.2"), r"values from -0.2 to"),
    "a wrong sum": (edit(lambda f: f.assign(ja="0.9", nein="0.9")), r"do not sum to one \(off by up to \d"),
    "no class": (edit(lambda f: f.drop(columns="nein")), r"no probability of 'nein': no column 'nein' \(one column a"),
    "other columns": (
        edit(lambda f: f[["bench_id"]].assign(p=1)),
        r"not found\. Columns: 'p'\. Expected for each class",
    ),
    "labels only": (
        edit(lambda f: f[["bench_id"]].assign(Kundigung_ja_nein_predicted="ja")),
        r"'Kundigung_ja_nein_predicted' holds labels, and probabilities are needed",
    ),
    "another file": (lambda place: shutil.copy(place / "predictions.csv", place / "b.csv"), r"50 ids are there more"),
    "two services": (
        lambda place: (place / "b.csv").write_text("bench_id,other\nr1,2\n"),
        r"other columns than b\.csv, which lies beside it",
    ),
    "cut off": (
        lambda place: cut_off(place / "predictions.csv"),
        r"1 of 50 rows hold no number, such as ''",
    ),
    "a comma too many": (
        lambda place: (place / "predictions.csv").write_text("bench_id,ja,nein\nr1,0.5,0.5,0\nr2,1,0,0\n"),
        r"as many values in each row as its header has",
    ),
    "Latin letters": (
        lambda place: (place / "predictions.csv").write_bytes("bench_id,weiß nicht\n".encode("latin-1")),
        r"is not UTF-8",
    ),
    "empty": (lambda place: (place / "predictions.csv").write_text(""), r"predictions\.csv: there is nothing in it"),
    "broken JSON": (lambda place: (place / "predictions.csv").write_text('{"a": 1\n'), r"is not JSON"),
    "no objects": (lambda place: (place / "predictions.csv").write_text("[1, 2]"), r"holds '1', and an object"),
    "errors of the service": (
        lambda place: (edit(lambda f: f.iloc[1:])(place), (place / "errors_0001.csv").write_text("error\nbad row\n")),
        r"1 of 50 test rows .* could not predict in errors_0001\.csv",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_an_error_that_says_where_and_what_to_do(exported, ready, name):
    spoil, said = BAD[name]
    services.answer(Path(FOLDERS[LABELS]), services.plain, only="0-fold0")
    spoil(Path(FOLDERS[LABELS]) / "repeat0-fold0")
    with pytest.raises(BenchError, match=said) as caught:
        read(LABELS, ready)
    assert "repeat0-fold0" in str(caught.value)


def test_after_an_error_in_one_file_nothing_is_written(here):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    put(1, "ja", "?")(Path(FOLDERS[LABELS]) / "repeat0-fold2")
    before = files(here / "results") | files(here / ".bench")
    with pytest.raises(BenchError, match="repeat0-fold2: 1 of 50 rows hold no number"):
        take_in()
    assert files(here / "results") | files(here / ".bench") == before


def test_predictions_in_the_folder_of_another_split_are_noticed(exported, ready):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    one, other = (Path(FOLDERS[LABELS]) / f"repeat0-fold{fold}" / "predictions.csv" for fold in (0, 1))
    shutil.copy(other, one)
    with pytest.raises(
        BenchError, match=r"repeat0-fold0: 50 ids are not .* belong to repeat0-fold1: were folders mixed"
    ):
        read(LABELS, ready)


def test_quantities_that_are_none_are_refused(exported, ready):
    services.answer(Path(FOLDERS[VALUES]), services.plain)
    put(2, "prediction", "n/a")(Path(FOLDERS[VALUES]) / "repeat0-fold0")
    with pytest.raises(BenchError, match=r"2 of 50 rows hold no number, such as 'n/a'"):
        read(VALUES, ready)


def test_predictions_for_data_that_changed_are_refused(here):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    path = Path("Verträge (2).csv")
    path.write_text(path.read_text().replace("Oslo", "Bergen"))
    with pytest.raises(BenchError, match="Since the export the data changed"):
        take_in()
    with pytest.raises(BenchError, match="holds an export of other data or splits"):
        dispatch(["export", *LABELS, "to=exchange"])


def test_an_import_in_another_folder_than_the_export_says_so(here, monkeypatch, tmp_path):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=r"made from Verträge \(2\)\.csv, which is not here"):
        dispatch(["import", f"from=work/{FOLDERS[LABELS]}", "model=a"])


def test_a_folder_with_something_else_in_it_is_not_written_to(exported):
    mine = Path("elsewhere/text_clf-reviews-quick")
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("mine")
    with pytest.raises(BenchError, match="is there already, and is no export"):
        dispatch(["export", *TEXTS, "to=elsewhere"])


def test_without_rows_of_the_reference_the_command_to_run_first_is_named(here):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    shutil.rmtree("results")
    with pytest.raises(
        BenchError, match=r"no rows of the reference logreg.*python -m bench task=tabular_clf 'data\.path"
    ):
        take_in()


def test_names_that_are_taken_are_refused(here):
    services.answer(Path(FOLDERS[LABELS]), services.plain)
    for name, said in {"lightgbm": "a model that runs here", "a/b": "no name for a table", "": "Whose"}.items():
        with pytest.raises(BenchError, match=said):
            take_in(LABELS, name)
    take_in(LABELS, "mine")
    facts = Path("results/tabular_clf/Verträge_2/quick/mine.json")
    content = json.loads(facts.read_text())
    del content["about"]["imported"]
    facts.write_text(json.dumps(content))
    with pytest.raises(BenchError, match="rows that were made here"):
        take_in(LABELS, "mine")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("from=nowhere", "model=a"), "holds no exchange.json"),
        (("from=exchange", "model=a"), "exchange/tabular_reg-houses-quick"),
        (("model=a",), "From where"),
        ((f"from={FOLDERS[VALUES]}", "model=a"), "There are no predictions beside test.csv"),
        ((f"from={FOLDERS[VALUES]}", "model=a", "predictions=*.txt"), "no predictions like"),
        ((f"from={FOLDERS[VALUES]}", "modle=a"), "Unknown key 'modle'. Did you mean 'model'"),
        ((f"from={FOLDERS[VALUES]}", "model=a", "seconds=-1"), "must not be negative"),
    ],
)
def test_a_mistake_in_the_command_names_the_remedy(here, words, said):
    with pytest.raises(BenchError, match=said):
        dispatch(["import", *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (VALUES, "Where to"),
        ((*VALUES, "to=exchange", "budget.flods=3"), "Did you mean 'folds'"),
        ((*VALUES, "to=exchange", "curve=true"), "cannot be exported"),
        (("-m", *VALUES, "to=exchange"), "one folder at a time"),
        (("task=tabular_clf", "data.path=nowhere.csv", "to=exchange"), "There is no file nowhere.csv"),
    ],
)
def test_a_mistake_in_an_export_names_the_remedy(exported, words, said):
    with pytest.raises(BenchError, match=said):
        dispatch(["export", *words])


def test_what_may_be_fetched_is_not_handed_over_and_a_folder_that_says_so_is_not_heeded(exported):
    assert dispatch(["export", *VALUES, "to=other", "zoo.fetch=false", f"cache_dir={exported / 'cache'}"]) == 0
    folder = exported / "other/tabular_reg-houses-quick"
    assert "Give a service one folder at a time" in (folder / README).read_text()
    manifest = read_manifest(folder)
    assert manifest.overrides == VALUES
    told = replace(manifest, overrides=(*VALUES, "zoo.fetch=true", "zoo.allow_unpinned=true"))
    settings = settings_of(told, Source(folder=folder))
    assert (settings.zoo_fetch, settings.allow_unpinned) == (False, False)
