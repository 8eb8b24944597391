"""What a worker says of itself, and where it keeps copies of data."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from search.service.cluster import standing
from search.service.cluster.standing import FOLDER, differing, place_of
from search.service.data_copies import Copies
from search.service.place import Place


@pytest.fixture
def own(monkeypatch, tmp_path) -> Place:
    """The folder of a worker."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "own"))
    return standing.own()


@pytest.fixture
def project(tmp_path, folder) -> tuple[Path, str, str]:
    """A project with a copy of a table: where it is, what identifies its copies, and the address of the table."""
    copies = Copies(Place().made().data)
    return Path.cwd(), copies.id, copies.add("table.csv", [b"a,b\n", b"1,2\n"]).address


def test_versions_are_those_of_what_results_depend_on():
    assert set(standing.versions()) == {"Python", "bpsearch", "numpy", "scipy", "scikit-learn", "numba", "pandas"}


def test_each_difference_is_named_with_both_versions():
    told = differing({"numpy": "2.4.6", "Python": "3.11.7", "scipy": "1.15"}, {"numpy": "2.3.0", "Python": "3.11.7"})
    assert told == "numpy 2.3.0 (the service has 2.4.6), scipy missing (the service has 1.15)"
    assert differing({"numpy": "1"}, {"numpy": "1", "more": "2"}) == ""


def test_a_worker_that_sees_the_project_reads_there(own, project):
    root, place, data = project
    assert place_of(str(root), place, data) == Place(root / Place().folder)
    found = standing.standing(str(root), place, data)
    assert found.has
    assert found.taken > 10e6
    assert found.versions == standing.versions()
    assert found.folder == Copies(own.data).id != place


def test_a_folder_of_the_same_path_on_another_machine_is_another_one(own, project):
    root, _, data = project
    assert place_of(str(root), "another", data) is None
    assert not standing.standing(str(root), "another", data).has


def test_what_is_no_file_needs_no_copy(own, tmp_path):
    assert place_of(str(tmp_path / "nowhere"), "", "") == Place(tmp_path / "nowhere" / Place().folder)


def test_a_copy_that_arrived_is_found_while_it_is_sound(own, project):
    root, _, data = project
    worker = SimpleNamespace(data={"k1": b"a,b\n", "k2": b"1,2\n"})
    for key in worker.data:
        standing.append("token", key, worker)
    standing.keep("token", "other name.csv", data, worker)
    assert place_of(str(root), "another", data) == own
    assert not [path for path in own.data.iterdir() if path.is_file()]
    copy = Copies(own.data).find(data)
    assert copy.path.read_bytes() == b"a,b\n1,2\n"
    copy.path.write_bytes(b"a,b\n1,3\n")
    assert place_of(str(root), "another", data) is None


def test_what_arrives_garbled_is_refused(own, project):
    standing.append("token", "k", SimpleNamespace(data={"k": b"a,b\n1,2"}))
    with pytest.raises(ValueError, match=r"what has arrived is data:[0-9a-f]{64}, not data:"):
        standing.keep("token", "table.csv", project[2], None)
    assert not [path for path in own.data.iterdir() if path.is_file()]


def test_a_folder_of_copies_keeps_its_identity(tmp_path):
    (tmp_path / "data").mkdir()
    copies = Copies(tmp_path / "data")
    assert copies.id_if_there == ""
    assert len(copies.id) == 32
    assert copies.id == Copies(tmp_path / "data").id == copies.id_if_there


def test_two_that_identify_a_folder_at_the_same_time_agree(tmp_path, monkeypatch):
    """The second one finds the file of the first one when it names its own."""
    copies, faster = Copies(tmp_path), Copies(tmp_path)
    token = standing.Copies.__module__
    made = []

    def slow() -> SimpleNamespace:
        if not made:
            made.append(None)
            made[0] = faster.id
        return SimpleNamespace(hex="slow")

    monkeypatch.setattr(f"{token}.uuid.uuid4", slow)
    made_by_first = copies.id
    assert made_by_first == faster.id
    assert (tmp_path / ".id").read_text().strip() == made_by_first
