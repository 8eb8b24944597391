"""Commands in a folder that somebody else has prepared, or damaged: nothing elsewhere changes, nothing is lost without a word."""

import json
import os
import sqlite3
from pathlib import Path

import numba
import pytest

JOURNAL = Path("studies/small.journal")


@pytest.fixture
def project(folder, small_project):
    small_project(folder)
    Path("studies").mkdir()
    return folder


def one_line(result, told):
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert told in result.err
    assert result.err.count("\n") == 1


VICTIMS = {"one line": b"my notes", "lines": b"my notes\nand more", "empty": b"", "bytes of 0": b"\0" * 99}


@pytest.mark.parametrize("content", VICTIMS.values(), ids=VICTIMS)
@pytest.mark.parametrize("name", ["small.journal", "small.journal.lock"])
@pytest.mark.parametrize("put", [os.symlink, os.link])
def test_no_file_elsewhere_is_changed_bug(project, command, put, name, content):
    """`tune` emptied what a lock led to and cut what a journal led to; `diagnose --trial` wrote a journal into it."""
    victim = project / "victim"
    victim.write_bytes(content)
    victim.chmod(0o644)
    put(victim, Path("studies") / name)
    for arguments in (["diagnose", "small.toml", "--trial", "0"], ["tune", "small.toml"]):
        result = command(*arguments)
        assert result.err.count("\n") == 1
        assert result.code == 2
        assert (victim.read_bytes(), victim.stat().st_mode & 0o777) == (content, 0o644)
    command("list")
    command("show", "small")
    assert victim.read_bytes() == content


def test_a_text_in_the_place_of_a_journal_stays_bug(project, command):
    """It was emptied, and the exit code was 0."""
    JOURNAL.write_text("my notes")
    for arguments in (["tune", "small.toml"], ["diagnose", "small.toml", "--trial", "0"]):
        one_line(command(*arguments), "is damaged: line 1 (this is no journal: it does not begin with a study)")
    assert JOURNAL.read_text() == "my notes"
    assert sorted(path.name for path in Path("studies").iterdir()) == ["small.journal"]


def test_an_empty_journal_of_a_study_that_mlflow_has_is_told(project, command):
    """Its trials were run again without a word."""
    assert command("tune", "small.toml").code == 0
    whole = JOURNAL.read_bytes()
    before = [JOURNAL.stat().st_mtime_ns, whole]
    assert command("diagnose", "small.toml", "--trial", "0").code == 0
    assert [JOURNAL.stat().st_mtime_ns, JOURNAL.read_bytes()] == before, "it only reads"
    JOURNAL.write_bytes(b"")
    again = command("tune", "small.toml")
    assert again.code == 0
    assert "studies/small.journal was empty, so the study begins anew; its 3 runs in MLflow are of trials" in again.out
    every = [json.loads(line) for line in whole.splitlines()]
    for line in every:
        line.get("user_attr", {}).get("finished", {}).pop("uri", None)
    JOURNAL.write_text("".join(f"{json.dumps(line)}\n" for line in every))
    assert command("tune", "small.toml").code == 0, "a note without `uri` was a KeyError"


def test_a_folder_on_another_disk_goes_on_to_work(project, command, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    for name in ("studies", "mlruns"):
        Path(name).rename(disk / name)
        Path(name).symlink_to(disk / name)
    for arguments in (["tune", "small.toml", "--dry-run"], ["tune", "small.toml"]):
        done = command(*arguments)
        assert done.code == 0
        for name in ("studies", "mlruns"):
            assert f"{name} is a link: its files go to {disk / name}" in done.out, arguments
    assert Path("studies").is_symlink()
    assert Path("mlruns").is_symlink()
    assert (disk / "studies" / "small.journal").exists()


@pytest.mark.parametrize("leads_to", ["victim", "nothing"])
def test_init_writes_nothing_through_a_link(project, command, leads_to):
    (project / "victim").write_text("mine")
    (project / "studies" / "new.toml").symlink_to(project / leads_to)
    one_line(command("init", "homes.csv", "--target", "price", "--output", "studies/new.toml"), "already exists")
    assert (project / "victim").read_text() == "mine"
    assert not (project / "nothing").exists()


def test_no_tables_are_made_in_a_database_that_a_link_leads_to(project, command):
    """MLflow adds its tables to any database."""
    victim, store = project / "victim.db", project / "mlruns" / "mlflow.db"
    with sqlite3.connect(victim) as database:
        database.execute("CREATE TABLE mine (a)")
    database.close()
    before = victim.read_bytes()
    store.unlink()
    store.symlink_to(victim)
    one_line(command("tune", "small.toml"), "victim.db, a database of something else; delete the link")
    assert victim.read_bytes() == before


def test_settings_of_numba_in_the_folder_do_not_count_bug(folder, command, monkeypatch):
    """A broken file ended every search; a sound one chose the processor for which code was compiled."""
    monkeypatch.setattr(numba.core.config, "_config_fname", ".numba_config.yaml")
    Path(".numba_config.yaml").write_text("[")
    with pytest.raises(Exception, match="parsing"):
        numba.njit(lambda x: x + 1)(1)
    assert command("list").code == 0
    assert numba.njit(lambda x: x + 1)(1) == 2


def test_settings_of_an_unknown_numba_are_refused(folder, command, monkeypatch):
    Path(".numba_config.yaml").write_text("opt: 0")
    monkeypatch.delattr(numba.core.config, "_config_fname")
    one_line(command("list"), ".numba_config.yaml in the current folder would change how Numba compiles; move it away")
