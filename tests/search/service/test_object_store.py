"""Copies of data in an object store: put there once, fetched once, and never taken for others."""

import fsspec
import pytest

from search.errors import StudyError
from search.service import object_store
from search.service.cluster import standing
from search.service.cluster.standing import FOLDER
from search.service.data_copies import Copies
from search.service.place import Place


@pytest.fixture(params=["memory://bucket/copies", "folder"])
def url(request, tmp_path):
    if request.param == "folder":
        yield str(tmp_path / "shared/copies")
    else:
        yield request.param
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


@pytest.fixture
def copy(tmp_path):
    return Copies(Place(tmp_path / "project").made().data).add("rows.csv", [b"a\n1\n"])


def test_a_copy_is_put_once_and_fetched_as_it_was(url, copy, tmp_path, monkeypatch):
    object_store.check(url)
    object_store.put(url, copy)
    system, root = fsspec.core.url_to_fs(url)
    monkeypatch.setattr(type(system), "put_file", None)
    object_store.put(url, copy)
    own = Copies(Place(tmp_path / "own").made().data)
    object_store.fetch(url, copy.address, own)
    assert own.find(copy.address).path.read_bytes() == b"a\n1\n"
    assert system.ls(f"{root}/{copy.digest}", detail=False)[0].endswith(f"{copy.digest}/rows.csv")


def test_one_that_was_cut_short_is_put_again(url, copy):
    object_store.put(url, copy)
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root}/{copy.digest}/rows.csv", b"a")
    object_store.put(url, copy)
    assert system.cat_file(f"{root}/{copy.digest}/rows.csv") == b"a\n1\n"


def test_what_is_not_there_is_not_fetched(url, copy, tmp_path):
    object_store.check(url)
    own = Copies(Place(tmp_path / "own").made().data)
    object_store.fetch(url, copy.address, own)
    assert own.find(copy.address) is None


def test_another_content_is_refused(url, copy, tmp_path):
    object_store.put(url, copy)
    system, root = fsspec.core.url_to_fs(url)
    system.pipe_file(f"{root}/{copy.digest}/rows.csv", b"a\n2\n")
    with pytest.raises(StudyError, match=r"is damaged: .*rows\.csv has another content"):
        object_store.fetch(url, copy.address, Copies(Place(tmp_path / "own").made().data))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nothing://bucket", r"copies of data at nothing://bucket: ValueError: Protocol not known"),
        ("/proc/nowhere", r"copies of data at /proc/nowhere: \w+: "),
        ("http://me:s3cret@127.0.0.1:1/x", r"copies of data at http://\*\*\*@127"),
    ],
)
def test_an_address_that_is_of_no_use_is_refused(address, told):
    with pytest.raises(StudyError, match=told) as error:
        object_store.check(address)
    assert "s3cret" not in str(error.value)


def test_a_worker_fetches_what_it_lacks_when_it_is_asked(copy, tmp_path, monkeypatch):
    url = str(tmp_path / "shared")
    monkeypatch.setenv(FOLDER, str(tmp_path / "worker"))
    asked = ("/nowhere", "another", copy.address)
    assert not standing.standing(*asked, url).has
    object_store.put(url, copy)
    assert not standing.standing(*asked).has
    assert standing.standing(*asked, url).has
    monkeypatch.setattr(object_store, "fetch", None)
    assert standing.standing(*asked, url).has
