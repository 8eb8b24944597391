"""Pipelines that add or drop rows while they are fitted, as those of imbalanced-learn do.

The bug: the search took it that a network sees as many rows as went in, so that rows of a sampler's stood among those to
validate on; with a sampler right before the network, nothing could be searched at all.
"""

import numpy as np
import pytest
from imblearn import FunctionSampler
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline as ResamplingPipeline
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor
from search import BPSearchCV
from search.cv import folds
from search.seeds import derive
from search.trials import baselines, nesting
from search.trials.diagnoses import diagnose
from search.trials.evaluation import evaluate
from search.trials.prepared.folds import prepare
from search.trials.problem import Problem, Trial
from search.trials.refitting import refit

MADE = 7.0
"""A value of the first column that only rows made by a sampler have."""

NETWORK = {"hidden_layer_sizes": (4,), "learning_rate_init": 0.02, "batch_size": 16, "max_iter": 8}


def marked(X, y):
    """Add a marked copy of each third row."""
    copies = np.array(X[::3])
    copies[:, 0] = MADE
    return np.concatenate([X, copies]), np.concatenate([y, y[::3]])


def cut(X, y):
    """Drop each third row."""
    kept = np.arange(len(y)) % 3 > 0
    return X[kept], y[kept]


class Doubled(Pipeline):
    """Resamples by itself, and negates the rows that it predicts for as those that it is fitted on."""

    def fit(self, X, y=None, **params):
        return super().fit(-np.r_[X, X], np.r_[y, y], **params)

    def predict(self, X, **params):
        return super().predict(-np.asarray(X), **params)


def sampler(function) -> FunctionSampler:
    return FunctionSampler(func=function, validate=False)


def classifier() -> BPClassifier:
    return BPClassifier(**NETWORK)


def regressor() -> BPRegressor:
    return BPRegressor(**NETWORK, scale_target=True)


def in_log(inner) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(inner, func=np.log1p, inverse_func=np.expm1)


PIPELINES = {
    "first": lambda: make_pipeline(RandomOverSampler(random_state=0), StandardScaler(), classifier()),
    "before the network": lambda: make_pipeline(StandardScaler(), RandomUnderSampler(random_state=0), classifier()),
    "marks": lambda: make_pipeline(sampler(marked), classifier()),
    "drops": lambda: make_pipeline(StandardScaler(), sampler(cut), regressor()),
    "no sampler": lambda: make_pipeline(StandardScaler(), regressor()),
    "a class of one's own": lambda: Doubled([("scale", StandardScaler()), ("net", regressor())]),
    "inside a target": lambda: in_log(make_pipeline(sampler(cut), StandardScaler(), regressor())),
    "around a target": lambda: make_pipeline(sampler(cut), in_log(regressor())),
    "inside a pipeline": lambda: Pipeline([("s", StandardScaler()), ("p", make_pipeline(sampler(cut), regressor()))]),
    "stops early": lambda: make_pipeline(sampler(cut), regressor().set_params(early_stopping=True)),
}


def make_problem(estimator, **more) -> Problem:
    random = np.random.default_rng(3)
    X = random.normal(size=(90, 3))
    signal = np.exp(X[:, 0])
    if isinstance(nesting.network_of(estimator), BPClassifier):
        y, scorer, splitter = (signal > 2).astype(int), "neg_log_loss", StratifiedKFold(3)
    else:
        y, scorer, splitter = signal, "neg_root_mean_squared_error", KFold(3)
    return Problem(estimator, X, y, folds.from_splitter(splitter, X, y), get_scorer(scorer), 1, **more)


def by_hand(problem: Problem, epochs: int, rows: np.ndarray, number: int):
    """Fit the whole pipeline on some rows, as a user would; `number` is that of the fold."""
    prefix = nesting.prefix(problem.estimator)
    own = {"max_iter": epochs, "random_state": derive(problem.seed, 5, number)}
    whole = clone(problem.estimator).set_params(**{prefix + name: value for name, value in own.items()})
    return whole.fit(problem.X[rows], problem.y[rows])


@pytest.fixture(params=PIPELINES)
def problem(request) -> Problem:
    return make_problem(PIPELINES[request.param](), train_scores=True)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_outcome_is_that_of_fits_by_hand(problem):
    outcome = evaluate(problem, Trial(5, {}))
    assert outcome.verdict == "ok", outcome.reason
    if nesting.network_of(problem.estimator).early_stopping:
        return  # a fit by hand stops where the search goes on to the best mean of all folds
    for fold, (train, validation) in enumerate(problem.folds.splits):
        whole = by_hand(problem, outcome.epoch, train, fold)
        score = problem.scorer(whole, problem.X[validation], problem.y[validation])
        assert outcome.fold_scores[fold] == pytest.approx(score, rel=1e-4)
        score = problem.scorer(whole, problem.X[train], problem.y[train])
        assert outcome.train_metrics["score"][fold] == pytest.approx(score, rel=1e-4)
    model, whole = refit(problem, outcome), by_hand(problem, outcome.epoch, np.arange(len(problem.y)), 3)
    assert type(model) is type(problem.estimator)
    np.testing.assert_allclose(model.predict(problem.X), whole.predict(problem.X), rtol=1e-4)


def test_only_rows_of_the_study_are_validated_on(problem):
    for fold, (train, validation) in zip(prepare(problem), problem.folds.splits, strict=True):
        assert len(fold.validation) == len(validation)
        assert len(fold.y_train) == len(fold.train) == len(fold.X_train)
        nearest = np.abs(fold.y_train[:, None] - problem.y[train]).min(axis=1)
        np.testing.assert_allclose(nearest, 0, atol=1e-6)  # in their own units
        np.testing.assert_array_equal(fold.y_validation, problem.y[validation])


def test_marked_rows_are_trained_on_only():
    problem = make_problem(PIPELINES["marks"]())
    for fold, (train, validation) in zip(prepare(problem), problem.folds.splits, strict=True):
        assert (fold.X_train[:, 0] == MADE).sum() == len(train) // 3
        np.testing.assert_allclose(fold.X_validation, problem.X[validation], rtol=1e-6)


def test_diagnosis_and_baselines(problem):
    assert all(diagnosis is not None for diagnosis in diagnose(problem, Trial(0, {})))
    task = "classification" if isinstance(nesting.network_of(problem.estimator), BPClassifier) else "regression"
    for measure in (baselines.dummy, *baselines.MODELS):
        assert np.isfinite(measure(problem, task).score)


def test_a_search_with_members_and_a_cache(tmp_path):
    problem = make_problem(PIPELINES["marks"]())
    pipeline = ResamplingPipeline(
        [("scale", StandardScaler()), ("more", RandomOverSampler(random_state=0)), ("net", classifier())],
        memory=str(tmp_path),
    )
    space = {"net__alpha": [0.1, 1.0], "more__sampling_strategy": [0.9, 1.0]}
    search = BPSearchCV(pipeline, space, method="grid", cv=3, n_members=2, random_state=0).fit(problem.X, problem.y)
    assert search.cv_results_["verdict"].tolist() == ["ok"] * 4
    assert type(search.best_estimator_) is ResamplingPipeline
    assert len(search.best_estimator_[-1].estimators_) == 2
    assert search.predict_proba(problem.X).shape == (90, 2)


def test_weights_that_a_sampler_does_not_resample_are_told():
    problem = make_problem(PIPELINES["marks"](), fit_params={"bpclassifier__sample_weight": np.ones(90)})
    assert "inconsistent numbers of samples: [80, 80, 60]" in evaluate(problem, Trial(0, {})).reason


def test_weights_reach_a_network_whose_rows_are_all_there():
    weight = np.random.default_rng(0).uniform(0.1, 9, 90)
    plain = make_problem(Pipeline([("scale", StandardScaler()), ("net", regressor())]))
    params = {"fit_params": {"net__sample_weight": weight}}
    expected = evaluate(make_problem(plain.estimator, **params), Trial(0, {})).fold_scores
    other = ResamplingPipeline(plain.estimator.steps)
    assert evaluate(make_problem(other, **params), Trial(0, {})).fold_scores == pytest.approx(expected, rel=1e-4)
    assert evaluate(make_problem(other), Trial(0, {})).fold_scores != pytest.approx(expected, rel=1e-4)


def test_scikit_learns_own_pipelines_are_scored_on_prepared_rows():
    """They are not preprocessed again at each checkpoint."""
    seen = []

    class Counting(StandardScaler):
        def transform(self, X, copy=None):
            seen.append(len(X))
            return super().transform(X, copy)

    evaluate(make_problem(Pipeline([("s", Counting()), ("net", regressor())])), Trial(0, {}))
    assert len(seen) == 6  # training and validation rows of each fold
