"""Studies of users who have MLflow's workspaces switched on, with a database of their own."""

import os
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from search import tracking
from search.tracking import Header, MLflowTracker, listing, workspaces, writing
from search.tracking.library import quiet
from search.tracking.writers import schema, sqlite

X = np.arange(6.0).reshape(-1, 1)
MODEL = LinearRegression().fit(X, X[:, 0])
TRIALS = 3

WORKSPACES = {
    "switched off": ({}, "default", True),
    "switched off, but named": ({"MLFLOW_WORKSPACE": "team"}, "default", True),
    "none named": ({"MLFLOW_ENABLE_WORKSPACES": "true"}, "default", True),
    "the default one": ({"MLFLOW_ENABLE_WORKSPACES": "TRUE", "MLFLOW_WORKSPACE": " default "}, "default", True),
    "another one": ({"MLFLOW_ENABLE_WORKSPACES": "1", "MLFLOW_WORKSPACE": "team"}, "team", False),
}


def of_experiments(uri: str) -> dict[str, str]:
    with closing(sqlite3.connect(tracking.database(uri))) as db:
        return dict(db.execute("SELECT name, workspace FROM experiments WHERE name != 'Default'").fetchall())


@pytest.mark.parametrize(("given", "where", "direct"), WORKSPACES.values(), ids=WORKSPACES)
def test_a_study_goes_into_the_workspace_of_the_user_bug(
    folder, mlflow, make_outcome, monkeypatch, given, where, direct
):
    """MLflow's client refused without a name; of a named one, the trials went to the default one, where it did not look."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    uri = tracking.default_uri()
    header = Header("x", "one", {"method": "grid"}, "# a study", result=lambda: "all")
    before = dict(os.environ)
    for _ in range(2):
        assert sqlite.understands(uri, "x") is (direct and tracking.database(uri).exists())
        with writing(tracker := MLflowTracker(uri), header):
            for number in range(TRIALS):
                tracker.record(make_outcome(number), -0.5)
            model = tracker.register(MODEL, X, -0.5)
        assert (model.version, tracker.holds(header), tracker.keeps(model)) == (1, True, True)
    assert dict(os.environ) == before
    assert of_experiments(uri) == {"x": where}
    assert (listing.kept(uri)["x"].n_runs, listing.kept(uri)["x"].status) == (TRIALS + 1, "FINISHED")


def test_studies_of_another_workspace_are_not_listed(folder, mlflow, make_outcome, monkeypatch):
    uri = tracking.default_uri()
    with writing(MLflowTracker(uri), Header("x", "one", {})):
        pass
    with closing(sqlite3.connect(tracking.database(uri))) as db, db:
        db.execute("UPDATE experiments SET workspace = 'team' WHERE name = 'x'")
    assert listing.kept(uri) == {}


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "https://host"])
def test_a_server_says_itself_which_workspace_is_the_default_one(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert workspaces.added() == {}
    with quiet():
        assert "MLFLOW_WORKSPACE" not in os.environ


@pytest.mark.slow  # MLflow makes a database
def test_the_tables_are_made_whatever_the_workspaces(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    schema.create(tmp_path / "new.db")
    assert sqlite.understands(f"sqlite:///{tmp_path}/new.db", "x")


def test_a_body_that_stays_does_not_keep_later_ones_out_of_the_workspace_bug(monkeypatch):
    """The thread of an earlier study may wait for a server that is gone, and had no need of a workspace."""
    with quiet():
        monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
        with quiet():
            assert os.environ["MLFLOW_WORKSPACE"] == "default"
        assert "MLFLOW_WORKSPACE" not in os.environ
