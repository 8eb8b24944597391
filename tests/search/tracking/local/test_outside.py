"""A database of a stranger names places of its own: a study in its folder writes nothing there."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from search.errors import StudyError
from search.tracking import Header, MLflowTracker, Report, stores
from search.tracking.local import outside
from search.tracking.writers import sqlite

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
    "a trigger with a text that is none": "CREATE TRIGGER t AFTER UPDATE ON tags BEGIN UPDATE runs /* */ "
    "SET artifact_uri = ''; END;; "
    "UPDATE sqlite_master SET sql = replace(sql, '/* */', '/*' || CAST(x'ff' AS TEXT) || '*/') WHERE name = 't'",
    "a view": "ALTER TABLE runs RENAME TO held;; CREATE VIEW Runs AS SELECT * FROM held",
    "a computed column": "ALTER TABLE runs RENAME COLUMN artifact_uri TO held;; "
    "ALTER TABLE runs ADD COLUMN Artifact_URI TEXT AS (iif(status = 'RUNNING', 'file:///x', held))",
    "a place that follows another table": "CREATE TABLE held (place TEXT PRIMARY KEY);; "
    "INSERT INTO held SELECT artifact_uri FROM runs;; "
    "CREATE TRIGGER t AFTER INSERT ON params BEGIN UPDATE held SET place = 'x'; END;; "
    "UPDATE sqlite_master SET sql = replace(sql, 'artifact_uri VARCHAR(200)', "
    "'artifact_uri VARCHAR(200) REFERENCES held ON UPDATE CASCADE') WHERE name = 'runs'",
    "a key that follows another table": "CREATE TABLE held (place TEXT PRIMARY KEY);; "
    "UPDATE sqlite_master SET sql = replace(sql, 'run_uuid VARCHAR(32)', "
    "'run_uuid VARCHAR(32) REFERENCES held ON UPDATE CASCADE') WHERE name = 'runs'",
    "a table of an extension": "ALTER TABLE runs RENAME TO held;; "
    "CREATE VIRTUAL TABLE runs USING fts5 (run_uuid, lifecycle_stage, artifact_uri, experiment_id, content = 'held')",
    "an index of other rows": "CREATE TABLE held AS SELECT * FROM runs;; CREATE UNIQUE INDEX other ON held (experiment_id);; "
    "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'other') "
    "WHERE name = 'sqlite_autoindex_runs_1'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_database_cannot_name_other_places_later(project, change):
    changed("PRAGMA writable_schema = ON", *change.split(";; "))
    with pytest.raises(StudyError, match="changes its table 'runs' by itself"):
        study()


def test_places_are_found_whatever_the_case_of_the_name_of_a_table(project, victim):
    changed(
        PLACES["of a run"].format(victim.as_uri()), "ALTER TABLE runs RENAME TO held", "ALTER TABLE held RENAME TO RUNS"
    )
    with pytest.raises(StudyError, match="keeps files of 'a study' at "):
        study()


def test_a_damaged_row_does_not_end_the_look_at_the_others(project, victim):
    """The run of the study is found by an index, which does not lead to that row."""
    changed(
        PLACES["of a run"].format(victim.as_uri()),
        "INSERT INTO runs (run_uuid, experiment_id, lifecycle_stage, artifact_uri) "
        f"SELECT '0', experiment_id, 'active', '{'Q' * 9000}' FROM runs",
    )
    store = stores.database(stores.DEFAULT_URI)
    content = bytearray(store.read_bytes())
    for page in range(0, len(content), 4096):
        if content[page + 4 : page + 100] == b"Q" * 96 and any(content[page : page + 4]):
            content[page : page + 4] = b"\xff" * 4  # the rest of the text is on a page that is not there
    store.write_bytes(content)
    with pytest.raises(StudyError, match="cannot be looked through: database disk image is malformed"):
        study()


FOLDERS = {"of the study": "a study", "of its models": "a study/models"}


@pytest.mark.parametrize("made", [True, False], ids=["begun", "not begun"])
@pytest.mark.parametrize("link", FOLDERS.values(), ids=FOLDERS)
def test_folders_that_a_study_will_make_are_no_links(folder, project, victim, link, made):
    """They were followed unless the database named a file in them."""
    shutil.rmtree("mlruns/artifacts")
    if not made:
        changed(*(f"DELETE FROM {table}" for table in ("logged_models", "runs", "experiment_tags", "experiments")))
    changed("DELETE FROM logged_models", "DELETE FROM runs")
    place = Path("mlruns", "artifacts", link)
    place.parent.mkdir(parents=True)
    place.symlink_to(victim)
    with pytest.raises(StudyError, match=r"keeps files of 'a study' at .*, not in the folder artifacts beside it"):
        study()
    assert [path.name for path in victim.iterdir()] == ["baselines.json"]


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
