"""Where trials run changes no result: in threads, in joblib's processes, on clusters of one, two and four workers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster

from bpmodel import BPRegressor
from search import BPSearchCV, tuning
from search.service import submission
from search.service.cluster.of_study import workers_of
from search.service.place import Place
from search.study import study_file
from search.trials.prepared import sample

pytestmark = pytest.mark.slow

METHODS = {
    "grid": {"method": "grid"},
    "random": {"method": "random", "n_trials": 12},
    "deterministic": {"method": "bayesian", "n_trials": 20, "deterministic": True},
    "on a sample first": {"method": "random", "n_trials": 26, "subsample": 0.5},
}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    monkeypatch.setattr(sample, "LEAST_ROWS", 10)


@contextmanager
def cluster(n_workers: int) -> Iterator[Client]:
    """Run a cluster in threads of this process."""
    made = LocalCluster(n_workers=n_workers, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0")
    with made, Client(made) as client:
        yield client


class TestStudyFiles:
    """`bpsearch tune` in threads, and as the service runs it."""

    @pytest.fixture(params=METHODS)
    def study(self, request, write, tmp_path) -> study_file.Study:
        path = write(n_trials=12)
        options = METHODS[request.param]
        given = "\n".join(f"{key} = {str(v).lower() if v is True else repr(v)}" for key, v in options.items())
        text = path.read_text().replace('method = "random"\nn_trials = 12', given)
        path.write_text(
            text.replace("learning_rate_init = { low = 1e-3, high = 1.0, log = true }", RATES[request.param])
        )
        self.made = submission.of_file(path, Place())
        Place().study(self.made.name).write_text(self.made.text)
        return study_file.parse(self.made.text, Place().study(self.made.name))

    def trials(self, study, workers=None):
        Path("studies/small.journal").unlink(missing_ok=True)
        found = tuning.tune(study, tracking_uri=None, workers=workers).outcomes
        return {n: (o.params, o.verdict, o.fold_scores, o.epoch, o.seed_scores) for n, o in found.items()}

    def test_on_clusters(self, study, tmp_path):
        here = self.trials(study)
        assert len(here) >= 6
        for n_workers in (1, 2, 4):
            with (
                cluster(n_workers) as client,
                workers_of(client, tmp_path, study, self.made.text, self.made.data) as workers,
            ):
                assert self.trials(study, workers) == here
                assert workers.n_jobs == n_workers


RATES = {
    "grid": "learning_rate_init = [0.01, 50.0]",
    "random": "learning_rate_init = { low = 1e-3, high = 50.0, log = true }",
    "deterministic": "learning_rate_init = { low = 1e-3, high = 50.0, log = true }",
    "on a sample first": "learning_rate_init = { low = 1e-3, high = 50.0, log = true }",
}


class TestEstimator:
    """`BPSearchCV` with the backends of joblib."""

    SPACE = {"learning_rate_init": [1e-3, 0.1, 50.0], "alpha": (1e-5, 1.0, "log")}  # noqa: RUF012

    @pytest.fixture(params=METHODS)
    def search(self, request, rows) -> Callable[[], list]:
        X, y = rows()
        space = self.SPACE | ({"alpha": [1e-4, 1e-2]} if request.param == "grid" else {})

        def search() -> list:
            network = BPRegressor(hidden_layer_sizes=(6,), max_iter=8, scale_target=True)
            made = BPSearchCV(network, space, cv=3, random_state=0, **METHODS[request.param])
            found = made.fit(X, y).cv_results_
            return [found["params"], *(np.asarray(found[f"split{k}_test_score"]).tolist() for k in range(3))]

        return search

    @pytest.mark.parametrize("n_workers", [1, 2, 4])
    def test_on_a_cluster(self, search, n_workers):
        expected = search()
        with cluster(n_workers) as client, joblib.parallel_config("dask"):
            assert joblib.effective_n_jobs(None) == n_workers
            np.testing.assert_equal(search(), expected)
            has_worked = client.run_on_scheduler(_n_transitions) > 0
            assert has_worked is (n_workers > 1), "one job at a time is done by joblib itself"

    def test_in_processes(self, search):
        expected = search()
        with joblib.parallel_config("loky", n_jobs=2):
            np.testing.assert_equal(search(), expected)

    @pytest.mark.skipif(sys.version_info >= (3, 14), reason="Ray is not made for this Python yet")
    @pytest.mark.cluster
    def test_on_ray(self):
        """In a process of its own: Ray starts many."""
        quiet = {"RAY_AUTH_MODE": "disabled", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_USAGE_STATS_ENABLED": "0"}
        done = subprocess.run(
            [sys.executable, "-c", ON_RAY],
            env={**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout.splitlines()[-1:] == ["the same"], done.stderr


ON_RAY = """
import joblib, numpy, ray
from ray.util.joblib import register_ray
from bpmodel import BPRegressor
from search import BPSearchCV

def search(**options):
    network = BPRegressor(hidden_layer_sizes=(6,), max_iter=8, scale_target=True)
    space = {"learning_rate_init": [1e-3, 0.1, 50.0], "alpha": (1e-5, 1.0, "log")}
    found = BPSearchCV(network, space, cv=3, random_state=0, **options).fit(X, y).cv_results_
    return [found["params"], *(found[f"split{k}_test_score"] for k in range(3))]

X = numpy.random.default_rng(0).normal(size=(120, 4))
y = X @ [1, 2, 3, 4]
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
register_ray()
for options in ({"method": "random", "n_trials": 12}, {"method": "bayesian", "n_trials": 20, "deterministic": True}):
    expected = search(**options)
    with joblib.parallel_config("ray", n_jobs=2):
        assert joblib.effective_n_jobs(None) == 2
        numpy.testing.assert_equal(search(**options), expected)
print("the same")
"""


def _n_transitions(dask_scheduler: Any) -> int:
    return len(dask_scheduler.transition_log)
