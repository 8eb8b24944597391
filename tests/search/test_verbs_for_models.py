"""From a table to predictions, an evaluation and a deleted study: what a user types after `tune`."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import filelock
import numpy as np
import pandas as pd
import pytest

from search import cli
from search.catalog import deletion
from search.errors import StudyError
from search.prediction import predictor
from search.service.terminal import opening
from search.study import records
from search.tracking import listing, removal, stores
from search.tracking.models import registry

DOCS = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
STUDY = """\
name = "{name}"
[data]
source = "rows.csv"
target = "{target}"
task = "{task}"
drop = ["{other}"]
[model]
max_iter = 8
solver = "sgd"
[space]
learning_rate_init = [0.01, {second}]
[search]
method = "grid"
n_members = 1
[cv]
n_splits = 3
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, empty_database) -> Iterator[Path]:
    """A folder with two finished studies of one table: a regression with a diverging trial, and one of classes."""
    folder = tmp_path_factory.mktemp("workplace")
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"area": random.uniform(30, 200, 90).round(1), "town": random.choice(["Ulm", "Bonn"], 90)})
    frame["sold"] = pd.date_range("2020-01-01", periods=90, freq="9D").strftime("%d.%m.%Y")
    frame["price"] = (2 * frame.area + 30 * (frame.town == "Ulm")).round(1)
    frame["size"] = np.where(frame.area > 110, "large", "small")
    frame[:70].to_csv(folder / "rows.csv", index=False)
    frame[70:].to_csv(folder / "new.csv", index=False)
    names = {"prices": ("price", "regression", "size", 900.0), "sizes": ("size", "classification", "price", 0.1)}
    names["again"] = ("price", "regression", "size", 0.02)
    for name, (target, task, other, second) in names.items():
        text = STUDY.format(name=name, target=target, task=task, other=other, second=second)
        (folder / f"{name}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        (folder / "mlruns").mkdir()
        path = shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
        patch.setattr(stores, "DEFAULT_URI", f"sqlite:///{path}")
        for name in names:
            assert cli.main(["tune", f"{name}.toml", "--quiet"]) == 0
        yield folder


@pytest.fixture
def bpsearch(workplace, monkeypatch, command):
    monkeypatch.setattr(stores, "DEFAULT_URI", f"sqlite:///{workplace}/mlruns/mlflow.db")
    monkeypatch.chdir(workplace)

    return command


def documented(verb: str) -> list[str]:
    """Return the keys in the first column of the verb's table."""
    table = DOCS.split(f"<!-- json: {verb} -->")[1].split("<!-- end -->")[0]
    return [key for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[1:] for key in re.findall(r"`(\w+)`", row)]


COMMANDS = {
    "predict": ["predict", "prices", "new.csv", "-o", "p.csv", "--force"],
    "evaluate": ["evaluate", "sizes", "new.csv"],
    "list": ["list"],
    "show": ["show", "prices"],
    "compare": ["compare", "prices", "again"],
    "verify": ["verify"],
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_keys_are_those_of_the_documents(bpsearch, verb):
    result = bpsearch(*COMMANDS[verb], "--json")
    assert result.code == 0
    told = result.document
    assert sorted(told) == sorted(documented(verb))
    table = DOCS.split(f"<!-- json: {verb} -->")[1].split("<!-- end -->")[0]
    inner = [each for value in told.values() if isinstance(value, list) for each in value if isinstance(each, dict)]
    keys = {key for each in inner for key in each} if verb not in ("show",) else set()
    assert all(f"`{key}`" in table for key in keys)


@pytest.mark.parametrize("verb", [*COMMANDS, "export", "delete"])
def test_a_server_that_does_not_answer_is_told_at_once(bpsearch, verb, free_port, monkeypatch):
    """Bug: MLflow's client asked again for four minutes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    further = {
        "export": ["export", "prices", "--to", "joblib", "-o", "no.joblib"],
        "delete": ["delete", "prices", "--yes"],
    }
    result = bpsearch(*(COMMANDS | further)[verb])
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "the MLflow server does not answer" in result.err


@pytest.mark.parametrize("verb", ["list", "compare", "evaluate"])
def test_nothing_is_cut_in_a_narrow_terminal(bpsearch, verb, monkeypatch):
    """Bug: the names of the studies, and the values of the metrics, were not shown."""
    wide = bpsearch(*COMMANDS[verb]).out
    monkeypatch.setenv("COLUMNS", "40")
    narrow = bpsearch(*COMMANDS[verb]).out
    assert "…" not in narrow
    if verb == "list":  # has fewer columns there
        assert set(narrow.split()) < set(wide.split())
    else:
        assert narrow.split() == wide.split()


# ----------------------------------------------------------------------------------------------------------------- predict


def test_predictions_are_those_of_the_pipeline_whatever_the_form_of_the_table(bpsearch, workplace):
    bpsearch("predict", "prices", "new.csv", "-o", "one.csv", "--force")
    one = pd.read_csv("one.csv")
    assert list(one) == ["predicted_price"]
    pipeline, _ = registry.load(stores.DEFAULT_URI, "prices")
    expected = pipeline.predict(pd.read_csv("new.csv"))
    np.testing.assert_allclose(one.predicted_price, expected, rtol=1e-6)
    frame = pd.read_csv("new.csv")[::-1].reset_index(drop=True)
    frame.to_parquet("new.parquet")
    frame.to_excel("new.xlsx", index=False)
    frame.to_json("new.json", orient="records")
    frame.astype("str").to_csv("semicolons.csv", sep=";", decimal=",", index=False, encoding="utf-16")
    with closing(sqlite3.connect("new.db")) as db:
        frame.to_sql("new", db, index=False, if_exists="replace")
    for source in ("new.parquet", "new.xlsx", "new.json", "semicolons.csv", "sqlite:///new.db?table=new"):
        assert bpsearch("predict", "models:/prices/1", source, "-o", "other.parquet", "--force").code == 0
        np.testing.assert_allclose(
            pd.read_parquet("other.parquet").predicted_price[::-1], expected, rtol=1e-6, err_msg=source
        )


def test_predictions_are_printed_and_notes_are_not_in_the_way(bpsearch):
    result = bpsearch("predict", "sizes.toml", "new.csv", "--probabilities", "--with-input")
    lines = result.out.splitlines()
    assert lines[0] == "area,town,sold,price,size,predicted_size,probability_large,probability_small"
    assert len(lines) == 21
    assert result.err == "note:    the target 'size' is in the table; it is not looked at\n"
    assert lines[1].startswith(Path("new.csv").read_text().splitlines()[1] + ",")
    first = lines[1].split(",")
    assert float(first[-1]) + float(first[-2]) == pytest.approx(1)
    assert bpsearch("--quiet", "predict", "sizes", "new.csv").err == ""


def test_what_is_not_as_expected_is_told(bpsearch):
    Path("odd.csv").write_text("Area,town,sold\n12,Ulm,01.01.2020\nmany,Rome,yesterday\n?,,\n")
    result = bpsearch("predict", "prices", "odd.csv", "-o", "odd_out.csv", "--force")
    assert result.code == 0
    assert "written: odd_out.csv (3 rows; predicted_price)" in result.out
    told = result.err
    assert "there is no column 'area': all its values count as missing (did you mean Area?)" in told
    assert "column 'sold': 1 value is not a date and counts as missing: 'yesterday'" in told
    assert "column 'town': 1 value is no level that the model knows: 'Rome'" in told


ERRORS = {
    "no model": (["predict", "price", "new.csv"], "no registered model 'price' (did you mean prices?)"),
    "no version": (["predict", "prices", "new.csv", "--version", "9"], "has no version 9; allowed are 1, champion"),
    "no file": (["predict", "prices", "none.csv"], "there is no file none.csv"),
    "no columns": (["predict", "prices", "prices.toml"], "prices.toml"),
    "probabilities": (["predict", "prices", "new.csv", "--probabilities"], "the model is no classifier"),
    "ending": (["predict", "prices", "new.csv", "-o", "p.doc"], "the name must end in one of .csv"),
    "no folder": (["predict", "prices", "new.csv", "-o", "none/p.csv"], "there is no folder none"),
    "exists": (["predict", "prices", "new.csv", "-o", "rows.csv"], "already exists; choose another file"),
    "json": (["predict", "prices", "new.csv", "--json"], "--json needs --output FILE"),
    "no target": (
        ["evaluate", "prices", "new.csv", "--target", "pric"],
        "no column 'pric', the target (did you mean price?)",
    ),
    "plot": (["evaluate", "prices", "new.csv", "--plot", "p.doc"], "the name must end in one of .png"),
    "no study": (["show", "prises"], "there is no study 'prises' (did you mean prices?)"),
    "one name": (["compare", "prices"], "compare needs two names or more"),
    "delete": (["delete", "prices"], "Say --yes if that is what you want"),
    "two versions": (["predict", "models:/prices/1", "new.csv", "--version", "1"], "names a version, too"),
}


@pytest.mark.parametrize(("arguments", "told"), ERRORS.values(), ids=ERRORS.keys())
def test_a_mistake_is_one_line(bpsearch, arguments, told):
    result = bpsearch(*arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert told in result.err


def test_an_interrupted_prediction_leaves_no_file(bpsearch, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predictor, "beside", stop)
    result = bpsearch("predict", "prices", "new.csv", "--with-input", "-o", "cut.csv")
    assert (result.code, result.out) == (130, "interrupted: no file was written\n")
    assert not [path.name for path in Path().iterdir() if "cut" in path.name]


# ---------------------------------------------------------------------------------------------------------------- evaluate


def test_an_evaluation_has_all_metrics_the_one_of_the_study_first(bpsearch):
    told = bpsearch("evaluate", "prices", "new.csv", "--json").document
    pipeline, known = registry.load(stores.DEFAULT_URI, "prices")
    frame = pd.read_csv("new.csv")
    errors = frame.price - pipeline.predict(frame)
    first = told["scores"][0]
    assert (first["metric"], first["greater_is_better"]) == ("root mean squared error", False)
    assert first["value"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    assert first["low"] < first["value"] < first["high"]
    assert first["cross_validation"] == pytest.approx(-known.metrics["score"])
    mean = pd.read_csv("rows.csv").price.mean()
    assert first["dummy"] == pytest.approx(np.sqrt(np.mean((frame.price - mean) ** 2)))
    assert told["residuals"]["mean"] == pytest.approx(errors.mean(), rel=1e-5)
    assert told["worst"][0]["row"] == errors.abs().argmax() + 1
    assert (told["rows"], told["classes"], told["notes"]) == (20, None, [])


def test_an_evaluation_of_classes_and_its_picture(bpsearch):
    result = bpsearch("evaluate", "sizes", "new.csv", "--plot", "sizes.png")
    assert result.code == 0
    assert "balanced accuracy" in result.out
    assert "precision" in result.out
    assert Path("sizes.png").stat().st_size > 1000
    told = bpsearch("evaluate", "sizes", "new.csv", "--json").document
    assert np.sum(told["confusion"]) == 20
    assert [each["class"] for each in told["classes"]] == ["large", "small"]
    assert [each["rows"] for each in told["classes"]] == np.sum(told["confusion"], axis=1).tolist()


def test_rows_of_the_training_are_noticed_and_rows_without_a_target_left_out(bpsearch):
    told = bpsearch("evaluate", "prices", "rows.csv", "--json").document
    assert told["notes"] == [
        "the model was trained on rows like these: all 70 rows have the features of a training row; this is no test"
    ]
    rows = Path("rows.csv").read_text().splitlines()[:2] + Path("new.csv").read_text().splitlines()[1:]
    rows[2] = rows[2].replace(rows[2].split(",")[3], "")
    rows[3] = rows[3].replace(rows[3].split(",")[3], "much")
    Path("mixed.csv").write_text("\n".join(rows))
    told = bpsearch("evaluate", "prices", "mixed.csv", "--json").document
    assert told["rows"] == 19
    assert "1 of 21 rows have the features of a training row" in told["notes"][0]
    assert told["notes"][1:] == ["1 row without a target left out", "1 row left out: 'much' in row 3 is no number"]


# ------------------------------------------------------------------------------------------------------------ the studies


def test_list_has_each_study(bpsearch, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    result = bpsearch("list")
    line = next(line for line in result.out.splitlines() if line.startswith(" prices"))
    assert line.split()[:4] == ["prices", "regression", "2", "1/1/0"]
    assert line.split()[-2:] == ["version", "1"]
    assert sorted(bpsearch("list", "--quiet").out.split()) == ["again", "prices", "sizes"]
    studies = {each["name"]: each for each in bpsearch("list", "--json").document["studies"]}
    assert studies["sizes"]["trials"] == {"ok": 2, "stopped": 0, "diverged": 0, "error": 0}
    assert not studies["prices"]["running"]
    with filelock.FileLock("studies/prices.journal.lock"):
        studies = {each["name"]: each for each in bpsearch("list", "--json").document["studies"]}
        assert studies["prices"]["running"]
        assert "is running; stop it first" in bpsearch("delete", "prices", "--yes").err


def test_the_database_is_read_as_mlflow_reads_it(bpsearch):
    assert listing.kept(stores.DEFAULT_URI) == listing._of_client(stores.DEFAULT_URI)
    assert listing.kept("sqlite:///none.db") == {}
    assert not Path("none.db").exists()


def test_show_is_the_report_of_tune(bpsearch):
    again = bpsearch("tune", "prices.toml").out
    report = again[again.index("Best of") : again.index("model:")]
    shown = bpsearch("show", "prices")
    assert report.strip() in shown.out
    assert "next:     bpsearch predict prices new.csv -o predictions.csv" in shown.out
    assert f"report:   {Path('studies/prices.report.html')}" in shown.out
    assert bpsearch("show", "prices", "--file").out == Path("prices.toml").read_text()
    document = bpsearch("show", "prices", "--json").document
    assert document["study"] == bpsearch("tune", "prices.toml", "--json").document
    assert document["params"] == {"learning_rate_init": 0.01}


def test_journals_that_know_less_are_shown_as_far_as_they_go(bpsearch, monkeypatch):
    """Older versions did not keep the study file."""
    monkeypatch.setattr(records, "ABOUT", "nothing")
    shown = bpsearch("show", "prices")
    assert shown.code == 0
    assert "best root mean squared error" in shown.out
    assert "learning_rate_init 0.01" in shown.out
    assert "trials: 1 ok, 1 diverged" in shown.out
    assert "the journal of 'prices' was written before it kept" in bpsearch("show", "prices", "--file").err
    Path("studies/prices.journal").rename("hidden")
    try:
        assert "best root mean squared error" in bpsearch("show", "prices").out
    finally:
        Path("hidden").rename("studies/prices.journal")


def test_compare_tests_studies_on_the_same_folds(bpsearch):
    told = bpsearch("compare", "prices", "again.toml", "sizes", "--json").document
    assert told["names"] == ["prices", "again", "sizes"]
    assert [(each["first"], each["second"]) for each in told["tests"]] == [("prices", "again")]
    assert told["rows"]["trials"] == [2, 2, 2]
    assert "are not tested against each other: their metrics differ" in told["sentences"][-1]
    versions = bpsearch("compare", "prices/1", "models:/again@champion", "--json").document
    assert versions["names"] == ["prices/1", "again/1"]
    assert versions["rows"]["root mean squared error"] == pytest.approx(told["rows"]["score"][:2])


def test_delete_leaves_nothing_and_the_name_is_free(bpsearch, workplace, monkeypatch):
    second = SimpleNamespace(strftime=lambda _: "2026-12-01 00:00:00")  # both deletions may be in one
    monkeypatch.setattr(deletion, "time", second)
    Path("gone.toml").write_text(Path("again.toml").read_text().replace('"again"', '"gone"'))
    assert bpsearch("tune", "gone.toml", "--quiet").code == 0
    Path("studies/gone.outer-1.journal").write_bytes(Path("studies/gone.journal").read_bytes())
    result = bpsearch("delete", "gone", "--yes", "--json")
    assert (result.code, sorted(result.document)) == (0, sorted(documented("delete")))
    assert len(result.document["deleted"]) == 5
    assert not list(Path("studies").glob("gone*"))
    assert "gone" not in listing.kept(stores.DEFAULT_URI)
    assert registry.versions(stores.DEFAULT_URI, "gone") == []
    assert Path("gone.toml").exists()
    assert bpsearch("tune", "gone.toml", "--quiet").code == 0
    kept = listing.kept(stores.DEFAULT_URI)["gone"]
    assert (kept.n_runs, [version.number for version in kept.versions]) == (3, [1]), "none of the deleted runs is back"
    assert bpsearch("delete", "gone", "--yes").code == 0


def test_a_deletion_that_fails_can_be_repeated(bpsearch, monkeypatch):
    Path("half.toml").write_text(Path("again.toml").read_text().replace('"again"', '"half"'))
    assert bpsearch("tune", "half.toml", "--quiet").code == 0
    with monkeypatch.context() as patch:

        def fail(*_):
            raise StudyError("MLflow is away")

        patch.setattr(removal, "experiment", fail)
        assert "MLflow is away" in bpsearch("delete", "half", "--yes").err
        assert Path("studies/half.journal").exists()
    assert bpsearch("delete", "half", "--yes").code == 0
    assert not list(Path("studies").glob("half*"))


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("yes", 0)])
def test_delete_asks(bpsearch, monkeypatch, answer, code):
    deleted = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    monkeypatch.setattr(deletion, "delete", lambda uri, entry, first: deleted.append(entry.name))
    result = bpsearch("delete", "prices")
    assert result.code == code
    assert "This deletes the study 'prices'" in result.out
    assert deleted == (["prices"] if code == 0 else [])


def test_delete_asks_the_queue_before_it_deletes_anything(bpsearch, monkeypatch):
    def refuse(name):
        raise StudyError(f"study {name!r} is queued")

    monkeypatch.setattr(opening, "forget", refuse)
    assert bpsearch("delete", "prices", "--yes").err == "error: study 'prices' is queued\n"
    assert Path("studies/prices.journal").exists()
    assert listing.kept(stores.DEFAULT_URI)["prices"].versions


@pytest.mark.parametrize("columns", [30, 60, 200])
def test_names_were_cut_in_narrow_terminals_and_pipes_bug(bpsearch, monkeypatch, columns):
    """At 80 columns the list had "p…" for "prices"."""
    monkeypatch.setenv("COLUMNS", str(columns))
    listed = bpsearch("list").out.splitlines()
    assert {line.split()[0] for line in listed[1:-1]} == {"prices", "sizes", "again"}
    assert max(map(len, listed)) <= max(columns, 18)
    assert ("ok/diverged/stopped" in listed[0]) is (columns == 200)
    assert "best" in listed[0]
    for command in (
        ["compare", "prices", "again"],
        ["evaluate", "prices", "new.csv"],
        ["evaluate", "sizes", "new.csv"],
    ):
        assert "…" not in bpsearch(*command).out


def test_one_row_has_no_interval_and_no_row_is_an_error(bpsearch, workplace):
    """Bug: the report said "1 rows" and "nan to nan"."""
    lines = (workplace / "new.csv").read_text().splitlines(keepends=True)
    (workplace / "row.csv").write_text("".join(lines[:2]))
    (workplace / "none.csv").write_text(lines[0])
    for model in ("sizes", "prices"):
        found = bpsearch("evaluate", model, "row.csv").out
        assert "On 1 row\n" in found
        assert "nan" not in found
    assert bpsearch("evaluate", "sizes", "none.csv").err == "error: none.csv: it has no rows\n"


def test_show_of_a_trial(bpsearch):
    shown = bpsearch("show", "prices", "--trial", "1")
    assert shown.code == 0
    assert shown.out.startswith("prices, trial 1: diverged\n")
    assert "next: bpsearch diagnose prices.toml --trial 1" in shown.out
    document = bpsearch("show", "prices", "--trial", "1", "--json").document
    assert sorted(document) == sorted(documented("show --trial"))
    assert (document["verdict"], document["score"], document["params"]) == (
        "diverged",
        None,
        {"learning_rate_init": 900.0},
    )
    assert document["findings"][0]["remedy"] in shown.out
    assert bpsearch("show", "prices", "--trial", "2").err.endswith("its 2 trials are 0 to 1\n")


@pytest.mark.parametrize("how", [("prices", "--model"), ("prices", "--version", "1"), ("models:/prices@champion",)])
def test_show_of_a_model(bpsearch, how):
    shown = bpsearch("show", *how)
    assert shown.code == 0
    assert shown.out.startswith("models:/prices/1  (champion)\n")
    assert "bpsearch.load_model('prices', 1)" in shown.out
    document = bpsearch("show", *how, "--json").document
    assert sorted(document) == sorted(documented("show --model"))
    study = bpsearch("show", "prices", "--json").document
    assert (document["version"], document["target"], document["rows"]) == (1, "price", 70)
    assert document["score"] == pytest.approx(study["score"])
    assert document["std"] == pytest.approx(study["std"])
    assert document["params"] == {"learning_rate_init": "0.01"}


def test_show_of_an_older_version_has_its_own_score(bpsearch, monkeypatch):
    """The run of a study that goes on tells of its latest version: its score is no longer that of the others."""
    real = registry.run
    later = {"score": -0.5, "score_std": 0.1}
    monkeypatch.setattr(registry, "run", lambda *found: registry.Run({}, later, real(*found).tags))
    document = bpsearch("show", "prices", "--model", "--json").document
    assert document["score"] != 0.5
    assert (document["std"], document["params"]) == (None, {})


@pytest.mark.parametrize("more", [("--file",), ("--trial", "0")])
def test_show_of_a_version_is_of_a_model(bpsearch, more):
    assert bpsearch("show", "prices", *more, "--version", "1").code == 2


def test_export_of_the_trials_of_a_study(bpsearch):
    done = bpsearch("export", "prices", "--to", "optuna", "-o", "prices.optuna")
    assert (done.code, done.out.splitlines()[1]) == (0, "next:    optuna-dashboard prices.optuna")
    again = bpsearch("export", "prices", "--to", "optuna", "-o", "prices.optuna")
    assert (again.code, "--force" in again.err) == (2, True)
    found = bpsearch("export", "prices", "--to", "optuna", "-o", "prices.optuna", "--force", "--json").document
    assert (found["model"], found["format"], found["bytes"]) == (
        "prices",
        "optuna",
        Path("prices.optuna").stat().st_size,
    )
    assert bpsearch("export", "prices", "--to", "optuna", "-o", "p.optuna", "--version", "1").code == 2
    assert bpsearch("export", "nothing", "--to", "optuna", "-o", "p.optuna").code == 2
    assert not Path("p.optuna").exists()
