"""Projects that were moved or copied: nothing is written into the old place, and models load from the new one."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from search.tracking import Header, MLflowTracker, stores
from search.tracking.local import moving
from search.tracking.models import registry
from search.tracking.writers import client, sqlite

pytestmark = pytest.mark.slow  # a study and a model each

X, Y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)
HEADER = Header("a study", "one", {"method": "grid"}, "# a study", result=lambda: "all of it")


def uri(project: Path) -> str:
    return f"sqlite:///{project}/mlruns/mlflow.db"


def tune(project: Path, *outcomes) -> None:
    """Track a study, as far as the store can tell."""
    tracker = MLflowTracker(uri(project))
    tracker.check()
    tracker.begin(HEADER)
    try:
        for outcome in outcomes:
            tracker.record(outcome, -0.5)
        tracker.register(LinearRegression().fit(X, Y), X, -0.5)
    finally:
        tracker.end("FINISHED")


def files(project: Path) -> list[str]:
    return sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.suffix != ".db")


def texts(project: Path) -> list[str]:
    """Return every text of the database that names a place."""
    with closing(sqlite3.connect(project / "mlruns" / "mlflow.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [cell for table in tables for row in db.execute(f'SELECT * FROM "{table}"') for cell in row]
    return [cell for cell in cells if isinstance(cell, str) and "file:" in cell]


@pytest.fixture
def project(tmp_path, empty_database, make_outcome):
    """A project with a study of a diverged trial, whose run has a file, and a model."""
    old = tmp_path / "old 1"
    (old / "mlruns").mkdir(parents=True)
    path = shutil.copy(empty_database, old / "mlruns" / "mlflow.db")
    with closing(sqlite3.connect(path)) as db, db:  # as if it had been made here
        db.execute("UPDATE experiments SET artifact_location = ?", [moving.artifact_root(path, moving.OWN)])
    tune(old, make_outcome(0, "diverged"))
    return old


@pytest.mark.parametrize("writer", [sqlite, client])
def test_a_moved_project_wrote_into_its_old_place_bug(project, tmp_path, make_outcome, caplog, writer, monkeypatch):
    if writer is client:
        monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)
    new = project.rename(tmp_path / "new")
    tune(new, make_outcome(0, "diverged"), make_outcome(1, "diverged"))
    assert not project.exists()
    assert texts(new)
    assert all(text.startswith(new.as_uri()) for text in texts(new))
    assert len([name for name in files(new) if name.endswith("diagnosis.json")]) == 2
    (told,) = [record.getMessage() for record in caplog.records if record.name == "search.tracking.stores"]
    assert told.startswith(f"note: this project was at {project}/mlruns: ")
    assert "\n" not in told
    pipeline, known = registry.load(uri(new), "a study")
    assert (pipeline.predict(X[:1]).round(9), known.version.number) == ([0.0], 1)


@pytest.mark.parametrize("writer", [sqlite, client])
def test_a_project_that_was_moved_while_a_study_ran_wrote_into_its_old_place_bug(
    project, tmp_path, make_outcome, writer, monkeypatch
):
    if writer is client:
        monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)
    new = tmp_path / "new"
    monkeypatch.chdir(project)
    # MLflow keeps its connections by URI, so that each test needs its own
    tracker = MLflowTracker(f"sqlite:///{'./' * (2 + (writer is client))}mlruns/mlflow.db")
    tracker.begin(HEADER)
    tracker.record(make_outcome(1, "diverged"), -0.5)
    tracker.flush()
    project.rename(new)
    tracker.record(make_outcome(2, "diverged"), -0.5)
    tracker.register(LinearRegression().fit(X, Y), X, -0.5)
    tracker.end("FINISHED")
    assert not project.exists()
    assert all(text.startswith(new.as_uri()) for text in texts(new))
    assert len([name for name in files(new) if name.endswith("diagnosis.json")]) == 3
    with closing(sqlite3.connect(new / "mlruns" / "mlflow.db")) as db:
        assert {status for (status,) in db.execute("SELECT status FROM runs")} <= {"FINISHED", "FAILED"}


def test_a_copied_project_is_one_of_its_own(project, tmp_path, make_outcome):
    new = tmp_path / "new"
    shutil.copytree(project, new)
    before = files(project), texts(project)
    tune(new, make_outcome(0, "diverged"), make_outcome(1, "diverged"))
    assert (files(project), texts(project)) == before
    shutil.rmtree(project)
    assert registry.load(uri(new), "a study")[0].predict(X).shape == (6,)


@pytest.mark.parametrize("look", ["holds", "answering_uri"])
def test_mlflow_itself_loads_a_moved_model_once_any_command_has_looked(project, tmp_path, monkeypatch, mlflow, look):
    new = project.rename(tmp_path / "new")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(new))
    MLflowTracker(uri(new)).holds(HEADER) if look == "holds" else stores.answering_uri()
    source = mlflow.MlflowClient(uri(new)).get_model_version_download_uri("a study", "1")
    assert mlflow.sklearn.load_model(source).predict(X).shape == (6,)


@pytest.mark.parametrize("switches", [[], ["--quiet"]], ids=["", "quiet"])
def test_quiet_did_not_silence_the_note_of_a_moved_project_bug(
    project, tmp_path, monkeypatch, command, caplog, switches
):
    new = project.rename(tmp_path / "new")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(new))
    assert command("list", *switches).code == 0
    told = [record.getMessage() for record in caplog.records if record.name == "search.tracking.stores"]
    assert len(told) == (0 if switches else 1)
    assert all(text.startswith(new.as_uri()) for text in texts(new))


def test_a_moved_project_that_cannot_be_written_can_be_read(project, tmp_path, monkeypatch):
    new = project.rename(tmp_path / "new")
    before = texts(new)
    monkeypatch.setattr(moving, "_rewrite", lambda db, move: db.execute("not SQL"))
    assert moving.settle(new / "mlruns" / "mlflow.db") == ""
    assert texts(new) == before
    assert registry.load(uri(new), "a study")[0].predict(X).shape == (6,)


def test_an_error_halfway_changes_nothing(project, tmp_path, monkeypatch):
    new = project.rename(tmp_path / "new")
    before = texts(new)
    monkeypatch.setitem(moving.READ, "model_versions", ("source", "source) -- no SQL"))
    known = moving._places
    monkeypatch.setattr(
        moving, "_places", lambda db, table, *_: known(db, table, "gone", *_[1:]) if table == "model_versions" else []
    )
    moving.settle(new / "mlruns" / "mlflow.db")
    assert texts(new) == before


def test_what_stays_behind_is_still_found(project, tmp_path, make_outcome):
    """Of a database without its artifacts, models are read where they are, and new files are written beside it."""
    new = tmp_path / "new"
    (new / "mlruns").mkdir(parents=True)
    shutil.copy(project / "mlruns" / "mlflow.db", new / "mlruns")
    before = files(project)
    assert moving.settle(new / "mlruns" / "mlflow.db")
    assert registry.load(uri(new), "a study")[0].predict(X).shape == (6,)
    tracker = MLflowTracker(uri(new))
    tracker.begin(HEADER)
    tracker.record(make_outcome(1, "diverged"), -0.5)
    tracker.end("FINISHED")
    assert files(project) == before
    assert any(name.endswith("diagnosis.json") for name in files(new))


@pytest.mark.parametrize(
    "place", ["file:///srv/artifacts/a study", "s3://bucket/artifacts/a", "/srv/artifacts/x", "mlflow-artifacts:/1"]
)
def test_artifacts_that_were_put_elsewhere_stay_there(project, place):
    path = project / "mlruns" / "mlflow.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM experiment_tags WHERE key = 'bpsearch.artifacts'")
        db.execute("UPDATE experiments SET artifact_location = ? WHERE name = 'a study'", [place])
        db.commit()
    assert moving.settle(path) == ""


def test_experiments_of_older_versions_move_too(project, tmp_path):
    """They have no tag that says so, but the same names of folders."""
    new = project.rename(tmp_path / "new")
    path = new / "mlruns" / "mlflow.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM experiment_tags WHERE key = 'bpsearch.artifacts'")
        db.commit()
    assert moving.settle(path)
    assert all(text.startswith(new.as_uri()) for text in texts(new))
    assert moving.settle(path) == ""


@pytest.mark.parametrize("link", ["project", "artifacts"])
def test_links_are_no_moves(project, tmp_path, link):
    seen = tmp_path / "link"
    if link == "project":
        os.symlink(project, seen)
    else:  # the folder of the artifacts is on another disk
        (project / "mlruns" / "artifacts").rename(tmp_path / "artifacts")
        os.symlink(tmp_path / "artifacts", project / "mlruns" / "artifacts")
        project.rename(seen)
    before = texts(seen)
    told = moving.settle(seen / "mlruns" / "mlflow.db")
    assert (told == "", texts(seen) == before) == (link == "project", link == "project")
    assert registry.load(uri(seen), "a study")[0].predict(X).shape == (6,)
    before = texts(seen)
    assert (moving.settle(seen / "mlruns" / "mlflow.db"), texts(seen)) == ("", before)


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_database_is_left_alone(tmp_path, content):
    path = tmp_path / "mlflow.db"
    if content is not None:
        path.write_bytes(content)
    assert moving.settle(path) == ""
    assert path.exists() is (content is not None)


@pytest.mark.parametrize("lost", ["artifacts", "MLmodel", "model.skops"])
def test_a_study_counted_as_complete_without_the_files_of_its_model_bug(project, lost):
    tracker = MLflowTracker(uri(project))
    model = registry.find(uri(project), "a study")
    kept = tracker.keeps(_named(model.number))
    path = min((project / "mlruns").rglob(lost))  # the folder of all of them comes first
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert (kept, tracker.keeps(_named(model.number)), tracker.keeps(_named(7))) == (True, False, False)
    tune(project)
    assert tracker.keeps(_named(1))
    assert registry.load(uri(project), "a study")[0].predict(X).shape == (6,)
    assert [version.number for version in registry.versions(uri(project), "a study")] == [1]


def _named(version: int):
    from search.tracking import RegisteredModel

    return RegisteredModel("a study", version)


def test_files_that_are_gone_were_looked_for_in_the_folder_of_all_bug(tmp_path):
    """The places of runs and models end with the name of that folder, too."""
    (tmp_path / "mlruns" / "artifacts").mkdir(parents=True)
    gone = (tmp_path / "mlruns" / "artifacts" / "x" / "models" / "m-1" / "artifacts").as_uri()
    assert moving.here(tmp_path / "mlruns" / "mlflow.db", gone) == gone
