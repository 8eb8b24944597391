"""Studies on an MLflow server: `bpsearch verify` finds and repairs what a client can see, in few requests."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from search import cli
from search.plots import canvas, gallery
from search.tracking.writers import creation
from tests.fuzz.parts import served
from tests.search.catalog.soundness import plants
from tests.search.catalog.soundness.looks import content, found

pytestmark = pytest.mark.slow  # a server takes ten seconds to start

RESULT = "bpsearch.result"


@pytest.fixture(scope="module")
def project(tmp_path_factory, empty_database, mlflow):
    """The folder of a study whose store is a server, a client of that, and a proxy before it."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "temporary").mkdir()
    plants.project(folder)
    with (
        served.server(tmp_path_factory.mktemp("server"), empty_database) as target,
        served.proxied(target) as (uri, proxy),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        patch.chdir(folder)
        patch.setattr(gallery, "PICTURES", {"history": gallery.PICTURES["history"]})
        patch.setattr(canvas.Drawing, "png", lambda figure: b"")
        assert cli.main(["tune", "small.toml", "--quiet"]) == 0
        yield SimpleNamespace(client=mlflow.MlflowClient(uri, uri), proxy=proxy, folder=folder, uri=uri)


@pytest.fixture
def there(project, monkeypatch, command):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", project.uri)
    monkeypatch.setattr("tempfile.tempdir", str(project.folder / "temporary"))
    monkeypatch.chdir(project.folder)
    client, experiment = project.client, project.client.get_experiment_by_name("small").experiment_id
    (parent,) = creation.runs(client, experiment, {"bpsearch.kind": "study"})
    trials = creation.whole_children(client, experiment, parent.info.run_id)
    return SimpleNamespace(client=client, experiment=experiment, parent=parent, trials=trials, verify=command)


def copied(there, run, **tags: str) -> None:
    made = there.client.create_run(there.experiment, tags={**run.data.tags, **tags})
    there.client.log_metric(made.info.run_id, "score", run.data.metrics.get("score", 0.0))
    there.client.set_terminated(made.info.run_id)


def parent_doubled(there) -> None:
    copied(there, there.parent)


def trial_orphaned(there) -> None:
    copied(there, there.trials[0], **{"mlflow.parentRunId": plants.OTHER})


def trial_cut(there) -> None:
    there.client.update_run(there.trials[0].info.run_id, status="RUNNING")


def trial_doubled(there) -> None:
    copied(there, there.trials[0])


def trial_differs(there) -> None:
    there.client.set_tag(there.trials[1].info.run_id, "verdict", "stopped")


def trial_missing(there) -> None:
    there.client.delete_run(there.trials[1].info.run_id)


def parent_running(there) -> None:
    there.client.update_run(there.parent.info.run_id, status="RUNNING")


def parent_finished(there) -> None:
    plants.parent_finished()


def model_pending(there) -> None:
    run = there.parent.info.run_id
    there.client.create_logged_model(there.experiment, name="model", source_run_id=run, tags={RESULT: "another"})


def version(there):
    return there.client.get_model_version_by_alias("small", "champion")


def version_doubled(there) -> None:
    known = version(there)
    model = known.source.split("/models/")[1].split("/")[0]
    registered(there, known.source, model, known.tags[RESULT])


def version_without_files(there) -> None:
    run = there.parent.info.run_id
    model = there.client.create_logged_model(there.experiment, name="model", source_run_id=run, tags={RESULT: "gone"})
    there.client.finalize_logged_model(model.model_id, "READY")
    registered(there, model.artifact_location, model.model_id, "gone")


def registered(there, source: str, model: str, result: str) -> None:
    there.client.create_model_version("small", source, there.parent.info.run_id, tags={RESULT: result}, model_id=model)


def left_behind(there) -> None:
    Path("temporary/.bpsearch-left").mkdir()
    Path("studies/small.journal.lock").touch(0o600)


ROUNDS = {
    "runs": (parent_doubled, trial_orphaned, trial_cut, trial_missing, parent_running, left_behind),
    "models": (trial_doubled, trial_differs, model_pending, version_doubled, version_without_files, parent_finished),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_what_differs_on_a_server_is_found_and_repaired(there, name):
    assert found(there.verify("verify", "--json")) == set()
    for plant in ROUNDS[name]:
        plant(there)
    before = content()
    kinds = {plant.__name__ for plant in ROUNDS[name]}
    looked = there.verify("verify", "--json")
    assert (looked.code, found(looked)) == (1, {(kind, "found") for kind in kinds})
    assert content() == before
    repaired = there.verify("verify", "--repair", "--json")
    assert (repaired.code, found(repaired)) == (0, {(kind, "repaired") for kind in kinds})
    assert found(there.verify("verify", "--json")) == set()


def test_a_server_is_asked_for_pages_and_not_for_runs(project, there):
    """But for the files of the run of each study, which needs that run."""
    project.proxy.arm()
    there.verify("verify")
    asked = [request for request in project.proxy.seen if "/health" not in request and "/version" not in request]
    assert len([request for request in asked if request.endswith("/search")]) <= 6
    assert len(asked) <= 12
    assert [request for request in asked if "/runs/" in request and not request.endswith("/search")] == [
        "GET /api/2.0/mlflow/runs/get"
    ]
    assert not [request for request in asked if request.endswith(("/delete", "/create", "/update"))]
