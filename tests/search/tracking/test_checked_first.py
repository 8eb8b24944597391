"""What can be known of the tracking is checked before the first trial; what fails later loses nothing of the search.

The bugs: a name, a driver, an address or a database that MLflow does not take was told after the last trial, with the advice to
upgrade a database that was the newer of the two; and `BPSearchCV.fit` raised, so that a script lost its search.
"""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from search import BPSearchCV, StudyError
from search.catalog import entries
from search.profiling.naming import quoted as toml
from search.study import study_file
from search.tracking import MLflowTracker, check_name, listing, revisions, servers, stores, tracker
from search.tracking.models import registry

X = np.arange(20.0)[:, None] % 7
OLDER, NEWER = "f5a4f2784254", "0123456789ab"


class Unfitted(Ridge):
    """Fails the test if a trial begins."""

    def fit(self, X, y, sample_weight=None):
        pytest.fail("a trial began")


def search(estimator=None, **more) -> BPSearchCV:
    space = {"alpha": [0.1, 1.0]}
    return BPSearchCV(estimator or Ridge(), space, **{"method": "grid", "cv": 2, "random_state": 0} | more)


NOT_NAMES = [
    *("../../../esc", "/elsewhere/esc", "a/b", "a\\b", "C:esc", "..", ".", "a.", ".a", "-a", "~", "$HOME", "%2e%2e"),
    *("it's", 'a"b', "a`b", "a;b", "a b", " a", "a ", "a\n", "a\x00", "a\x1b[2J", "", " ", "a" * 201, "ä" * 101),
    *(
        "Default",
        "default",
        "NUL",
        "con.txt",
        "Com1",
        "lpt9",
        "a\u202eb",
        "a\u200bb",
        "a\u3164",
        "\ud800",
        "房价\u0085",
        "100%",
    ),
]


@pytest.mark.parametrize("name", NOT_NAMES, ids=ascii)
def test_names_that_a_study_cannot_have_are_refused_before_anything_starts(name, tmp_path, monkeypatch):
    """Artifacts were written outside of the folder, and the registry refused a name only after the whole search."""
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    with pytest.raises(StudyError, match=r"^study_name = .*; .*allowed are ") as error:
        search(Unfitted(), tracking=f"sqlite:///{folder}/m.db", study_name=name).fit(X, X[:, 0])
    assert str(error.value).isprintable()
    written = (
        f'name = {toml(name)}\n[data]\nsource = "sklearn:diabetes"\ntask = "regression"\n' if name.isascii() else None
    )
    if written:
        with pytest.raises(StudyError, match=r"^a\.toml: name = .*; .*allowed are "):
            study_file.parse(written, Path("a.toml"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "name", ["a", "_a", "a" * 200, "ä" * 100, "房价", "a..b", "1.2_c-", "हिन्दी", "console", "defaults", "com10"]
)
def test_names_that_it_can(name):
    check_name(name, "study_name")
    study_file.parse(f'name = "{name}"\n[data]\nsource = "sklearn:diabetes"\ntask = "regression"\n', Path("a.toml"))


def test_the_name_of_the_class_counts_and_so_does_one_without_a_store(tmp_path):
    with pytest.raises(StudyError, match=r"^study_name = 'Default'; MLflow has an experiment of this name"):
        type("Default", (BPSearchCV,), {})(
            Unfitted(), {"alpha": [0.1, 1.0]}, tracking=f"sqlite:///{tmp_path}/m.db"
        ).fit(X, X[:, 0])
    with pytest.raises(StudyError, match=r"^study_name = 'a/b'"):
        search(Unfitted(), study_name="a/b").fit(X, X[:, 0])


STORES = {
    "driver": (
        "mysql+pymysql://me:s3cret@127.0.0.1/db",
        "'mysql+pymysql://***@127.0.0.1/db': its driver is not installed (pymysql); install it",
    ),
    "driver that nobody has named": (
        "mysql://me:s3cret@127.0.0.1/db",
        "is not installed (MySQLdb); install it, or name another one in the address: mysql+DRIVER://",
    ),
    "dialect": ("postgresql+nothing://h/db", "NoSuchModuleError"),
    "buckets": ("s3://bucket/runs", "is not an MLflow store; allowed are sqlite:///"),
    "folder": ("mlruns", "is not an MLflow store; allowed are sqlite:///"),
}


@pytest.mark.parametrize("case", STORES)
def test_stores_that_cannot_be_reached(case, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    uri, told = STORES[case]
    with pytest.raises(StudyError) as error:
        search(Unfitted(), tracking=uri).fit(X, X[:, 0])
    assert str(error.value).startswith("tracking = ")
    assert told in str(error.value)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


ODD = {
    "memory": ("sqlite:///:memory:", "':memory:' names no file"),
    "option": ("sqlite:///x.db?timeout=30", "'?' begins no name of a file"),
    "file": ("sqlite:///file:x.db", "'file:x.db' names no file"),
    "empty": ("sqlite:///", "'' names no file"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_model_was_lost_in_a_database_that_only_mlflow_understood_bug(case, folder, monkeypatch, command):
    """The runs were in a file of that name; the model, which was told to be registered, in memory or in another file."""
    uri, problem = ODD[case]
    told = f" = {uri!r}: {problem}; allowed is sqlite:/// and the path of a file, such as "
    with pytest.raises(StudyError) as error:
        search(Unfitted(), tracking=uri).fit(X, X[:, 0])
    assert str(error.value).startswith(f"tracking{told}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    found = command("list")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"error: MLFLOW_TRACKING_URI{told}")
    assert [path.name for path in folder.iterdir()] == ["mlruns"]


def test_a_database_server_that_is_not_there(monkeypatch, free_port):
    """The driver, which might wait for minutes, is not asked."""
    import sqlalchemy

    engine = SimpleNamespace(connect=lambda: pytest.fail("connected"))
    monkeypatch.setattr(sqlalchemy, "create_engine", lambda *_, **__: engine)
    with pytest.raises(StudyError, match=r"tracking = .*Connection refused"):
        servers.check(f"postgresql://u:p@127.0.0.1:{free_port()}/db", "tracking")


def test_a_registry_that_is_gone_was_waited_for_without_a_word_bug(monkeypatch, free_port, folder, command):
    """Four minutes a request: only the tracking server was asked first."""
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"http://me:s3cret@127.0.0.1:{free_port()}")
    for arguments in (["predict", "a", "t.csv"], ["list"]):
        result = command(*arguments)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("error: MLFLOW_REGISTRY_URI = 'http://***@127.0.0.1:")
        assert "s3cret" not in result.err
    with pytest.raises(StudyError, match="MLFLOW_REGISTRY_URI"):
        search(Unfitted(), tracking="sqlite:///mlruns/mlflow.db").fit(X, X[:, 0])


def test_a_registry_in_a_file_or_of_a_plug_in_is_left_to_mlflow(monkeypatch):
    for uri in ("", "sqlite:////nowhere/registry.db", "databricks-uc"):
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
        stores.check_registry()


def test_a_plug_in_is_asked_through_mlflow(monkeypatch, mlflow):
    asked = []

    def client(tracking_uri):
        asked.append(tracking_uri)
        return SimpleNamespace(search_experiments=lambda max_results: [])

    monkeypatch.setattr(servers, "entry_points", lambda group: [SimpleNamespace(name="plug")])
    monkeypatch.setattr(mlflow, "MlflowClient", client)
    servers.check("plug://in", "tracking")
    assert asked == ["plug://in"]


@pytest.fixture
def database(tmp_path, empty_database):
    """Make an MLflow database of some revision; return its path."""

    def make(revision: str | None):
        path = shutil.copy(empty_database, tmp_path / "m.db")
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM alembic_version")
            if revision:
                db.execute("INSERT INTO alembic_version VALUES (?)", [revision])
        return path

    return make


@pytest.mark.parametrize("dialect", ["sqlite", "sqlite+pysqlite"])
@pytest.mark.parametrize(
    ("revision", "told"),
    [
        (OLDER, "an older MLflow made .*run: mlflow db upgrade sqlite"),
        (NEWER, "a newer MLflow made .*; upgrade MLflow"),
    ],
)
def test_tables_of_another_mlflow(database, dialect, revision, told):
    path = database(revision)
    with pytest.raises(StudyError, match=told):
        stores.check(f"{dialect}:///{path}", "tracking")


@pytest.mark.parametrize("dialect", ["sqlite", "sqlite+pysqlite"])
def test_tables_of_the_mlflow_that_is_installed(empty_database, database, dialect):
    stores.check(f"{dialect}:///{empty_database}")
    stores.check(f"{dialect}:///{database(None)}")  # MLflow makes its tables


def test_revisions_are_those_that_mlflow_makes(empty_database):
    with closing(sqlite3.connect(empty_database)) as db:
        (made,) = db.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revisions.misfit(made, "") == ""
    assert {made, OLDER} < set(revisions.known())


def test_nothing_is_said_where_mlflow_keeps_its_scripts_elsewhere(monkeypatch):
    monkeypatch.setattr(revisions, "known", dict)
    assert revisions.misfit(NEWER, "") == ""


def test_artifacts_that_cannot_be_written(tmp_path):
    (tmp_path / "artifacts").write_text("a file where a folder should be")
    with pytest.raises(StudyError, match="cannot be written"):
        stores.check(f"sqlite:///{tmp_path}/m.db")


@pytest.mark.usefixtures("mlflow")
def test_a_server_that_wants_to_know_who_writes(serve, monkeypatch):
    """Its address is right, and it says that it is well."""
    monkeypatch.setattr(stores, "check", lambda *_, **__: None)
    with pytest.raises(StudyError, match=r"^tracking = 'http://127.0.0.1:.*could not be written"):
        search(Unfitted(), tracking=serve(401)).fit(X, X[:, 0])


@pytest.mark.parametrize("step", ["_register", "_write", "_open"])
def test_what_fails_later_is_a_warning(folder, mlflow, monkeypatch, step):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(MLflowTracker, step, fail)
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    with pytest.warns(
        UserWarning, match="could not be written: OSError: the disk is full; the search itself is complete"
    ):
        fitted = search(tracking=uri, study_name="full").fit(X, X[:, 0])
    assert fitted.predict(X).shape == (20,)
    assert len(fitted.cv_results_["params"]) == 2
    experiment = mlflow.MlflowClient(uri).get_experiment_by_name("full")
    if step != "_open":
        (parent,) = mlflow.MlflowClient(uri).search_runs([experiment.experiment_id], "tags.`bpsearch.kind` = 'study'")
        assert parent.info.status == "FAILED", "it does not run for ever"


def test_passwords_are_not_told_later_either(monkeypatch):
    writer = MLflowTracker("postgresql://me:s3cret@h/db")
    monkeypatch.setattr(tracker.waiting.Wait, "until", lambda *_: None)
    writer._jobs, writer._hurry, writer._given_up = tracker.queue.Queue(), tracker.threading.Event(), False
    writer._again, writer._known, writer._finished = tracker.Again(writer.uri, writer._hurry, writer._hurry), False, []
    writer._error = OSError("postgresql://me:s3cret@h")
    with pytest.raises(tracker.TrackingError) as error:
        writer.flush()
    assert "s3cret" not in str(error.value)


class OfLambda(Unfitted):
    """Holds a function; by default one that cannot be imported."""

    def __init__(self, alpha=1.0, function=lambda y: y):
        super().__init__(alpha=alpha)
        self.function = function


def test_a_model_that_cannot_be_stored_was_told_after_the_last_trial_bug(empty_database, tmp_path):
    uri = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'm.db')}"
    with pytest.raises(StudyError, match=r"^tracking: the model could not be stored \(.*\); allowed are classes and"):
        search(OfLambda(), tracking=uri).fit(X, X[:, 0])
    with pytest.raises(pytest.fail.Exception, match="a trial began"):
        search(OfLambda(function=np.abs), tracking=uri).fit(X, X[:, 0])
    with pytest.raises(pytest.fail.Exception, match="a trial began"):  # no model, nothing to store
        search(OfLambda(), tracking=uri, refit=False).fit(X, X[:, 0])


def test_passwords_are_not_told_of_an_empty_store_bug(monkeypatch, tmp_path):
    uri = "postgresql://user:secret@there/db"
    monkeypatch.setattr(listing, "kept", lambda uri: {})
    monkeypatch.setattr(registry, "names", lambda uri: [])
    monkeypatch.setattr(registry, "versions", lambda uri, name: [])
    for ask in (lambda: entries.entry(uri, "prices", tmp_path), lambda: registry.find(uri, "prices")):
        with pytest.raises(StudyError, match=r"there is no .* 'prices'") as error:
            ask()
        assert "secret" not in str(error.value)


def test_artifacts_of_mlflow_s_own_experiment_had_a_place_in_the_temporary_folder_bug(empty_database):
    """What is logged without a study went to a folder that was gone, and whose name anybody could take."""
    with closing(sqlite3.connect(empty_database)) as db:
        places = db.execute("SELECT name, artifact_location FROM experiments").fetchall()
    assert places == [("Default", (empty_database.parent / "artifacts" / "Default").resolve().as_uri())]


@pytest.mark.parametrize(
    ("status", "away"), [(200, False), (401, False), (404, False), (500, True), (503, True), (0, True)]
)
def test_a_server_that_answers_nothing_of_use_is_away(serve, status, away):
    assert stores.is_away(serve(status)) is away


def test_a_server_that_nobody_reaches_is_away(free_port):
    assert stores.is_away(f"http://127.0.0.1:{free_port()}")
    assert stores.is_away(f"postgresql://127.0.0.1:{free_port()}/mlflow")


@pytest.mark.parametrize("uri", ["sqlite:///none.db", "http://[", "databricks"])
def test_what_cannot_come_back_is_not_away(uri):
    assert not stores.is_away(uri)
