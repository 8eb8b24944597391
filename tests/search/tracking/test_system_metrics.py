"""A study that asks for it has what the machine did meanwhile; nothing of MLflow's process-wide state is changed."""

import logging
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from search import StudyError
from search.study import study_file
from search.tracking import Header, MLflowTracker, stores, system, writing

MODULE = "mlflow.system_metrics.system_metrics_monitor"


@pytest.fixture
def monitors(monkeypatch, mlflow) -> list:
    """Put a monitor in the place of MLflow's, which needs a package that is not everywhere; return those that are made."""
    made = []

    class Monitor:
        def __init__(self, run_id, sampling_interval, resume_logging, tracking_uri):
            self.run_id, self.uri, self.seen = run_id, tracking_uri, []
            made.append(self)

        def start(self):
            self.seen.append(f"start at {logging.getLogger('mlflow.system_metrics').level}")

        def finish(self):
            self.seen.append("finish")

    module = ModuleType(MODULE)
    module.SystemMetricsMonitor = Monitor
    monkeypatch.setitem(sys.modules, MODULE, module)
    return made


def test_the_parent_run_is_watched_while_the_study_runs(folder, mlflow, monitors, make_outcome):
    tracker = MLflowTracker(stores.DEFAULT_URI, system_metrics=True)
    level = logging.getLogger("mlflow.system_metrics").level
    with writing(tracker, Header("x", "one", {})):
        tracker.record(make_outcome(), -0.5)
        tracker.flush()
        (monitor,) = monitors
        assert monitor.seen == [f"start at {logging.ERROR}"]
    assert monitor.seen[1:] == ["finish"]
    assert logging.getLogger("mlflow.system_metrics").level == level
    client = mlflow.MlflowClient(stores.DEFAULT_URI)
    assert client.get_run(monitor.run_id).info.run_name == "x"


def test_a_study_that_does_not_ask_is_not_watched(folder, monitors):
    with writing(MLflowTracker(stores.DEFAULT_URI), Header("x", "one", {})):
        pass
    assert monitors == []


@pytest.mark.parametrize("system_metrics", [True, False])
def test_without_the_package_the_study_does_not_begin(folder, monkeypatch, system_metrics):
    monkeypatch.setattr(system, "PACKAGE", "no_such_package_at_all")
    tracker = MLflowTracker(stores.DEFAULT_URI, system_metrics=system_metrics)
    if not system_metrics:
        tracker.check()
        return
    with pytest.raises(
        StudyError, match=r"\[tracking\] system_metrics = true needs the package no_such_package_at_all"
    ):
        tracker.check()


@pytest.mark.skipif(find_spec("psutil") is None, reason="needs psutil")
def test_mlflow_measures(folder, mlflow, make_outcome, monkeypatch, wait_for):
    monkeypatch.setattr(system, "SAMPLE_SECONDS", 0.2)
    client, found = mlflow.MlflowClient(stores.DEFAULT_URI), {}
    tracker = MLflowTracker(stores.DEFAULT_URI, system_metrics=True)
    with writing(tracker, Header("x", "one", {})):
        tracker.flush()
        experiment = client.get_experiment_by_name("x").experiment_id

        def written() -> bool:
            found.update(client.search_runs([experiment])[0].data.metrics)
            return bool(found)

        wait_for(written)
    assert "system/cpu_utilization_percentage" in found


def test_the_key_of_a_study_file(folder):
    text = 'name = "a"\n[data]\nsource = "t.csv"\ntarget = "y"\ntask = "regression"\n'
    assert not study_file.parse(text, folder / "a.toml").system_metrics
    assert study_file.parse(f"{text}[tracking]\nsystem_metrics = true\n", folder / "a.toml").system_metrics
