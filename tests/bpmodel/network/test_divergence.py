"""A diverging fit is noticed at the step where its epoch can no longer end well; a healthy fit is never accused."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.metrics import log_loss, mean_squared_error

from bpmodel import BPClassifier, BPRegressor, DivergenceError, DivergenceWarning
from bpmodel.network.watch import EXPLOSION_FACTOR, limit

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
WILD = {"solver": "sgd", "shuffle": False, "random_state": 0, "alpha": 0.0, "activation": "identity", "batch_size": 24}
RATES = {"regression": 0.5, "several outputs": 0.5, "binary": 3e3, "multiclass": 3e3, "multilabel": 3e3}

every_task = pytest.mark.parametrize("task", TASKS)


def diverge(problem, **changes):
    with pytest.warns(DivergenceWarning, match="diverged"):
        return problem.ours(**WILD | changes).fit(problem.X, problem.y)


# ------------------------------------------------------------------------------------------------------ when


def first_step_over_the_limit(problem, rate, baseline):
    """Train scikit-learn's network one minibatch a call, in double precision, and apply the rule in words to its losses.

    Returns the epoch, the step, and the mean loss of the rows that the epoch saw.
    """
    parameters = WILD | {"learning_rate_init": rate}
    batch, n = parameters.pop("batch_size"), len(problem.X)
    model = problem.theirs(**parameters)
    first_call = {} if problem.ours is BPRegressor else {"classes": np.unique(problem.y)}
    still = problem.theirs(**WILD | {"learning_rate_init": 1e-30, "batch_size": n})
    first_loss, step = still.partial_fit(problem.X, problem.y, **first_call).loss_, 0
    for epoch in range(1, 30):
        total = 0.0
        for start in range(0, n, batch):
            rows = slice(start, min(start + batch, n))
            loss = model.partial_fit(problem.X[rows], problem.y[rows], **first_call).loss_
            step += 1
            total += loss * (rows.stop - rows.start)
            if total / n > limit(baseline, first_loss):
                return epoch, step, total / rows.stop
    raise AssertionError("scikit-learn's network did not diverge")


@pytest.mark.parametrize("rate", [0.25, 0.3, 0.6, 3.0])
@pytest.mark.parametrize("task", ["regression", "several outputs"])
def test_noticed_at_the_step_where_the_epoch_cannot_end_well(problems, task, rate):
    problem = problems[task]
    model = diverge(problem, learning_rate_init=rate)
    epoch, step, mean = first_step_over_the_limit(problem, rate, model.verdict_.evidence["baseline"])
    assert (model.verdict_.epoch, model.verdict_.step) == (epoch, step)
    assert model.n_iter_ == epoch == len(model.loss_curve_) == len(model.history_["loss"])
    assert model.loss_ == pytest.approx(mean, rel=1e-3), "the mean of the rows that were seen, not of all rows"


@every_task
def test_the_verdict_carries_its_evidence(problems, task):
    problem = problems[task]
    model = diverge(problem, learning_rate_init=RATES[task])
    verdict = model.verdict_
    assert model.diverged_
    assert verdict.diverged
    assert verdict.status == "diverged"
    assert set(verdict.evidence) == {"loss", "baseline", "ratio", "gradient_norm"}
    assert verdict.evidence["loss"] > EXPLOSION_FACTOR * verdict.evidence["baseline"]
    assert verdict.evidence["ratio"] == verdict.evidence["loss"] / verdict.evidence["baseline"]
    assert verdict.evidence["gradient_norm"] > 0
    assert f"at epoch {verdict.epoch}, step {verdict.step}" in verdict.reason
    assert str(verdict) == f"diverged: {verdict.reason}"


def test_baseline_is_the_dummy_predictors_loss(problems):
    X, y, *_ = problems["regression"]
    model = diverge(problems["regression"], learning_rate_init=1.0)
    half_error = mean_squared_error(y, DummyRegressor().fit(X, y).predict(X)) / 2
    np.testing.assert_allclose(model.verdict_.evidence["baseline"], half_error, rtol=1e-6)

    _, y, *_ = problems["multiclass"]
    model = diverge(problems["multiclass"], learning_rate_init=3e3)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    np.testing.assert_allclose(model.verdict_.evidence["baseline"], log_loss(y, prior), rtol=1e-6)


SYMPTOMS = {
    "exploded loss": (1, {"learning_rate_init": 10.0}, "the loss exploded"),
    "loss not finite": (1e30, {}, "the loss became non-finite"),
    "weights not finite": (1, {"learning_rate_init": 1e39, "batch_size": 120}, "the weights became non-finite"),
}


@pytest.mark.parametrize(("scale", "changes", "symptom"), SYMPTOMS.values(), ids=SYMPTOMS)
def test_every_symptom_is_named(problems, scale, changes, symptom):
    problem = problems["regression"]
    model = diverge(problem._replace(X=problem.X * scale), **changes)
    assert model.verdict_.reason.startswith(symptom)
    assert model.verdict_.epoch == 1


# ------------------------------------------------------------------------------------------------ what then


@every_task
@pytest.mark.parametrize("batch_size", [24, 120])
@pytest.mark.parametrize("more", [1, 1e3, 1e6, 1e12])
def test_the_weights_left_by_a_stopped_fit_are_healthy(problems, task, batch_size, more):
    """The weights after the last healthy epoch were once kept: the step at its end had already thrown them out."""
    problem = problems[task]
    X, y, cls, _ = problem
    model = diverge(problem, learning_rate_init=RATES[task] * more, batch_size=batch_size)
    for values in (*model.coefs_, *model.intercepts_):
        assert np.isfinite(values).all()
    if cls is BPRegressor:
        prediction = model.predict(X)
        assert np.isfinite(prediction).all()
        loss = mean_squared_error(y, prediction) / 2
    else:
        probability = model.predict_proba(X).astype(np.float64)
        assert np.isfinite(probability).all()
        if task == "multilabel":
            right = np.where(y, probability, 1 - probability)
        else:
            right = probability[np.arange(len(y)), y].reshape(-1, 1)
        loss = -np.log(np.maximum(right, 1e-300)).sum(axis=1).mean()
    assert loss < EXPLOSION_FACTOR * model.verdict_.evidence["baseline"]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_raise(problems, method):
    X, y, *_ = problems["regression"]
    model = BPRegressor(**WILD, learning_rate_init=1e3, on_divergence="raise")
    with pytest.raises(DivergenceError, match="BPRegressor diverged: the loss exploded"):
        getattr(model, method)(X, y)
    assert model.diverged_


def test_ignore_trains_on_as_scikit_learn_does(problems):
    X, y, ours, theirs = problems["regression"]
    parameters = WILD | {"learning_rate_init": 0.25, "max_iter": 3}
    model, reference = ours(**parameters, on_divergence="ignore").fit(X, y), theirs(**parameters).fit(X, y)
    assert model.verdict_.status == "ok"
    assert model.loss_curve_[-1] > 100 * model.loss_curve_[0]
    np.testing.assert_allclose(model.loss_curve_, reference.loss_curve_, rtol=1e-3)


def test_ignore_survives_values_that_are_not_finite(problems):
    X, y, *_ = problems["regression"]
    model = BPRegressor(**WILD, learning_rate_init=1e3, on_divergence="ignore", max_iter=20).fit(X, y)
    assert len(model.loss_curve_) == 20
    assert np.isnan(model.loss_curve_[-1])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_warning_points_at_the_callers_line(problems, method):
    X, y, *_ = problems["regression"]
    with pytest.warns(DivergenceWarning) as caught:
        getattr(BPRegressor(**WILD, learning_rate_init=1e3), method)(X, y)
    assert [w.filename for w in caught] == [__file__]


def test_a_diverged_estimator_can_be_fitted_again(problems):
    X, y, *_ = problems["regression"]
    model = diverge(problems["regression"], learning_rate_init=1e3)
    again = model.set_params(learning_rate_init=1e-3).fit(X, y)
    assert not again.diverged_
    fresh = BPRegressor(**WILD, learning_rate_init=1e-3).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), fresh.predict(X))


# ---------------------------------------------------------------------------------------------- no false alarm


HEALTHY = {
    "defaults": ({}, lambda X, y: (X, y)),
    "sgd": ({"solver": "sgd", "learning_rate_init": 0.01}, lambda X, y: (X, y)),
    "row by row": ({"batch_size": 1}, lambda X, y: (X, y)),
    "deep": ({"hidden_layer_sizes": (20,) * 5, "activation": "tanh"}, lambda X, y: (X, y)),
    "strong regularization": ({"alpha": 100.0}, lambda X, y: (X, y)),
    "early stopping": ({"early_stopping": True}, lambda X, y: (X, y)),
    "features unscaled": ({}, lambda X, y: (1e3 * X + 1e4, y)),
}
HEALTHY_TARGETS = {
    "far from zero": ({}, lambda X, y: (X, y + 300)),
    "far from zero, sgd": ({"solver": "sgd", "learning_rate_init": 1e-4}, lambda X, y: (X, y + 300)),
    "far from zero, row by row": ({"batch_size": 1}, lambda X, y: (X, y + 300)),
    "far below zero": ({}, lambda X, y: (X, -1e4 - y)),
    "large": ({}, lambda X, y: (X, 1e6 * y)),
    "large and scaled": ({"scale_target": True}, lambda X, y: (X, 1e9 + 1e6 * y)),
    "small": ({}, lambda X, y: (X, 1e-3 * y)),
    "tiny and scaled": ({"scale_target": True}, lambda X, y: (X, 1e-12 * y)),
    "constant": ({}, lambda X, y: (X, np.full_like(y, 7.0))),
    "zero": ({}, lambda X, y: (X, np.zeros_like(y))),
    "constant and scaled": ({"scale_target": True}, lambda X, y: (X, np.full_like(y, 0.1))),
    "one outlier": ({}, lambda X, y: (X, np.where(np.arange(len(y)) == 60, 1e3, y))),
    "heavy tail": ({}, lambda X, y: (X, np.exp(3 * y))),
}


@every_task
@pytest.mark.parametrize("case", HEALTHY)
def test_healthy_fits_are_not_accused(problems, task, case):
    X, y, cls, _ = problems[task]
    changes, change = HEALTHY[case]
    X, y = change(X, y)
    model = cls(max_iter=30, random_state=0, **changes).fit(X, y)
    assert model.verdict_.status == "ok", model.verdict_
    assert model.verdict_.evidence == {}
    assert model.verdict_.epoch is None


@pytest.mark.parametrize("case", HEALTHY_TARGETS)
def test_targets_of_any_scale_are_not_accused(problems, case):
    X, y, *_ = problems["regression"]
    changes, change = HEALTHY_TARGETS[case]
    X, y = change(X, y)
    model = BPRegressor(max_iter=30, random_state=0, **changes).fit(X, y)
    assert model.verdict_.status == "ok", model.verdict_


@pytest.mark.parametrize("seed", [10, 30, 32])
def test_a_lucky_first_row_does_not_make_the_others_an_explosion(seed):
    """The loss of the first minibatch alone once stood for the start; that of one row may be far below the mean."""
    random = np.random.RandomState(seed)
    X = random.normal(size=(200, 5)) * 1000
    y = X[:, 0] / 1000
    parameters = {"batch_size": 1, "max_iter": 5, "random_state": seed}
    through = BPRegressor(**parameters, on_divergence="ignore").fit(X, y)
    assert through.loss_curve_[-1] < through.loss_curve_[0] / 10, "this fit is healthy: it improves from its start"
    assert BPRegressor(**parameters).fit(X, y).verdict_.status == "ok"


@pytest.mark.parametrize("seed", [2, 6, 17])
def test_learning_row_by_row_is_not_accused(seed):
    """One row's target has no variance, so the baseline of a `partial_fit` was once zero and any loss exceeded it."""
    random = np.random.RandomState(seed)
    X = random.normal(size=(100, 5))
    y = X[:, 0] + 0.1 * random.normal(size=100)
    model = BPRegressor(random_state=seed)
    for row in range(100):
        model.partial_fit(X[row : row + 1], y[row : row + 1])
        assert model.verdict_.status == "ok", model.verdict_


def test_learning_class_by_class_is_not_accused(problems):
    X, y, *_ = problems["multiclass"]
    model = BPClassifier(random_state=0)
    for label in (0, 1, 2) * 5:
        model.partial_fit(X[y == label], y[y == label], classes=[0, 1, 2])
        assert model.verdict_.status == "ok", model.verdict_


@pytest.mark.parametrize("changes", [{"dropout": 0.2}, {"normalization": "batch"}, {"input_noise": 1.0}])
def test_where_training_begins_is_no_explosion(changes):
    """Training may begin far above what the network shows: the loss of the very first step once counted as a rise."""
    for seed in range(30):
        random = np.random.RandomState(seed)
        X, y = 3 * random.normal(size=(8, 5)), random.normal(size=8) / 3
        model = BPRegressor(**changes, learning_rate_init=1e-12, max_iter=3, random_state=seed).fit(X, y)
        assert model.verdict_.status == "ok", (seed, model.verdict_)
