"""Who started a study, with what, in which commit: read without starting anything, and without secrets."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from search.tracking.contents import origin
from search.tracking.contents.runs import Header

FIRST, SECOND = "a" * 40, "0123456789abcdef" * 4


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository on the branch `main`, which is at `FIRST`."""
    git = tmp_path / "project" / ".git"
    (git / "refs" / "heads" / "a").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text(f"{FIRST}\n")
    return git.parent


def test_the_commit_of_a_branch(repository):
    assert origin.commit(repository) == FIRST
    (repository / "studies" / "deep").mkdir(parents=True)
    assert origin.commit(repository / "studies" / "deep") == FIRST


@pytest.mark.parametrize("head", [FIRST, SECOND])
def test_the_commit_without_a_branch(repository, head):
    (repository / ".git" / "HEAD").write_text(head)
    assert origin.commit(repository) == head


def test_the_commit_of_a_packed_branch(repository):
    git = repository / ".git"
    (git / "refs" / "heads" / "main").unlink()
    (git / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{SECOND} refs/heads/main2\n{FIRST} refs/heads/main\n^{SECOND}\n"
    )
    assert origin.commit(repository) == FIRST
    (git / "packed-refs").write_text(f"{SECOND} refs/heads/other\n")
    assert origin.commit(repository) == ""


def test_the_commit_of_a_worktree(repository, tmp_path):
    own = repository / ".git" / "worktrees" / "other"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "commondir").write_text("../..\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".git").write_text(f"gitdir: {own}\n")
    assert origin.commit(tmp_path / "other") == FIRST


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_git(tmp_path):
    as_nobody = ["-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], [*as_nobody, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert origin.commit(tmp_path) == head.stdout.strip()


HOSTILE = {
    "another file": "ref: refs/heads/../../../secret",
    "an absolute path": "ref: /etc/passwd",
    "no commit": "the password is 1234",
    "capitals": FIRST.upper(),
    "no text": b"\xff\xfe",
    "nothing": "",
    "a NUL": "ref: refs/heads/\0",
    "a folder": "ref: refs/heads/a",
    "much": "a" * 100_000,
}


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_but_commits_is_told(repository, head):
    (repository.parent / "secret").write_text(FIRST)
    (repository / "secret").write_text(FIRST)
    (repository / ".git" / "HEAD").write_bytes(head if isinstance(head, bytes) else head.encode())
    assert origin.commit(repository) == ""


def test_a_branch_that_holds_something_else_is_not_told(repository):
    (repository / ".git" / "refs" / "heads" / "main").write_text("the password is 1234")
    assert origin.commit(repository) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_nobody_waits_for_a_pipe(repository):
    (repository / ".git" / "HEAD").unlink()
    os.mkfifo(repository / ".git" / "HEAD")
    assert origin.commit(repository) == ""


def test_no_program_is_started(repository, monkeypatch):
    """A repository may name programs that Git runs."""

    def start(*arguments, **more):
        raise AssertionError(arguments)

    monkeypatch.chdir(repository)
    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(os, "system", start)
    tags = Header("x", "one", {}).tags
    assert tags[origin.COMMIT] == FIRST
    assert {"version.numpy", "version.bpsearch", "hardware.cores", "hardware.platform"} <= set(tags)


def test_the_command_has_no_password(monkeypatch):
    address = "postgresql://me:s3cret@host/db"
    monkeypatch.setattr("sys.argv", ["/usr/bin/bpsearch", "tune", "x.toml", "--out", address, "--token=s3cret"])
    tags = Header("x", "one", {}).tags
    assert tags["bpsearch.command"].startswith("bpsearch tune x.toml --out ")
    assert "s3cret" not in str(tags)
    assert tags["mlflow.source.name"] == "bpsearch tune"


@pytest.mark.parametrize("program", ["search/__main__.py", "/a/search/__main__.py", "bpsearch.py", "/bin/bpsearch"])
def test_the_command_however_it_is_started(program):
    assert origin.command([program, "tune"]) == "bpsearch tune"


def test_a_script_of_the_users_is_named_without_its_arguments(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/home/me/fit\n.py", "--key", "s3cret"])
    tags = Header("x", "one", {}).tags
    assert (tags["mlflow.source.name"], "bpsearch.command" in tags) == ("fit\\n.py", False)
    assert "s3cret" not in str(tags)


def test_a_user_whom_the_system_does_not_know(monkeypatch):
    def getuser():
        raise OSError("no username set in the environment")

    monkeypatch.setattr(getpass, "getuser", getuser)
    assert origin.USER not in origin.tags()
