"""A database of a stranger names places of its own: a study in its folder writes nothing there."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from search.errors import StudyError
from search.tracking import Header, MLflowTracker, Report, sqlite, stores
from search.tracking.local import outside

X, Y = [[0.0], [1.0]], [0.0, 1.0]
HEADER = Header("a study", "one", {"method": "grid"}, "# a study")


@pytest.fixture
def victim(tmp_path):
    """A folder of the user's own, with a file of a name that studies write."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "baselines.json").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory, empty_database):
    """A folder with a study: its run and its model are there."""
    store = tmp_path_factory.mktemp("begun") / "mlruns"
    store.mkdir()
    shutil.copy(empty_database, store / "mlflow.db")
    study(f"sqlite:///{store}/mlflow.db")
    return store


@pytest.fixture
def project(folder, begun):
    """The current folder, with that study."""
    shutil.copytree(begun, "mlruns", dirs_exist_ok=True)
    stores.settled(folder / "mlruns" / "mlflow.db")
    return folder


def study(uri: str = "") -> None:
    """Track a study, as far as the store can tell."""
    tracker = MLflowTracker(uri or stores.default_uri())
    tracker.check()
    tracker.begin(HEADER)
    try:
        tracker.register(LinearRegression().fit(X, Y), X, -0.5)
        tracker.finish(Report({}, {}, "", tables={"baselines": [1]}))
    finally:
        tracker.end("FINISHED")


def changed(*statements: str) -> None:
    with closing(sqlite3.connect(stores.database(stores.DEFAULT_URI))) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


PLACES = {
    "of the study": "UPDATE experiments SET artifact_location = '{}' WHERE name = 'a study'",
    "of a run": "UPDATE runs SET artifact_uri = '{}' WHERE run_uuid = (SELECT max(run_uuid) FROM runs)",
    "of a model": "UPDATE logged_models SET artifact_location = '{}'",
}
ADDRESSES = {
    "an address": "file://{}",
    "a path": "{}",
    "steps back": "file://{}/../victim",
    "marks": "file://{root}/x/y#/../../../../victim",
    "a server": "http://127.0.0.1:9/{}",
    "nothing": "",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_files_were_written_to_any_place_that_a_database_names_bug(project, victim, place, address):
    """Files of the same names were replaced."""
    changed(place.format(address.format(victim, root=project / "mlruns" / "artifacts")))
    with pytest.raises(
        StudyError, match=r"keeps files of 'a study' at .*: if it is meant, set MLFLOW_TRACKING_URI="
    ) as told:
        study()
    assert "\n" not in str(told.value)
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("baselines.json", "mine")]


CHANGES = {
    "a trigger": "CREATE TRIGGER t AFTER UPDATE ON tags BEGIN UPDATE Runs SET artifact_uri = 'file:///x'; END",
    "a view": "ALTER TABLE runs RENAME TO held; CREATE VIEW runs AS SELECT * FROM held",
    "a computed column": "ALTER TABLE runs RENAME COLUMN artifact_uri TO held; "
    "ALTER TABLE runs ADD COLUMN artifact_uri TEXT AS (iif(status = 'RUNNING', 'file:///x', held))",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_database_cannot_name_other_places_later(project, change):
    statements = [change] if "TRIGGER" in change else change.split("; ")
    changed(*statements)
    with pytest.raises(StudyError, match="changes its table 'runs' by itself"):
        study()


def test_folders_of_a_study_are_no_links(folder, victim):
    Path("mlruns", "artifacts").mkdir()
    Path("mlruns", "artifacts", "a study").symlink_to(victim)
    study_begins = MLflowTracker(stores.default_uri())
    with closing(sqlite3.connect(stores.database(stores.DEFAULT_URI))) as db:
        db.execute(
            "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('a study', ?, 'active')",
            [Path("mlruns", "artifacts", "a study").absolute().as_uri()],
        )
        db.commit()
    with pytest.raises(StudyError, match="keeps files of 'a study' at "):
        study_begins.begin(HEADER)


def test_a_link_in_the_place_of_the_database_is_not_followed(project):
    store = Path("mlruns", "mlflow.db")
    store.rename("other.db")
    store.symlink_to(Path("other.db").absolute())
    before = Path("other.db").read_bytes()
    with pytest.raises(StudyError, match=r"mlflow\.db is a link to .*other\.db; "):
        study()
    assert Path("other.db").read_bytes() == before


def test_who_names_the_store_means_it(project, victim, monkeypatch):
    changed(PLACES["of a run"].format(victim.as_uri()))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", stores.DEFAULT_URI)
    study()


def test_what_the_search_writes_is_inside(project, monkeypatch):
    """Also in a project that was copied, as here, and by MLflow's client."""
    study()
    monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)
    study()
    assert outside.problem(stores.database(stores.DEFAULT_URI), "a study") == ""
