"""`BPSearchCV`: the search as a scikit-learn estimator."""

from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from bpmodel import DivergenceError
from search import baselines, folds, plots, runner, spaces, tracking
from search.advice import advice
from search.nesting import final_step
from search.outcomes import Outcome
from search.problem import Problem
from search.refitting import refit
from search.store import StudyStore
from search.tracking import Report, Tracker

METHODS = ("bayesian", "grid", "random")
RANKING = {"ok": 0, "stopped": 1, "diverged": 2, "error": 3}


def _refitted(name: str) -> Any:
    def check(search: BPSearchCV) -> bool:
        if not search.refit:
            raise AttributeError(f"refit=False: {name} needs the refitted best estimator; fit with refit=True")
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return available_if(check)


class BPSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Search the hyperparameters of a BP network under cross-validation, learning from runs that diverge.

    All folds of a configuration are trained side by side; a configuration that diverges on any fold ends at once and is
    told to the sampler as a graded penalty. The number of epochs is not searched: it is where the mean score over the
    folds is best, and the refit on all rows trains for as long.

    Parameters
    ----------
    estimator : BPRegressor, BPClassifier, or a Pipeline that ends in one
    space : dict, optional
        From parameter names (``alpha``, or ``bpregressor__alpha`` in a pipeline; also parameters of other steps) to lists of
        choices, ranges ``(low, high)`` and ``(low, high, "log")``, Optuna distributions or frozen `scipy.stats`
        distributions. By default a small space of layers, activation, learning rate, alpha and batch size.
    method : {"bayesian", "grid", "random"}, default="bayesian"
    n_trials : int, default=50
        Configurations to try; a grid is always searched whole.
    timeout : float, optional
        Seconds after which no configuration is started.
    cv : int, splitter or iterable, default=5
        As in scikit-learn; the splits are made once.
    scoring : str or callable, optional
        As in scikit-learn, one metric; by default the estimator's `score`.
    refit : bool, default=True
        Whether to fit the best configuration on all rows.
    n_jobs : int, optional
        Configurations tried at the same time, in threads. Grid and random search give the same results for any number.
    random_state : int, RandomState or None
    tracking : str, optional
        An MLflow tracking URI to write the study to.
    study_name : str, optional
        Name of the MLflow experiment and registered model; by default ``"BPSearchCV"``.
    prune : bool, optional
        Whether configurations may be stopped early; by default for Bayesian search only.

    Attributes
    ----------
    best_params_, best_score_, best_index_, best_estimator_, cv_results_, n_splits_, scorer_, refit_time_
        As in scikit-learn. ``cv_results_`` has a row for each configuration and the further columns ``verdict`` ("ok",
        "stopped", "diverged", "error"), ``reason``, ``finding`` (code of the first finding of a diverged configuration's
        diagnosis, otherwise empty) and ``n_epochs``; the scores of a diverged configuration are NaN, and it ranks last.
    advice_ : list of str
        Where in the space configurations diverge, and how to leave that out; empty where nothing is certain.
    best_n_epochs_ : int
        Epochs that the folds agreed on, and that `best_estimator_` was trained for.
    n_features_in_, feature_names_in_, classes_
        Those of `best_estimator_`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from bpmodel import BPRegressor
    >>> from search import BPSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), BPRegressor(hidden_layer_sizes=(16,), scale_target=True, max_iter=40))
    >>> space = {"bpregressor__learning_rate_init": (1e-3, 1.0, "log"), "bpregressor__alpha": [0.01, 1.0]}
    >>> search = BPSearchCV(model, space, n_trials=6, cv=3, random_state=0).fit(X, y)
    >>> sorted(search.best_params_)
    ['bpregressor__alpha', 'bpregressor__learning_rate_init']
    >>> search.best_score_ > 0.3
    True
    >>> search.predict(X).shape
    (442,)
    """

    def __init__(
        self,
        estimator: Any,
        space: dict[str, Any] | None = None,
        *,
        method: str = "bayesian",
        n_trials: int = 50,
        timeout: float | None = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
        tracking: str | None = None,
        study_name: str | None = None,
        prune: bool | None = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.method = method
        self.n_trials = n_trials
        self.timeout = timeout
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.tracking = tracking
        self.study_name = study_name
        self.prune = prune

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Search, and refit the best configuration on all rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the space or the data are not allowed.
        DivergenceError
            If no configuration finished healthy; `cv_results_` says what happened to each.
        """
        problem, space = self._problem(X, y)
        plan = self._plan(space)
        task = "classification" if is_classifier(self.estimator) else "regression"
        dummy = baselines.dummy(problem, task)
        store = StudyStore(None, "BPSearchCV", {}, space)
        with self._tracker(plan, space) or nullcontext() as tracker:
            outcomes = runner.run(problem, space, plan, store, dummy.score, tracker.record if tracker else _ignore)
            self._keep(problem, outcomes, space)
            best = runner.best(outcomes)
            if best is None:
                first = next(iter(outcomes.values()))
                raise DivergenceError(
                    f"none of {len(outcomes)} configurations finished healthy; the first: {first.reason}"
                )
            if self.refit:
                self._refit(problem, best)
            if tracker is not None:
                yardsticks = [dummy, baselines.linear(problem, task)]
                metrics = {b.name.replace(" ", "_") + "_score": b.score for b in yardsticks}
                metrics |= {"score": best.score, "score_std": best.std}
                figures = plots.figures(outcomes, space, yardsticks, "score")
                params = {f"best.{name}": value for name, value in best.params.items()}
                tracker.finish(Report(params, metrics, "\n".join(self.advice_), figures))
                if self.refit:
                    tracker.register(self.best_estimator_, X, best.score)
        return self

    def _tracker(self, plan: runner.Plan, space: spaces.Space) -> Tracker | None:
        if self.tracking is None:
            return None
        tracking.check(self.tracking)
        params = {"method": plan.method, "n_trials": plan.n_trials, "n_jobs": effective_n_jobs(plan.n_jobs)}
        params |= {f"space.{key}": value for key, value in spaces.describe(space).items()}
        return Tracker(self.tracking, self.study_name or type(self).__name__, uuid.uuid4().hex, params)

    def _problem(self, X: ArrayLike, y: ArrayLike) -> tuple[Problem, spaces.Space]:
        final_step(self.estimator)
        given = spaces.default(self._network_prefix()) if self.space is None else self.space
        space = spaces.build(given)
        network = self._network_prefix().removesuffix("__")
        known = self.estimator.get_params().keys() - {"steps", network}
        for key in space:
            if key not in known:
                raise ValueError(
                    f"space: {key!r} is not a parameter of the estimator; allowed are {', '.join(sorted(known))}"
                )
        X, y = indexable(X, y)
        X = X if hasattr(X, "shape") else np.asarray(X)
        y = np.asarray(y)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = folds.from_splitter(cv, X, y)
        self.scorer_ = check_scoring(self.estimator, scoring=self.scoring)
        self.n_splits_ = len(splits)
        seed = int(check_random_state(self.random_state).randint(2**31))
        return Problem(self.estimator, X, y, splits, self.scorer_, seed), space

    def _plan(self, space: spaces.Space) -> runner.Plan:
        if self.method not in METHODS:
            raise ValueError(f"method = {self.method!r}; allowed are {', '.join(METHODS)}")
        if not isinstance(self.n_trials, int | np.integer) or self.n_trials < 1:
            raise ValueError(f"n_trials = {self.n_trials!r}; allowed are whole numbers from 1")
        return runner.plan(self.method, space, self.n_trials, self.timeout, self.n_jobs, self.prune)

    def _network_prefix(self) -> str:
        return f"{self.estimator.steps[-1][0]}__" if hasattr(self.estimator, "steps") else ""

    def _keep(self, problem: Problem, outcomes: dict[int, Outcome], space: spaces.Space) -> None:
        self.cv_results_ = results(outcomes, len(problem.folds))
        self.advice_ = advice(outcomes.values(), space)
        best = runner.best(outcomes)
        if best is not None:
            self.best_index_ = list(outcomes).index(best.number)
            self.best_params_ = dict(best.params)
            self.best_score_ = best.score
            self.best_n_epochs_ = best.epoch

    def _refit(self, problem: Problem, best: Outcome) -> None:
        started = time.perf_counter()
        self.best_estimator_ = refit(problem, best)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    @_refitted("predict")
    def predict(self, X: ArrayLike) -> NDArray:
        """Call `predict` of the best estimator."""
        return self._fitted().predict(X)

    @_refitted("predict_proba")
    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Call `predict_proba` of the best estimator."""
        return self._fitted().predict_proba(X)

    @_refitted("predict_log_proba")
    def predict_log_proba(self, X: ArrayLike) -> NDArray:
        """Call `predict_log_proba` of the best estimator."""
        return self._fitted().predict_log_proba(X)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Score the best estimator by the metric of the search."""
        best = self._fitted()
        return float(self.scorer_(best, X, y))

    @property
    def classes_(self) -> NDArray:
        """Class labels."""
        return self._fitted().classes_

    @property
    def n_features_in_(self) -> int:
        """Number of features seen by the best estimator."""
        return self._fitted("n_features_in_").n_features_in_

    def _fitted(self, attribute: str | None = None) -> Any:
        if attribute is not None and not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r} before `fit`")
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags


def results(outcomes: dict[int, Outcome], n_splits: int) -> dict[str, Any]:
    """Return outcomes as scikit-learn's ``cv_results_``: a dict of arrays with a row for each configuration."""
    rows = list(outcomes.values())
    table: dict[str, Any] = {"mean_fit_time": np.array([o.seconds / n_splits for o in rows])}
    for name in dict.fromkeys(name for o in rows for name in o.params):
        column = np.ma.masked_all(len(rows), dtype=object)
        for i, outcome in enumerate(rows):
            if name in outcome.params:
                column[i] = outcome.params[name]
        table[f"param_{name}"] = column
    table["params"] = [dict(o.params) for o in rows]
    scores = np.array([o.fold_scores or [np.nan] * n_splits for o in rows], dtype=float)
    for split in range(n_splits):
        table[f"split{split}_test_score"] = scores[:, split]
    table["mean_test_score"], table["std_test_score"] = scores.mean(axis=1), scores.std(axis=1)
    order = sorted(range(len(rows)), key=lambda i: _rank_key(rows[i]))
    ranks = np.empty(len(rows), dtype=np.int32)
    for place, i in enumerate(order):
        tied = place > 0 and _rank_key(rows[i]) == _rank_key(rows[order[place - 1]])
        ranks[i] = ranks[order[place - 1]] if tied else place + 1
    table["rank_test_score"] = ranks
    table["verdict"] = np.array([o.verdict for o in rows])
    table["reason"] = np.array([o.reason for o in rows], dtype=object)
    table["finding"] = np.array([o.divergence.code if o.divergence else "" for o in rows], dtype=object)
    table["n_epochs"] = np.array([o.epoch for o in rows])
    return table


def _rank_key(outcome: Outcome) -> tuple[int, float]:
    score = outcome.score
    return RANKING[outcome.verdict], -score if np.isfinite(score) else 0.0


def _ignore(outcome: Outcome, value: float) -> None:
    pass
