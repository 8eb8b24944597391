"""What creates can be asked again: after a request that was sent twice, an interruption, a kill, there is one of everything."""

import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from search import tracking
from search.tracking import Header, MLflowTracker, TrackingError, library, listing, writing
from search.tracking.contents.entrants import Entrant
from search.tracking.contents.runs import PARENT, RESULT
from search.tracking.models import inputs, registry
from search.tracking.models import registration as models
from search.tracking.writers import client as writer
from search.tracking.writers import creation, sqlite

X, Y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)
MODEL = LinearRegression().fit(X, Y)
HEADER = Header("x", "one", {"method": "grid"}, "# a study", result=lambda: "all of it")


@pytest.fixture
def client(folder, mlflow, monkeypatch):
    """A client; studies are written through one, too."""
    monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)
    return mlflow.MlflowClient(tracking.default_uri())


@pytest.fixture(scope="session")
def files(mlflow, tmp_path_factory) -> Path:
    """The files of the model."""
    path, logged = tmp_path_factory.mktemp("files") / "model", SimpleNamespace(artifact_location="", model_id="m-1")
    with library.quiet():
        models.write(path, MODEL, X, inputs.columns(MODEL, X, own=False), {}, "1" * 32, logged)
    return path


@pytest.fixture(autouse=True)
def written(files, monkeypatch) -> None:
    """Write the files of a model by copying those: making them anew takes longer than all requests."""
    monkeypatch.setattr(models, "write", lambda path, *_, **__: shutil.copytree(files, path))


@pytest.fixture
def study(make_outcome):
    """Track a study of two trials and a model."""

    def study(header: Header = HEADER) -> int:
        tracker = MLflowTracker(tracking.default_uri())
        with writing(tracker, header):
            for number in range(2):
                tracker.record(make_outcome(number), -0.5)
            return tracker.register(MODEL, X, -0.5).version

    return study


def counts(client, view: int = 1) -> dict[str, object]:
    """Return how many there are of each kind, and the states of all runs and models, those in the trash included."""
    experiment = client.get_experiment_by_name("x").experiment_id
    runs = client.search_runs([experiment], run_view_type=view)
    logged = client.search_logged_models([experiment])
    versions = client.search_model_versions("name = 'x'")
    return {
        "parents": len([run for run in runs if PARENT not in run.data.tags]),
        "trials": sorted(run.data.tags["trial"] for run in runs if PARENT in run.data.tags),
        "states": {run.info.status for run in client.search_runs([experiment], run_view_type=3)},
        "logged": [str(model.status) for model in logged],
        "versions": len(versions),
        "champion": [str(client.get_model_version_by_alias("x", "champion").version) for _ in versions[:1]],
    }


UNDERSTANDS = sqlite.understands

ONE = {
    "parents": 1,
    "trials": ["0", "1"],
    "states": {"FINISHED"},
    "logged": ["READY"],
    "versions": 1,
    "champion": ["1"],
}
TWICE = ["create_run", "create_logged_model", "create_model_version"]
REFUSED_AGAIN = ["create_experiment", "create_registered_model", "log_outputs"]


def twice(patch, mlflow, name: str, error: bool = False) -> list[str]:
    """Let a method of the client ask twice, as HTTP does after a lost reply, or fail after it has done its work."""
    known, calls = getattr(mlflow.MlflowClient, name), []

    def again(self, *arguments, **more):
        calls.append(name)
        first = known(self, *arguments, **more)
        if error:
            raise mlflow.exceptions.RestException({"error_code": "BAD_REQUEST", "message": "it is there already"})
        return first if name == "delete_run" else known(self, *arguments, **more)

    patch.setattr(mlflow.MlflowClient, name, again)
    return calls


@pytest.mark.parametrize("name", [*TWICE, *REFUSED_AGAIN])
def test_a_lost_reply_made_two_bug(client, mlflow, study, monkeypatch, name):
    """MLflow sends a request again whose reply is lost: two parent runs, two versions, or an error for what had been done."""
    with monkeypatch.context() as patch:
        calls = twice(patch, mlflow, name, error=name in REFUSED_AGAIN)
        study()
    assert calls
    found = counts(client)
    assert found["states"] - {"KILLED"} == {"FINISHED"}
    assert found | {"states": {"FINISHED"}} == ONE


@pytest.mark.parametrize("name", ["delete_run", "restore_experiment"])
def test_what_is_done_already_is_no_error(client, mlflow, study, monkeypatch, name):
    study()
    experiment = client.get_experiment_by_name("x").experiment_id
    if name == "delete_run":
        (child,) = client.search_runs([experiment], "tags.trial = '1'")
        client.update_run(child.info.run_id, status="RUNNING")
    else:
        client.delete_experiment(experiment)
    with monkeypatch.context() as patch:
        calls = twice(patch, mlflow, name, error=True)
        study()
    assert calls == [name]
    assert counts(client)["parents"] == 1


def test_an_error_of_what_was_not_done_is_told(client, mlflow, study, monkeypatch):
    def refuse(*_, **__):
        raise mlflow.exceptions.RestException({"error_code": "PERMISSION_DENIED", "message": "not you"})

    monkeypatch.setattr(mlflow.MlflowClient, "create_model_version", refuse)
    with pytest.raises(TrackingError, match="not you"):
        study()


def test_a_store_that_does_not_answer_is_not_asked_again(mlflow):
    def gone():
        raise mlflow.exceptions.MlflowException("API request failed")

    with pytest.raises(mlflow.exceptions.MlflowException):
        creation.sure(gone, lambda: pytest.fail("asked again"))


@pytest.mark.parametrize("writer", ["client", "tables"])
def test_of_two_parents_the_next_start_took_either_bug(client, make_outcome, study, monkeypatch, writer):
    """The one without trials was as good as the other: all were written again, and one parent was running for ever."""
    study()
    experiment = client.get_experiment_by_name("x").experiment_id
    (old,) = client.search_runs([experiment], "tags.`bpsearch.kind` = 'study'")
    for start in (old.info.start_time - 1, old.info.start_time + 1):
        client.create_run(experiment, start_time=start, run_name="x", tags=HEADER.tags)
    if writer == "tables":
        monkeypatch.setattr(sqlite, "understands", UNDERSTANDS)
    study()
    found = counts(client)
    assert (found["parents"], found["trials"], found["states"]) == (1, ["0", "1"], {"FINISHED", "KILLED"})
    (kept,) = client.search_runs([experiment], "tags.`bpsearch.kind` = 'study'")
    assert kept.info.run_id == old.info.run_id


def test_what_a_server_makes_late_goes_at_the_end(client, make_outcome):
    """A proxy may have given up on a request that the server still does: after the study has looked."""
    tracker = MLflowTracker(tracking.default_uri())
    with writing(tracker, HEADER):
        for number in range(2):
            tracker.record(make_outcome(number), -0.5)
        tracker.flush()
        experiment = client.get_experiment_by_name("x").experiment_id
        (child,) = client.search_runs([experiment], "tags.trial = '1'")
        client.create_run(experiment, tags=child.data.tags)
        client.create_run(experiment, tags=HEADER.tags)
        tracker.register(MODEL, X, -0.5)
    found = counts(client)
    assert found | {"states": {"FINISHED"}} == ONE
    assert found["states"] == {"FINISHED", "KILLED"}


@pytest.mark.parametrize("writer", ["client", "tables"])
def test_two_runs_of_one_trial_become_one(client, study, monkeypatch, writer):
    study()
    experiment = client.get_experiment_by_name("x").experiment_id
    (child,) = client.search_runs([experiment], "tags.trial = '1'")
    made = client.create_run(experiment, start_time=child.info.start_time + 1, tags=child.data.tags)
    client.set_terminated(made.info.run_id)
    if writer == "tables":
        monkeypatch.setattr(sqlite, "understands", UNDERSTANDS)
    study()
    assert counts(client)["trials"] == ["0", "1"]
    assert client.get_run(made.info.run_id).info.lifecycle_stage == "deleted"


# --------------------------------------------------------------------------------------------------------------- registration

STEPS = [
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "log_outputs",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
    "set_logged_model_tags",
]


@pytest.mark.parametrize("done", [pytest.param(False, marks=pytest.mark.slow), True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_interrupted_while_registering_left_a_second_version_bug(client, mlflow, monkeypatch, step, done):
    """A version for each interruption, a logged model that was pending for ever; whatever is whole is used again."""
    uri = tracking.default_uri()
    with writing(MLflowTracker(uri), HEADER):
        pass
    experiment = client.get_experiment_by_name("x").experiment_id
    (parent,) = client.search_runs([experiment])
    known = getattr(mlflow.MlflowClient, step)

    def interrupted(self, *arguments, **more):
        if done:
            known(self, *arguments, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            models.register(uri, "x", parent.info.run_id, MODEL, X, -0.5, result="all of it")
    made = models.register(uri, "x", parent.info.run_id, MODEL, X, -0.5, result="all of it")
    with writing(MLflowTracker(uri), HEADER):
        pass
    assert made.version == 1
    assert counts(client) == ONE | {"trials": []}
    assert registry.load(uri, "x")[0].predict(X) == pytest.approx(Y)


def test_a_result_is_registered_once_and_another_one_again(client, study):
    other = Header("x", "one", {"method": "grid"}, "# a study", result=lambda: "more of it")
    unnamed = Header("x", "one", {"method": "grid"}, "# a study")
    assert [study(), study(), study(other), study(), study(unnamed), study(unnamed)] == [1, 1, 2, 1, 3, 4]
    assert client.get_registered_model("x").aliases == {"champion": 1, "challenger": 4}


def test_a_pending_model_of_a_killed_start_is_closed_even_if_nothing_is_registered(client, study):
    study()
    experiment = client.get_experiment_by_name("x").experiment_id
    (parent,) = client.search_runs([experiment], "tags.`bpsearch.kind` = 'study'")
    pending = client.create_logged_model(
        experiment, name="model", source_run_id=parent.info.run_id, tags={RESULT: "another"}
    )
    with writing(MLflowTracker(tracking.default_uri()), HEADER):
        pass
    assert counts(client)["logged"] == ["READY"]
    with suppress(Exception):
        assert str(client.get_logged_model(pending.model_id).status) == "FAILED"


def test_more_parameters_than_a_request_takes_are_all_logged(client, study):
    params = {f"p{i}": i for i in range(2 * creation.FIRST_PARAMS + 1)}
    study(Header("x", "one", params, result=lambda: "all of it", entrant=lambda: Entrant(-0.5, params=params)))
    experiment = client.get_experiment_by_name("x").experiment_id
    (logged,) = client.search_logged_models([experiment])
    (parent,) = client.search_runs([experiment], "tags.`bpsearch.kind` = 'study'")
    assert logged.params == parent.data.params == {name: str(value) for name, value in params.items()}


def test_a_description_is_written_once(client, study):
    study()
    model = tracking.RegisteredModel("x", 1)
    for _ in range(2):
        models.describe(tracking.default_uri(), model, "worth it")
    assert client.get_model_version("x", "1").description.count("worth it") == 1


def test_parameters_that_a_kill_kept_from_being_written_come_with_the_next_start(client, mlflow, study, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "log_batch", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            writer.open_study(tracking.default_uri(), HEADER)
    study()
    (parent,) = client.search_runs([client.get_experiment_by_name("x").experiment_id], "tags.`bpsearch.kind` = 'study'")
    assert parent.data.params == {"method": "grid"}


def test_of_more_experiments_than_a_page_the_rest_was_not_listed_bug(client, mlflow, monkeypatch):
    for name in "abcde":
        with writing(MLflowTracker(tracking.default_uri()), Header(name, name, {})):
            pass
    for method in ("search_experiments", "search_runs", "search_registered_models", "search_model_versions"):
        known = getattr(mlflow.MlflowClient, method)
        monkeypatch.setattr(
            mlflow.MlflowClient,
            method,
            lambda self, *a, known=known, **more: known(self, *a, **more | {"max_results": 2}),
        )
    assert set(listing._of_client(tracking.default_uri())) == set("abcde")
