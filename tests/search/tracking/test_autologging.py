"""MLflow's autologging, on: a search leaves no runs and no models in the user's experiment, and the setting stays.

The bug: each baseline, fold and refit of a search was a run with a model, and a search of 0.06 s took a minute.
"""

import threading

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor
from search import BPSearchCV
from search.tracking import autologging
from search.tracking.autologging import autologging_aside

NETWORK = BPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
SEARCHES = {
    "network": (NETWORK, {"alpha": [0.1, 1.0]}),
    "pipeline": (make_pipeline(StandardScaler(), NETWORK), {"bpregressor__alpha": [0.1, 1.0]}),
    "another estimator": (Ridge(), {"alpha": [0.1, 1.0]}),
}
SETTINGS = {"log_models": False, "silent": True, "max_tuning_runs": 3}


@pytest.fixture
def utils(mlflow):
    from mlflow.utils import autologging_utils

    return autologging_utils


@pytest.fixture
def user(folder, mlflow, utils):
    """A client of the user's store, where autologging writes."""
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(uri)
    mlflow.sklearn.autolog(**SETTINGS)
    yield mlflow.MlflowClient(uri)
    mlflow.sklearn.autolog(disable=True)
    mlflow.set_tracking_uri(before)


@pytest.fixture(params=[True, False], ids=["public switch", "integration by integration"])
def switch(request, monkeypatch, utils):
    """MLflow as it is, and one without the function that switches autologging off."""
    if not request.param:
        monkeypatch.delattr(utils, "disable_autologging")


def runs(client) -> list[str]:
    """Return the names of the runs in all experiments."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return [run.info.run_name for run in client.search_runs(experiments)]


def fit(kind: str, **more):
    X = np.random.default_rng(0).normal(size=(30, 2))
    return BPSearchCV(*SEARCHES[kind], **{"method": "grid", "cv": 2, "random_state": 0} | more).fit(X, X[:, 0])


@pytest.mark.usefixtures("switch")
def test_a_search_leaves_nothing(user, utils):
    for kind in SEARCHES:
        fit(kind)
    fit("another estimator", n_jobs=2)
    cross_val_score(BPSearchCV(*SEARCHES["another estimator"], method="grid", cv=2), np.eye(12), np.arange(12.0), cv=2)
    assert runs(user) == []
    for name, value in SETTINGS.items():
        assert utils.get_autologging_config("sklearn", name) == value
    DummyRegressor().fit([[1.0]], [1.0])
    assert len(runs(user)) == 1, "autologging is on again"


@pytest.mark.usefixtures("user")
def test_an_error_in_a_search_leaves_the_setting():
    with pytest.raises(ValueError, match="inconsistent"), autologging_aside():
        raise ValueError("inconsistent")
    assert autologging._searches == 0


def test_a_tracked_search_leaves_its_own_runs_only(user):
    fit("network", tracking=user.tracking_uri, study_name="tracked", refit=False)
    assert sorted(name.split(" · ")[0] for name in runs(user)) == ["tracked", "trial 0", "trial 1"]


@pytest.mark.parametrize("kind", ["regression", "classification"])
@pytest.mark.filterwarnings(
    "ignore"
)  # of MLflow, which calls scikit-learn's metrics as in older releases, and of short fits
def test_scikit_learns_own_search_is_logged_with_our_networks(user, mlflow, kind):
    mlflow.sklearn.autolog(log_models=False, silent=True)
    X = np.random.default_rng(0).normal(size=(40, 2))
    network = (BPClassifier if kind == "classification" else BPRegressor)(
        hidden_layer_sizes=(4,), max_iter=3, random_state=0
    )
    model = make_pipeline(StandardScaler(), network)
    key = f"{model.steps[-1][0]}__alpha"
    y = np.where(X[:, 0] > 0, "yes", "no") if kind == "classification" else X[:, 0]
    search = GridSearchCV(model, {key: [0.1, 1.0]}, cv=2).fit(X, y)
    found = user.search_runs([experiment.experiment_id for experiment in user.search_experiments()])
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    assert len(found) == 3
    assert {run.info.status for run in found} == {"FINISHED"}
    assert parent.data.params[f"best_{key}"] == str(search.best_params_[key])
    assert parent.data.metrics["best_cv_score"] == pytest.approx(search.best_score_)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_models_of_autologging_predict_as_our_networks(user, mlflow):
    mlflow.sklearn.autolog(log_models=True, silent=True)
    X = np.random.default_rng(0).normal(size=(40, 2))
    search = GridSearchCV(NETWORK, {"alpha": [0.1, 1.0]}, cv=2).fit(X, X[:, 0])
    models = user.search_logged_models([experiment.experiment_id for experiment in user.search_experiments()])
    assert sorted(model.name for model in models) == ["best_estimator", "model"]
    for model in models:
        loaded = mlflow.sklearn.load_model(f"models:/{model.model_id}")
        assert loaded.predict(X) == pytest.approx(search.predict(X))


def test_the_last_of_several_searches_switches_on_again(user):
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with autologging_aside():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with autologging_aside():
        thread.start()
        inside.wait()
    DummyRegressor().fit([[1.0]], [1.0])
    assert runs(user) == []
    leave.set()
    thread.join()
    DummyRegressor().fit([[1.0]], [1.0])
    assert len(runs(user)) == 1


def test_what_is_off_is_not_touched(mlflow, monkeypatch, utils):
    monkeypatch.setattr(utils, "disable_autologging", lambda: pytest.fail("nothing is on"))
    mlflow.sklearn.autolog(disable=True)
    with autologging_aside():
        pass


def test_other_processes_put_it_aside_too(user):
    with joblib.parallel_config("loky", n_jobs=1):
        fit("another estimator")
    assert runs(user) == []
