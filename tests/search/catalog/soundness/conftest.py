"""The project of a tuned study, a copy of it for each test, and the command in there."""

import shutil
from collections import OrderedDict
from pathlib import Path

import pytest

from search import cli
from search.plots import canvas, gallery
from search.tracking import stores
from search.tracking.local import moving
from tests.search.catalog.soundness import plants


@pytest.fixture(scope="session")
def tuned(tmp_path_factory, empty_database) -> Path:
    """The project of a study that is done."""
    folder = tmp_path_factory.mktemp("tuned")
    plants.project(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        few = {name: gallery.PICTURES[name] for name in ("history", "importance")}  # figures are half of the time
        patch.setattr(gallery, "PICTURES", few)
        patch.setattr(canvas.Drawing, "png", lambda figure: b"")
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
