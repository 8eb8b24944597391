"""`bpsearch verify` finds each kind of difference, changes nothing unless it is asked to, and repairs what it says."""

import hashlib
import shutil
from collections import OrderedDict
from pathlib import Path

import pytest

from search import cli
from search.catalog.soundness.kinds import KINDS
from search.tracking import stores
from search.tracking.local import moving
from tests.search.catalog.soundness import plants

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, empty_database) -> Path:
    """The project of a study that is done."""
    folder = tmp_path_factory.mktemp("tuned")
    plants.project(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        (folder / "mlruns").mkdir()
        path = shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
        patch.setattr(stores, "DEFAULT_URI", f"sqlite:///{path}")
        assert cli.main(["tune", "small.toml", "--quiet"]) == 0
    return folder


@pytest.fixture
def verify(tuned, tmp_path, monkeypatch, command, mlflow):
    """Verify a copy of the project, in its folder."""
    from mlflow.tracking._tracking_service import utils

    monkeypatch.setattr(utils, "_artifact_repos_cache", OrderedDict())  # runs of all copies have the same identifiers
    folder = tmp_path / "project"
    shutil.copytree(tuned, folder)
    assert moving.settle(folder / "mlruns" / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(folder)
    text = plants.JOURNAL.read_text()  # which names the store, by an absolute path in tests only
    plants.JOURNAL.write_text(text.replace(str(tuned), str(folder)))

    def verify(*arguments: str):
        where = Path.cwd() / "mlruns" / "mlflow.db"  # MLflow keeps its connections by URI
        monkeypatch.setattr(stores, "DEFAULT_URI", f"sqlite:///{where}")
        return command("verify", *arguments)

    return verify


def found(result) -> set[tuple[str, str]]:
    """Return kinds and states."""
    return {(each["kind"], each["state"]) for each in result.document["differences"]}


def content() -> dict[str, str]:
    """Return a digest of each file below the current folder; folders have none."""
    return {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(Path().rglob("*"))
    }


def test_a_study_that_is_done_is_clean(verify):
    before = content()
    result = verify()
    assert (result.code, result.out, result.err) == (0, "1 study with 2 trials: nothing differs\n", "")
    told = {"studies": ["small"], "trials": 2, "running": [], "sound": True, "differences": []}
    assert verify("small", "--json").document == told
    assert verify("--repair").code == 0
    assert content() == before


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_and_repaired_as_the_table_says(verify, kind):
    plants.PLANTS[kind]()
    before = content()
    looked = verify("--json")
    expected = {kind, *plants.BESIDES.get(kind, ())}
    states = {each: "found" if KINDS[each].repair else "left" for each in expected}
    assert (looked.code, found(looked)) == (1, set(states.items()))
    assert content() == before
    repaired = verify("--repair", "--json")
    assert found(repaired) == {(each, "repaired" if state == "found" else "left") for each, state in states.items()}
    assert repaired.code == ("left" in states.values())
    if KINDS[kind].repair:
        again = verify()
        assert (again.code, again.out) == (0, "1 study with 2 trials: nothing differs\n")
    else:
        assert content() == before
