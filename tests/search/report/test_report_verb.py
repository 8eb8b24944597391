"""`bpsearch report`, and the report that `tune` and `BPSearchCV` write."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from bpmodel import BPRegressor, DivergenceError
from search import BPSearchCV, StudyError, load_model, tuning
from search.catalog import entries
from search.loop import journal
from search.report import files
from search.report.page import page
from search.study import reports, study_file
from search.tracking import listing, stores
from search.tracking.writers.client import connect

HOME = Path(__file__).parents[3]
DOCS = (HOME / "docs" / "studies.md").read_text(encoding="utf-8")
REPORT = Path("studies/small.report.html")


@pytest.fixture
def project(folder, small_project, monkeypatch):
    """A folder with a study of two trials; nothing opens a browser."""
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    return small_project(folder)


@pytest.fixture(scope="module")
def tuned_once(tmp_path_factory, small_project, empty_database) -> Path:
    """A folder in which the study was tuned, in seconds; its tests only read it."""
    folder = small_project(tmp_path_factory.mktemp("tuned"))
    (folder / "mlruns").mkdir()
    path = shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(stores, "DEFAULT_URI", f"sqlite:///{path}")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert tuning.tune(study_file.load("small.toml")).page == str(REPORT)
    return folder


@pytest.fixture
def tuned(tuned_once, tmp_path, monkeypatch) -> Path:
    """A folder with the files of the study, but without its data and without a store."""
    shutil.copytree(tuned_once / "studies", tmp_path / "studies")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    return tmp_path


def test_tune_writes_it_stores_it_and_links_to_it(project, command):
    result = command("tune", "small.toml")
    assert f"\nreport: {REPORT}\n" in result.out
    text = REPORT.read_text(encoding="utf-8")
    run = listing.kept(stores.DEFAULT_URI)["small"]
    (stored,) = Path("mlruns").rglob("report.html")
    assert stored.read_text(encoding="utf-8") == text
    client = connect(stores.DEFAULT_URI)
    (parent,) = [r for r in client.search_runs([run.experiment_id]) if "mlflow.parentRunId" not in r.data.tags]
    link = f"(#/experiments/{run.experiment_id}/runs/{parent.info.run_id}/artifacts/report.html?workflowType=machine_learning)"
    described = parent.data.tags["mlflow.note.content"].split("\n\n")
    assert described[0].startswith("**small**")
    assert described[1] == f"[Report: the answer on one page]{link}"
    assert "bpsearch.load_model(&#x27;small&#x27;, 1)" in text
    assert "It became the champion" in text
    assert "not finished" not in text
    REPORT.unlink()
    assert f"report: {REPORT}" in command("tune", "small.toml").out
    before = (REPORT.stat().st_mtime_ns, REPORT.read_bytes())
    assert json.loads(command("tune", "small.toml", "--json").out)["report"] == str(REPORT)
    assert (REPORT.stat().st_mtime_ns, REPORT.read_bytes()) == before
    assert f"{REPORT}: the report" in command("delete", "small", "--yes").out
    assert not REPORT.exists()


def test_the_journal_alone_gives_the_same_page(tuned, command):
    kept = re.sub(r"base64,[^\"]+", "", REPORT.read_text(encoding="utf-8"))
    result = command("report", "small")
    assert (result.code, result.out) == (0, f"report: {REPORT}\n")
    text = REPORT.read_text(encoding="utf-8")
    assert re.sub(r"base64,[^\"]+", "", text) == kept
    assert command("report", "small", "--quiet").out == f"{REPORT}\n"
    assert REPORT.read_text(encoding="utf-8") == text


def test_json(tuned, command):
    told = command("report", "small", "--json", "--output", "a.html").document
    table = DOCS.split("<!-- json: report -->")[1].split("<!-- end -->")[0]
    assert sorted(told) == sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert told["report"] == "a.html"
    assert (told["study"]["name"], told["study"]["n_trials"]) == ("small", 2)


def test_only_a_report_is_replaced(tuned, command):
    Path("mine.html").write_text("<p>mine</p>")
    result = command("report", "small", "-o", "mine.html")
    assert result.code == 2
    assert result.err == (
        "error: --output mine.html already exists and is no report; choose another file, or replace it with --force\n"
    )
    assert Path("mine.html").read_text() == "<p>mine</p>"
    assert command("report", "small", "-o", "mine.html", "--force").code == 0
    assert files.is_report(Path("mine.html"))
    assert command("report", "small", "-o", "mine.html").code == 0
    Path("link.html").symlink_to("mine.html")
    assert "is a link" in command("report", "small", "-o", "link.html").err
    assert "there is no folder" in command("report", "small", "-o", "no/a.html").err


def test_a_file_in_its_place_does_not_end_a_study(project, command):
    REPORT.parent.mkdir()
    REPORT.write_text("mine")
    result = command("tune", "small.toml")
    assert result.code == 0
    assert f"note:   the report was not written: {REPORT} already exists and is no report" in result.out
    assert REPORT.read_text() == "mine"


def test_names_and_journals_that_do_not_exist(tuned, command):
    assert "there is no journal of a study 'smal' (did you mean small?)" in command("report", "smal").err
    Path("studies/empty.journal").write_text("")
    assert command("report", "empty").err == "error: studies/empty.journal holds no trials yet\n"
    old = [json.loads(line) for line in Path("studies/small.journal").read_text().splitlines()]
    kept = [line for line in old if "about" not in line.get("user_attr", {})]
    Path("studies/old.journal").write_text("".join(f"{json.dumps(line)}\n" for line in kept))
    assert "was written before it kept what a report needs" in command("report", "old").err


def test_a_study_that_is_not_finished(tuned, command):
    """As a kill leaves it in the middle of the second trial."""
    lines = Path("studies/small.journal").read_text().splitlines(keepends=True)
    trials = [i for i, line in enumerate(lines) if '"outcome":' in line]
    Path("studies/small.journal").write_text("".join(lines[: trials[1]]))
    assert command("report", "small").code == 0
    text = REPORT.read_text(encoding="utf-8")
    assert "This study is not finished: 1 of 2 trials are done." in text
    assert "There is no model yet" in text


def test_open(tuned, command, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(opened.append(address)) or len(opened) == 1)
    assert command("report", "small", "--open").out == f"report: {REPORT}\n"
    assert opened == [REPORT.absolute().as_uri()]
    assert f"note:   no browser was found; open {opened[0]}" in command("report", "small", "--open").out


def snippets(text: str) -> list[str]:
    found = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)
    plain = [re.sub(r"<[^>]+>", "", each).replace("&#x27;", "'") for each in found]
    return [each for each in plain if "predict" in each]


@pytest.mark.slow
def test_what_the_page_says_to_paste_runs(tuned_once, monkeypatch):
    """In new processes, in the folder of the study."""
    monkeypatch.chdir(tuned_once)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # `mlflow.set_tracking_uri` of another test sets it
    database = f"sqlite:///{tuned_once / 'mlruns' / 'mlflow.db'}"
    monkeypatch.setattr(stores, "DEFAULT_URI", database)
    in_python, in_shell, with_mlflow = snippets(REPORT.read_text(encoding="utf-8"))
    pd.read_csv("homes.csv").drop(columns="price").to_csv("new.csv", index=False)
    expected = load_model("small", 1).predict(pd.read_csv("new.csv"))
    assert database in with_mlflow
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    for code in (in_python, with_mlflow):
        program = f"import pandas\nrows = pandas.read_csv('new.csv')\n{code}\nprint(list(map(float, predictions)))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1]), expected)
    verb, *arguments = shlex.split(in_shell)
    assert verb == "bpsearch"
    done = subprocess.run(
        [sys.executable, "-m", "bpsearch", *arguments], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(pd.read_csv("predictions.csv").iloc[:, -1], expected)


def test_a_password_of_the_store_is_not_on_the_page(tuned):
    stored = entries.stored("small")
    stored.notes["finished"]["uri"] = "http://***@host:5000"
    text = page(reports.of_journal(stored), {})
    assert "***" not in text
    assert "host:5000" not in text


def test_damaged_facts_are_a_damaged_journal(tuned):
    text = Path("studies/small.journal").read_text()
    assert '"rows":40' in text
    Path("studies/bad.journal").write_text(text.replace('"rows":40', '"rows":[40]'))
    with pytest.raises(StudyError, match="'about' lacks something, or is of another kind"):
        journal.read(Path("studies/bad.journal"))


CASES = {
    "nested": ("n_splits = 2", "n_splits = 2\nouter = 2"),
    "none healthy": ("max_iter = 4", 'max_iter = 4\nlearning_rate_init = 1e6\nsolver = "sgd"'),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_studies_of_other_kinds(folder, small_project, command, case):
    small_project(folder, CASES[case], ("n_trials = 2", 'method = "grid"'))
    command("tune", "small.toml", "--quiet")
    text = REPORT.read_text(encoding="utf-8")
    told = {
        "nested": "outer folds that the search has not seen",
        "none healthy": "There is no model: no trial finished healthy.",
    }
    assert told[case] in text
    assert "grid search over 1 hyperparameter, 2 trials" in text
    assert "not finished" not in text
    kept = re.sub(r"base64,[^\"]+", "", text)
    assert re.sub(r"base64,[^\"]+", "", page(reports.of_journal(entries.stored("small")))) == kept


def test_a_fitted_search_writes_one(tmp_path, rows):
    X, y = rows(n=40)
    with pytest.raises(NotFittedError):
        BPSearchCV(Ridge(), {"alpha": [0.1, 1.0]}).write_report(tmp_path / "a.html")
    search = BPSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, n_trials=3, method="random", cv=3, random_state=0).fit(
        X, y
    )
    path = search.write_report(tmp_path / "a.html")
    text = path.read_text(encoding="utf-8")
    assert (
        "40 rows. Scored by score (higher is better) on 3 folds; random search over 1 hyperparameter, 3 trials." in text
    )
    assert f"The answer: trial {search.best_index_}" in text
    assert "best_estimator_" in text
    other = tmp_path / "b.html"
    other.write_text("mine")
    with pytest.raises(StudyError, match="is no report"):
        search.write_report(other)
    assert search.write_report(str(other), force=True) == other


def test_a_search_without_a_healthy_trial_writes_one_bug(tmp_path, rows):
    """It raised an AttributeError, though nobody needs to read why trials diverge more than then."""
    X, y = rows(n=40)
    model = BPRegressor(hidden_layer_sizes=(4,), max_iter=8, solver="sgd", momentum=0.0)
    search = BPSearchCV(model, {"learning_rate_init": [1e5, 1e6]}, n_trials=2, cv=2, random_state=0)
    with pytest.raises(DivergenceError):
        search.fit(X, y)
    text = search.write_report(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "No trial finished healthy; 2 of 2 diverged." in text


def test_a_search_in_a_store_tells_how_to_load_its_model(folder, rows):
    X, y = rows(n=60)
    network = BPRegressor(hidden_layer_sizes=(4,), scale_target=True, max_iter=5)
    uri = stores.DEFAULT_URI
    search = BPSearchCV(
        network, {"alpha": [0.1, 1.0]}, n_trials=2, cv=2, random_state=0, study_name="mine", tracking=uri
    )
    text = search.fit(X, y).write_report("mine.html").read_text(encoding="utf-8")
    assert "bpsearch.load_model(&#x27;mine&#x27;, 1)" in text
    assert uri in text
