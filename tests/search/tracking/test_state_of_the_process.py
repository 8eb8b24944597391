"""What the process has told MLflow does not matter to a search, and is the same after it."""

import os

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from search import BPSearchCV, tracking
from search.study import study_file
from search.tuning import tune

GLOBAL = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")


@pytest.fixture
def told(folder, mlflow, empty_database, monkeypatch):
    """Tell MLflow of a store, an experiment and autologging; yield the address of that store."""
    for name in GLOBAL:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setattr(mlflow.tracking.fluent, "_active_experiment_id", None, raising=False)
    (folder / "user.db").write_bytes(empty_database.read_bytes())
    uri = f"sqlite:///{folder}/user.db"
    mlflow.set_tracking_uri(uri)
    made = mlflow.create_experiment("mine", artifact_location=(folder / "mine").as_uri())
    mlflow.set_experiment(experiment_id=made)
    mlflow.sklearn.autolog(log_models=False, silent=True, max_tuning_runs=3)
    yield uri
    mlflow.clear_active_model()
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.sklearn.autolog(disable=True, silent=True)
    mlflow.set_tracking_uri(None)


def state(mlflow) -> dict[str, object]:
    """Return all that a process can have told MLflow."""
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    run = mlflow.active_run()
    return {
        "tracking": (mlflow.is_tracking_uri_set(), mlflow.get_tracking_uri()),
        "registry": mlflow.get_registry_uri(),
        "experiment": mlflow.tracking.fluent._get_experiment_id(),
        "run": run and run.info.run_id,
        "last run": run and mlflow.last_active_run().info.run_id,
        "model": mlflow.get_active_model_id(),
        "autologging": {name: dict(settings) for name, settings in AUTOLOGGING_INTEGRATIONS.items()},
        "environment": {name: text for name, text in os.environ.items() if name.startswith("MLFLOW_")},
    }


def theirs(mlflow, uri: str) -> list[object]:
    """Return all runs and models in the user's store, with what they hold."""
    client = mlflow.MlflowClient(uri, uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments)
    held = sorted((run.info.run_id, run.info.status, str(run.data.to_dictionary()), str(run.inputs)) for run in runs)
    return [experiments, held, len(client.search_logged_models(experiments)), len(client.search_registered_models())]


@pytest.mark.parametrize("active", [True, False], ids=["in a run", "without a run"])
def test_a_search_and_a_study_leave_the_state_of_the_process(folder, told, mlflow, small_project, active):
    own = tracking.stores.DEFAULT_URI
    X = np.random.default_rng(0).normal(size=(30, 2))
    if active:
        mlflow.start_run(run_name="mine")
        mlflow.set_active_model(name="mine")
    before = state(mlflow), theirs(mlflow, told)
    search = BPSearchCV(
        Ridge(), {"alpha": [0.1, 1.0]}, method="grid", cv=2, random_state=0, tracking=own, study_name="as_estimator"
    ).fit(X, X[:, 0])
    assert (state(mlflow), theirs(mlflow, told)) == before
    result = tune(study_file.load(small_project(folder) / "small.toml"), tracking_uri=own)
    assert (state(mlflow), theirs(mlflow, told)) == before
    client = mlflow.MlflowClient(own, own)
    assert sorted(model.name for model in client.search_registered_models()) == ["as_estimator", "small"]
    for name, trials in (("as_estimator", 2), ("small", len(result.outcomes))):
        runs = client.search_runs([client.get_experiment_by_name(name).experiment_id])
        told = sorted(run.info.run_name.partition(" · ")[0] for run in runs)
        assert told == [name, *(f"trial {n}" for n in range(trials))]
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert len(client.search_logged_models([client.get_experiment_by_name(name).experiment_id])) == 1
    assert search.best_params_
