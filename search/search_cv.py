"""`BPSearchCV`: the search as a scikit-learn estimator."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib.logger import short_format_time
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, estimator_html_repr, get_tags, indexable
from sklearn.utils.validation import check_is_fitted

from bpmodel.intake import rows
from bpmodel.names import hints
from bpmodel.names.visible import visible
from search import experiment, options, routing, scorers
from search.constructor import documented
from search.cv import folds
from search.experiment import Job
from search.fitted_search import FittedSearch
from search.loop import demand, runner
from search.loop.journal import StudyStore
from search.report import files
from search.report.page import page
from search.report.sources import Source
from search.report.versions import versions_here
from search.results import html
from search.results.advice import advice
from search.results.cv_results import chosen, cv_results, healthy
from search.results.paired_test import ratio
from search.rows import length as rows_of
from search.space import initial_points, spaces
from search.space.dimensions import Draws
from search.tables.secrets import masked
from search.tracking import MLflowTracker, Tracker, TrackingError, check_name
from search.tracking.autologging import autologging_aside
from search.tracking.contents import datasets
from search.trials import baselines, scoring
from search.trials.baselines import Baseline
from search.trials.callbacks import NoTasks, tasks_of
from search.trials.nesting import accepts, network_of, prefix, tunable
from search.trials.outcomes import Outcome
from search.trials.prepared.sample import too_small
from search.trials.problem import Problem

DEFAULT_TRIALS = next(o.search_cv for o in options.SEARCH_CV if o.name == "n_trials")


@documented
class BPSearchCV(CallbackSupportMixin, FittedSearch):
    """Search hyperparameters under cross-validation, learning from runs that diverge.

    The names are those of `GridSearchCV`. In addition, BP networks are trained on all folds side by side: alone, last
    in a `Pipeline`, inside a `TransformedTargetRegressor`, or any nesting of these. A configuration that diverges on
    any fold ends at once, and the sampler gets a graded penalty for it. The number of epochs is not searched: it is
    where the mean score over the folds is best, and the refit on all rows trains for as many epochs. Other estimators
    are fitted fold by fold.

    Attributes
    ----------
    cv_results_ : dict of str to array
        As in scikit-learn, one row per configuration, with further columns: ``verdict`` ("ok", "stopped", "diverged",
        "error"), ``reason``, ``finding`` (code of the first finding of a diverged configuration's diagnosis, otherwise empty),
        ``n_epochs`` and ``n_weights`` (weights and biases of a network, 0 for other estimators). With `subsample`, also
        ``subsample_score``, which is no test score. Healthy configurations rank first, then stopped, diverged and failed ones.
    best_params_, best_score_, best_index_, best_estimator_, n_splits_, scorer_, multimetric_, refit_time_
        As in scikit-learn; only healthy configurations can be the best.
    best_n_epochs_ : int
        The best number of epochs over the folds, for which `best_estimator_` was trained; networks only.
    advice_ : list of str
        Where in the space configurations diverge, and how to exclude them; empty if the evidence is weak.
    result_ : Result
        The result as data, for `search.plots`: trials, baselines and, of networks, out-of-fold predictions of the best.
    n_features_in_, feature_names_in_, classes_
        Attributes of `best_estimator_`.

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

    @with_callbacks
    @autologging_aside()
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Search, and refit the best configuration on all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            Passed on as in scikit-learn's searches: ``groups`` to the splitter, others to the estimator's `fit`, and
            ``sample_weight`` also to the scorer if it accepts weights; with metadata routing, to those that request it.
            Arrays with an entry for each row are cut to the rows of a fold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the space or the data are not allowed, or if no configuration could be evaluated.
        DivergenceError
            If no configuration finished healthy; `cv_results_` has the reason for each.

        Warns
        -----
        FitFailedWarning
            If some configurations could not be evaluated.
        UserWarning
            If MLflow could not be written: nothing of the search itself is lost.
        """
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # of an earlier fit
        values = {o.name: getattr(self, o.name) for o in options.SEARCH_CV}
        options.check(values)
        tasks = tasks_of(self, X, y, params)
        tracker = self._tracker()
        job = self._job(X, y, params, tasks, tracker)
        store = StudyStore(None, type(self).__name__, {}, job.space)
        self._print_begin(job)
        result = experiment.run(
            job,
            store,
            on_outcome=self._print_outcome,
            choose=lambda outcomes: self._keep(job, list(outcomes.values())),
            deliver=self._refit,
            predict=tracker is not None or (bool(self.refit) and network_of(job.problem.estimator) is not None),
            tracker=tracker,
            data=None if tracker is None else datasets.of_rows(job.problem.X, job.problem.y),
            params=job.plan.tracked(once=True) | {f"space.{key}": value for key, value in job.space.describe().items()},
            forgiven=(TrackingError,),
        )
        tasks.end()
        self.result_ = replace(result, estimator=None, predictions=None)  # as large as the data
        if result.problem and result.problem != experiment.NONE_HEALTHY:
            warnings.warn(f"{result.problem}; the search itself is complete", UserWarning, stacklevel=2)
        return self

    def write_report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the report on the search: one HTML page, to keep or send.

        Parameters
        ----------
        path : str or Path
        force : bool, default=False
            Whether a file that is no report is replaced.

        Returns
        -------
        Path

        Raises
        ------
        NotFittedError
            If the search has not been fitted.
        StudyError
            If the file is there and no report, or cannot be written.
        """
        check_is_fitted(self, "result_")
        source = Source(self.result_, self._about, {"seed": self._about["seed"]}, store=self._store())
        files.write(Path(path), page(source), force=force)
        return Path(path)

    def _store(self) -> str:
        return masked(self.tracking) if isinstance(self.tracking, str) else ""

    def _tracker(self) -> Tracker | None:
        if self.study_name is not None or self.tracking is not None:
            check_name(type(self).__name__ if self.study_name is None else self.study_name, "study_name")
        if not isinstance(self.tracking, str):
            return self.tracking
        return MLflowTracker(self.tracking, "tracking")

    def _job(self, X: Any, y: Any, params: dict[str, Any], tasks: NoTasks, tracker: Tracker | None) -> Job:
        problem, space = self._problem(X, y, params)
        values = {o.name: getattr(self, o.name) for o in options.PLAN}
        is_network = network_of(problem.estimator) is not None
        if not is_network:
            options.check_networks(values)
        first = initial_points.complete(space, self.initial_points or [], problem.seed, "initial_points")
        values |= {"initial_points": first, "n_trials": _most_trials(self.method, self.n_trials, space, len(first))}
        plan = runner.plan(problem, space, **values)
        if told := too_small(problem, self.subsample):
            warnings.warn(told, UserWarning, stacklevel=2)
        demand.check(demand.count(problem, space, plan), ends=plan.timeout is not None)
        if tracker is not None:
            tracker.check()
        if isinstance(tracker, MLflowTracker) and self.refit:
            tracker.check_model(problem.estimator)
        return Job(
            self.study_name or type(self).__name__,
            replace(problem, tasks=tasks),
            space,
            plan,
            _baselines(problem, also_models=is_network and tracker is not None),
            f"{len(problem.folds)} folds",
            problem.objective or (self.scoring if isinstance(self.scoring, str) else scoring.SCORE),
            scorer=_own(self.scoring),
        )

    def _print_begin(self, job: Job) -> None:
        if self.verbose > 0:
            folds, trials = self.n_splits_, job.plan.n_trials
            print(f"Fitting {folds} folds for each of {trials} candidates, totalling {trials * folds} fits")

    def _print_outcome(self, outcome: Outcome) -> None:
        if self.verbose > 1:
            print(visible(_line(outcome)))

    def _problem(self, X: Any, y: Any, params: dict[str, Any]) -> tuple[Problem, spaces.Space]:
        estimator = clone(self.estimator)
        space = self._space(estimator)
        scorer, objective = scoring.build(estimator, self.scoring, self.refit, self.error_score)
        if y is None and get_tags(estimator).target_tags.required:
            raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
        for name, values in {"X": X, "y": y}.items():
            rows.check_mask(values, name)
            rows.check_structure(values, name)
        X, y = indexable(X, y)
        routed = routing.route(self, scorer, params)
        cv = check_cv(self.cv, y, classifier=is_classifier(estimator))
        splits = folds.from_splitter(cv, X, y, **routed.split)
        for number, parts in enumerate(splits.splits, start=1):
            if not all(map(len, parts)):
                kind = "validation" if len(parts[0]) else "training"
                raise ValueError(f"cv: fold {number} of {len(splits)} has no {kind} rows; at least one is needed")
        if (told := scoring.told_classes(self.scoring, estimator, y, splits)) is not None:
            scorer, _ = scoring.build(estimator, told, self.refit, self.error_score)
        self.scorer_ = scorers.parts(scorer) or scorer
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
            raise ValueError(
                f"space = {self.space!r} is only for BP networks; {type(estimator).__name__} needs its own space"
            )
        space = spaces.default(prefix(estimator)) if default else spaces.build(self.space)  # type: ignore[arg-type]
        for name, leaf in space.axes.items():
            if isinstance(leaf.dimension, Draws) and self.method not in ("random", "quasi-random"):
                raise ValueError(
                    f"space: {name} is {leaf.dimension.distribution!r}, of which nothing is known but rvs; "
                    "allowed with method = 'random' and 'quasi-random'"
                )
        known = tunable(estimator)
        for key in space:
            parents = {key[:i] for i in range(len(key)) if key.startswith("__", i)}  # an estimator may be a choice
            if not (key in known or parents & space.keys() or accepts(estimator, key, space[key].extremes()[0])):
                meant = "" if key in estimator.get_params() else _meant(key, known)
                raise ValueError(
                    f"space: {key!r} is not a parameter that can be searched{meant}; allowed are {', '.join(sorted(known))}"
                )
        return space

    def _keep(self, job: Job, outcomes: list[Outcome]) -> Outcome:
        """Store the results in attributes; return the best outcome."""
        problem = job.problem
        scored = next((o for o in outcomes if o.fold_scores), None)
        names = list(scorers.parts(problem.scorer) or (scored.metrics if scored else ())) or [scoring.SCORE]
        missing = np.nan if isinstance(self.error_score, str) else self.error_score
        self.cv_results_ = cv_results(outcomes, self.n_splits_, names, missing)
        self.multimetric_ = names != [scoring.SCORE]
        self.advice_ = advice(outcomes, job.space)
        self.result_ = experiment.found(job, {o.number: o for o in outcomes}, None)
        self._about = _about(job)  # here: a search of which no trial is healthy has a report, too
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

    def _refit(self, job: Job, best: Outcome) -> Any:
        if not self.refit:
            return None
        started = time.perf_counter()
        self.best_estimator_ = experiment.refit(job, best)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self.best_estimator_

    def _html_repr(self) -> str:
        diagram: str = estimator_html_repr(self)
        if not hasattr(self, "cv_results_"):
            return diagram
        named = self.refit if isinstance(self.refit, str) else next(iter(self.scorer_), "") if self.multimetric_ else ""
        name = named if self.multimetric_ else scoring.SCORE
        told = self.scoring.get(named) if isinstance(self.scoring, Mapping) else named or self.scoring
        return diagram + html.summary(self.cv_results_, name, told if isinstance(told, str) else name, self.advice_)


def _about(job: Job) -> dict[str, Any]:
    """Return what a report tells of a search beside its result."""
    X, folds = job.problem.X, job.problem.folds
    found = {"rows": rows_of(X), "ratio": ratio(folds), "versions": versions_here(), "seed": job.problem.seed}
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return found | ({"columns": int(shape[1])} if len(shape) > 1 else {})


def _meant(key: str, known: set[str]) -> str:
    """Return the parameter of the estimator that an unknown key may mean; that of a step by its last part."""
    step, _, name = key.rpartition("__")
    inner = {each.rpartition("__")[2]: each for each in sorted(known) if each.rpartition("__")[0] == step}
    return hints.of_key(name, [], inner) or hints.of_name(key, sorted(known))


def _own(scorer: Any) -> str:
    """Return a text for a scorer of the user's own; the names of others say all.

    >>> from sklearn.metrics import get_scorer
    >>> _own("r2"), _own(get_scorer("r2"))
    ('', "make_scorer(r2_score, response_method='predict')")
    """
    if not callable(scorer):
        return ""
    return f"{scorer.__module__}.{scorer.__qualname__}" if hasattr(scorer, "__qualname__") else repr(scorer)


def _most_trials(method: Any, n_trials: int, space: spaces.Space, n_initial: int) -> float:
    """Return the number of trials: not more than a random search has configurations, as in `RandomizedSearchCV`."""
    if method != "random" or math.isinf(space.most_choices) or n_trials <= n_initial + space.grid_size:
        return n_trials
    size = space.grid_size
    if n_trials != DEFAULT_TRIALS:  # nobody asked for these
        warnings.warn(
            f"n_trials = {n_trials}, but the space has {size} configurations; each is tried once, as with method='grid'",
            UserWarning,
            stacklevel=2,
        )
    return n_initial + size


def _baselines(problem: Problem, *, also_models: bool) -> list[Baseline]:
    """Return the dummy predictor and, for reports, models that learn; without those that cannot be scored."""
    dummy = baselines.attempt(baselines.dummy, problem, told=False)
    if dummy is None:
        return []
    models = baselines.MODELS if also_models else ()
    found = (baselines.attempt(measure, problem, told=True) for measure in models)
    return [dummy, *(baseline for baseline in found if baseline is not None)]


def _line(outcome: Outcome) -> str:
    """Describe a finished configuration in one line, like the line that scikit-learn's searches print for each fit."""
    params = ", ".join(f"{name}={outcome.params[name]}" for name in sorted(outcome.params))
    told = " ".join(f"{name}={mean:.3f}" for name, mean in (outcome.means or {"score": outcome.score}).items())
    told = told if outcome.fold_scores else f"{outcome.verdict}: {outcome.reason}"
    return f"[CV] END {params}; {told}; total time={short_format_time(outcome.seconds)}"
