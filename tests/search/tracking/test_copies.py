"""Two copies of one project and one store for both: neither loses a trial there, or writes into the run of the other."""

import os
import shutil
from pathlib import Path

import pytest

from search.tracking import Header, MLflowTracker, writing
from search.tracking.writers import client as writer
from search.tracking.writers import creation, sqlite

STUDY = """\
name = "x"
data = { source = "rows.csv", target = "y", task = "regression" }
model = { max_iter = 3, hidden_layer_sizes = [2] }
cv = { n_splits = 2 }
search = { method = "random", n_trials = 1, n_seeds = 1, n_members = 1, n_jobs = 1 }
space = { learning_rate_init = { low = 0.001, high = 0.1, log = true } }
"""


@pytest.fixture(params=[sqlite, writer], ids=["sqlite", "client"])
def store(request, tmp_path, empty_database, mlflow, monkeypatch) -> str:
    """The address of a store that both projects use."""
    if request.param is writer:
        monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)
    path = shutil.copy(empty_database, tmp_path / "shared.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    return os.environ["MLFLOW_TRACKING_URI"]


def runs(mlflow, uri: str) -> list[list[int]]:
    """Return the trials below each parent run."""
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("x").experiment_id
    parents = creation.runs(client, experiment, {"bpsearch.kind": "study"})
    below = [creation.children(client, experiment, parent.info.run_id) for parent in parents]
    return sorted(sorted(int(run.data.tags["trial"]) for run in children) for children in below)


@pytest.mark.slow
def test_a_copy_of_a_project_lost_its_trials_in_a_shared_store_bug(store, tmp_path, command, mlflow, monkeypatch):
    """Its trials had the numbers of those that the other copy had written, so they were not."""

    def tune(project: Path, trials: int):
        monkeypatch.chdir(project)
        found = command("tune", "x.toml", "--trials", str(trials))
        assert found.code == 0, found
        return found.out

    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    (one / "x.toml").write_text(STUDY)
    (one / "rows.csv").write_text("a,y\n" + "".join(f"{i % 7},{i * i % 11}\n" for i in range(40)))
    tune(one, 1)
    shutil.copytree(one, other)
    assert "another copy" not in tune(one, 3)
    told = "another copy of this project has gone on with the study in MLflow (trials 1, 2): this copy gets a run of its own"
    assert told in tune(other, 2)
    assert runs(mlflow, store) == [[0, 1], [0, 1, 2]]
    assert "another copy" not in tune(other, 4) + tune(one, 4)
    assert runs(mlflow, store) == [[0, 1, 2, 3], [0, 1, 2, 3]]


def test_trials_of_another_copy_are_known_by_their_outcomes(store, make_outcome):
    own = [make_outcome(0), make_outcome(1, "diverged"), make_outcome(2), make_outcome(3)]
    tracker, header = MLflowTracker(store), Header("x", "one", {})
    assert tracker.others(header, own) == []
    with writing(tracker, header):
        for outcome in own:
            tracker.record(outcome, -0.5)
    assert tracker.others(header, own) == []
    assert tracker.others(header, [*own, make_outcome(4)]) == []
    assert tracker.others(header, [own[0], own[1], make_outcome(2, scores=(-0.5, -0.125))]) == [2, 3]
    assert tracker.others(Header("x", "another", {}), []) == []
