"""The contenders: each is a function of a task and a time that searches, refits its best model, and returns a `Run`.

All have the same rows and folds and the same preprocessing of columns. All but the trees have the same space, that of
`bpsearch init`. All networks get a scaled target. Each contender runs in a process of its own, so its imports and compilation
count. On a set from which the portfolio was learned, our own search begins with the portfolio that was chosen without that
set.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.portfolio import unseen
from benchmarks.search.tasks import Task
from bpmodel.preprocessing import TablePreprocessor

TRIALS = 20
JOBS = 2
MEMBERS = 5
"""Networks whose mean our own search delivers: the default of study files."""

SPACE: dict[str, Any] = {
    "hidden_layer_sizes": [(32,), (64,), (128,), (64, 32)],
    "activation": ["relu", "tanh", "logistic"],
    "learning_rate_init": (1e-4, 0.1, "log"),
    "alpha": (1e-4, 10.0, "log"),
    "batch_size": [32, 64, 128],
}
NUMERIC = ["standard", "piecewise"]
"""Ways to prepare numbers, part of the space of all networks; `GRID` has only the first."""

GRID = {
    "hidden_layer_sizes": [(64,), (64, 32)],
    "activation": ["relu", "tanh"],
    "learning_rate_init": [1e-3, 1e-2],
    "alpha": [1e-3, 1.0],
}
"""16 points of the same space."""

TREE_SPACE: dict[str, Any] = {
    "learning_rate": (0.01, 0.3, "log"),
    "max_leaf_nodes": (7, 127, "log"),
    "min_samples_leaf": (2, 60, "log"),
    "l2_regularization": (1e-3, 10.0, "log"),
    "max_features": (0.3, 1.0),
}
MANY = 100_000
"""Trials of a search that ends only by its time budget."""


class Run(NamedTuple):
    """The course of a search. Times are seconds since `fit` was called; scores are cross-validated, greater is better.

    `curve` holds (time, score) for each improvement of the best score. `seconds` is the time of the search without its refit.
    `test` is the score of the refitted model on the test rows, and `configurations` how many were begun. If several networks
    are averaged, `one` is the score of the first of them alone.
    """

    curve: list[tuple[float, float]]
    seconds: float
    test: float
    configurations: int
    one: float | None = None

    @property
    def score(self) -> float:
        return self.curve[-1][1] if self.curve else float("nan")

    @property
    def alone(self) -> float:
        """Score of one network on the test rows."""
        return self.test if self.one is None else self.one

    def at(self, seconds: float) -> float:
        """Return the best score at a time, or minus infinity if there is none yet."""
        return max((score for when, score in self.curve if when <= seconds), default=-np.inf)

    def reaches(self, score: float) -> float:
        """Return the first time at which the best score is at least `score`, or infinity."""
        return next((when for when, held in self.curve if held >= score), np.inf)


def in_its_own_process(contender: str, task: Task, seconds: float | None = None) -> Run:
    """Run a row of `CONTENDERS` in a new process, for `seconds` if it has a time budget."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_run, contender, task, seconds).result()


def _run(contender: str, task: Task, seconds: float | None) -> Run:
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = CONTENDERS[contender](task, seconds)
        get_reusable_executor().shutdown(wait=True)  # otherwise this process and joblib's would wait for each other
        return run


def bpsearch(task: Task, seconds: float | None) -> Run:
    """Our own search, with every trial in a new MLflow database; it averages several fits of the winner, as studies do."""
    from mlflow import MlflowClient

    from search import BPSearchCV
    from search.trials.nesting import surround
    from search.trials.pipeline import PATHS, default_pipeline
    from search.trials.refitting import networks

    pipeline = default_pipeline(task.kind, {})
    names = {name: f"{pipeline.steps[-1][0]}__{name}" for name in SPACE} | {"numeric": PATHS["numeric"]}
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        search = BPSearchCV(
            pipeline,
            {names[name]: values for name, values in {**SPACE, "numeric": NUMERIC}.items()},
            n_trials=MANY if seconds else TRIALS,
            timeout=seconds,
            cv=task.folds,
            scoring=task.scoring,
            n_jobs=JOBS,
            n_members=MEMBERS,
            random_state=task.seed,
            tracking=uri,
            **unseen(task.name, names),
        )
        begun = time.time()
        search.fit(task.X, task.y)
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("BPSearchCV").experiment_id
        finished = []
        token = None
        while True:
            page = client.search_runs([experiment], "tags.verdict = 'ok'", max_results=1000, page_token=token)
            finished += [(run.info.end_time / 1000 - begun, run.data.metrics["score"]) for run in page]
            token = page.token
            if not token:
                break
    curve = _improvements(finished)
    delivered = search.best_estimator_
    one = task.test(surround(delivered, networks(delivered)[0]))
    configurations = len(search.cv_results_["params"])
    return Run(curve, max(when for when, _ in finished), task.test(delivered), configurations, one)


def optuna(task: Task, seconds: float | None, jobs: int = JOBS) -> Run:
    """OptunaSearchCV over scikit-learn's MLP; it stops after `seconds`, if given."""
    model, prefix = _mlp(task)
    return _optuna(task, model, _prefixed(prefix, SPACE) | {"columns__numeric": NUMERIC}, TRIALS, seconds, jobs)


def optuna_alone(task: Task, seconds: float | None) -> Run:
    """OptunaSearchCV with one trial at a time."""
    return optuna(task, seconds, jobs=1)


def trees(task: Task, seconds: float | None) -> Run:
    """OptunaSearchCV over HistGradientBoosting, which a user would pick instead of a network."""
    kind = HistGradientBoostingClassifier if task.kind == "classification" else HistGradientBoostingRegressor
    model = Pipeline([("columns", TablePreprocessor()), ("model", kind(random_state=task.seed))])
    return _optuna(task, model, _prefixed("model__", TREE_SPACE), MANY if seconds else TRIALS, seconds, JOBS)


def grid(task: Task, seconds: float | None) -> Run:
    """GridSearchCV over scikit-learn's MLP."""
    model, prefix = _mlp(task)
    return _scikit_learn(task, GridSearchCV, model, _prefixed(prefix, GRID))


def random(task: Task, seconds: float | None) -> Run:
    """RandomizedSearchCV over scikit-learn's MLP."""
    model, prefix = _mlp(task)
    more = {"n_iter": TRIALS, "random_state": task.seed}
    return _scikit_learn(task, RandomizedSearchCV, model, _distributions(prefix), **more)


def halving(task: Task, seconds: float | None) -> Run:
    """HalvingRandomSearchCV over scikit-learn's MLP."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    model, prefix = _mlp(task)
    more = {"n_candidates": TRIALS, "random_state": task.seed, "cv": _Fixed(task.folds)}
    return _scikit_learn(task, HalvingRandomSearchCV, model, _distributions(prefix), **more)


CONTENDERS: dict[str, Callable[[Task, float | None], Run]] = {
    "bpsearch": bpsearch,
    "OptunaSearchCV": optuna,
    "OptunaSearchCV, n_jobs=1": optuna_alone,
    "GridSearchCV": grid,
    "RandomizedSearchCV": random,
    "HalvingRandomSearchCV": halving,
    "HistGradientBoosting": trees,
}


class _Fixed:
    """Folds for rows that a halving search may have thinned out: the remaining rows keep their folds."""

    def __init__(self, folds: list[tuple[np.ndarray, np.ndarray]]) -> None:
        self._folds = folds
        self._fold_of = np.empty(sum(len(validation) for _, validation in folds), dtype=int)
        for number, (_, validation) in enumerate(folds):
            self._fold_of[validation] = number

    def get_n_splits(self, *_: Any, **__: Any) -> int:
        return len(self._folds)

    def split(self, X: Any, *_: Any, **__: Any) -> Any:
        fold_of = self._fold_of[X.index.to_numpy()]
        for number in range(len(self._folds)):
            yield np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)


def _mlp(task: Task) -> tuple[Any, str]:
    """Return a pipeline that ends in scikit-learn's MLP, and the prefix of the network's parameters."""
    if task.kind == "classification":
        network = MLPClassifier(random_state=task.seed)
        return Pipeline([("columns", TablePreprocessor()), ("network", network)]), "network__"
    network = TransformedTargetRegressor(MLPRegressor(random_state=task.seed), transformer=StandardScaler())
    return Pipeline([("columns", TablePreprocessor()), ("network", network)]), "network__regressor__"


def _prefixed(prefix: str, space: dict[str, Any]) -> dict[str, Any]:
    return {prefix + name: values for name, values in space.items()}


def _distributions(prefix: str) -> dict[str, Any]:
    """Return the space as scikit-learn's distributions."""
    from scipy.stats import loguniform

    named = _prefixed(prefix, SPACE) | {"columns__numeric": NUMERIC}
    return {name: values if isinstance(values, list) else loguniform(*values[:2]) for name, values in named.items()}


def _optuna(
    task: Task,
    model: Any,
    space: dict[str, Any],
    trials: int,
    seconds: float | None,
    jobs: int,
) -> Run:
    from optuna import logging
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna_integration import OptunaSearchCV

    logging.set_verbosity(logging.ERROR)
    distributions: dict[str, Any] = {}
    for name, values in space.items():
        if isinstance(values, list):
            distributions[name] = CategoricalDistribution(values)
        elif isinstance(values[0], int):
            distributions[name] = IntDistribution(values[0], values[1], log=len(values) == 3)
        else:
            distributions[name] = FloatDistribution(values[0], values[1], log=len(values) == 3)
    finished: list[tuple[float, float]] = []

    def note(study: Any, trial: Any) -> None:
        if trial.value is not None:
            finished.append((time.perf_counter() - started, trial.value))

    search = OptunaSearchCV(
        model,
        distributions,
        cv=task.folds,
        scoring=task.scoring,
        n_trials=trials,
        timeout=seconds,
        n_jobs=jobs,
        random_state=task.seed,
        callbacks=[note],
    )
    started = time.perf_counter()
    search.fit(task.X, task.y)
    return Run(_improvements(finished), finished[-1][0], task.test(search), len(search.trials_))


def _scikit_learn(task: Task, kind: Any, model: Any, space: dict[str, Any], **more: Any) -> Run:
    """Run a search of scikit-learn, of which only the end is seen.

    A halving search scores on fewer rows, also at its end. So its best configuration is scored on all rows, which is not part
    of its time.
    """
    search = kind(model, space, **{"scoring": task.scoring, "n_jobs": JOBS, "cv": task.folds} | more)
    started = time.perf_counter()
    search.fit(task.X, task.y)
    seconds = time.perf_counter() - started - search.refit_time_
    if hasattr(search, "n_resources_"):
        best = clone(model).set_params(**search.best_params_)
        score = cross_val_score(best, task.X, task.y, cv=task.folds, scoring=task.scoring).mean()
    else:
        score = search.best_score_
    curve = [(seconds, float(score))]
    return Run(curve, seconds, task.test(search), len(search.cv_results_["params"]))


def _improvements(finished: list[tuple[float, float]]) -> list[tuple[float, float]]:
    curve: list[tuple[float, float]] = []
    for when, score in sorted(finished):
        if not curve or score > curve[-1][1]:
            curve.append((when, score))
    return curve
