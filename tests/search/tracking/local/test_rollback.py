"""A journal beside a database may name a file, which SQLite deletes when it opens the database."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from search import cli
from search.tracking.local import rollback

PAGE = 4096
STUDY = """
name = "s"
[data]
source = "sklearn:diabetes"
task = "regression"
[space]
alpha = [0.1]
"""


def planted(database: Path, file: str) -> Path:
    """Put a journal beside a database, as a crash within a transaction over several databases leaves it."""
    pages = database.stat().st_size // PAGE if database.exists() else 0
    name, lock = file.encode(), (1 << 30) // PAGE + 1
    head = rollback.MARK + struct.pack(">5I", 0, 0, pages, 512, PAGE)
    tail = struct.pack(">I", lock) + name + struct.pack(">2I", len(name), sum(name)) + rollback.MARK
    journal = database.with_name(f"{database.name}-journal")
    journal.write_bytes(head.ljust(512, b"\0") + tail)
    return journal


@pytest.fixture
def victim(tmp_path_factory):
    file = tmp_path_factory.mktemp("victim") / "thesis.tex"
    file.write_text("mine")
    return file


def test_sqlite_deletes_what_a_journal_names(tmp_path, victim):
    """If it ever stops, nothing of this is needed."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE a (b)")
        db.commit()
    assert rollback.named(planted(tmp_path / "a.db", str(victim)).with_name("a.db")) == str(victim)
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("SELECT * FROM a")
    assert not victim.exists()


COMMANDS = {
    "tune": ["tune", "s.toml"],
    "list": ["list"],
    "show": ["show", "s"],
    "predict": ["predict", "s", "new.csv"],
    "export": ["export", "s", "--to", "skops", "-o", "s.skops"],
    "delete": ["delete", "s", "--yes"],
    "verify": ["verify", "s"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_journal_of_a_project_deleted_any_file_of_the_user_bug(folder, victim, capsys, command):
    Path("s.toml").write_text(STUDY)
    Path("new.csv").write_text("a\n1\n")
    journal = planted(Path("mlruns", "mlflow.db"), str(victim))
    assert cli.main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"SQLite would delete {victim} when it opens this store, as {journal.resolve()} says" in line
    assert victim.read_text() == "mine"


def test_a_journal_that_waits_for_the_database(folder, victim, capsys):
    Path("mlruns", "mlflow.db").unlink()
    planted(Path("mlruns", "mlflow.db"), str(victim))
    Path("s.toml").write_text(STUDY)
    assert cli.main(["tune", "s.toml"]) == 2
    assert f"SQLite would delete {victim}" in capsys.readouterr().err
    assert victim.read_text() == "mine"


def test_the_journal_of_a_link_lies_beside_what_it_leads_to(tmp_path, victim):
    (tmp_path / "there").mkdir()
    planted(tmp_path / "there" / "a.db", str(victim))
    (tmp_path / "b.db").symlink_to(tmp_path / "there" / "a.db")
    assert rollback.named(tmp_path / "b.db") == str(victim)


def test_a_journal_of_one_database_names_nothing(tmp_path):
    """As a kill within a transaction leaves it."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE a (b)")
        db.execute("BEGIN")
        db.execute("INSERT INTO a VALUES (zeroblob(99999))")
        journal = Path(tmp_path, "a.db-journal")
        assert journal.stat().st_size > rollback.TAIL
        assert rollback.named(tmp_path / "a.db") == ""


@pytest.mark.parametrize("content", [b"", b"x", rollback.MARK, bytes(8) + rollback.MARK, b"\xff" * 8 + rollback.MARK])
def test_what_is_no_journal_names_nothing(tmp_path, content):
    Path(tmp_path, "a.db-journal").write_bytes(content)
    assert rollback.named(tmp_path / "a.db") == ""
