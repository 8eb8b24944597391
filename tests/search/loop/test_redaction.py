"""A journal of an older version held the address of the store with its password, in a file that people commit."""

import json

import pytest

from search.errors import StudyError
from search.loop.journal import StudyStore
from search.loop.redaction import without_secrets
from search.space import spaces

SECRET = "postgresql://me:s3cret@host/db"


@pytest.fixture
def space():
    return spaces.build({"alpha": [0.1, 1.0]})


@pytest.fixture
def path(tmp_path, space):
    store = StudyStore(tmp_path / "a.journal", "a", {"seed": 0}, space)
    store.note("finished", {"uri": SECRET, "name": "a", "version": 1})
    store.close()
    return tmp_path / "a.journal"


def test_the_password_is_taken_out_and_nothing_else(path, space):
    path.chmod(0o640)
    before = path.read_bytes()
    store = StudyStore(path, "a", {"seed": 0}, space)
    notes = store.notes
    store.close()
    assert b"s3cret" not in path.read_bytes()
    assert notes["finished"] == {"uri": "postgresql://***@host/db", "name": "a", "version": 1}
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes().splitlines()[:-1] == before.splitlines()[:-1]
    assert sorted(file.name for file in path.parent.iterdir() if file.suffix != ".lock") == ["a.journal"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"my notes on http://a:b@c\n",
        b'{"user_attr": {"a": "sqlite:///mlruns/mlflow.db"}}\n',
        b'{"user_attr": {"uri": "http://me:s3cret@h',
        b'{"params": "http://me:s3cret@host"}\n',
    ],
)
def test_what_holds_no_note_with_a_password_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    assert not without_secrets(path)
    assert path.read_bytes() == content


def test_every_note_counts(tmp_path):
    path = tmp_path / "a.journal"
    notes = [{"about": {"list": [SECRET], "ü": "ü"}}, {"x": 1}]
    path.write_text("".join(json.dumps({"op_code": 2, "user_attr": note}) + "\n" for note in notes) + "cut")
    assert without_secrets(path)
    assert "s3cret" not in path.read_text()
    first, second, cut = path.read_text().split("\n")
    assert json.loads(first)["user_attr"] == {"about": {"list": ["postgresql://***@host/db"], "ü": "ü"}}
    assert (json.loads(second)["user_attr"], cut) == ({"x": 1}, "cut")


def test_a_link_is_not_replaced(tmp_path, path):
    link = tmp_path / "b.journal"
    link.symlink_to(path)
    with pytest.raises(StudyError, match="is a link to"):
        without_secrets(link)
    assert link.is_symlink()
