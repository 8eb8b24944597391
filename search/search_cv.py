"""`BPSearchCV`: the search as a scikit-learn estimator."""

from __future__ import annotations

import numbers
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Self

import numpy as np
from joblib.logger import short_format_time
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import _check_method_params

from search import routing, tracking
from search.cv import folds
from search.fitted_search import FittedSearch
from search.loop import runner
from search.loop.journal import StudyStore
from search.loop.stopping import StopRules
from search.results import plots
from search.results.advice import advice
from search.results.cv_results import chosen, cv_results, healthy
from search.samplers import portfolio
from search.samplers.methods import METHODS
from search.space import initial_points, spaces
from search.tracking import Report, Tracker
from search.trials import baselines, scoring
from search.trials.baselines import Baseline
from search.trials.callbacks import tasks_of
from search.trials.nesting import network_of, prefix, tunable
from search.trials.outcomes import Outcome
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES
from search.trials.problem import Problem
from search.trials.refitting import refit


class BPSearchCV(CallbackSupportMixin, FittedSearch):
    """Search hyperparameters under cross-validation, learning from runs that diverge.

    What `GridSearchCV` has is here by the same names. On top of that BP networks are trained on all folds side by side: alone,
    last in a `Pipeline`, inside a `TransformedTargetRegressor`, or any nesting of these. A configuration that diverges on any
    fold ends at once and is told to the sampler as a graded penalty. The number of epochs is not searched: it is where the mean
    score over the folds is best, and the refit on all rows trains for as long. Other estimators are fitted fold by fold.

    Parameters
    ----------
    estimator : estimator
    space : dict, list of dicts or "default", optional
        From parameter names (``alpha``, or ``bpregressor__alpha`` in a pipeline; also parameters of other steps) to lists of
        choices, ranges ``(low, high)`` and ``(low, high, "log")``, Optuna distributions or frozen `scipy.stats`
        distributions. ``{"layers": …, "width": …}`` searches the number of layers and each width; a table with ``when`` exists
        only where other parameters have certain values: both as in study files. Of several dicts a configuration is of one. By
        default, for networks, or by the name ``"default"``, a small space of layers, activation, learning rate, alpha and batch
        size.
    method : {"bayesian", "gp", "cma-es", "grid", "random", "quasi-random"}, default="bayesian"
    n_trials : int, default=50
        Configurations to try; a grid is always searched whole.
    timeout : float, optional
        Seconds after which nothing is started any more; what the best configurations need to be evaluated again (`n_seeds`) is
        kept of it, up to a third.
    cv : int, splitter or iterable, default=5
        As in scikit-learn; the splits are made once.
    scoring : str, callable, list, tuple or dict, optional
        As in scikit-learn; by default the estimator's `score`. Of several metrics the search maximises the one that `refit`
        names, otherwise the first. A callable that is not a scikit-learn scorer is shown the whole estimator and raw rows.
    refit : bool, str or callable, default=True
        Whether to fit the best configuration on all rows; with several metrics the name of the one that decides, or a callable
        that returns the best index for given ``cv_results_``.
    n_jobs : int, optional
        Configurations tried at the same time, in threads. Methods that do not learn (grid, random, quasi-random) give the
        same results for any number.
    random_state : int, RandomState or None
        Decides the proposals, and starting weights and orders of rows of networks.
    tracking : str, optional
        An MLflow tracking URI to write the study to.
    study_name : str, optional
        Name of the MLflow experiment and registered model; by default ``"BPSearchCV"``.
    error_score : "raise" or float, default=nan
        Score of each fold of a configuration that diverged or could not be evaluated; with "raise" what cannot be evaluated
        ends the search.
    initial_points : list of dict, optional
        Configurations to try first; what one leaves out is drawn at random.
    n_members : int, default=1
        With more than one, so many networks of the best configuration are fitted on all rows, from starts of their own, and
        `best_estimator_` has an ensemble in the network's place, which averages them (`BPEnsembleRegressor`,
        `BPEnsembleClassifier`): nearly always better than one, by 1 to 5 % of the error on small data. Networks only.
    n_seeds : int, default=1
        How often the winner is evaluated; for networks only. Scores vary with starting weights and the order of rows: with 3,
        the best four configurations are evaluated once more with another seed, the better two of these once again, and the
        winner is the better one of the two over all its evaluations. It ranks first then, also where a configuration
        that was evaluated once has a higher score.
    n_trials_no_change : int, optional
        End the search after so many configurations in a row without a better score.
    penalty : str, default="graded_constraint"
        What the sampler is told of a configuration that diverged: ``"graded_constraint"``, ``"constraint"``, ``"graded"``,
        ``"worst"``, ``"constant"``, ``"pruned"`` or ``"fail"``, each as in study files.
    portfolio : bool, default=True
        Whether a search for networks by a method that learns begins, behind the `initial_points`, with the points of its
        space nearest to a few configurations that did well on other data (`search.samplers.portfolio`).
    prune : bool, optional
        Whether configurations may be stopped early, for networks only; by default where the method learns.
    return_train_score : bool, default=False
        Whether `cv_results_` has the scores of training rows, too.
    target_score : float, optional
        End the search at a mean score that is at least this.
    verbose : int, default=0
        1 prints what is to be done, 2 also a line for each configuration.

    Attributes
    ----------
    cv_results_ : dict of str to array
        As in scikit-learn, a row for each configuration, and the further columns ``verdict`` ("ok", "stopped", "diverged",
        "error"), ``reason``, ``finding`` (code of the first finding of a diverged configuration's diagnosis, otherwise empty)
        and ``n_epochs``. Healthy configurations rank first, then stopped, diverged and failed ones.
    best_params_, best_score_, best_index_, best_estimator_, n_splits_, scorer_, multimetric_, refit_time_
        As in scikit-learn; only healthy configurations can be the best.
    best_n_epochs_ : int
        Epochs that the folds agreed on, and that `best_estimator_` was trained for; networks only.
    advice_ : list of str
        Where in the space configurations diverge, and how to leave that out; empty where nothing is certain.
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
        space: Any = None,
        *,
        method: str = "bayesian",
        n_trials: int = 50,
        timeout: float | None = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        n_jobs: int | None = None,
        random_state: Any = None,
        tracking: str | None = None,
        study_name: str | None = None,
        error_score: Any = np.nan,
        initial_points: Sequence[Mapping[str, Any]] | None = None,
        n_members: int = 1,
        n_seeds: int = 1,
        n_trials_no_change: int | None = None,
        penalty: str = DEFAULT_PENALTY,
        portfolio: bool = True,
        prune: bool | None = None,
        return_train_score: bool = False,
        target_score: float | None = None,
        verbose: int = 0,
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
        self.error_score = error_score
        self.initial_points = initial_points
        self.n_members = n_members
        self.n_seeds = n_seeds
        self.n_trials_no_change = n_trials_no_change
        self.penalty = penalty
        self.portfolio = portfolio
        self.prune = prune
        self.return_train_score = return_train_score
        self.target_score = target_score
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Search, and refit the best configuration on all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            Passed on as by scikit-learn's searches: ``groups`` to the splitter, others to the estimator's `fit`, and
            ``sample_weight`` to the scorer as well if it takes that; with metadata routing, to those that request it. What has
            an entry for each row is cut to the rows of a fold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the space or the data are not allowed, or if no configuration could be evaluated.
        DivergenceError
            If no configuration finished healthy; `cv_results_` says what happened to each.

        Warns
        -----
        FitFailedWarning
            If some configurations could not be evaluated.
        """
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # of an earlier fit
        tasks = tasks_of(self, X, y, params)
        problem, space = self._problem(X, y, params)
        problem, plan = replace(problem, tasks=tasks), self._plan(problem, space)
        dummy = baselines.attempt(baselines.dummy, problem, told=False)
        store = StudyStore(None, "BPSearchCV", {}, space)
        with self._tracker(plan, space) or nullcontext() as tracker:

            def on_outcome(outcome: Outcome, value: float) -> None:
                if self.verbose > 1:
                    print(_line(outcome))
                if tracker:
                    tracker.record(outcome, value)

            if self.verbose > 0:
                n_fits = plan.n_trials * self.n_splits_
                print(f"Fitting {self.n_splits_} folds for each of {plan.n_trials} candidates, totalling {n_fits} fits")
            with tasks.search(plan.n_trials * self.n_splits_):
                outcomes = runner.run(problem, space, plan, store, dummy.score if dummy else -np.inf, on_outcome)
            best = self._keep(problem, list(outcomes.values()), space)
            if self.refit and best is not None:
                self._refit(problem, best)
            if tracker is not None:
                tracker.finish(self._report(problem, outcomes, space, dummy, best))
                if best is not None and hasattr(getattr(self, "best_estimator_", None), "predict"):
                    tracker.register(self.best_estimator_, X, best.score)
        tasks.end()
        return self

    def _problem(self, X: Any, y: Any, params: dict[str, Any]) -> tuple[Problem, spaces.Space]:
        estimator = clone(self.estimator)
        space = self._space(estimator)
        if self.error_score != "raise" and not isinstance(self.error_score, numbers.Real):
            raise ValueError(f"error_score = {self.error_score!r}; allowed are 'raise' and numbers")
        scorer, objective = scoring.build(estimator, self.scoring, self.refit, self.error_score)
        if y is None and get_tags(estimator).target_tags.required:
            raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
        X, y = indexable(X, y)
        routed = routing.route(self, scorer, _check_method_params(X, params))
        cv = check_cv(self.cv, y, classifier=is_classifier(estimator))
        splits = folds.from_splitter(cv, X, y, **routed.split)
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.n_splits_ = len(splits)
        problem = Problem(
            estimator,
            X,
            y,
            splits,
            scorer,
            seed=int(check_random_state(self.random_state).randint(2**31)),
            objective=objective,
            fit_params=routed.fit,
            score_params=routed.score,
            error_score=self.error_score,
            train_scores=self.return_train_score,
        )
        return problem, space

    def _space(self, estimator: Any) -> spaces.Space:
        default = self.space is None or self.space == "default"
        if default and network_of(estimator) is None:
            raise ValueError(f"space = {self.space!r} is for BP networks; {type(estimator).__name__} needs a space")
        several = (
            isinstance(self.space, list | tuple) and self.space and all(isinstance(s, Mapping) for s in self.space)
        )
        if not (default or several or isinstance(self.space, Mapping)):
            raise ValueError(f"space = {self.space!r}; allowed are a dict, a list of dicts and 'default'")
        space = spaces.default(prefix(estimator)) if default else spaces.build(self.space)
        known = tunable(estimator)
        for key in space:
            parents = {key[:i] for i in range(len(key)) if key.startswith("__", i)}  # an estimator may be a choice
            if key not in known and not parents & space.keys():
                raise ValueError(
                    f"space: {key!r} is not a parameter of the estimator; allowed are {', '.join(sorted(known))}"
                )
        return space

    def _plan(self, problem: Problem, space: spaces.Space) -> runner.Plan:
        for name, table in (("method", METHODS), ("penalty", PENALTIES)):
            if getattr(self, name) not in table:
                raise ValueError(f"{name} = {getattr(self, name)!r}; allowed are {', '.join(table)}")
        for name in ("n_trials", "n_seeds", "n_members"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} = {value!r}; allowed are whole numbers from 1")
        is_network = network_of(problem.estimator) is not None
        if self.prune and not is_network:
            raise ValueError("prune = True is for BP networks: nothing else is scored while it trains")
        prune = self.prune if is_network else False
        for name in ("n_seeds", "n_members"):
            if getattr(self, name) > 1 and not is_network:
                value = getattr(self, name)
                raise ValueError(f"{name} = {value} is for BP networks: other estimators have seeds of their own")
        first = initial_points.complete(space, self.initial_points or [], problem.seed, "initial_points")
        return runner.plan(
            self.method,
            space,
            self.n_trials,
            StopRules(self.timeout, self.target_score, self.n_trials_no_change),
            n_jobs=self.n_jobs,
            prune=prune,
            n_seeds=self.n_seeds,
            n_members=self.n_members,
            initial_points=portfolio.behind(first, space, problem, self.method) if self.portfolio else first,
            penalty=self.penalty,
        )

    def _keep(self, problem: Problem, outcomes: list[Outcome], space: spaces.Space) -> Outcome | None:
        """Keep the results; return the best outcome, or None where it is not asked for."""
        scored = next((o for o in outcomes if o.fold_scores), None)
        names = scoring.names(problem.scorer) or (list(scored.metrics) if scored else []) or [scoring.SCORE]
        missing = np.nan if self.error_score == "raise" else self.error_score
        self.cv_results_ = cv_results(outcomes, self.n_splits_, names, missing)
        self.multimetric_ = names != [scoring.SCORE]
        self.advice_ = advice(outcomes, space)
        best = healthy(outcomes)
        if self.multimetric_ and self.refit is False:
            return best
        if callable(self.refit):
            best = chosen(self.refit(self.cv_results_), outcomes)
        else:
            self.best_score_ = best.score
        self.best_index_ = outcomes.index(best)
        self.best_params_ = dict(best.params)
        if network_of(problem.estimator) is not None:
            self.best_n_epochs_ = best.epoch
        return best

    def _refit(self, problem: Problem, best: Outcome) -> None:
        started = time.perf_counter()
        self.best_estimator_ = refit(problem, best, self.n_members, self.n_jobs)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _tracker(self, plan: runner.Plan, space: spaces.Space) -> Tracker | None:
        if self.tracking is None:
            return None
        tracking.check(self.tracking)
        params = plan.params | {"n_trials": plan.n_trials, "portfolio": self.portfolio}
        params |= {f"space.{key}": value for key, value in spaces.describe(space).items()}
        return Tracker(self.tracking, self.study_name or type(self).__name__, uuid.uuid4().hex, params)

    def _report(
        self,
        problem: Problem,
        outcomes: dict[int, Outcome],
        space: spaces.Space,
        dummy: Baseline | None,
        best: Outcome | None,
    ) -> Report:
        yardsticks = [dummy] if dummy else []
        if dummy and network_of(problem.estimator) is not None:
            linear = baselines.attempt(baselines.linear, problem, told=True)
            yardsticks += [linear] if linear else []
        metrics = {b.name.replace(" ", "_") + "_score": b.score for b in yardsticks}
        if best is not None:
            metrics |= {"score": best.score, "score_std": best.std}
            metrics |= {f"score.{name}": mean for name, mean in best.means.items()}
        params = {f"best.{name}": value for name, value in best.params.items()} if best else {}
        return Report(params, metrics, "\n".join(self.advice_), plots.figures(outcomes, space, yardsticks, "score"))


def _line(outcome: Outcome) -> str:
    """Return a line on a finished configuration, as scikit-learn's searches print one for each fit."""
    params = ", ".join(f"{name}={outcome.params[name]}" for name in sorted(outcome.params))
    told = " ".join(f"{name}={mean:.3f}" for name, mean in (outcome.means or {"score": outcome.score}).items())
    told = told if outcome.fold_scores else f"{outcome.verdict}: {outcome.reason}"
    return f"[CV] END {params}; {told}; total time={short_format_time(outcome.seconds)}"
