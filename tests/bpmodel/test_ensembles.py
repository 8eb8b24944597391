"""An ensemble is the average of its members, whatever the number of threads; members that diverge are left out."""

import pickle
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import (
    BPClassifier,
    BPEnsembleClassifier,
    BPEnsembleRegressor,
    BPRegressor,
    DivergenceError,
    DivergenceWarning,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
every_task = pytest.mark.parametrize("task", TASKS)


def ensemble(problem, n_jobs=None, **changes):
    member = problem.ours(hidden_layer_sizes=(6,), max_iter=5, batch_size=20, **changes)
    kind = BPEnsembleRegressor if problem.ours is BPRegressor else BPEnsembleClassifier
    return kind(member, n_members=4, n_jobs=n_jobs, random_state=0)


@every_task
def test_predictions_are_the_mean_of_the_members(problems, task):
    X, y, *_ = problem = problems[task]
    fitted = ensemble(problem).fit(X, y)
    method = "predict" if problem.ours is BPRegressor else "predict_proba"
    each = [getattr(member, method)(X) for member in fitted.estimators_]
    assert len({p.tobytes() for p in each}) == 4, "every member starts elsewhere"
    np.testing.assert_allclose(getattr(fitted, method)(X), np.mean(each, axis=0), rtol=1e-6)
    assert fitted.predict(X).shape == y.shape
    if problem.ours is BPClassifier:
        assert set(np.unique(fitted.predict(X))) <= set(np.unique(y))


@every_task
def test_members_are_the_same_on_any_number_of_threads(problems, task):
    X, y, *_ = problem = problems[task]
    one, two = ensemble(problem).fit(X, y), ensemble(problem, n_jobs=2).fit(X, y)
    for a, b in zip(one.estimators_, two.estimators_, strict=True):
        np.testing.assert_array_equal(a._parameters, b._parameters)


def test_a_member_is_what_its_seed_makes_it_alone(problems):
    X, y, *_ = problem = problems["multiclass"]
    fitted = ensemble(problem).fit(X, y)
    alone = clone(fitted.estimators_[2]).fit(X, y)
    np.testing.assert_array_equal(alone._parameters, fitted.estimators_[2]._parameters)


def test_sample_weights_reach_the_members(problems):
    X, y, *_ = problem = problems["regression"]
    half = np.arange(len(X)) < 60
    weighted = ensemble(problem, shuffle=False).fit(X, y, sample_weight=half.astype(float))
    few = ensemble(problem, shuffle=False).fit(X[half], y[half])
    np.testing.assert_allclose(weighted.predict(X), few.predict(X), rtol=2e-4, atol=1e-5)


def test_an_average_beats_its_members(problems):
    X, y, *_ = problems["regression"]
    member = BPRegressor(hidden_layer_sizes=(20,), learning_rate_init=0.02, max_iter=60)
    alone = [
        cross_val_score(make_pipeline(StandardScaler(), clone(member).set_params(random_state=seed)), X, y, cv=4).mean()
        for seed in range(4)
    ]
    together = make_pipeline(StandardScaler(), BPEnsembleRegressor(member, n_members=8, random_state=0))
    assert cross_val_score(together, X, y, cv=4).mean() > np.mean(alone)


class Fragile(BPRegressor):
    """Diverges for every other seed."""

    def fit(self, X, y, sample_weight=None):
        self.set_params(learning_rate_init=1e-3 if self.random_state % 2 else 1e3)
        return super().fit(X, y, sample_weight)


def test_members_that_diverge_are_left_out(problems):
    X, y, *_ = problems["regression"]
    with pytest.warns(DivergenceWarning, match=r"[1-7] of 8 members diverged and are excluded; one of them: the loss"):
        fitted = BPEnsembleRegressor(Fragile(solver="sgd", max_iter=3), n_members=8, random_state=0).fit(X, y)
    assert 0 < len(fitted.estimators_) < 8
    assert all(member.random_state % 2 for member in fitted.estimators_)
    assert np.isfinite(fitted.predict(X)).all()


def test_no_member_left(problems):
    X, y, *_ = problems["regression"]
    wild = BPRegressor(solver="sgd", learning_rate_init=1e3)
    with pytest.raises(DivergenceError, match="all 3 members diverged; the first: the loss"):
        BPEnsembleRegressor(wild, n_members=3).fit(X, y)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"n_members": 0}, "n_members"), ({"estimator": StandardScaler()}, "estimator"), ({"n_jobs": "all"}, "n_jobs")],
)
def test_wrong_parameters_are_named(problems, changes, named):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match=named):
        BPEnsembleRegressor(**changes).fit(X, y)


@pytest.mark.parametrize(
    ("ensemble", "member"), [(BPEnsembleRegressor, BPClassifier), (BPEnsembleClassifier, BPRegressor)]
)
def test_networks_of_the_other_kind_are_refused(problems, ensemble, member):
    """The mean of labels is no label."""
    X, y, *_ = problems["binary"]
    message = rf"'estimator' parameter of {ensemble.__name__} must be an instance of .* Got {member.__name__}\("
    with pytest.raises(ValueError, match=message):
        ensemble(member(max_iter=1), n_members=2).fit(X, y)
    with pytest.raises(ValueError, match=message):
        ensemble.of([member(max_iter=1).fit(X, y)])


def test_an_ensemble_whose_fit_failed_is_not_fitted():
    """It had a list of no members: a regressor predicted NaN with a warning of NumPy, a classifier ended in an IndexError."""
    X, y = np.arange(20.0)[:, None], np.arange(20.0)
    made = BPEnsembleRegressor(BPRegressor(hidden_layer_sizes=(4,), max_iter=2), n_members=2, random_state=0).fit(X, y)
    with pytest.raises(DivergenceError, match="all 2 members diverged"):
        made.set_params(estimator__learning_rate_init=1e300).fit(X, y)
    with pytest.raises(NotFittedError):
        made.predict(X)
    refused = BPEnsembleClassifier(BPClassifier(max_iter=0), n_members=2)
    with pytest.raises(ValueError, match="'max_iter' parameter of BPClassifier"):
        refused.fit(X, y > 9)
    with pytest.raises(NotFittedError):
        refused.predict(X)


@pytest.mark.parametrize("changes", [{"dtype": 3}, {"scale_input": np.array(["none", "minmax"])}])
def test_the_options_of_the_members_are_checked_before_they_are_used(changes):
    with pytest.raises(ValueError, match=f"The '{next(iter(changes))}' parameter of BPRegressor must be"):
        BPEnsembleRegressor(BPRegressor(**changes)).fit(np.ones((5, 1)), np.arange(5.0))


def test_an_ensemble_of_no_networks_is_refused():
    with pytest.raises(ValueError, match="networks is empty"):
        BPEnsembleRegressor.of([])


def test_ensembles_fitted_in_threads_switched_off_warnings_for_good_bug():
    """Each set and restored filters of the whole process; the last to end restored those that another had set."""
    X, y = np.arange(40.0)[:, None] / 40, np.arange(40.0) / 40
    before = list(warnings.filters)
    first, second, done, ignored = (threading.Event() for _ in range(4))

    class Waiting:
        """Lets the first ensemble end while the second one is fitted."""

        def __init__(self, told, awaited):
            self.told, self.awaited = told, awaited

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **data):
            if context.task_name == "member":
                self.told.set()
                assert self.awaited.wait(60)

        def on_fit_task_end(self, estimator, context, **data):
            pass

        def teardown(self, estimator, context):
            pass

    def fit(begun, awaited, ended):
        member = BPRegressor(hidden_layer_sizes=(4,), max_iter=1, on_divergence="ignore")
        BPEnsembleRegressor(member, n_members=1).set_callbacks(Waiting(begun, awaited)).fit(X, y)
        ended.set()

    threads = [
        threading.Thread(target=fit, args=(first, second, done)),
        threading.Thread(target=fit, args=(second, done, ignored)),
    ]
    threads[0].start()
    assert first.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_the_error_of_an_ensemble_says_how_its_first_member_ended():
    X, y = np.arange(40.0)[:, None], np.arange(40.0)
    member = BPRegressor(hidden_layer_sizes=(4,), learning_rate_init=1e3, solver="sgd", max_iter=5)
    for on_divergence in ("stop", "raise"):
        ensemble = BPEnsembleRegressor(
            clone(member).set_params(on_divergence=on_divergence), n_members=2, random_state=0
        )
        with pytest.raises(DivergenceError) as caught:
            ensemble.fit(X, y)
        error = pickle.loads(pickle.dumps(caught.value))
        assert error.verdict.diverged
        assert error.survived == (error.verdict.epoch - 1) / 5
        assert error.findings[0]["code"]
        assert str(error) == str(caught.value)
