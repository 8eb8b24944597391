"""Verbs that only read the store, when it does not answer, answers nonsense, or is locked: one line, within the patience."""

import sqlite3
from contextlib import closing

import pytest

from search.tracking import stores, waiting

VERBS = {
    "list": ["list"],
    "show": ["show", "x"],
    "predict": ["predict", "x", "rows.csv"],
    "evaluate": ["evaluate", "x", "rows.csv"],
    "compare": ["compare", "x", "models:/x/1"],
    "export": ["export", "x", "--to", "skops", "--output", "x.skops"],
    "delete": ["delete", "x", "--yes"],
    "verify": ["verify", "x"],
}


@pytest.fixture(params=VERBS)
def verb(request, folder, mlflow) -> list[str]:
    """The arguments of a verb."""
    (folder / "rows.csv").write_text("a,y\n1,2\n")
    return VERBS[request.param]


@pytest.fixture
def hurried(monkeypatch) -> None:
    """Wait for nothing."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(waiting, "ANSWER_SECONDS", 0.02)
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)


@pytest.mark.usefixtures("hurried")
def test_a_server_that_died_after_the_first_look_was_waited_for_in_silence_bug(verb, command, monkeypatch, free_port):
    """MLflow's client asks for minutes, and the end was an unexpected error."""
    uri = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(stores, "answering_uri", lambda **_: uri)
    found = command(*verb)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"error: MLflow at {uri} does not answer: waited ")
    assert found.err.count("\n") == 1


def test_a_server_that_answers_nonsense_is_told_in_one_line(verb, command, monkeypatch, serve):
    uri = serve(404)
    monkeypatch.setattr(stores, "answering_uri", lambda **_: uri)
    found = command(*verb)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"error: MLflow at {uri} cannot be used: API request")
    assert found.err.count("\n") == 1


@pytest.mark.usefixtures("hurried")
def test_a_locked_database_is_told_in_one_line(verb, command, folder):
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = command(*verb)
    assert (found.code, found.out) == (2, "")
    assert "is locked by another program: waited " in found.err
    assert found.err.count("\n") == 1


@pytest.mark.usefixtures("hurried")
def test_a_database_that_another_program_writes_is_read(folder, mlflow, command):
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = command("list")
    assert (found.code, found.err) == (0, "")
